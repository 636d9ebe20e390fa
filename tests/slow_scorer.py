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
        time.sleep(self.seconds)
        if self.deadly and Path(self.deadly).exists():
            os._exit(3)
        return {"size": np.diff(batch.offsets)}


SCORER = Slow
