"""One question in a process of its own: python -m pipeline.sandbox.child. A line of JSON comes in on standard input, a
line of JSON and the answer's bytes go out, and the process ends. What it says besides goes nowhere.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict
from typing import Any

import duckdb
import pyarrow as pa

from pipeline.errors import SqlError, SqlOutOfMemory, SqlTooLarge, WinnowError
from pipeline.sandbox import gate
from pipeline.sandbox.confine import confine, end_after
from pipeline.sandbox.engine import Opened, close, open_job
from pipeline.sandbox.limits import Answer, Format, Limits
from pipeline.sql.encode import encoded
from pipeline.storage.store import Store

BATCH_ROWS = 1024
COLUMNS_MAX = 2_000


def main() -> None:
    """Take the question, answer it. Never raises: a failure is an answer, too."""
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    _warm()
    line = sys.stdin.readline()
    if not line:
        return  # whoever held this process ready is gone
    question = json.loads(line)
    try:
        answer = _answer(question)
        head, body = asdict(answer) | {"body": len(answer.body)}, answer.body
    except WinnowError as error:
        head, body = {"code": error.code, "error": str(error).replace(question["store"], "<workspace>")}, b""
    except MemoryError:
        head, body = (
            {"code": SqlOutOfMemory.code, "error": "the answer does not fit into the memory of its process"},
            b"",
        )
    except Exception as error:  # the border of the process: the type says what to look for, its words might hold data
        head, body = (
            {"code": SqlError.code, "error": f"the engine failed ({type(error).__name__}); ask it another way"},
            b"",
        )
    answers.write(json.dumps(head).encode() + b"\n" + body)
    answers.flush()
    os._exit(0)


def _warm() -> None:
    """Load what a question needs, before the process can read no more modules."""
    gate.check("with t as (select 1) select abs(1) from t", ())
    small = pa.table({"n": [1], "s": ["a"], "l": [[1]]})
    for kind in ("arrow", "csv", "json", "parquet"):
        encoded(small, kind)


def _answer(question: dict[str, Any]) -> Answer:
    limits = Limits(**question["limits"])
    end_after(limits.seconds)
    store = Store(question["store"])
    opened = open_job(store, question["job"], question["snapshot"], question["sql"])
    confine(opened.files, limits, store.remote)
    close(opened, limits)
    gate.check(question["sql"], opened.tables)  # within the limits, too: so far nothing has looked at the statement
    try:
        return _run(opened, question["sql"], question["format"], limits)
    except (
        duckdb.Error,
        OSError,
        RuntimeError,
    ) as error:  # what comes up while rows are read, Arrow hands on as OSError
        raise _told(str(error), store, limits) from None
    except (pa.ArrowException, ValueError, OverflowError) as error:
        raise SqlError(f"the answer cannot be written as {question['format']}: {error}; cast it: x::varchar") from None


def _told(said: str, store: Store, limits: Limits) -> SqlError:
    """DuckDB's words, without its stack and the place of the workspace on this machine."""
    if said.startswith("Out of Memory"):
        return SqlOutOfMemory(
            f"the statement needs more than {limits.memory_bytes >> 20:,} MiB; ask for fewer columns, groups or rows at once"
        )
    return SqlError(said.partition("\n\nStack")[0].replace(store.root, "<workspace>"))


def _run(opened: Opened, sql: str, format_: Format, limits: Limits) -> Answer:
    start = time.monotonic()
    found = opened.connection.sql(sql)
    columns = tuple(zip(_unique(found.columns), map(str, found.types), strict=True))
    if len(columns) > COLUMNS_MAX:
        raise SqlTooLarge(f"the answer has {len(columns):,} columns, {COLUMNS_MAX:,} is the most; name those you want")
    table, reason = _first_rows(found.to_arrow_reader(BATCH_ROWS), limits)
    table = table.rename_columns([name for name, _ in columns])
    seconds = time.monotonic() - start
    body = encoded(table, format_)
    while len(body) > limits.answer_bytes:
        fewer = min(table.num_rows - 1, int(table.num_rows * limits.answer_bytes / len(body) * 0.95))
        if fewer < 1:
            raise SqlTooLarge(
                f"one row of the answer is over {limits.answer_bytes:,} bytes; shorten it, as in left(x, 1000)"
            )
        table, reason = table.slice(0, fewer), f"{limits.answer_bytes:,} bytes"
        body = encoded(table, format_)
    rows = table.num_rows
    said = f"these are the first {rows:,} rows: an answer has at most {reason}" if reason else ""
    return Answer(columns, format_, body, rows, bool(reason), said, round(seconds, 6))


def _first_rows(reader: pa.RecordBatchReader, limits: Limits) -> tuple[pa.Table, str]:
    """Rows up to the limits, and which of them cut the answer."""
    taken: list[pa.RecordBatch] = []
    rows = size = 0
    reason = ""
    for batch in reader:
        if rows + batch.num_rows > limits.rows:
            batch, reason = batch.slice(0, limits.rows - rows), f"{limits.rows:,} rows"
        taken.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if not reason and size > 2 * limits.answer_bytes:  # encoded it may be smaller; it is cut to size there
            reason = f"{limits.answer_bytes:,} bytes"
        if reason:
            break
    return pa.Table.from_batches(taken, reader.schema), reason


def _unique(names: list[str]) -> list[str]:
    """Names as DuckDB makes them unique in a subquery: a, a_1, a_2."""
    seen: dict[str, int] = {}
    made = []
    for name in names:
        while name in seen:
            seen[name] += 1
            name = f"{name}_{seen[name]}"
        seen[name] = 0
        made.append(name)
    return made


if __name__ == "__main__":
    main()
