"""Folds that keep groups whole: what comes from one source never lies on both sides of a split."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

I64 = npt.NDArray[np.int64]


def grouped_folds(groups: Sequence[str], labels: Sequence[str], n_folds: int, seed: int) -> I64:
    """i64[N]: the fold of every row, at most n_folds, by whole groups; the largest groups first, each to the fold that
    has fewest rows of its labels. Equal input, equal folds."""
    names, group = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
    kinds, kind = np.unique(np.asarray(labels, dtype=object).astype(str), return_inverse=True)
    held = np.zeros((len(names), len(kinds)), np.int64)
    np.add.at(held, (group, kind), 1)
    sizes = held.sum(axis=1)
    drawn = [hashlib.sha256(f"{seed} {name}".encode()).digest() for name in names]
    order = sorted(range(len(names)), key=lambda g: (-sizes[g], drawn[g]))
    filled = np.zeros((min(n_folds, len(names)), len(kinds)))
    share = 1.0 / np.maximum(held.sum(axis=0), 1)
    fold_of_group = np.zeros(len(names), np.int64)
    for g in order:
        costs = (filled * share) @ (held[g] > 0) + 1e-6 * filled.sum(axis=1)
        fold_of_group[g] = int(np.argmin(costs))
        filled[fold_of_group[g]] += held[g]
    return fold_of_group[group]
