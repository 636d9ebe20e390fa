"""The catalog: SQL views over a workspace's manifests, tables and job logs. A cache in memory, made anew each time."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from pipeline.catalog.chosen import JobRecord, Tables, choose_job, every_table, sound_jobs, tables_of
from pipeline.catalog.described import TABLES
from pipeline.catalog.removed_cuts import view_cuts
from pipeline.errors import IntegrityError, StorageError
from pipeline.rules import quoted
from pipeline.schema import DEDUP_TABLE, VERDICT_TABLE, TableColumn, arrow_schema
from pipeline.sql.engine import again, connect
from pipeline.storage.files import said_of_storage
from pipeline.storage.manifest import Manifest
from pipeline.storage.store import Store
from pipeline.takedown.hiding import hide_in_views
from pipeline.takedown.records import every_takedown, undos
from pipeline.takedown.tombstones import tombstones_of
from pipeline.totals.buckets import BUCKETS

VIEWS = {
    "documents": "every row of the input: provenance, one struct per scorer, and what became of it (copies, stage, reason)",
    "verdicts": "per document: kept, and every rule it failed with value and bound",
    "duplicates": "members of duplicate clusters: keeper, Jaccard, method, cluster size",
    "banding": "ways to cut signatures into bands that a budget was held against, with forecast; the one that was chosen",
    "s_curve": "by Jaccard: candidate pairs found, the share that should be and was, pairs missed",
    "guards": "what deduplication would do, held against the budgets of dedup.guard: value, budget, broken",
    "removed_lines": "lines that line deduplication took out of documents, and where the first one lies",
    "removed_substrings": "passages that substring deduplication took out of documents, and another place where each lies",
    "takedowns": "requests by which documents of the corpus were taken down: who asked, when, why, how many; and who undid one",
    "quarantine": "rows and files that could not be taken in, with the reason",
    "shards": "per table and part: rows, bytes, seconds, MB/s, attempts, digest",
    "stages": "per job and stage: units, rows, bytes, seconds",
    "jobs": "every job of the workspace: state, recipe, rows, warnings",
    "scorers": "the scorers behind the notes: parameters, version, fingerprint",
    "columns": "every column there is: type, unit, meaning",
}

JOB_FIELDS = (
    "id",
    "name",
    "state",
    "created_at",
    "at",
    "seconds",
    "corpus",
    "output",
    "rows",
    "recipe_digest",
    "error",
)
OVER_ALL_JOBS = frozenset({"shards", "stages", "jobs"})
"""Views of these that are made from logs and manifests."""


def open_catalog(store: Store, job_id: str | None = None, threads: int | None = None) -> duckdb.DuckDBPyConnection:
    """An engine with the views over one job's tables, and over all jobs."""
    connection = connect(threads)
    if store.remote:
        connection.register_filesystem(store.fs)
    job = choose_job(store, job_id)
    view_tables(connection, store, tables_of(store, job))
    view_logs(connection, list(sound_jobs(store)), every_table(store, job))
    return connection


def view_tables(
    connection: duckdb.DuckDBPyConnection, store: Store, tables: Tables, hide_taken_down: bool = True
) -> None:
    """The views over one job's tables alone: all of VIEWS but shards, stages and jobs. What is taken down is hidden in them,
    unless the asker is to find it: one who takes down, whose views are without `takedowns`, of which some may be damaged and are
    to be given again."""
    with _readable(store):
        _make_rows(connection, store, tables)
        _view_duplicates(connection, store, tables)
        view_cuts(connection, store, "removed_lines", tables.cuts)
        view_cuts(connection, store, "removed_substrings", tables.substring_cuts)
    if hide_taken_down:
        hide_in_views(connection, tombstones_of(store, tables.text.corpus))
        _view_takedowns(connection, store, tables.text.corpus)
    _view_documents(connection, tables)
    _view_verdicts(connection, tables)
    _view_columns(connection, tables)


@contextlib.contextmanager
def _readable(store: Store) -> Iterator[None]:
    """Raise IntegrityError, with what to do, where a file of a table is gone or none; StorageError where it may not be read."""
    try:
        yield
    except (duckdb.OutOfMemoryException, duckdb.InterruptException):
        raise
    except duckdb.Error as error:
        if (storage := said_of_storage(error)) is not None:  # nothing is wrong with the file
            raise StorageError(f"workspace {store.root}: {storage}, then ask again") from error
        # the engine quotes the statement, with every path; a driver's words stand at the end of its traceback
        told = str(error).partition("\n\nLINE ")[0].strip().rpartition("\n")[2]
        raise IntegrityError(
            f"workspace {store.root}: a file of this job's tables cannot be read ({told}). Unless the storage itself failed, set it aside "
            f"with: winnow verify --repair --workspace {store.root}, then run the job's recipe again: only that file is made anew"
        ) from error


def _make_rows(connection: duckdb.DuckDBPyConnection, store: Store, tables: Tables) -> None:
    """Views text_rows, notes_rows_<n>, mix_rows with (shard, row) in each."""
    first: dict[str, int] = {}
    mapping = []
    for i, shard in enumerate(tables.text.shards):
        path = store.full(shard.ids.path)
        mapping.append({"path": path, "shard": i, "first_row": first.get(path, 0), "rows": shard.rows})
        first[path] = first.get(path, 0) + shard.rows
    _rows_view(connection, "text_rows", mapping, exclude=("text",) if _has_text(tables) else ())
    for n, (notes, aliases) in enumerate(zip(tables.notes, tables.aliases, strict=True)):
        others = (a for a in notes.parameters["scorers"] if a not in aliases)
        _rows_view(connection, f"notes_rows_{n}", _one_per_shard(store, notes), exclude=("doc_id", *others))
    for name, table in (("mix_rows", tables.mix), ("verdict_rows", tables.verdict)):
        if table is not None:
            _rows_view(connection, name, _one_per_shard(store, table))


def _has_text(tables: Tables) -> bool:
    return any(s.converted for s in tables.text.shards)


def _one_per_shard(store: Store, table: Manifest) -> list[dict[str, Any]]:
    return [{"path": store.full(p.path), "shard": i, "first_row": 0, "rows": p.rows} for i, p in enumerate(table.parts)]


def _rows_view(
    connection: duckdb.DuckDBPyConnection, name: str, mapping: Sequence[dict[str, Any]], exclude: Sequence[str] = ()
) -> None:
    columns = {"path": pa.string(), "shard": pa.int32(), "first_row": pa.int64(), "rows": pa.int64()}
    connection.register("mapping", pa.Table.from_pylist(list(mapping), schema=pa.schema(list(columns.items()))))
    connection.execute(f"create table {name}_parts as select * from mapping")
    connection.unregister("mapping")
    files = ", ".join(quoted(p) for p in dict.fromkeys(m["path"] for m in mapping))
    left_out = ", ".join(["filename", "file_row_number", *exclude])
    view = (
        f"create view {name} as select m.shard, p.file_row_number - m.first_row as row, p.* exclude ({left_out}) "
        f"from read_parquet([{files}], filename=true, file_row_number=true, union_by_name=true) p "
        f"join {name}_parts m on p.filename = m.path and p.file_row_number >= m.first_row and p.file_row_number < m.first_row + m.rows"
    )
    again(lambda: connection.execute(view))


def _view_documents(connection: duckdb.DuckDBPyConnection, tables: Tables) -> None:
    notes = "".join(f" left join notes_rows_{n} using (shard, row)" for n in range(len(tables.notes)))
    mix = " left join (select shard, row, copies, stage, reason from mix_rows) using (shard, row)" if tables.mix else ""
    if tables.verdict and "cuts" in tables.verdict.details:
        notes += f" left join (select shard, row, {BUCKETS} from verdict_rows) using (shard, row)"
    connection.execute(f"create view documents as select * from text_rows{notes}{mix}")
    connection.execute(
        "create view quarantine as select doc_id, quarantine as reason, quarantine_detail as detail, file_path, file_row "
        "from text_rows where quarantine is not null union all by name "
        f"select null as doc_id, reason, detail, file_path, null as file_row from ({_files_in_quarantine(tables.text)})"
    )


def _files_in_quarantine(text: Manifest) -> str:
    files = text.details.get("quarantined_files", [])
    rows = [
        f"select {quoted(str(f['path']))} as file_path, {quoted(str(f['reason']))} as reason, {quoted(str(f.get('detail', '')))} as detail"
        for f in files
    ]
    return (
        " union all ".join(rows)
        or "select null::varchar as file_path, null::varchar as reason, null::varchar as detail where false"
    )


def _empty(connection: duckdb.DuckDBPyConnection, name: str, columns: Sequence[TableColumn]) -> None:
    connection.register("nothing", arrow_schema(tuple(columns)).empty_table())
    connection.execute(f"create table {name} as select * from nothing")
    connection.unregister("nothing")


def _view_verdicts(connection: duckdb.DuckDBPyConnection, tables: Tables) -> None:
    if tables.verdict is not None:
        connection.execute(
            "create view verdicts as select *, list_transform(failed, lambda f: f.rule) as rules from verdict_rows"
        )
    else:
        _empty(connection, "verdicts", VERDICT_TABLE)


def _view_duplicates(connection: duckdb.DuckDBPyConnection, store: Store, tables: Tables) -> None:
    if tables.dedup is not None:
        connection.execute(
            f"create view duplicates as select * from read_parquet({quoted(store.full(tables.dedup.parts[0].path))})"
        )
    else:
        _empty(connection, "duplicates", DEDUP_TABLE)
    for name, table in tables.small.items():
        if table is not None:
            path = quoted(store.full(table.parts[0].path))
            connection.execute(f"create view {name} as select * from read_parquet({path})")
        else:
            _empty(connection, name, TABLES[name])


def view_logs(connection: duckdb.DuckDBPyConnection, told: Sequence[JobRecord], made: Sequence[Manifest]) -> None:
    """The views over jobs' records and logs (jobs, stages), and over the parts of the tables given (shards)."""
    records = [
        {k: j.record.get(k) for k in JOB_FIELDS}
        | {"warnings": [str(w) for w in j.record.get("warnings", [])], "funnel": json.dumps(j.record.get("funnel", {}))}
        for j in told
    ]
    text = pa.string()
    _table(connection, "jobs", records, {
        "id": text, "name": text, "state": text, "created_at": text, "at": text, "seconds": pa.float64(), "corpus": text, "output": text,
        "rows": pa.int64(), "recipe_digest": text, "error": text, "warnings": pa.list_(text), "funnel": text,
    })  # fmt: skip
    events = [{"job": j.id, **e} for j in told for e in j.events]
    _table(connection, "stages", [e | {"counts": json.dumps(e.get("counts", {}))} for e in events if e["verb"] in ("stage_finished", "stage_reused")], {
        "job": text, "stage": text, "table": text, "verb": text, "rows": pa.int64(), "bytes": pa.int64(), "seconds": pa.float64(), "counts": text,
    })  # fmt: skip
    attempts = {e["part"]: e for e in events if e["verb"] == "unit_done"}
    parts = [
        {"table_key": m.key, "stage": m.kind, "part": p.key, "path": p.path, "rows": p.rows, "bytes": p.bytes, "sha256": p.sha256,
         "counts": json.dumps(p.counts), **{k: attempts.get(p.key, {}).get(k) for k in ("seconds", "mb_per_s", "worker", "attempts", "job")}}
        for m in made for p in m.parts
    ]  # fmt: skip
    _table(connection, "shards", parts, {
        "stage": text, "part": text, "rows": pa.int64(), "bytes": pa.int64(), "seconds": pa.float64(), "mb_per_s": pa.float64(), "worker": text,
        "attempts": pa.int64(), "job": text, "sha256": text, "counts": text, "path": text, "table_key": text,
    })  # fmt: skip


def _view_takedowns(connection: duckdb.DuckDBPyConnection, store: Store, corpus: str) -> None:
    text, undone = pa.string(), undos(store, corpus)
    rows: list[dict[str, Any]] = []
    for t in every_takedown(store, corpus):
        undo = undone.get(t.id)
        told = {"undone_at": undo.at, "undone_by": undo.by, "undone_why": undo.why} if undo else {}
        rows.append({**t.as_dict(), "asked_by": t.by, **told})
    _table(connection, "takedowns", rows, {
        "id": text, "at": text, "asked_by": text, "why": text, "ids": pa.int64(), "sources": pa.list_(text), "predicate": text,
        "copies": pa.bool_(), "documents": pa.int64(), "text_bytes": pa.int64(), "undone_at": text, "undone_by": text, "undone_why": text,
    })  # fmt: skip


def _view_columns(connection: duckdb.DuckDBPyConnection, tables: Tables) -> None:
    text = pa.string()
    scorers, columns = [], []
    for notes, aliases in zip(tables.notes, tables.aliases, strict=True):
        for alias in aliases:
            told = notes.parameters["scorers"][alias]
            scorers.append({"alias": alias, "scorer": told["scorer"], "version": told["version"], "parameters": json.dumps(told["parameters"]),
                            "fingerprint": told["fingerprint"], "notes": notes.key})  # fmt: skip
            columns += [{**c, "table": "documents", "name": f"{alias}.{c['name']}"} for c in told["columns"]]
    columns += [
        {"table": name, "name": c.name, "type": str(c.type), "unit": c.unit, "meaning": c.meaning}
        for name, cs in TABLES.items()
        for c in cs
    ]
    _table(
        connection,
        "scorers",
        scorers,
        dict.fromkeys(("alias", "scorer"), text)
        | {"version": pa.int64()}
        | dict.fromkeys(("parameters", "fingerprint", "notes"), text),
    )
    _table(connection, "columns", columns, dict.fromkeys(("table", "name", "type", "unit", "meaning"), text))


def _table(
    connection: duckdb.DuckDBPyConnection, name: str, rows: Sequence[dict[str, Any]], columns: dict[str, pa.DataType]
) -> None:
    picked = [{c: row.get(c) for c in columns} for row in rows]
    connection.register("given", pa.Table.from_pylist(picked, schema=pa.schema(list(columns.items()))))
    connection.execute(f"create table {name} as select * from given")
    connection.unregister("given")
