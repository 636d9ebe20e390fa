"""Honest splits: rows of one group (a source, a site, a book) are never on both sides.

A group's place follows from a hash of its name and the seed, never from the order of rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from pipeline.errors import UsageError

NO_GROUP = "(none)"
"""The group of rows that name none (null or ''): they stay together."""


def group_folds(
    groups: Sequence[str | None], folds: int, seed: int = 0, labels: Sequence[str] | None = None
) -> npt.NDArray[np.int64]:
    """i64[N]: the fold, 0..folds-1, of every row. The largest groups come first, those of one size in the order of their
    hashes; each goes to the fold that has the smallest share of its labels so far (without labels: of its rows)."""
    names, codes, rows = named_groups(groups)
    if folds < 2 or len(names) < folds:
        raise UsageError(
            f"{folds} folds over {len(names)} groups: expected at least 2 folds and as many groups as folds; "
            "take fewer folds, or group by a column with more values"
        )
    kinds = np.zeros(len(codes), np.int64) if labels is None else np.unique(labels, return_inverse=True)[1]
    held = np.zeros((len(names), int(kinds.max()) + 1))
    np.add.at(held, (codes, kinds), 1)
    held /= held.sum(axis=0)
    filled, filled_rows = np.zeros((folds, held.shape[1])), np.zeros(folds)
    fold_of_group = np.zeros(len(names), np.int64)
    for k in sorted(range(len(names)), key=lambda k: (-int(rows[k]), _hash(names[k], seed))):
        # rows decide among folds that have as much of the group's labels
        costs = filled @ (held[k] > 0) + 1e-9 * filled_rows
        fold = int(np.argmin(costs))
        fold_of_group[k] = fold
        filled[fold] += held[k]
        filled_rows[fold] += rows[k]
    return fold_of_group[codes]


def leave_one_out(groups: Sequence[str | None]) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    """(group, bool[N]: the rows of it, to be held out), in the order of names."""
    names, codes, _ = named_groups(groups)
    if len(names) < 2:
        raise UsageError(
            f"leave one out: expected two groups or more, found {len(names)}: {', '.join(names) or 'none'}"
        )
    for k, name in enumerate(names):
        yield name, codes == k


def named_groups(groups: Sequence[str | None]) -> tuple[list[str], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """G names in order, i64[N]: the group of each row, i64[G]: the rows of each."""
    named = np.array([g or NO_GROUP for g in groups], dtype=object).astype(str)
    names, codes, rows = np.unique(named, return_inverse=True, return_counts=True)
    return [str(n) for n in names], codes.astype(np.int64), rows.astype(np.int64)


def _hash(name: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}:{name}".encode()).digest()
