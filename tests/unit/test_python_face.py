"""What Python callers give: paths and changes, one or several, strings or paths."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import winnow


@pytest.mark.parametrize(
    "given", ["crawl/*.parquet", Path("crawl/*.parquet"), ["crawl/*.parquet"], (Path("crawl/*.parquet"),)]
)
def test_one_path_is_one_path(given: Any) -> None:
    assert winnow.recipe("gopher", given).input.paths == ("crawl/*.parquet",)
    assert winnow.recipe({"name": "own"}, given).input.paths == ("crawl/*.parquet",)


def test_changes_may_be_one(tmp_path: Path) -> None:
    one, several = (winnow.recipe("gopher", "a.jsonl", c) for c in ("name=mine", ["name=mine"]))
    assert one == several
    assert one.name == "mine"
    (tmp_path / "r.yaml").write_text("name: mine\n")
    assert winnow.recipe(tmp_path / "r.yaml").name == "mine"


def test_a_run_takes_paths(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "some words"}\n')
    made = winnow.run(
        {"name": "own", "score": ["exact"]},
        tmp_path / "a.jsonl",
        workspace=tmp_path / "ws",
        output=tmp_path / "out",
        workers=1,
    )
    assert made.funnel
    (row,) = winnow.sql("select count(*) as n from documents", workspace=tmp_path / "ws").to_pylist()
    assert row["n"] == 1
