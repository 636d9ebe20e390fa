"""The view `shards` has the parts of every table of a job, in the files' views, confined and in the service's catalog alike."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

import winnow
from pipeline.catalog import read
from pipeline.catalog.chosen import choose_job
from pipeline.catalog.database import Catalog
from pipeline.sandbox.ask import ask
from pipeline.storage import manifest
from pipeline.storage.store import Store
from pipeline.takedown.making import Request, take_down
from tests.corpora import write_parquet

RECIPE = {
    "name": "everything",
    "score": ["exact", "gopher", "minhash"],
    "rules": {"word_count": {"column": "gopher.word_count", "min": 50}},
    "dedup": {
        "fuzzy": {"jaccard": 0.8},
        "lines": {},
        "substrings": {"min_bytes": 200},
        "guard": {"max_source_loss": 1.0},
    },
}
EXPECTED = {
    *(
        "text",
        "notes",
        "tombstones",
        "verdict",
        "bands",
        "candidates",
        "pairs",
        "s_curve",
        "digests",
        "equals",
        "dedup",
    ),
    *(
        "effects",
        "guards",
        "lines",
        "line_keys",
        "line_counts",
        "line_cuts",
        "substrings",
        "substring_cuts",
        "mix",
        "export",
    ),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("shards")
    crawl = write_parquet(folder / "crawl", count=60)
    made = Store(str(folder / "ws"))
    for _ in range(2):
        winnow.run(RECIPE, [str(crawl)], workspace=made.root, executor="local", workers=1)
        take_down(made, Request("ticket 7", ids=("doc-00001",)))
    return made


@pytest.fixture(scope="module")
def listed(store: Store) -> Counter[tuple[str, str, int]]:
    """(kind, part, rows) of every part that the manifests of the latest job list."""
    job = choose_job(store)
    corpus = str(job.record["corpus"])
    paths = [manifest.manifest_path(corpus, kind, key) for kind, keys in job.record["tables"].items() for key in keys]
    tables = [found for path in paths if (found := manifest.load(store, path)) is not None]
    return Counter((t.kind, p.key, p.rows) for t in tables for p in t.parts)


def test_a_job_lists_what_it_stands_on(listed: Counter[tuple[str, str, int]]) -> None:
    assert {kind for kind, _, _ in listed} >= EXPECTED


def test_views_over_files_have_every_part(store: Store, listed: Counter[tuple[str, str, int]]) -> None:
    found = winnow.sql("select stage, part, rows from shards", workspace=store.root).to_pylist()
    assert Counter((r["stage"], r["part"], r["rows"]) for r in found) == listed


def test_a_confined_question_sees_every_part(store: Store, listed: Counter[tuple[str, str, int]]) -> None:
    found = json.loads(ask(store, "select stage, part, rows from shards", format="json").body)
    assert Counter((r["stage"], r["part"], r["rows"]) for r in found) == listed


def test_the_catalog_of_a_service_has_every_part(
    store: Store, listed: Counter[tuple[str, str, int]], tmp_path: Path
) -> None:
    catalog = Catalog(store, tmp_path / "c.duckdb")
    try:
        page = read.shards_page(catalog, choose_job(store).id, None, None, 10_000)
        assert Counter((s["stage"], s["part"], s["rows"]) for s in page.items) == listed
    finally:
        catalog.close()


def test_what_was_done_for_a_part_is_told_of_every_kind(store: Store) -> None:
    found = winnow.sql("select stage, count(seconds) as timed from shards group by 1", workspace=store.root).to_pylist()
    timed = {r["stage"]: r["timed"] for r in found}
    assert [kind for kind in ("bands", "candidates", "pairs", "lines", "substrings") if not timed[kind]] == []
