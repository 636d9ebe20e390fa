"""A job opened for questions: its record, its committed tables, its recipe, and the views over them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from pipeline.catalog.chosen import JobRecord, Tables, tables_of
from pipeline.catalog.views import view_tables
from pipeline.errors import JobMissing, NotReadyYet, UsageError
from pipeline.recipe import Recipe
from pipeline.recipe_file import validate
from pipeline.sql.engine import connect
from pipeline.storage.manifest import Manifest
from pipeline.storage.records import JOB_SHAPES, find_record, read_record
from pipeline.storage.store import Store
from pipeline.takedown.records import folder as folder_of_takedowns
from pipeline.takedown.tombstones import Tombstones, tombstones_of

ENDED = ("completed", "completed_with_quarantine", "failed", "cancelled")
JOB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")


@dataclass(frozen=True)
class OpenJob:
    """key: another where the job has got on since, or documents were taken down."""

    store: Store
    job: JobRecord
    key: str
    threads: int
    memory_bytes: int

    @cached_property
    def tables(self) -> Tables:
        try:
            return tables_of(self.store, self.job)
        except UsageError as error:
            raise NotReadyYet(str(error)) from None

    @cached_property
    def recipe(self) -> Recipe:
        """As it ran."""
        return validate(read_record(self.store, f"{Store.job(self.job.id)}/recipe.json"), f"job {self.job.id}")

    @cached_property
    def catalog(self) -> duckdb.DuckDBPyConnection:
        """The views of docs/sql.md over this job's tables, without those over the workspace's logs."""
        made = connect(self.threads)
        made.execute(f"set memory_limit='{self.memory_bytes}B'; set temp_directory=''")
        if self.store.remote:
            made.register_filesystem(self.store.fs)
        view_tables(made, self.store, self.tables)
        return made

    @cached_property
    def tombstones(self) -> Tombstones:
        """All takedowns of its corpus, later ones too."""
        return tombstones_of(self.store, self.tables.text.corpus)

    @property
    def decided(self) -> tuple[Manifest, Manifest]:
        """(verdict, mix). Raises NotReadyYet before the job has come so far."""
        verdict, mix = self.tables.verdict, self.tables.mix
        if verdict is None or mix is None:
            state = str(self.job.record.get("state"))
            if state in ENDED:
                raise NotReadyYet(f"job {self.job.id} is {state} and decided about no documents; name another job")
            raise NotReadyYet(
                f"job {self.job.id} has not decided about its documents yet (state: {state}); ask again when it has come to `mix`"
            )
        return verdict, mix

    @cached_property
    def copies(self) -> npt.NDArray[np.int64]:
        """Global rows that deduplication removed, rising."""
        dedup, offsets = self.tables.dedup, self.tables.text.row_offsets()
        if dedup is None:
            return np.zeros(0, np.int64)
        found = self.store.read_table(dedup.parts[0].path, columns=["shard", "row", "keep"])
        rows = offsets[found.column("shard").to_numpy()] + found.column("row").to_numpy()
        return np.sort(rows[~found.column("keep").to_numpy()])

    def scorers(self) -> dict[str, dict[str, Any]]:
        """What the notes say of each scorer of this job, by alias: scorer, version, parameters, columns, fingerprint."""
        pairs = zip(self.tables.notes, self.tables.aliases, strict=True)
        return {a: notes.parameters["scorers"][a] for notes, aliases in pairs for a in aliases}


def open_job(store: Store, job_id: str, threads: int, memory_bytes: int) -> OpenJob:
    """The job of exactly this id. Raises JobMissing; NotReadyYet where it waits for its turn."""
    folder = Store.job(job_id)
    if not JOB_ID.fullmatch(job_id) or not store.exists(f"{folder}/job.json"):
        if JOB_ID.fullmatch(job_id) and store.exists(f"{folder}/submission.json"):
            raise NotReadyYet(f"job {job_id} has not started yet; ask again when it has")
        raise JobMissing(f"no job {job_id[:100]!r} in this workspace; GET /v1/jobs lists them")
    record = find_record(store, f"{folder}/job.json", JOB_SHAPES) or {}
    takedowns = store.names(folder_of_takedowns(str(record.get("corpus"))))
    key = json.dumps([job_id, *(record.get(k) for k in ("tables", "state", "scorers")), takedowns], sort_keys=True)
    return OpenJob(store, JobRecord(job_id, record, ()), key, threads, memory_bytes)
