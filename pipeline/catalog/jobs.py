"""The files of a workspace's jobs as the catalog takes them in: what changed since, and the rows they make."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass
from typing import Any

from pipeline.catalog.batch import Batch, tree
from pipeline.catalog.logs import Fold, Stage
from pipeline.catalog.schema import KINDS
from pipeline.catalog.tables import table_id
from pipeline.control.events import read_events
from pipeline.control.state import job_state
from pipeline.errors import IntegrityError, JobMissing
from pipeline.storage.files import remote_stamp
from pipeline.storage.manifest import manifest_path
from pipeline.storage.store import Store

RECORDS = ("job.json", "submission.json", "wish.json")
LOG = "events.jsonl"
EVENTS_AT_ONCE = 10_000

log = logging.getLogger(__name__)


@dataclass
class Before:
    """What was taken in of a job so far: its corpus, bytes of its log, the rows of its stages."""

    corpus: str | None
    events_bytes: int
    stages: list[Stage]


@dataclass(frozen=True)
class Files:
    """A job's files as they are listed. stamps: tells changed ones from unchanged; events_bytes: of the log."""

    stamps: str
    events_bytes: int


def list_jobs(store: Store, job_id: str | None = None) -> dict[str, Files]:
    """Every job there is (or the one), by id, without reading any."""
    found = _remote_files(store, job_id) if store.remote else _local_files(store, job_id)
    told = {}
    for job, files in found.items():
        stamps = {name: str(size) if name == LOG else stamp for name, (stamp, size) in files.items()}
        if "job.json" in stamps or "submission.json" in stamps:
            told[job] = Files(json.dumps(stamps, sort_keys=True), files.get(LOG, ("", 0))[1])
    return told


def _local_files(store: Store, job_id: str | None) -> dict[str, dict[str, tuple[str, int]]]:
    found: dict[str, dict[str, tuple[str, int]]] = {}
    for job in [job_id] if job_id is not None else store.names("jobs"):
        files = found.setdefault(job, {})
        for name in (*RECORDS, LOG):
            try:
                told = os.stat(store.full(f"{Store.job(job)}/{name}"))
            except (FileNotFoundError, NotADirectoryError):
                continue
            # replaced files have other inodes: two within one tick of the clock may be equal in size and time
            files[name] = (f"{told.st_size}-{told.st_mtime_ns}-{told.st_ino}", told.st_size)
    return found


def _remote_files(store: Store, job_id: str | None) -> dict[str, dict[str, tuple[str, int]]]:
    """By one listing: a question for each file of each job would take minutes."""
    found: dict[str, dict[str, tuple[str, int]]] = {}
    try:
        listed: dict[str, dict[str, Any]] = store.fs.find(
            store.full("jobs" if job_id is None else Store.job(job_id)), detail=True
        )
    except FileNotFoundError:
        return found
    for path, told in listed.items():
        folder, _, name = path.rpartition("/")
        parent, _, job = folder.rpartition("/")
        if parent.endswith("/jobs") and name in (*RECORDS, LOG):
            found.setdefault(job, {})[name] = (remote_stamp(told), int(told.get("size") or 0))
    return found


def take_job(store: Store, job_id: str, files: Files, before: Before | None, batch: Batch) -> None:
    """Add to the batch what a job's files say beyond what was taken in before. A job whose records cannot be read, or
    are gone meanwhile, is not there."""
    try:
        record = job_state(store, job_id)
    except (JobMissing, IntegrityError, OSError) as error:
        log.info("job %s is left out of the catalog: %s", job_id, error)
        batch.jobs_gone.add(job_id)
        return
    corpus = record["corpus"]
    if before is not None and (files.events_bytes < before.events_bytes or corpus != before.corpus):
        batch.jobs_gone.add(job_id)  # its log is another one, or what it says is of other tables
        before = None
    fold, events_bytes = Fold(job_id, before.stages if before else []), before.events_bytes if before else 0
    while True:
        events, behind = read_events(store, job_id, events_bytes, EVENTS_AT_ONCE)
        if behind == events_bytes:
            break
        for event in events:
            fold.take(event)
        events_bytes = behind
    batch.jobs_changed.add(job_id)
    batch.rows["units"] += fold.units
    batch.rows["stages"] += [tuple(stage.values()) for stage in fold.stages]
    batch.rows["job_tables"] += _tables(job_id, corpus, record, fold.stages)
    batch.rows["jobs"].append((*_row(record), files.stamps, events_bytes))


def _row(record: dict[str, Any]) -> tuple[Any, ...]:
    """A job's record in the order of the table's columns."""
    get, warnings, labels = record.get, record.get("warnings"), record.get("labels")
    return (
        get("id"), get("name"), get("state"), get("reason_code"), get("message"),
        get("created_at"), get("since"), get("attempt"), get("attempts_failed"),
        get("wanted"), get("recipe_digest"), get("corpus"), get("output"), get("rows"),
        tree(get("funnel")), get("seconds"), tree(get("tables")), tree(get("scorers")),
        [w for w in warnings if isinstance(w, str)] if isinstance(warnings, list) else [], get("owner"),
        [(k, str(v)) for k, v in sorted(labels.items())] if isinstance(labels, dict) else [],
        get("retry_of"), bool(get("supervised")),
    )  # fmt: skip


def _tables(job: str, corpus: str | None, record: dict[str, Any], stages: list[Stage]) -> list[tuple[Any, ...]]:
    """Tables that a job made or stands on: by its log while it runs, by its record in the end."""
    found = [(s["stage"], s["table_key"]) for s in stages if s["state"] in ("finished", "reused")]
    told = record.get("tables")
    if isinstance(told, dict):
        found += [(kind, key) for kind, keys in told.items() if isinstance(keys, list) for key in keys]
    kept = [(k, key) for k, key in dict.fromkeys(found) if k in KINDS and isinstance(key, str) and corpus]
    kept.sort(key=lambda one: KINDS.index(one[0]))
    paths = [manifest_path(str(corpus), kind, key) for kind, key in kept]
    return [(job, n, kind, key, table_id(paths[n]), paths[n]) for n, (kind, key) in enumerate(kept)]
