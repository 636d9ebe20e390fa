"""A unit: what is attempted, retried and resumed as one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

ATTEMPTS = 3
LIMIT_FLOOR_S = 900.0
SLOWEST_BYTES_PER_S = 100_000
"""A unit slower than this for longer than the floor is taken for stuck: stopped, and tried again, ATTEMPTS times in all."""
STALL_S = ATTEMPTS * LIMIT_FLOOR_S + 300.0
"""A job that gets no unit done for longer is stuck in a way that these limits did not end."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One independent piece of a stage. key and path are its part's; name is for people; bytes for progress; beside: files
    that it writes before its part, without which it is not done."""

    key: str
    path: str
    name: str
    bytes: int
    payload: Any
    beside: tuple[str, ...] = ()

    @property
    def limit_s(self) -> float:
        """How long one attempt at it may take."""
        return max(LIMIT_FLOOR_S, self.bytes / SLOWEST_BYTES_PER_S)
