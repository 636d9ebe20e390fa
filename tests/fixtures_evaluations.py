"""An evaluation set, and a crawl with some of its items: whole, in part, in capitals, in another order, in boilerplate."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

BOILERPLATE = "This program comes with absolutely no warranty to the extent permitted by applicable law whatsoever"
EGGS = (
    "A farmer has seventeen ducks that lay three eggs each every single morning before dawn, "
    "how many eggs are there at noon?"
)
ITEMS = [
    {"id": "eggs", "question": EGGS, "choices": None, "answer": "51"},
    {
        "id": "moons",
        "question": "Which of these moons was the first one that anybody saw through a telescope made of brass?",
        "choices": ["Io, the volcanic one close to Jupiter", "Titan with its thick orange air", "The Moon", "Phobos"],
        "answer": 0,
    },
    {"id": "licence", "question": BOILERPLATE, "choices": None, "answer": "no"},
    {"id": "short", "question": "Why is the sky blue?", "choices": None, "answer": "Rayleigh"},
]
WORDS = [
    "river",
    "stone",
    "lamp",
    "garden",
    "window",
    "letter",
    "music",
    "bridge",
    "salt",
    "morning",
    "paper",
    "cloud",
    "silver",
    "horse",
    "winter",
    "market",
]


def filler(seed: int, words: int = 90) -> str:
    return " ".join(WORDS[(seed * 7 + i * i + i * seed) % len(WORDS)] for i in range(words)) + "."


def texts() -> dict[str, str]:
    """Thirty clean documents, one with an item, one with half of one, one in capitals and markup, one in another order; and
    twenty with boilerplate that is an item, too."""
    made = {f"clean-{i:02}": filler(i) for i in range(30)}
    made["whole"] = f"{filler(31)}\nÄrger mit Enten: {EGGS} {filler(32)}"
    made["part"] = (
        filler(33) + " a farmer has seventeen ducks that lay three eggs each every morning but one " + filler(34)
    )
    made["markup"] = f"{filler(35)} <p>{EGGS.upper().replace(' ', '  *')}</p>"
    made["reordered"] = f"{ITEMS[1]['question']} Phobos. The Moon. Titan with its thick orange air. {filler(36)}"
    made |= {f"licensed-{i:02}": f"{filler(40 + i)} {BOILERPLATE}. {filler(60 + i)}" for i in range(20)}
    return made


@pytest.fixture(autouse=True)
def models_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WINNOW_MODELS", str(tmp_path_factory.mktemp("models")))
        yield


@pytest.fixture
def evals(tmp_path: Path) -> Path:
    path = tmp_path / "evals" / "farm.jsonl"
    path.parent.mkdir()
    path.write_text("".join(json.dumps(i) + "\n" for i in ITEMS), encoding="utf-8")
    return path


@pytest.fixture
def crawl(tmp_path: Path) -> Path:
    path = tmp_path / "crawl.parquet"
    pq.write_table(pa.table({"id": list(texts()), "text": list(texts().values())}), path, row_group_size=20)
    return path


def recipe(evals: Path, **more: Any) -> dict[str, Any]:
    return {"name": "clean", "decontaminate": {"against": [str(evals)], **more}}
