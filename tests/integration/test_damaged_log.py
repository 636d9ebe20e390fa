"""A job's log or record that holds what no job writes stops no question about other jobs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import winnow
from pipeline.catalog.chosen import read_job
from pipeline.storage.store import Store
from tests.corpora import write_parquet

DONE = {"verb": "unit_done", "stage": "text", "part": "p", "unit": "u", "rows": 3}
BAD = "job_0"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("log")
    made = Store(str(folder / "ws"))
    recipe = {"name": "small", "score": ["exact"]}
    winnow.run(
        recipe, [str(write_parquet(folder / "crawl", count=20))], workspace=made.root, executor="local", workers=1
    )
    return made


def asked(store: Store) -> tuple[int, int]:
    """(jobs, parts of text) that SQL tells of: two jobs, and the four parts of the sound one."""
    found = (
        winnow.sql(query, workspace=store.root).to_pylist()[0]["n"]
        for query in (
            "select count(*) as n from jobs",
            "select count(*) as n from shards where stage = 'text' and seconds >= 0",
        )
    )
    jobs, parts = found
    return jobs, parts


@pytest.mark.parametrize(
    "line",
    [
        *("5", "null", "[1]", "{}", '{"verb": 5}', '{"verb": "unit_done"}', '{"verb": "unit_done", "part": [1]}'),
        *('{"verb": "stage_finished", "seconds": "x"}', '{"verb": "stage_reused", "counts": 5}', "[" * 100_000),
        '{"verb": "stage_finished", "table": {"a": 1}}',
    ],
)
def test_a_line_that_is_no_event_is_left_out(store: Store, line: str) -> None:
    folder = Path(store.full(f"jobs/{BAD}"))
    folder.mkdir(exist_ok=True)
    (folder / "job.json").write_text(json.dumps({"state": "completed"}))
    (folder / "events.jsonl").write_text(f"{line}\n{json.dumps(DONE)}\n")
    assert read_job(store, BAD).events == (DONE,)
    assert asked(store) == (2, 4)


def test_warnings_that_are_no_sentences_are_shown_as_they_are(store: Store) -> None:
    folder = Path(store.full(f"jobs/{BAD}"))
    folder.mkdir(exist_ok=True)
    (folder / "job.json").write_text(json.dumps({"state": "completed", "warnings": [5, {"a": 1}]}))
    assert asked(store) == (2, 4)
