"""A sweep: several corpora, the text scored once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import PlanError, RecipeError
from pipeline.recipe_file import validate
from pipeline.run import Settings
from pipeline.sweep import Made, run_sweep, variants

TREE: dict[str, Any] = {
    "name": "family",
    "score": ["gopher", "exact"],
    "rules": {"long": {"column": "gopher.word_count", "min": 20}},
    "sweep": {
        "loose": {"rules.long.min": 5},
        "inverse": {"rules.long": {"column": "gopher.word_count", "max": 19}},
        "whole": {"rules.long": None},
    },
}


@pytest.fixture
def crawl(tmp_path: Path) -> Path:
    texts = [f"document {n} " + "word " * (n % 40) for n in range(200)]
    pq.write_table(pa.table({"id": [str(n) for n in range(200)], "text": texts}), tmp_path / "in.parquet")
    return tmp_path / "in.parquet"


def swept(crawl: Path, tree: dict[str, Any] = TREE) -> dict[str, Made]:
    recipe = validate({**tree, "input": {"paths": [str(crawl)]}}, "test")
    settings = Settings(output=str(crawl.parent / "out"), workers=1)
    return {m.variant: m for m in run_sweep(recipe, str(crawl.parent / "ws"), settings)}


def test_every_variant_keeps_what_its_own_rules_say(crawl: Path) -> None:
    made = swept(crawl)
    kept = {name: m.result.funnel["kept"] for name, m in made.items()}
    assert kept == {"loose": 185, "inverse": 90, "whole": 200}
    assert pq.read_table(crawl.parent / "out" / "inverse" / "data").num_rows == 90


def test_only_the_first_variant_reads_text_to_measure_it(crawl: Path) -> None:
    assert [m.units_scored for m in swept(crawl).values()] == [1, 0, 0]
    assert [m.units_scored for m in swept(crawl).values()] == [0, 0, 0]


def test_a_recipe_without_a_sweep_says_how_to_write_one(crawl: Path) -> None:
    with pytest.raises(PlanError, match="has no sweep; add one"):
        swept(crawl, {k: v for k, v in TREE.items() if k != "sweep"})


def test_a_wrong_variant_stops_the_sweep_before_anything_is_run(crawl: Path) -> None:
    wrong = {**TREE, "sweep": {**TREE["sweep"], "typo": {"rules.long.column": "gopher.wordcount"}}}
    with pytest.raises(PlanError, match=r"Did you mean 'gopher\.word_count'"):
        swept(crawl, wrong)
    assert not (crawl.parent / "ws" / "jobs").exists()
    with pytest.raises(RecipeError, match=r"sweep\.typo.*unknown key"):
        swept(crawl, {**TREE, "sweep": {"typo": {"rulez.long": 1}}})


def test_a_sweep_does_not_change_what_the_recipe_itself_is() -> None:
    alone = validate({k: v for k, v in TREE.items() if k != "sweep"}, "test")
    assert validate(TREE, "test").digest() == alone.digest()
    assert {v.name for v in variants(validate(TREE, "test")).values()} == {
        "family.loose",
        "family.inverse",
        "family.whole",
    }


@pytest.mark.parametrize("sweep", [{"../up": {"a": 1}}, {"": {"a": 1}}, {"x": {}}])
def test_a_variant_names_a_folder_and_changes_something(sweep: dict[str, Any]) -> None:
    with pytest.raises(RecipeError, match="variant"):
        validate({**TREE, "sweep": sweep}, "test")
