"""A small labelled set and a scorer file for it, with figures that can be worked out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SCORER = '''
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scorers.base import Column, Values
from scorers.text import TextBatch


@dataclass(frozen=True)
class Rude:
    """How rude a text is: marks over ten; null for a text that says nothing. A label: loud or quiet."""

    name: ClassVar[str] = "rude"
    version: ClassVar[int] = 1
    mark: str = "!"

    def columns(self) -> tuple[Column, ...]:
        return (
            Column("probability", pa.float64(), "probability", "a made-up probability of rudeness", low=0.0, high=1.0),
            Column("label", pa.string(), "name", "'loud' from five marks on, else 'quiet'; null without a word"),
        )

    def score(self, batch: TextBatch) -> Values:
        marks = np.asarray(pc.count_substring(batch.to_arrow(), self.mark))
        silent = np.diff(batch.offsets) < 3
        named = np.where(marks >= 5, "loud", "quiet").astype(object)
        return {"probability": pa.array(marks / 10, mask=silent), "label": pa.array(named, pa.string(), mask=silent)}


SCORER = Rude
'''

MARKS = (9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
PEOPLE = ("women", "muslims", "deaf people", "")


def labelled_rows() -> list[dict[str, Any]]:
    """40 rows of four sources: rude texts have nine to five marks, but site-0 calls its six marks polite; one row without a
    label, one too short to be measured, one without text."""
    rows = []
    for i in range(40):
        marks, site = MARKS[i // 4], i % 4
        rude = marks >= 5 and not (site == 0 and marks == 6)
        target = PEOPLE[site]
        text = f"A letter number {i} to {target or 'nobody'}{'!' * marks}"
        meta = f'{{"functionality": "{"slur_h" if rude else "counter_quote_nh"}", "target": "{target}"}}'
        rows.append({"id": f"r{i}", "text": text, "toxic": int(rude), "tone": "loud" if rude else "quiet",
                     "source": f"site-{site}", "lang": "en" if site < 3 else "de", "meta": meta})  # fmt: skip
    rows[38]["toxic"] = None
    rows.append({**rows[0], "id": "short", "text": "ok"})
    rows.append({**rows[0], "id": "none", "text": None})
    return rows


def write_scorer(folder: Path) -> Path:
    """The scorer as a user's file."""
    path = folder / "rude.py"
    path.write_text(SCORER, encoding="utf-8")
    return path
