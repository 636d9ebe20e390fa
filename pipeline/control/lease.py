"""Whether an attempt lives: its runner rewrites a beat, and whoever watches counts on a clock of its own.

Clocks of two machines are never compared, nor a clock with itself across a jump: what counts is that the beat changed
while somebody was looking.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from pipeline.errors import IntegrityError
from pipeline.storage.store import Store

LOOK_S = 5.0
"""The longest that one look at a beat can count: whoever watches may have been stopped in between."""
PACE = ("stage", "units_done", "committed")
"""What changes when work is done."""


@dataclass(frozen=True, slots=True)
class Beat:
    """What a runner says every second. units and bytes are those of the stage; committed: units of the attempt."""

    beat: int
    stage: str
    units_done: int
    units: int
    bytes_done: int
    bytes: int
    committed: int
    rss_bytes: int


def write_beat(store: Store, job_id: str, attempt: int, beat: Beat) -> None:
    """Raises Fenced where the attempt was given up."""
    store.put_json(Store.attempt(job_id, attempt, "beat"), asdict(beat))


def read_beat(store: Store, job_id: str, attempt: int) -> dict[str, Any] | None:
    """The last beat of an attempt; None where there is none yet, or where a power cut left no whole one."""
    try:
        found: dict[str, Any] | None = store.find_json(Store.attempt(job_id, attempt, "beat"))
    except IntegrityError:
        return None
    return found


class Pulse:
    """What one watcher saw of one attempt, in seconds of its own monotonic clock. silent_s: since the beat last changed;
    idle_s: since work was last seen to be done."""

    def __init__(self, now: float) -> None:
        self.silent_s = self.idle_s = 0.0
        self.heard = False
        self._looked = now
        self._beat: object = None
        self._pace: object = None

    def look(self, beat: dict[str, Any] | None, now: float) -> bool:
        """Take in a beat; returns whether work was done since the last look."""
        passed_s = min(max(now - self._looked, 0.0), LOOK_S)
        self._looked = now
        number = None if beat is None else beat.get("beat")
        pace = None if beat is None else [beat.get(k) for k in PACE]
        moved = pace != self._pace
        self.silent_s = 0.0 if number != self._beat else self.silent_s + passed_s
        self.idle_s = 0.0 if moved else self.idle_s + passed_s
        self.heard |= number is not None
        self._beat, self._pace = number, pace
        return moved
