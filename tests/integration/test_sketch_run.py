"""A recipe with Fast Similarity Sketches: the same removals, a table of its own, and words that say what was done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import winnow
from tests.corpora import write_parquet


def recipe(**options: object) -> dict[str, Any]:
    return {
        "name": "small",
        "score": ["exact", "gopher", {"signatures": {"use": "minhash", "num_perm": 128, **options}}],
        "rules": {"word_count": {"column": "gopher.word_count", "min": 50}},
        "dedup": {"exact": "raw", "fuzzy": {"on": "signatures", "jaccard": 0.8}, "guard": {"max_source_loss": 1.0}},
    }


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Outputs by MinHash and by sketches, of one workspace."""
    folder = tmp_path_factory.mktemp("sketch")
    crawl = write_parquet(folder / "crawl")
    for name, options in (("minhash", {}), ("sketch", {"sketch": "fast_similarity"})):
        winnow.run(recipe(**options), [str(crawl)], workspace=str(folder / "ws"), output=str(folder / name), workers=1)
    return folder / "minhash", folder / "sketch"


def removals(output: Path) -> list[tuple[str, str, str | None]]:
    rows = pq.read_table(output / "removed").to_pylist()
    return sorted((r["id"], r["rule"], r["keeper"]) for r in rows)


def test_the_same_documents_go_with_the_same_keepers(both: tuple[Path, Path]) -> None:
    assert removals(both[1]) == removals(both[0])
    assert sum(rule == "fuzzy" for _, rule, _ in removals(both[1])) == 24


def test_a_sketch_is_measured_beside_the_signatures_that_were_there(both: tuple[Path, Path]) -> None:
    found = winnow.sql(
        "select distinct scorer, version from scorers where alias = 'signatures'",
        workspace=str(both[0].parent / "ws"),
    )
    assert found.num_rows == 1
    notes = list((both[0].parent / "ws" / "corpora").glob("*/notes/*/manifest.json"))
    assert sorted("fast_similarity" in p.read_text() for p in notes) == [False, True]


def test_the_card_says_which_signatures_found_them(both: tuple[Path, Path]) -> None:
    assert "MinHash of 128 permutations over word 5-grams" in (both[0] / "README.md").read_text()
    assert "Fast Similarity Sketches of 128 slots over word 5-grams" in (both[1] / "README.md").read_text()


def test_a_plan_says_which_signatures_it_will_make(tmp_path: Path) -> None:
    crawl = write_parquet(tmp_path / "crawl")
    told = winnow.plan(recipe(sketch="fast_similarity"), [str(crawl)], workspace=str(tmp_path / "ws"))
    assert "128 slots of a Fast Similarity Sketch, 21 bands of 6" in str(told)
