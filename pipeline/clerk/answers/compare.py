"""compare: two jobs beside each other. Of one corpus, document by document; of two, funnel beside funnel."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.clerk.answers.numbers import became
from pipeline.clerk.bands import Columns, bands_of
from pipeline.clerk.desk import Desk
from pipeline.clerk.job import OpenJob
from pipeline.storage.rows_at import rows_at
from pipeline.totals.funnel import funnel_of
from pipeline.totals.tokens import estimated

CHANGES_SHOWN = 50
EXAMPLES = 10
BOTH = ("both", "only_this", "only_other", "neither")


def compare(desk: Desk, *, job: str, other: str) -> dict[str, Any]:
    """What one job kept and the other did not. differences: values of their recipes by path; moved: documents by what
    became of them in this job and in the other, where that differs, most first; examples of both kinds, chosen by hash."""
    this, that = desk.job(job), desk.job(other)
    same = this.tables.text.key == that.tables.text.key
    told = {
        "job": job, "other": other, "same_corpus": same, "differences": _differences(this, that),
        "funnels": {"this": _funnel(desk, this), "other": _funnel(desk, that)},
    }  # fmt: skip
    return {**told, "documents": _documents(desk, this, that) if same else None}


def _funnel(desk: Desk, opened: OpenJob) -> list[dict[str, Any]]:
    rows = funnel_of(*became(desk, opened), opened.recipe)
    return [
        {"stage": r.stage, "reason": r.reason, "title": r.title, "documents": r.documents, "bytes": r.bytes,
         "left_documents": r.left_documents, "left_bytes": r.left_bytes}
        for r in rows
    ]  # fmt: skip


def _differences(this: OpenJob, that: OpenJob) -> list[dict[str, Any]]:
    """By path: both values; null where a recipe has nothing there."""
    left, right = (dict(_leaves(json.loads(one.recipe.canonical()))) for one in (this, that))
    paths = [*left, *(p for p in right if p not in left)]
    return [{"path": p, "this": left.get(p), "other": right.get(p)} for p in paths if left.get(p) != right.get(p)]


def _leaves(tree: Mapping[str, Any], above: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in tree.items():
        found += (
            _leaves(value, f"{above}{key}.") if isinstance(value, Mapping) and value else [(f"{above}{key}", value)]
        )
    return found


def _documents(desk: Desk, this: OpenJob, that: OpenJob) -> dict[str, Any]:
    tables, examples = [], {name: list[tuple[int, int]]() for name in BOTH[1:3]}
    offsets = this.tables.text.row_offsets()
    for band in bands_of(this.tables.text):
        ours, theirs = Columns(desk, this, band), Columns(desk, that, band)
        sizes = pc.fill_null(ours.provenance(["text_bytes"])["text_bytes"], 0)
        ends = pa.table({"this": ours.ends(), "other": theirs.ends(), "bytes": sizes})
        tables.append(ends.group_by(["this", "other"]).aggregate([([], "count_all"), ("bytes", "sum")]))
        kept = [pc.equal(e, "kept").to_numpy() for e in (ours.ends(), theirs.ends())]
        for name, flags in zip(examples, (kept[0] & ~kept[1], kept[1] & ~kept[0]), strict=True):
            chosen = band.start + _some(np.flatnonzero(flags))
            shards = np.searchsorted(offsets, chosen, side="right") - 1
            examples[name] += zip(shards.tolist(), (chosen - offsets[shards]).tolist(), strict=True)
    counted = pa.concat_tables([_plain(t) for t in tables]).group_by(["this", "other"])
    rows = counted.aggregate([("count_all", "sum"), ("bytes_sum", "sum")]).rename_columns(
        ["this", "other", "documents", "bytes"]
    )
    told = {name: _example_rows(this, that, places[:EXAMPLES]) for name, places in examples.items()}
    return {"kept_by": _kept_by(rows), "moved": _moved(rows), "examples": told}


def _plain(table: pa.Table) -> pa.Table:
    return table.set_column(0, "this", table.column("this").cast(pa.string())).set_column(
        1, "other", table.column("other").cast(pa.string())
    )


def _some(rows: Any) -> Any:
    """A few rows, by a hash of their number: the same ones each time."""
    mixed = (rows.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32)
    return np.sort(rows[np.argsort(mixed, kind="stable")[:EXAMPLES]])


def _kept_by(rows: pa.Table) -> dict[str, Any]:
    counts = {name: {"documents": 0, "bytes": 0, "tokens_estimate": 0} for name in BOTH}
    for row in rows.to_pylist():
        name = BOTH[2 * (row["this"] != "kept") + (row["other"] != "kept")]
        counts[name]["documents"] += row["documents"]
        counts[name]["bytes"] += row["bytes"] or 0
    return {name: {**c, "tokens_estimate": estimated(c["bytes"])} for name, c in counts.items()}


def _moved(rows: pa.Table) -> list[dict[str, Any]]:
    moved = [r for r in rows.to_pylist() if r["this"] != r["other"]]
    return sorted(moved, key=lambda r: (-r["documents"], r["this"], r["other"]))[:CHANGES_SHOWN]


def _example_rows(this: OpenJob, that: OpenJob, places: list[tuple[int, int]]) -> list[dict[str, Any]]:
    both = (rows_at(one.store, one.tables, places, notes=False) for one in (this, that))
    return [
        {"doc_id": a["doc_id"], "url": a["url"], "text_bytes": a["text_bytes"], "this": _end(a), "other": _end(b)}
        for a, b in zip(*both, strict=True)
    ]


def _end(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"stage": row["stage"], "reason": row["reason"], "failed": row["failed"]}
