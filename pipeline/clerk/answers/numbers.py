"""funnel, histogram: what each step took, and how a measured column lies between what was kept and what was removed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from pipeline.clerk.bands import Columns, Flags, bands_of
from pipeline.clerk.desk import Desk
from pipeline.clerk.job import OpenJob
from pipeline.clerk.tally import added
from pipeline.errors import ColumnNotFound, did_you_mean
from pipeline.recipe.rules import Rule
from pipeline.report.histograms import Scale, Shape, edges_of, names_of
from pipeline.rules import BOUNDS, number
from pipeline.schema import TEXT_TABLE
from pipeline.totals.funnel import as_values, funnel_of

BINS_MAX = 512
VALUES_MAX = 100
SAMPLED = 500_000
"""Values that the ends of the bins are found from; every value is then counted."""


def funnel(desk: Desk, *, job: str) -> dict[str, Any]:
    """Documents and bytes that each step took, in the order of the steps; tokens are estimated from bytes."""
    opened = desk.job(job)
    rows = funnel_of(*became(desk, opened), opened.recipe)
    return as_values(rows)


def became(desk: Desk, opened: OpenJob) -> tuple[dict[str, int], dict[str, int]]:
    """Documents, and their bytes, by what became of them: 'kept', 'judge.word_count', ..."""
    _ = opened.decided  # or it is not ready yet
    documents: list[dict[str, int]] = [{}]
    sizes: list[dict[str, int]] = [{}]
    for band in bands_of(opened.tables.text):
        columns = Columns(desk, opened, band)
        ends = columns.ends()
        rows = pa.table({"became": ends, "bytes": columns.provenance(["text_bytes"])["text_bytes"]})
        found = rows.group_by("became").aggregate([([], "count_all"), ("bytes", "sum")]).to_pylist()
        documents.append({r["became"]: r["count_all"] for r in found})
        sizes.append({r["became"]: r["bytes_sum"] or 0 for r in found})
    return added(documents), added(sizes)


def histogram(
    desk: Desk, *, job: str, column: str, bins: Annotated[int, Field(ge=2, le=BINS_MAX)] = 48
) -> dict[str, Any]:
    """One measured column: of numbers the bins' edges with kept and removed documents, else the most frequent values.

    Every document is counted; values beyond the ends are in the first and last bin; edges are log10(1 + x) where scale
    is 'log'. cuts: the recipe's bounds on it, each with the documents beyond it. Raises ColumnNotFound.
    """
    opened = desk.job(job)
    _ = opened.decided  # or it is not ready yet
    told = _column(opened, column)
    rules = {n: r for n, r in opened.recipe.rules.items() if column in names_of(r)}
    parts = list(_values(desk, opened, column))
    shown = {k: told[k] for k in ("column", "type", "unit", "meaning")}
    numeric = told["type"].startswith(("int", "uint", "double", "float"))
    lies = _numbers(parts, rules, told, bins) if numeric else _categories(parts)
    unmeasured = sum(values.null_count for values, _ in parts)
    return {
        **shown,
        **lies,
        "rules": list(rules),
        "unmeasured": unmeasured,
        "documents": sum(len(v) for v, _ in parts),
        "every": 1,
    }


def _column(opened: OpenJob, column: str) -> dict[str, Any]:
    known = {
        c.name: {"type": str(c.type), "unit": c.unit, "meaning": c.meaning}
        for c in TEXT_TABLE
        if c.name not in ("doc_id",)
    }
    for alias, told in opened.scorers().items():
        known |= {f"{alias}.{c['name']}": c for c in told["columns"]}
    scalar = {
        n: c for n, c in known.items() if c["type"].startswith(("int", "uint", "double", "float", "bool", "string"))
    }
    if column not in scalar:
        raise ColumnNotFound(
            f"no column {column[:200]!r} of numbers, names or flags in this job.{did_you_mean(column, scalar)}"
        )
    return {"column": column, **scalar[column]}


def _values(desk: Desk, opened: OpenJob, column: str) -> Iterator[tuple[pa.ChunkedArray, Flags]]:
    """By band, without quarantined rows: the values, and which of the documents are kept."""
    for band in bands_of(opened.tables.text):
        columns = Columns(desk, opened, band)
        read = columns.provenance(["quarantine", *([] if "." in column else [column])])
        values = columns.measured([column])[column] if "." in column else read[column]
        there = pc.is_null(read["quarantine"])
        kept = pc.equal(columns.ends(), "kept").to_numpy()
        yield values.filter(there), kept[there.to_numpy()]


def _numbers(
    parts: Sequence[tuple[pa.ChunkedArray, Flags]], rules: Mapping[str, Rule], told: Mapping[str, Any], bins: int
) -> dict[str, Any]:
    measured = [(_floats(values), kept[values.is_valid().to_numpy()]) for values, kept in parts]
    whole = "int" in told["type"]
    cuts = [
        _cut(name, bound, getattr(rule, bound), measured)
        for name, rule in rules.items() for bound in BOUNDS if getattr(rule, bound) is not None
    ]  # fmt: skip
    shape = _shape([v for v, _ in measured])
    if shape is None:
        return {
            "kind": "numbers",
            "scale": "linear",
            "edges": [],
            "kept": [],
            "removed": [],
            "cuts": cuts,
            "low": None,
            "high": None,
        }
    scale, edges = edges_of(shape, [c["at"] for c in cuts], whole, told["unit"], bins)
    counts = [_binned(values, kept, scale, edges) for values, kept in measured]
    return {
        "kind": "numbers", "scale": scale, "edges": list(edges), "kept": np.sum([k for k, _ in counts], axis=0).tolist(),
        "removed": np.sum([r for _, r in counts], axis=0).tolist(), "cuts": cuts, "low": shape.low, "high": shape.high,
    }  # fmt: skip


def _floats(values: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    found: npt.NDArray[np.float64] = values.drop_null().cast(pa.float64(), safe=False).to_numpy()
    return found


def _shape(parts: Sequence[npt.NDArray[np.float64]]) -> Shape | None:
    """Where the values lie: of all the least and the most, of every k-th the middle."""
    total = sum(len(p) for p in parts)
    if total == 0:
        return None
    every = math.ceil(total / SAMPLED)
    sample = np.concatenate([p[::every] for p in parts])
    low, high = (
        float(pick(p))
        for pick, p in ((np.min, [p.min() for p in parts if len(p)]), (np.max, [p.max() for p in parts if len(p)]))
    )
    return Shape.of(sample, low, high)


def _binned(
    values: npt.NDArray[np.float64], kept: Flags, scale: Scale, edges: Sequence[float]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    at = np.log10(1 + np.maximum(values, 0)) if scale == "log" else values
    bins = np.clip(np.searchsorted(np.asarray(edges), at, side="right") - 1, 0, len(edges) - 2)
    all_ = np.bincount(bins, minlength=len(edges) - 1)
    of_kept = np.bincount(bins[kept], minlength=len(edges) - 1)
    return of_kept, all_ - of_kept


def _cut(name: str, bound: str, at: float, measured: Sequence[tuple[npt.NDArray[np.float64], Flags]]) -> dict[str, Any]:
    beyond = {"min": np.less, "max": np.greater, "above": np.less_equal, "below": np.greater_equal}[bound]
    documents = sum(int(np.count_nonzero(beyond(values, at))) for values, _ in measured)
    removes = "below" if bound in ("min", "above") else "above"
    return {"rule": name, "bound": f"{bound} {number(at)}", "at": at, "removes": removes, "documents": documents}


def _categories(parts: Sequence[tuple[pa.ChunkedArray, Flags]]) -> dict[str, Any]:
    tables = [pa.table({"value": v.cast(pa.string()), "kept": pa.array(kept).cast(pa.int64())}) for v, kept in parts]
    counted = pa.concat_tables(tables).drop_null().group_by("value").aggregate([([], "count_all"), ("kept", "sum")])
    order = pc.sort_indices(counted, [("count_all", "descending"), ("value", "ascending")])
    rows = counted.take(order[:VALUES_MAX]).to_pylist()
    values = [{"value": r["value"], "kept": r["kept_sum"], "removed": r["count_all"] - r["kept_sum"]} for r in rows]
    return {"kind": "categories", "values": values, "distinct": counted.num_rows, "cuts": []}
