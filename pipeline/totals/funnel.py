"""The funnel: what each step took away, in the order of the steps, from the same counts the manifests hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import duckdb

from pipeline.errors import ConservationError
from pipeline.recipe import Recipe
from pipeline.sql.engine import rows_as_dicts
from pipeline.totals.tokens import BYTES_PER_TOKEN, estimated
from pipeline.wording import share

Became = Mapping[str, int]
"""Documents (or bytes of text) by what became of them, named as the mix table names it: 'kept', 'judge.word_count',
'dedup.exact', 'quarantine.bad_utf8'."""

ENDS = {
    "kept": "kept",
    "takedown": "taken down",
    "judge": "removed by rules",
    "dedup": "duplicates",
    "quarantine": "quarantined",
}
TITLES = {
    "takedown": "taken down",
    "reference": "in a reference set",
    "url": "same address",
    "exact": "exact duplicates",
    "fuzzy": "near-duplicates",
    "lines": "nothing left without repeated lines",
    "substrings": "nothing left without repeated passages",
}


@dataclass(frozen=True, slots=True)
class FunnelRow:
    """One step. documents, bytes: what it took away (for 'input' and 'kept': what is there); left_*: what went on.
    Quarantined rows have no text, so that their bytes are 0."""

    stage: str
    reason: str
    documents: int
    bytes: int
    left_documents: int
    left_bytes: int

    @property
    def title(self) -> str:
        """The step for people."""
        if self.stage in ("input", "kept"):
            return self.stage
        if self.stage == "judge":
            return self.reason
        return f"quarantine: {self.reason}" if self.stage == "quarantine" else TITLES.get(self.reason, self.reason)


@dataclass(frozen=True, slots=True)
class End:
    """One of the ends a document can come to; all of them add up to the input. mark: the stage that decides it."""

    label: str
    mark: str
    documents: int
    bytes: int


def ends(rows: Sequence[FunnelRow]) -> list[End]:
    """Kept, taken down (where anything is), removed by rules, duplicates, quarantined."""
    found = []
    for stage, label in ENDS.items():
        steps = [r for r in rows if r.stage == stage]
        if stage == "takedown" and not steps:
            continue
        found.append(End(label, stage, sum(r.documents for r in steps), sum(r.bytes for r in steps)))
    return found


def funnel(connection: duckdb.DuckDBPyConnection, recipe: Recipe) -> list[FunnelRow]:
    """The funnel of a catalog's job, by SQL over all of its documents."""
    found = rows_as_dicts(
        connection,
        """
        select coalesce(m.stage || '.' || m.reason, 'kept') as became, count(*) as documents,
               sum(coalesce(t.text_bytes, 0))::bigint as bytes
        from text_rows t join mix_rows m using (shard, row) group by 1
        """,
    )
    return funnel_of({f["became"]: f["documents"] for f in found}, {f["became"]: f["bytes"] for f in found}, recipe)


def funnel_of(documents: Became, text_bytes: Became, recipe: Recipe) -> list[FunnelRow]:
    """The funnel of counts that are already there, such as an export manifest's."""
    left, left_bytes = sum(documents.values()), sum(text_bytes.values())
    rows = [FunnelRow("input", "", left, left_bytes, left, left_bytes)]
    for stage, reason in _steps(documents, recipe):
        name = f"{stage}.{reason}"
        left -= documents.get(name, 0)
        left_bytes -= text_bytes.get(name, 0)
        rows.append(FunnelRow(stage, reason, documents.get(name, 0), text_bytes.get(name, 0), left, left_bytes))
    if left != documents.get("kept", 0):
        raise ConservationError(
            f"the funnel ends at {left} documents, {documents.get('kept', 0)} are kept: {documents}"
        )
    return [*rows, FunnelRow("kept", "", left, left_bytes, left, left_bytes)]


def as_values(rows: Sequence[FunnelRow]) -> dict[str, Any]:
    """The funnel as JSON values: items and ends, with tokens estimated from bytes."""
    return {
        "items": [_step(r) for r in rows],
        "ends": [{"label": e.label, "mark": e.mark, "documents": e.documents, "bytes": e.bytes} for e in ends(rows)],
        "bytes_per_token": BYTES_PER_TOKEN,
    }


def _step(row: FunnelRow) -> dict[str, Any]:
    return {
        "stage": row.stage, "reason": row.reason, "title": row.title, "documents": row.documents, "bytes": row.bytes,
        "tokens_estimate": estimated(row.bytes), "left_documents": row.left_documents, "left_bytes": row.left_bytes,
        "left_tokens_estimate": estimated(row.left_bytes),
    }  # fmt: skip


def condensed(rows: Sequence[FunnelRow], below_frac: float) -> list[FunnelRow]:
    """The funnel with neighbouring rules that each took less than `below_frac` of the input as one step."""
    small_documents = below_frac * rows[0].documents
    made: list[FunnelRow] = []
    for small, steps in groupby(rows, key=lambda r: r.stage == "judge" and r.documents < small_documents):
        group = list(steps)
        if not small or len(group) == 1:
            made += group
            continue
        taken, taken_bytes = sum(r.documents for r in group), sum(r.bytes for r in group)
        title = f"{len(group)} rules, each under {share(below_frac, 1)}"
        made.append(FunnelRow("judge", title, taken, taken_bytes, group[-1].left_documents, group[-1].left_bytes))
    return made


def _steps(documents: Became, recipe: Recipe) -> Iterator[tuple[str, str]]:
    """(stage, reason) in the order of the work; rules that removed nothing are there too."""
    for name in sorted(documents):
        if name.startswith("quarantine."):
            yield "quarantine", name.partition(".")[2]
    if "takedown.takedown" in documents:
        yield "takedown", "takedown"
    for rule in recipe.rules:
        yield "judge", rule
    if recipe.dedup is not None:
        if recipe.dedup.url is not None or "dedup.url" in documents:
            yield "dedup", "url"
        if recipe.dedup.exact or "dedup.exact" in documents:
            yield "dedup", "exact"
        if recipe.dedup.fuzzy is not None or "dedup.fuzzy" in documents:
            yield "dedup", "fuzzy"
        if recipe.dedup.against or "dedup.reference" in documents:
            yield "dedup", "reference"
        if recipe.dedup.lines is not None or "dedup.lines" in documents:
            yield "dedup", "lines"
        if recipe.dedup.substrings is not None or "dedup.substrings" in documents:
            yield "dedup", "substrings"
