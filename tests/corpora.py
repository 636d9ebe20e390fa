"""Small made-up corpora with known content, the same every time."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

WORDS = [
    "the",
    "of",
    "and",
    "to",
    "that",
    "with",
    "have",
    "be",
    "river",
    "stone",
    "window",
    "market",
    "garden",
    "letter",
    "winter",
    "morning",
    "silver",
    "teacher",
    "journey",
    "bridge",
    "answer",
    "history",
    "village",
    "machine",
    "paper",
    "summer",
    "question",
    "shadow",
    "mountain",
    "kitchen",
    "harbour",
    "signal",
    "forest",
    "island",
    "captain",
    "carpet",
    "doctor",
]


def prose(seed: int, sentences: int = 12) -> str:
    """English-looking text that passes the Gopher and FineWeb rules."""
    pick = random.Random(seed)
    lines = []
    for _ in range(sentences):
        words = [pick.choice(WORDS) for _ in range(pick.randint(9, 16))]
        lines.append(" ".join(words).capitalize() + f" {pick.choice(WORDS)}{seed % 97}.")
    return "\n".join(" ".join(lines[i : i + 3]) for i in range(0, len(lines), 3))


def documents(count: int = 240) -> list[dict[str, str]]:
    """`count` documents: of each ten, one exact copy, one near copy (one sentence more), one far too short."""
    made = []
    for i in range(count):
        text = prose(i)
        if i % 10 == 7:
            text = prose(i - 1)
        elif i % 10 == 8:
            text = prose(i - 3) + " One sentence was added here at the end."
        elif i % 10 == 9:
            text = "Too short."
        made.append({"id": f"doc-{i:05d}", "text": text, "url": f"https://example.org/{i}", "source": f"site-{i % 3}"})
    return made


def write_parquet(folder: Path, count: int = 240, files: int = 4, row_groups: int = 3) -> Path:
    """The documents as `files` Parquet files of several row groups."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = documents(count)
    per_file = -(-count // files)
    for n in range(files):
        part = rows[n * per_file : (n + 1) * per_file]
        pq.write_table(
            pa.Table.from_pylist(part), folder / f"part-{n}.parquet", row_group_size=-(-len(part) // row_groups)
        )
    return folder
