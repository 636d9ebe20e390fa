"""preview: what other rules would keep of a job's corpus. Measurements are read, no text."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.clerk.bands import Columns, Flags, bands_of
from pipeline.clerk.desk import Desk
from pipeline.clerk.job import OpenJob
from pipeline.clerk.proposal import Proposal, changed, failing, present, proposed
from pipeline.clerk.tally import Documents, Groups, Judged, added, by_group, groups_of, judged, largest
from pipeline.errors import UsageError
from pipeline.rules import sentence
from pipeline.totals.tokens import BYTES_PER_TOKEN, estimated

GROUPS_SHOWN = 20
HOST = """
    select case when starts_with(url, 'https://') or starts_with(url, 'http://') then split_part(url, '/', 3)
                when regexp_matches(url, '^[A-Za-z][A-Za-z0-9+.-]*://') then split_part(split_part(url, '://', 2), '/', 1)
                else split_part(url, '/', 1) end as name
    from given
"""
DOMAIN = """
    select case when starts_with(host, 'www.') then substr(host, 5) else nullif(host, '') end as name
    from (select lower(regexp_extract(name, '^(?:[^@?#]*@)?([^:?#]*)', 1)) as host from given)
"""
"""Of a URL's host: without user, port and a leading www., in lower case."""


@dataclass(frozen=True)
class _Counted:
    """One band: counts of both sets of rules, and its groups by dimension."""

    counts: dict[str, Any]
    groups: dict[str, pa.Table]


def preview(
    desk: Desk, *, job: str, rules: dict[str, Any] | None = None, changes: list[str] | None = None
) -> dict[str, Any]:
    """What `rules` (in place of the job's), or the job's recipe with `changes`, would keep, beside what its own rules keep.

    documents: taken in, those in quarantine or taken down not among them; bytes: UTF-8 bytes of text; tokens: see `tokens` in the answer;
    after_dedup: kept by the rules and not removed as a copy by the job (among what only the new rules keep, nobody has
    looked for copies yet). first, failed, alone: of each rule, whose first it was, who failed it, who failed no other.
    """
    if (rules is None) == (changes is None):
        raise UsageError(
            "preview takes either rules (all of them, instead of the job's) or changes (of the job's recipe)"
        )
    began = time.perf_counter()
    opened = desk.job(job)
    made = changed(opened, rules, changes)
    columns = [Columns(desk, opened, band) for band in bands_of(opened.tables.text)]
    new, old = proposed(opened, made, columns), present(opened)
    bands = [_count(one, new, old) for one in columns]
    total = added(b.counts for b in bands)
    answer = _told(total, new, old, _token_column(opened))
    by = {name: largest([b.groups[name] for b in bands], GROUPS_SHOWN) for name in bands[0].groups} if bands else {}
    return {"job": job, **answer, "by": by, "seconds": round(time.perf_counter() - began, 4)}


def _count(columns: Columns, new: Proposal, old: Proposal) -> _Counted:
    dimensions = _dimensions(columns)
    documents = _documents(columns)
    tried, there = judged(failing(columns, new), documents), _present(columns, old, documents)
    copies = columns.removed_as_copies()
    counts = {
        "documents": documents.count(documents.there),
        "quarantined": int(np.count_nonzero(~documents.there & ~columns.taken_down())),
        "proposed": _counts(documents, tried, copies),
        "present": _counts(documents, there, copies),
        "newly_kept": documents.count(tried.kept & ~there.kept),
        "newly_removed": documents.count(there.kept & ~tried.kept),
    }
    groups = {name: by_group(found, documents, tried.kept, there.kept) for name, found in dimensions.items()}
    return _Counted(counts, groups)


def _present(columns: Columns, old: Proposal, documents: Documents) -> Judged:
    """What the job's own rules make of it, counted once."""
    verdict, _ = columns.opened.decided
    taken = columns.opened.tombstones.digest
    key = (verdict.key, columns.band.first, columns.band.last, "judged", taken)
    found: Judged = columns.desk.cache.get(
        key, lambda: judged(failing(columns, old), documents), lambda made: made.kept.nbytes
    )
    return found


def _counts(documents: Documents, made: Judged, copies: Flags) -> dict[str, Any]:
    return {
        "kept": documents.count(made.kept),
        "removed": documents.count(documents.there & ~made.kept),
        "after_dedup": documents.count(made.kept & ~copies),
        "rules": made.rules,
    }


def _documents(columns: Columns) -> Documents:
    read = columns.provenance(["quarantine", "text_bytes"])
    there = pc.is_null(read["quarantine"]).to_numpy() & ~columns.taken_down()
    sizes = pc.fill_null(read["text_bytes"], 0).to_numpy()
    token_column = _token_column(columns.opened)
    if token_column is None:
        return Documents(there, sizes, None)
    return Documents(there, sizes, pc.fill_null(columns.measured([token_column])[token_column], 0).to_numpy())


def _token_column(opened: OpenJob) -> str | None:
    """The first measured column that counts tokens of the whole document."""
    found = (
        f"{a}.{c['name']}" for a, told in opened.scorers().items() for c in told["columns"] if c["unit"] == "tokens"
    )
    return next(found, None)


def _dimensions(columns: Columns) -> dict[str, Groups]:
    """language (where one is measured), domain, source."""
    desk, band, tables = columns.desk, columns.band, columns.opened.tables
    language = next((f"{a}.code" for a, told in columns.opened.scorers().items() if told["scorer"] == "language"), None)

    def read(name: str) -> Groups:
        if name == "language" and language is not None:
            return groups_of(columns.measured([language])[language])
        found = columns.provenance(["quarantine", "text_bytes", "url", "source"])  # all that is needed, in one pass
        return _domains(desk, found["url"]) if name == "domain" else groups_of(found["source"])

    made = {}
    for name in ("domain", "source", *(["language"] if language else [])):
        notes = tuple(n.key for n in tables.notes) if name == "language" else ()
        key = (tables.text.key, notes, band.first, band.last, "by", name)
        made[name] = desk.cache.get(key, lambda name=name: read(name), lambda g: g.nbytes)  # type: ignore[misc]
    return made


def _domains(desk: Desk, urls: pa.ChunkedArray) -> Groups:
    """Documents by domain. Hosts are cut out of every URL, and looked at more closely once each."""
    hosts = groups_of(_select(desk, HOST, "url", urls))
    named = groups_of(_select(desk, DOMAIN, "name", pa.chunked_array([hosts.names])))
    return Groups(named.codes[hosts.codes], named.names)


def _select(desk: Desk, sql: str, name: str, values: pa.ChunkedArray) -> pa.ChunkedArray:
    desk.engine.register("given", pa.table({name: values}))
    try:
        found: pa.ChunkedArray = desk.engine.sql(sql).to_arrow_table().column("name")
        return found
    finally:
        desk.engine.unregister("given")


def _told(total: dict[str, Any], new: Proposal, old: Proposal, token_column: str | None) -> dict[str, Any]:
    """Counts with tokens, and each rule's sentence beside its counts."""
    exact = token_column is not None
    if not exact:
        _estimate(total)
    for name, proposal in (("proposed", new), ("present", old)):
        counts = total.get(name, {}).get("rules", {})
        total.setdefault(name, {})["rules"] = [
            {"rule": n, "sentence": sentence(n, r).partition(": ")[2], "why": r.why, **counts.get(n, {})}
            for n, r in proposal.rules.items()
        ]
    whole = total.pop("documents", {"documents": 0, "bytes": 0, "tokens": 0})
    tokens = {"estimated": not exact, "column": token_column, "bytes_per_token": None if exact else BYTES_PER_TOKEN}
    return {**whole, **total, "tokens_from": tokens}


def _estimate(counts: dict[str, Any]) -> None:
    """Tokens from bytes, wherever both are counted."""
    for value in counts.values():
        if isinstance(value, dict):
            _estimate(value)
    if "tokens" in counts:
        counts["tokens"] = estimated(counts["bytes"])
