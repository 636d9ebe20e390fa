"""The files of a workspace's jobs as the catalog takes them in: what changed since, and the rows they make."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from typing import Any

from pipeline.catalog.batch import Batch, entries, number, small, text, tree, whole
from pipeline.catalog.logs import Fold, Stage, events, read_lines
from pipeline.catalog.schema import KINDS
from pipeline.errors import IntegrityError
from pipeline.files import remote_stamp
from pipeline.manifest import manifest_path
from pipeline.store import Store

RECORDS = ("job.json", "submission.json", "wish.json")
LOG = "events.jsonl"


@dataclass
class Before:
    """What was taken in of a job so far: its corpus, bytes of its log, the rows of its stages."""

    stamps: str
    corpus: str | None
    events_bytes: int
    stages: list[Stage]


@dataclass(frozen=True)
class Files:
    """A job's files as they are listed. stamps: tells changed records from unchanged ones; events_bytes: of the log."""

    stamps: str
    events_bytes: int


def table_id(path: str) -> int:
    """64 bits that name a table in the catalog: the same in every catalog of a workspace."""
    return int.from_bytes(hashlib.sha256(path.encode()).digest()[:8], "big")


def list_jobs(store: Store, job_id: str | None = None) -> dict[str, Files]:
    """Every job there is (or the one), by id, without reading any."""
    found = _remote_files(store, job_id) if store.remote else _local_files(store, job_id)
    told = {}
    for job, files in found.items():
        stamps = {name: stamp for name, (stamp, _) in files.items() if name != LOG}
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
    """Add to the batch what a job's files say beyond what was taken in before."""
    record, submission, wish = (_read(store, f"{Store.job(job_id)}/{name}") for name in RECORDS)
    corpus = text(record.get("corpus")) or text(submission.get("corpus"))
    if before is not None and (files.events_bytes < before.events_bytes or corpus != before.corpus):
        batch.jobs_gone.add(job_id)  # its log is another one, or what it says is of other tables
        before = None
    fold, events_bytes = Fold(job_id, before.stages if before else []), before.events_bytes if before else 0
    for lines, end in read_lines(store, f"{Store.job(job_id)}/{LOG}", events_bytes):
        for at, event in events(lines, end):
            fold.take(at, event)
        events_bytes = end
    batch.jobs_changed.add(job_id)
    batch.rows["units"] += fold.units
    batch.rows["stages"] += [tuple(stage.values()) for stage in fold.stages]
    batch.rows["job_tables"] += _tables(job_id, corpus, record, fold.stages)
    batch.rows["jobs"].append(_row(job_id, record, submission, wish, corpus, files.stamps, events_bytes))


def _read(store: Store, path: str) -> dict[str, Any]:
    """A record, or nothing where there is none or it cannot be read: the other files of the job still count."""
    try:
        found = store.read_json(path)
    except (FileNotFoundError, IntegrityError):
        return {}
    return found if isinstance(found, dict) else {}


def _row(
    job_id: str,
    record: dict[str, Any],
    submission: dict[str, Any],
    wish: dict[str, Any],
    corpus: str | None,
    stamps: str,
    events_bytes: int,
) -> tuple[Any, ...]:
    both = submission | {k: v for k, v in record.items() if v is not None}
    recipe = submission.get("recipe")
    name = text(record.get("name")) or (text(recipe.get("name")) if isinstance(recipe, dict) else None)
    labels = both.get("labels")
    warnings = both.get("warnings")
    return (
        job_id, name, text(record.get("state")) or "queued", text(both.get("reason_code")) or text(both.get("code")),
        text(both.get("message")), text(both.get("created_at")), text(both.get("at")),
        text(both.get("since")) or text(both.get("at")), number(both.get("seconds")), corpus, text(both.get("output")),
        whole(both.get("rows")), text(both.get("recipe_digest")), text(both.get("error")),
        [w for w in warnings if isinstance(w, str)] if isinstance(warnings, list) else [], tree(both.get("funnel", {})),
        text(both.get("owner")),
        [(k, str(v)) for k, v in sorted(labels.items())] if isinstance(labels, dict) else entries({}),
        text(both.get("retry_of")), text(wish.get("want")), bool(submission), small(both.get("attempt")),
        tree(both.get("scorers", {})), stamps, events_bytes,
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
