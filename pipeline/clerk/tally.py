"""Counting what rules keep: documents, bytes and tokens, by rule and by group. Arrays of one band at a time, then added up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.clerk.bands import Flags, unpacked

Sizes = npt.NDArray[np.int64]
SUMS = ("documents", "bytes", "kept_documents", "kept_bytes", "present_documents", "present_bytes")


@dataclass(frozen=True)
class Documents:
    """A band's documents. there: bool[D], false for quarantined rows; sizes, tokens: i64[D] (tokens None: not measured)."""

    there: Flags
    sizes: Sizes
    tokens: Sizes | None

    def count(self, chosen: Flags) -> dict[str, int]:
        """documents, bytes and tokens (0 where they are not measured) of the chosen."""
        tokens = 0 if self.tokens is None else int(np.dot(self.tokens, chosen))
        return {"documents": int(np.count_nonzero(chosen)), "bytes": int(np.dot(self.sizes, chosen)), "tokens": tokens}


@dataclass(frozen=True)
class Judged:
    """What rules make of a band. kept: bool[D]; rules: of each rule, whose first it was, who failed it, who failed it alone."""

    kept: Flags
    rules: dict[str, dict[str, int]]


def judged(failing: Mapping[str, npt.NDArray[np.uint8]], documents: Documents) -> Judged:
    """failing: packed bits by rule, in the recipe's order, in which the first failed rule is a document's reason."""
    rows, none = len(documents.there), len(failing)
    failures = np.zeros(rows, dtype=np.uint16)
    first = np.full(rows, none, dtype=np.int16)
    failed = []
    for i, bits in enumerate(failing.values()):
        fails = unpacked(bits, rows) & documents.there
        np.copyto(first, np.int16(i), where=fails & (failures == 0))
        failures += fails
        failed.append(int(np.count_nonzero(fails)))
    once = np.bincount(first[failures == 1], minlength=none)  # the only rule it failed is the first
    firsts = np.bincount(first, minlength=none + 1)
    sizes = np.bincount(first, weights=documents.sizes, minlength=none + 1)  # as floats, exact up to 2^53
    told = {
        rule: {"first": int(firsts[i]), "first_bytes": int(sizes[i]), "failed": failed[i], "alone": int(once[i])}
        for i, rule in enumerate(failing)
    }
    return Judged(documents.there & (failures == 0), told)


@dataclass(frozen=True)
class Groups:
    """codes: i32[D], position of each document's group in names; the last name is null, for documents of none."""

    codes: npt.NDArray[np.int32]
    names: pa.Array

    @property
    def nbytes(self) -> int:
        return int(self.codes.nbytes) + int(self.names.nbytes)


def groups_of(values: pa.ChunkedArray) -> Groups:
    """Documents by the value of a text column."""
    encoded = values.cast(pa.large_string()).combine_chunks().dictionary_encode()
    names = encoded.dictionary
    codes = pc.fill_null(encoded.indices, len(names)).to_numpy()
    return Groups(codes, pa.concat_arrays([names, pa.nulls(1, names.type)]))


def by_group(groups: Groups, documents: Documents, kept: Flags, present: Flags) -> pa.Table:
    """A row a group: its name and SUMS."""
    made: dict[str, Any] = {"name": groups.names}
    for name, chosen in zip(("", "kept_", "present_"), (documents.there, kept, present), strict=True):
        counts = np.bincount(groups.codes, weights=chosen, minlength=len(groups.names))
        sizes = np.bincount(groups.codes, weights=documents.sizes * chosen, minlength=len(groups.names))
        made |= {f"{name}documents": counts.astype(np.int64), f"{name}bytes": sizes.astype(np.int64)}
    return pa.table(made)


def largest(tables: Sequence[pa.Table], most: int) -> dict[str, Any]:
    """The groups with most documents, the others as one: items and rest, each with counts of all, kept and present."""
    rows = pa.concat_tables(tables)
    if len(tables) > 1:
        rows = rows.group_by("name").aggregate([(c, "sum") for c in SUMS]).rename_columns(["name", *SUMS])
    rows = rows.filter(pc.greater(rows.column("documents"), 0))
    order = pc.sort_indices(rows, [("documents", "descending"), ("name", "ascending")])
    first, others = rows.take(order[:most]), rows.take(order[most:])
    items = [{"name": r["name"], **_counts(r)} for r in first.to_pylist()]
    rest = {c: pc.sum(others.column(c)).as_py() or 0 for c in SUMS}
    return {"items": items, "rest": {"groups": others.num_rows, **_counts(rest)}}


def _counts(row: Mapping[str, int]) -> dict[str, Any]:
    return {
        "documents": row["documents"],
        "bytes": row["bytes"],
        "kept": {"documents": row["kept_documents"], "bytes": row["kept_bytes"]},
        "present_kept": {"documents": row["present_documents"], "bytes": row["present_bytes"]},
    }


def added(counts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Counts of several bands as one; counts within counts, too."""
    total: dict[str, Any] = {}
    for one in counts:
        for name, value in one.items():
            total[name] = (
                added([total.get(name, {}), value]) if isinstance(value, Mapping) else total.get(name, 0) + value
            )
    return total
