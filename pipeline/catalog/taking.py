"""Taking in what the files of a workspace say, from where the catalog stands: its content is theirs and nothing else.

Each step is a transaction, and what is left after a crash between two is found again from the files: the bytes of a log
that were taken in are remembered in the row of its job, in the transaction of the rows they made.
"""

from __future__ import annotations

import duckdb

from pipeline.catalog.batch import Batch
from pipeline.catalog.jobs import Before, list_jobs, take_job
from pipeline.catalog.tables import manifest_stamp, take_table
from pipeline.catalog.writing import apply, remove_tables
from pipeline.sql.engine import rows_as_dicts
from pipeline.storage.store import Store

BATCH_ROWS = 400_000
"""Rows a transaction writes at once while much is taken in."""


def take_in(connection: duckdb.DuckDBPyConnection, store: Store, job_id: str | None = None) -> bool:
    """Bring the catalog to what the files say, of all jobs or of one. Returns whether anything changed."""
    jobs = _take_jobs(connection, store, job_id)
    tables = _take_tables(connection, store, job_id)
    return jobs or tables


def is_taken_in(connection: duckdb.DuckDBPyConnection, store: Store, job_id: str) -> bool:
    """Whether what the catalog has of a job is what its files say now; of its tables nothing is asked."""
    known = rows_as_dicts(connection, "select stamps from base.jobs where id = ?", [job_id])
    there = list_jobs(store, job_id).get(job_id)
    return there is not None and [row["stamps"] for row in known] == [there.stamps]


def _take_jobs(connection: duckdb.DuckDBPyConnection, store: Store, job_id: str | None) -> bool:
    where, parameters = ("where id = ?", [job_id]) if job_id is not None else ("", [])
    sql = f"select id, stamps, corpus, events_bytes from base.jobs {where}"
    known = {j["id"]: j for j in rows_as_dicts(connection, sql, parameters)}
    there = list_jobs(store, job_id)
    batch = Batch(jobs_gone=known.keys() - there.keys())
    changed = bool(batch.jobs_gone)
    for job, files in there.items():
        told = known.get(job)
        if told is not None and told["stamps"] == files.stamps:
            continue
        before = Before(told["corpus"], told["events_bytes"], []) if told else None
        if before is not None:
            before.stages = rows_as_dicts(connection, "from base.stages where job = ? order by number", [job])
        take_job(store, job, files, before, batch)
        changed = True
        if len(batch) > BATCH_ROWS:
            _commit(connection, batch)
            batch = Batch()
    _commit(connection, batch)
    return changed


def _take_tables(connection: duckdb.DuckDBPyConnection, store: Store, job_id: str | None) -> bool:
    """Tables that jobs name: those that came, went or were made anew since. In a bucket one that is known is asked
    about only by name of its job: each question takes as long as reading it."""
    where, parameters = ("where job = ?", [job_id]) if job_id is not None else ("", [])
    named = rows_as_dicts(
        connection,
        f"select path, min(job) as job, min(number) as number from base.job_tables {where} group by path order by job, number",
        parameters,
    )
    known = {t["path"]: t for t in rows_as_dicts(connection, "select path, stamp, table_id from base.tables")}
    trusted = known.keys() if store.remote and job_id is None else frozenset()
    orphans = rows_as_dicts(connection, "select path, table_id from base.tables anti join base.job_tables using (path)")
    gone = [t["table_id"] for t in orphans]
    batch, changed = Batch(), bool(gone)
    for path in (one["path"] for one in named if one["path"] not in trusted):
        stamp = manifest_stamp(store, path)
        if path in known and known[path]["stamp"] != stamp:
            gone.append(known[path]["table_id"])
        if stamp is not None and (path not in known or known[path]["stamp"] != stamp):
            take_table(store, path, stamp, batch)
        if len(batch) > BATCH_ROWS:
            _commit(connection, batch, gone)
            batch, gone, changed = Batch(), [], True
    changed |= bool(gone) or len(batch) > 0
    _commit(connection, batch, gone)
    return changed


def _commit(connection: duckdb.DuckDBPyConnection, batch: Batch, tables_gone: list[int] | None = None) -> None:
    if not (len(batch) or batch.jobs_gone or batch.jobs_changed or tables_gone):
        return
    connection.execute("begin")
    try:
        if tables_gone:
            remove_tables(connection, tables_gone)
        apply(connection, batch)
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise
