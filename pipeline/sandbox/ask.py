"""A question in SQL to a workspace, from somebody who may be hostile."""

from __future__ import annotations

import threading

from pipeline.errors import SqlTooLarge
from pipeline.sandbox.gate import SQL_BYTES_MAX
from pipeline.sandbox.limits import Answer, Format, Limits
from pipeline.sandbox.process import Spares, put, start
from pipeline.storage.store import Store


def ask(
    store: Store,
    sql: str,
    job: str | None = None,
    format: Format = "arrow",
    limits: Limits | None = None,
    *,
    spares: Spares | None = None,
    snapshot: str | None = None,
    given_up: threading.Event | None = None,
) -> Answer:
    """Answer one query over the views of a job (else of the latest), in a process of its own that is ended afterwards.

    snapshot: path of a DuckDB file whose tables are published, too, and stand for views of the same name; it is opened
    read-only and must not be written meanwhile. What is asked of these alone needs no job. given_up: once it is set, the
    question is ended with SqlAbandoned. Raises SqlRefused, SqlTooLarge, SqlTimeout, SqlOutOfMemory, SqlError, and
    UsageError where there is no such job.
    """
    if len(sql) > SQL_BYTES_MAX:
        raise SqlTooLarge(f"the statement is over {SQL_BYTES_MAX:,} bytes; ask in smaller pieces")
    process = spares.take() if spares is not None else start(store.remote)
    question = {"store": store.root, "sql": sql, "job": job, "format": format, "snapshot": snapshot}
    return put(process, question, limits or Limits(), given_up)
