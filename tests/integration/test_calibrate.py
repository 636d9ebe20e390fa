"""Buckets from recipe to corpus: calibrated, judged, told in SQL, exported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import winnow
from pipeline.errors import PlanError

RECIPE: dict[str, Any] = {
    "name": "thirds",
    "score": ["gopher", "exact"],
    "buckets": {"length": {"column": "gopher.word_count", "by": "source", "percentiles": {"short": 25, "usual": 75}, "rest": "long"}},
    "rules": {"usual": {"column": "buckets.length", "in": ["short", "usual"]}},
}  # fmt: skip


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, winnow.Result]:
    folder = tmp_path_factory.mktemp("buckets")
    rows = [
        {"id": f"{s}-{n}", "source": s, "text": f"{s} {n} " + "word " * (n * k)}
        for s, k in (("a", 1), ("b", 5))
        for n in range(200)
    ]
    rows.append({"id": "alone", "source": "c", "text": "one of its kind"})
    (folder / "in").mkdir()
    pq.write_table(pa.Table.from_pylist(rows[:150]), folder / "in" / "0.parquet")
    pq.write_table(pa.Table.from_pylist(rows[150:]), folder / "in" / "1.parquet")
    result = winnow.run(
        RECIPE, [str(folder / "in")], workspace=str(folder / "ws"), output=str(folder / "out"), workers=1
    )
    return folder, result


def test_each_source_loses_its_own_longest_quarter(ran: tuple[Path, winnow.Result]) -> None:
    folder, _ = ran
    found = winnow.sql(
        "select source, buckets.length as bucket, count(*) as n from documents where source < 'c' group by 1, 2 order by 1, 2",
        workspace=str(folder / "ws"),
    )
    counts = {(r["source"], r["bucket"]): r["n"] for r in found.to_pylist()}
    assert set(counts) == {(s, b) for s in "ab" for b in ("short", "usual", "long")}
    assert all(abs(counts[s, b] - n) <= 2 for s in "ab" for b, n in (("short", 50), ("usual", 100), ("long", 50)))


def test_a_source_too_small_to_calibrate_is_told_and_not_passed(ran: tuple[Path, winnow.Result]) -> None:
    folder, result = ran
    assert any("fewer than 100 documents" in w and "c (1)" in w for w in result.warnings)
    (said,) = winnow.why("alone", workspace=str(folder / "ws"))
    assert said["failed"] == [{"rule": "usual", "value": None, "bound": "not measured"}]


def test_the_bucket_is_a_column_of_the_corpus(ran: tuple[Path, winnow.Result]) -> None:
    folder, _ = ran
    table = pq.read_table(folder / "out" / "data")
    assert set(table.column("length").to_pylist()) == {"short", "usual"}


def test_other_percentiles_read_no_text(ran: tuple[Path, winnow.Result]) -> None:
    folder, _ = ran
    changes = {
        **RECIPE,
        "buckets": {"length": {**RECIPE["buckets"]["length"], "percentiles": {"short": 25, "usual": 90}}},
    }
    again = winnow.run(changes, [str(folder / "in")], workspace=str(folder / "ws"), workers=1, until="judge")
    events = (folder / "ws" / "jobs" / again.job_id / "events.jsonl").read_text()
    assert '"verb": "stage_reused", "stage": "notes"' in events
    assert again.funnel["kept"] > 300


@pytest.mark.parametrize(("change", "words"), [
    ({"column": "gopher.wordcount"}, "Did you mean 'gopher.word_count'"),
    ({"column": "source"}, "source is string, expected a number"),
    ({"by": "gopher.word_count"}, "expected a string"),
])  # fmt: skip
def test_a_bucket_on_a_wrong_column_stops_the_plan(
    ran: tuple[Path, winnow.Result], change: dict[str, str], words: str
) -> None:
    folder, _ = ran
    wrong = {**RECIPE, "buckets": {"length": {**RECIPE["buckets"]["length"], **change}}}
    with pytest.raises(PlanError, match=words):
        winnow.plan(wrong, [str(folder / "in")], workspace=str(folder / "ws"))


@pytest.mark.parametrize("name", ["text", "id", "url", "language"])
def test_a_bucket_that_is_called_like_a_column_of_the_output_stops_the_plan(
    ran: tuple[Path, winnow.Result], name: str
) -> None:
    folder, _ = ran
    wrong = {**RECIPE, "buckets": {name: RECIPE["buckets"]["length"]}, "rules": {}}
    with pytest.raises(PlanError, match=rf"buckets\.{name}: the output has a column '{name}' already"):
        winnow.plan(wrong, [str(folder / "in")], workspace=str(folder / "ws"))
