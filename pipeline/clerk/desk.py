"""What a clerk works with: the workspace, its share of the machine, and what it keeps between questions."""

from __future__ import annotations

from functools import cached_property

import duckdb
import pyarrow as pa

from pipeline.clerk.cache import Cache
from pipeline.clerk.job import OpenJob, open_job
from pipeline.sql.engine import connect
from pipeline.storage.store import Store

CACHED_FRAC = 0.4
ENGINE_FRAC = 0.4
"""Of the memory of a clerk: what it keeps, and what an engine may take; the rest is for what is at hand."""
JOBS_KEPT = 4


class Desk:
    """threads, memory_bytes: what one question may take."""

    def __init__(self, store: Store, threads: int, memory_bytes: int) -> None:
        self.store = store
        self.threads = threads
        self.memory_bytes = memory_bytes
        self.cache = Cache(int(CACHED_FRAC * memory_bytes))
        self._jobs = Cache(JOBS_KEPT)
        pa.set_cpu_count(threads)

    def job(self, job_id: str) -> OpenJob:
        """A job as it is now. Raises JobMissing, NotReadyYet."""
        opened = open_job(self.store, job_id, self.threads, int(ENGINE_FRAC * self.memory_bytes))
        # a job that goes on has other tables the next time: it is then another key
        found: OpenJob = self._jobs.get(opened.key, lambda: opened, lambda _: 1)
        return found

    @cached_property
    def engine(self) -> duckdb.DuckDBPyConnection:
        """For SQL over arrays at hand; it can open nothing."""
        made = connect(self.threads)
        made.execute(f"set memory_limit='{int(ENGINE_FRAC * self.memory_bytes)}B'; set temp_directory=''")
        made.execute("set enable_external_access=false; set lock_configuration=true")
        return made
