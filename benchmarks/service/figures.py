"""A measured figure beside its goal, and what a list of times comes to."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

Times = Sequence[float]


@dataclass(frozen=True)
class Figure:
    """A row of the table. goal: as the issue says it; met: None where there is none."""

    what: str
    found: str
    goal: str = ""
    met: bool | None = None

    def row(self) -> str:
        verdict = {None: "", True: "", False: " **missed**"}[self.met]
        return f"| {self.what} | {self.found}{verdict} | {self.goal} |"


def percentile(times_s: Times, share: float) -> float:
    """The time that this share of them does not exceed."""
    ordered = sorted(times_s)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def spread(times_s: Times) -> str:
    """p50 and p99 in milliseconds, and of how many."""
    p50, p99 = statistics.median(times_s), percentile(times_s, 0.99)
    return f"p50 {1e3 * p50:.1f}, p99 {1e3 * p99:.1f} ms, most {1e3 * max(times_s):.0f} of {len(times_s)}"


def under(what: str, times_s: Times, goal_s: float, share: float = 0.99) -> Figure:
    """Times held to a goal at a percentile."""
    goal = f"p{100 * share:.0f} < {1e3 * goal_s:,.0f} ms"
    return Figure(what, spread(times_s), goal, percentile(times_s, share) < goal_s)
