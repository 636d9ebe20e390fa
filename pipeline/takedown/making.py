"""Taking documents down: who is meant, the record that holds from then on, and what is done about it at once."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from pipeline.catalog.chosen import JobRecord, jobs, jobs_of_corpora, sound_jobs, tables_of
from pipeline.catalog.views import view_tables
from pipeline.errors import UsageError, did_you_mean
from pipeline.job import end_dead_jobs, now
from pipeline.sql.engine import again, connect, rows_as_dicts
from pipeline.storage.destination import MANIFEST
from pipeline.storage.manifest import tables
from pipeline.storage.store import Store
from pipeline.takedown.committing import commit
from pipeline.takedown.copies import choose_copies
from pipeline.takedown.erasing import erase
from pipeline.takedown.records import Takedown, takedown_id

NAMED = 5
"""How many of what was not found are named."""


@dataclass(frozen=True)
class Request:
    """What is to go, and why. ids and sources hold for what is added later, too; predicate: SQL over the view `documents`,
    asked once; copies: what shares a cluster with any of it goes, too; absent: whether ids and sources may be unknown."""

    why: str
    ids: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    predicate: str | None = None
    copies: bool = False
    absent: bool = False
    by: str | None = None


@dataclass(frozen=True)
class Made:
    """What was done. outputs: exports that still hold it, until they are made again; erased: parts of the workspace whose
    text was emptied; reports: pages removed, because they may quote it; unread: jobs whose record is damaged, so that nobody
    knows of their outputs."""

    takedown: Takedown
    outputs: tuple[str, ...]
    erased: int
    reports: int
    unread: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            **self.takedown.as_dict(),
            "outputs": list(self.outputs),
            "erased": self.erased,
            "reports": self.reports,
            "unread": list(self.unread),
        }


def take_down(store: Store, request: Request, corpus: str | None = None, dry_run: bool = False) -> Made:
    """Record a takedown of one corpus (by name, or that of the latest job) and do what can be done at once. Giving the
    same request again finishes one that was cut short. dry_run: look only."""
    if not request.why.strip():
        raise UsageError("takedown: give the reason with --why; it is kept with the record")
    if not (request.ids or request.sources or request.predicate):
        raise UsageError("takedown: name documents: by id, with --ids FILE, --source NAME or --where SQL")
    known = jobs_of_corpora(store)
    name = corpus or next(reversed(known), None)
    if name is None or name not in known:
        there = f"there are {', '.join(sorted(known)) or 'none'}.{did_you_mean(corpus or '', list(known))}"
        raise UsageError(
            f"takedown: no corpus{f' {corpus!r}' if corpus else ''} in {store.root} has been taken in; {there}"
        )
    ids, documents, text_bytes = _meant(store, known[name], request)
    sources = sorted(set(request.sources))
    takedown = Takedown(
        takedown_id(store, name, request.why, ids, sources), name, now(), request.by or getpass.getuser(), request.why, len(ids),
        tuple(sources), request.predicate, request.copies, documents, text_bytes,
    )  # fmt: skip
    if dry_run:
        return Made(takedown, outputs_of(store, name), 0, 0)
    takedown = commit(store, takedown, ids)
    end_dead_jobs(store)  # their scratch and what they were writing hold text, too
    store.sweep()
    erased = sum(erase(store, text) for text in tables(store, name, "text"))
    sound = {job.id for job in sound_jobs(store)}
    unread = tuple(job for job in jobs(store) if job not in sound)
    return Made(takedown, outputs_of(store, name), erased, _remove_reports(store, name), unread)


def _meant(store: Store, job: JobRecord, request: Request) -> tuple[list[str], int, int]:
    """(doc_ids that the record names, documents that are there, their bytes of text)."""
    connection, of = connect(), tables_of(store, job)
    if store.remote:
        connection.register_filesystem(store.fs)
    # what is taken down is found again, so that the same request makes the same record
    view_tables(connection, store, of, hide_taken_down=False)
    for name, values in (("given_ids", request.ids), ("given_sources", request.sources)):
        connection.register("given", pa.table({"name": pa.array(sorted(set(values)), pa.string())}))
        connection.execute(f"create table {name} as select name from given")
        connection.unregister("given")
    _choose(connection, request)
    if not request.absent:
        _check_found(connection)
    if request.copies:
        choose_copies(connection, store, job, of)
    ids = rows_as_dicts(connection, "select name from given_ids union select doc_id from chosen where by_id order by 1")
    met = rows_as_dicts(
        connection,
        "select count(*) as documents, coalesce(sum(text_bytes), 0)::bigint as text_bytes "
        "from text_rows where (shard, row) in (select (shard, row) from chosen) "
        # the record names ids, which further documents may have
        "or (quarantine is null and doc_id in (select doc_id from chosen where by_id))",
    )[0]
    return [i["name"] for i in ids], met["documents"], met["text_bytes"]


def _choose(connection: duckdb.DuckDBPyConnection, request: Request) -> None:
    """Table `chosen`: shard, row, doc_id of the documents that are there, and whether the record names them by id."""
    try:
        again(
            lambda: connection.execute(
                "create table chosen as select shard, row, doc_id, named or met as by_id from (select shard, row, doc_id, "
                "doc_id in (from given_ids) as named, coalesce(source in (from given_sources), false) as of_source, "
                f"coalesce(({request.predicate or 'false'}\n), false) as met "
                "from documents where quarantine is null) where named or met or of_source"
            )
        )
    except duckdb.Error as error:
        raise UsageError(
            f'takedown --where: {error}\nIt is asked of the view documents; its columns: winnow sql "select * from columns"'
        ) from None


def _check_found(connection: duckdb.DuckDBPyConnection) -> None:
    for what, given, column in (("id", "given_ids", "doc_id"), ("source", "given_sources", "source")):
        absent = rows_as_dicts(
            connection,
            f"select name from {given} where name not in (select {column} from text_rows where {column} is not null)",
        )
        if absent:
            named = ", ".join(repr(a["name"]) for a in absent[:NAMED])
            raise UsageError(
                f"takedown: {what}s that are not in this corpus ({len(absent)}): {named}{', …' if len(absent) > NAMED else ''}. Nothing was "
                "taken down. Mend them, or give --absent to record them all the same: they hold for what is added later"
            )
    if not rows_as_dicts(connection, "select 1 from chosen limit 1"):
        raise UsageError("takedown: --where finds no document; nothing was taken down")


def outputs_of(store: Store, corpus: str) -> tuple[str, ...]:
    """Where jobs of the corpus wrote exports that are still there; what a damaged record would say is not known."""
    found = [job.record for job in sound_jobs(store)][::-1]
    places = dict.fromkeys(str(r["output"]) for r in found if r.get("corpus") == corpus and r.get("output"))
    return tuple(p for p in places if Store(p).exists(MANIFEST))


def _remove_reports(store: Store, corpus: str) -> int:
    """They quote documents; `winnow report` makes them again."""
    removed = 0
    others = {job.id for job in sound_jobs(store) if job.record.get("corpus") != corpus}
    for name in store.names("jobs"):  # one whose record cannot be read may be of this corpus
        path = f"{Store.job(name)}/report.html"
        if name not in others and store.exists(path):
            store.remove(path)
            removed += 1
    return removed
