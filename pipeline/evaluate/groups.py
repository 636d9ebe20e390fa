"""Rows gathered by a column's values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.measures.splits import named_groups

MOST_GROUPS = 60
"""More are not shown: a column of addresses is no grouping. The smaller ones are counted."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """groups: (name, bool[N]), the largest first; left_out: groups beyond MOST_GROUPS, and their rows."""

    groups: tuple[tuple[str, npt.NDArray[np.bool_]], ...]
    left_out_groups: int
    left_out_rows: int


def grouped(values: Sequence[str | None]) -> Grouping:
    """Rows by value; null and '' are a group of their own."""
    names, codes, rows = named_groups(values)
    order = sorted(range(len(names)), key=lambda k: (-int(rows[k]), names[k]))
    shown = order[:MOST_GROUPS]
    left = order[MOST_GROUPS:]
    picked = tuple((names[k], codes == k) for k in shown)
    return Grouping(picked, len(left), int(rows[left].sum()) if left else 0)
