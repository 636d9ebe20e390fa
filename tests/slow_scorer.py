"""A scorer whose pace tests choose, and which can take its process with it."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from scorers.base import Column, Values, count
from scorers.text import TextBatch

PACE = "SLOW_SCORER_PACE"
"""In the environment: a file with the seconds that a batch takes, whatever the recipe says. It may change meanwhile."""


@dataclass(frozen=True)
class Slow:
    """Bytes of a document, measured at leisure. deadly: a file that, while it is there, ends the process."""

    name: ClassVar[str] = "slow"
    version: ClassVar[int] = 1
    seconds: float = 0.0
    deadly: str = ""

    def columns(self) -> tuple[Column, ...]:
        return (count("size", "bytes", "length of the text"),)

    def score(self, batch: TextBatch) -> Values:
        begun = time.monotonic()
        while (left := begun + _pace(self.seconds) - time.monotonic()) > 0:
            time.sleep(min(left, 0.02))
        if self.deadly and Path(self.deadly).exists():
            os._exit(3)
        return {"size": np.diff(batch.offsets)}


def _pace(seconds: float) -> float:
    told = os.environ.get(PACE)
    return float(Path(told).read_text(encoding="ascii")) if told else seconds


SCORER = Slow
