"""What is counted over a corpus does not count documents that are taken down, whether they were measured before or never."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import winnow
from pipeline.catalog.chosen import jobs
from pipeline.clerk.desk import Desk
from pipeline.clerk.verbs import answer
from pipeline.storage.store import Store
from pipeline.takedown.making import Request, take_down
from tests.corpora import prose

QUESTION = (
    "Which planet of the solar system takes exactly eighty eight days to travel once around the sun and why is that so"
)
LINE = "The same long sentence that stands in exactly two documents of this corpus and nowhere else at all."
Rows = dict[str, str]


def quoting(_: Path) -> tuple[Rows, list[str], dict[str, Any]]:
    """A benchmark's question in so many documents that it is boilerplate, unless some of them do not count."""
    rows = {f"d{i:02d}": prose(i) + (f" {QUESTION}" if i < 12 else "") for i in range(40)}
    pq.write_table(pa.table({"question": [QUESTION], "answer": ["mercury"]}), _ / "evaluations.parquet")
    return rows, [f"d{i:02d}" for i in range(6)], {"decontaminate": {"against": [str(_ / "evaluations.parquet")]}}


def repeating(_: Path) -> tuple[Rows, list[str], dict[str, Any]]:
    """A line that only a document which is taken down has, too."""
    rows = {"A": f"{LINE}\n{prose(1)}", "B": f"{LINE}\n{prose(2)}", **{f"d{i}": prose(10 + i) for i in range(8)}}
    rule = {"column": "corpus_lines.repeated_byte_frac", "max": 0.05}
    return rows, ["A"], {"dedup": {"lines": {"action": "measure"}}, "rules": {"boilerplate": rule}}


def by_length(_: Path) -> tuple[Rows, list[str], dict[str, Any]]:
    """A percentile that lies elsewhere without the longer half."""
    rows = {f"d{i:03d}": " ".join(f"w{i}x{k}" for k in range(i + 5 if i < 150 else 300 + i)) for i in range(300)}
    bucket = {"column": "gopher.word_count", "percentiles": {"short": 50}, "rest": "long"}
    rules = {"long": {"column": "buckets.length", "in": ["long"]}}
    return (
        rows,
        [f"d{i:03d}" for i in range(150, 300)],
        {"score": ["gopher"], "buckets": {"length": bucket}, "rules": rules},
    )


def write(path: Path, rows: Rows) -> None:
    path.parent.mkdir(parents=True)
    told = [{"id": i, "text": t} for i, t in rows.items()]
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(told), path)
    else:
        path.write_text("\n".join(map(json.dumps, told)))


def kept(root: Path, recipe: dict[str, Any]) -> list[str]:
    """Ids of the documents that a run exports."""
    winnow.run(
        recipe,
        [str(root / "crawl")],
        workspace=str(root / "ws"),
        output=str(root / "out"),
        executor="local",
        workers=1,
        overwrite=True,
    )
    ids: list[str] = pq.read_table(root / "out" / "data").column("id").to_pylist()
    return ids


@pytest.mark.parametrize("before", [True, False], ids=["measured before", "measured after"])
@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
@pytest.mark.parametrize("corpus", [quoting, repeating, by_length])
def test_others_are_decided_about_as_if_they_had_never_been_there(
    corpus: Callable[[Path], tuple[Rows, list[str], dict[str, Any]]], suffix: str, before: bool, tmp_path: Path
) -> None:
    rows, gone, asked = corpus(tmp_path)
    recipe = {"name": "all", "score": ["exact"], **asked}
    with_them, without_them = tmp_path / "with", tmp_path / "without"
    write(with_them / "crawl" / f"a.{suffix}", rows)
    write(without_them / "crawl" / f"a.{suffix}", {i: t for i, t in rows.items() if i not in gone})
    first = kept(with_them, recipe if before else {"name": "first", "score": ["exact"]})
    take_down(Store(str(with_them / "ws")), Request("ticket", ids=tuple(gone), by="jane"))
    assert kept(with_them, recipe) == kept(without_them, recipe)
    assert not before or set(first) - set(gone) != set(kept(without_them, recipe))  # else it would show nothing


def test_a_preview_cuts_buckets_without_them(tmp_path: Path) -> None:
    rows, gone, asked = by_length(tmp_path)
    write(tmp_path / "crawl" / "a.parquet", rows)
    recipe = {"name": "all", **asked}
    kept(tmp_path, recipe)
    take_down(Store(str(tmp_path / "ws")), Request("ticket", ids=tuple(gone), by="jane"))
    kept(tmp_path, recipe)
    desk, job = Desk(Store(str(tmp_path / "ws")), 1, 256_000_000), jobs(Store(str(tmp_path / "ws")))[-1]
    told = answer(desk, "preview", {"job": job, "changes": ["buckets.length.percentiles.short=20"]})
    length = asked["buckets"]["length"] | {"percentiles": {"short": 20}}
    assert told["proposed"]["kept"]["documents"] == len(kept(tmp_path, recipe | {"buckets": {"length": length}}))
