"""Evaluation items to plant: somebody's own as Parquet or JSONL, or sums in words that were made up for it."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.generator.chance import seeded
from benchmarks.generator.contamination import Item
from benchmarks.generator.personal import NAMES

THINGS = ("marbles", "apples", "stamps", "tickets", "books", "coins", "cups", "pencils", "roses", "shells")
PLACES = ("the market", "a fair in the village", "the harbour", "school", "a friend's garden", "the old library")
PEOPLE = ("neighbours", "cousins", "classmates", "visitors")
MADE_UP = 400
SCHEMA = pa.schema([("id", pa.string()), ("benchmark", pa.string()), ("question", pa.string()), ("choices", pa.list_(pa.string())),
                    ("answer", pa.string()), ("text", pa.string())])  # fmt: skip


def made_up(seed: int, count: int = MADE_UP) -> list[Item]:
    """Sums of two steps with four choices; no two have the same question."""
    made: dict[str, Item] = {}
    while len(made) < count:
        rng = seeded(seed, "item", len(made))
        name, thing, place, people = rng.choice(NAMES), rng.choice(THINGS), rng.choice(PLACES), rng.choice(PEOPLE)
        have, times, gives = rng.randrange(11, 99), rng.randrange(2, 9), rng.randrange(2, 11)
        question = (
            f"{name} brings {have} {thing} to {place} and finds {times} times as many there in a box nobody asks for. "
            f"After {gives} {people} have each been given {times} {thing}, how many {thing} does {name} carry home (sum {len(made)})?"
        )
        result = have + have * times - gives * times
        choices = [str(result + d) for d in sorted(rng.sample(range(-9, 10), 4))]
        answer = f"{name} has {have} + {have * times} = {have + have * times} {thing}, gives {gives * times} away and keeps {result}."
        item = {
            "id": f"made-up-{len(made)}",
            "benchmark": "made_up",
            "question": question,
            "choices": choices,
            "answer": answer,
        }
        made[question] = {**item, "text": f"{question}\n{answer}"}
    return list(made.values())


def read(path: Path) -> list[Item]:
    """Items of a file with the columns of SCHEMA. Raises ValueError where one is missing."""
    rows = (
        pq.read_table(path).to_pylist()
        if path.suffix == ".parquet"
        else [json.loads(x) for x in path.open(encoding="utf-8")]
    )
    missing = {name for name in SCHEMA.names if rows and name not in rows[0]}
    if missing or not rows:
        raise ValueError(
            f"{path}: evaluation items need the columns {', '.join(SCHEMA.names)}; missing: {sorted(missing) or 'all rows'}"
        )
    return rows


def write(items: list[Item], path: Path) -> None:
    """The items as a file that `decontaminate: {against: [...]}` takes."""
    pq.write_table(pa.Table.from_pylist([{n: i[n] for n in SCHEMA.names} for i in items], schema=SCHEMA), path)
