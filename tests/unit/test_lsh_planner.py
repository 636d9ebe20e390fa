"""Choosing bands: datasketch's rule, presets by name, budgets, and what is forecast."""

from __future__ import annotations

import numpy as np
import pytest
from datasketch.lsh import _optimal_param

from pipeline.dedup.documents import forecast as fuzzy_forecast
from pipeline.dedup.documents.bands import match_probability, weighed_bands
from pipeline.dedup.documents.planner import banding, choice, choices, cost, fewest_bands
from pipeline.dedup.documents.presets import PRESETS
from pipeline.dedup.documents.similarities import REFERENCE_DOCS, Found, Reference, Sample, pairs_in_buckets
from pipeline.errors import PlanError, RecipeError
from pipeline.recipe.dedup import Fuzzy, Guard
from pipeline.recipe_file import load_recipe, validate

BEFORE = {"minimal": 128, "fineweb": 112}


@pytest.mark.parametrize(
    ("jaccard", "num_perm", "weights"),
    [
        (0.4, 64, (0.5, 0.5)), (0.5, 128, (0.5, 0.5)), (0.7, 128, (0.1, 0.9)), (0.8, 64, (0.9, 0.1)),
        (0.8, 128, (0.5, 0.5)), (0.9, 128, (0.5, 0.5)), (1.0, 32, (0.5, 0.5)), (0.7, 1, (0.5, 0.5)),
    ],
)  # fmt: skip
def test_bands_by_weights_are_those_of_datasketch(jaccard: float, num_perm: int, weights: tuple[float, float]) -> None:
    assert weighed_bands(num_perm, jaccard, weights) == _optimal_param(jaccard, num_perm, *weights)


def recipe(**fuzzy: object) -> dict[str, object]:
    return {"name": "x", "score": ["exact"], "dedup": {"exact": "raw", "fuzzy": fuzzy}}


@pytest.mark.parametrize(
    ("preset", "num_perm", "ngram", "jaccard", "bands"),
    [
        ("datatrove", 112, 5, 0.75, (14, 8)), ("redpajama", 128, 13, 0.8, (9, 13)), ("nemo", 260, 5, 0.8, (20, 13)),
        ("slimpajama", 128, 3, 0.8, (9, 13)), ("datasketch", 128, 5, 0.9, (5, 25)), ("text-dedup", 240, 5, 0.7, (24, 10)),
        ("data-juicer", 256, 5, 0.7, (25, 10)), ("zyda", 128, 13, 0.4, (32, 4)), ("duplodocus", 286, 5, 0.8, (26, 11)),
    ],
)  # fmt: skip
def test_a_preset_is_what_its_system_publishes(
    preset: str, num_perm: int, ngram: int, jaccard: float, bands: tuple[int, int]
) -> None:
    made = validate(recipe(preset=preset), "test")
    assert made.score == ("exact", {"minhash": {"num_perm": num_perm, "ngram": ngram}})
    assert made.dedup is not None
    assert made.dedup.fuzzy is not None
    assert made.dedup.fuzzy.jaccard == jaccard
    assert banding(made.dedup.fuzzy, num_perm) == bands
    assert set(PRESETS) == {
        *(
            "datatrove",
            "redpajama",
            "slimpajama",
            "nemo",
            "data-juicer",
            "text-dedup",
            "zyda",
            "duplodocus",
            "datasketch",
        )
    }


def test_what_the_recipe_says_stays_as_it_is() -> None:
    tree = recipe(preset="redpajama", jaccard=0.7, on="near")
    tree["score"] = ["exact", {"near": {"use": "minhash", "num_perm": 200}}]
    made = validate(tree, "test")
    assert made.score[1] == {"near": {"num_perm": 200, "ngram": 13, "use": "minhash"}}
    assert made.dedup is not None
    assert made.dedup.fuzzy is not None
    assert (made.dedup.fuzzy.bands, made.dedup.fuzzy.rows) == (14, 9)
    by_recall = validate(recipe(preset="redpajama", recall=0.9), "test").dedup
    assert by_recall is not None
    assert by_recall.fuzzy is not None
    assert (by_recall.fuzzy.bands, by_recall.fuzzy.recall, by_recall.fuzzy.jaccard) == (None, 0.9, 0.8)


def test_a_recipe_written_out_means_the_same() -> None:
    made = validate(recipe(preset="text-dedup"), "test")
    assert validate(made.model_dump(mode="json"), "test").digest() == made.digest()


def test_keys_that_are_not_used_are_in_no_digest() -> None:
    assert set(Fuzzy().model_dump()) == {"on", "jaccard", "bands", "rows", "recall", "max_bucket"}
    assert set(Guard().model_dump()) == {"warn_cluster_size", "max_source_loss", "min_source_docs"}
    assert set(Guard(edge=0.05, max_edge_frac=0.1).model_dump()) >= {"edge", "max_edge_frac"}
    assert load_recipe("minimal").digest() == load_recipe("minimal", ["dedup.fuzzy.recall=0.99"]).digest()


@pytest.mark.parametrize(
    ("fuzzy", "said"),
    [
        ({"preset": "datatrov"}, "no preset 'datatrov'.*Did you mean 'datatrove'"),
        ({"bands": 9}, "both bands and rows"),
        ({"bands": 9, "rows": 9, "max_false_candidates": 1}, "bands and max_false_candidates each say"),
        ({"weights": [0.5, 0.5], "max_false_candidates": 1}, "weights and max_false_candidates each say"),
        ({"weights": [0.5, 0.4]}, "add up to 1, these to 0.9"),
        ({"max_false_candidates": 0}, "greater than 0"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(fuzzy: dict[str, object], said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        validate(recipe(**fuzzy), "test")


def test_more_bands_than_the_signature_has_minima_stop_the_plan() -> None:
    with pytest.raises(PlanError, match="14 bands of 9 rows need 126 minima, the scorer 'minhash' makes 112"):
        banding(Fuzzy(bands=14, rows=9), 112)
    with pytest.raises(PlanError, match=r"at most 0\.9984.*raise num_perm"):
        banding(Fuzzy(jaccard=0.8, recall=0.999), 4)


@pytest.mark.parametrize("budget", [70.0, 100.0, 500.0])
def test_a_budget_is_filled_with_recall_and_never_exceeded(budget: float) -> None:
    similar = Reference(1_000_000)
    bands, rows = banding(Fuzzy(max_false_candidates=budget), 128, similar)
    chosen = choice(bands, rows, 0.8, similar)
    assert chosen.false_per_doc <= budget
    assert chosen.recall >= 0.99
    for r in range(1, 129):
        for b in range(1, 128 // r + 1):
            if match_probability(0.8, b, r) > chosen.recall:
                assert choice(b, r, 0.8, similar).false_per_doc > budget


def test_a_budget_that_cannot_be_had_says_the_nearest() -> None:
    with pytest.raises(PlanError, match=r"0\.5 a document cannot be had.*the least is 60\.3 \(16 bands of 6\)"):
        banding(Fuzzy(max_false_candidates=0.5), 128, Reference(1_000_000))
    with pytest.raises(PlanError, match="4 permutations find at most"):
        banding(Fuzzy(max_false_candidates=0.5, jaccard=0.2), 4, Reference(1_000))


def test_the_fewest_bands_reach_the_recall_and_one_less_does_not() -> None:
    for rows in (1, 4, 6):
        bands = fewest_bands(128, rows, 0.8, 0.99)
        assert bands is not None
        assert match_probability(0.8, bands, rows) >= 0.99 > match_probability(0.8, bands - 1, rows)
    assert fewest_bands(128, 7, 0.8, 0.99) is None


def signatures(documents: int = 300, minima: int = 32) -> np.ndarray:
    """Random ones; every tenth document shares most minima with the one before."""
    made = np.random.default_rng(1).integers(0, 2**32 - 1, (documents, minima), dtype=np.uint32)
    made[9::10, :28] = made[8::10, :28]
    return made


def test_a_sample_that_is_the_corpus_forecasts_what_is_there() -> None:
    made = signatures()
    whole = Sample(made, np.full(300, 100), 300).candidates(8, 4, 0.8)
    assert whole == Found(0.0, 30 / 300, 60 / 300)
    strict = Sample(made, np.full(300, 100), 300).candidates(8, 4, 0.9)
    assert strict == Found(30 / 300, 0.0, 60 / 300)
    tenfold = Sample(made, np.full(300, 100), 3_000).candidates(8, 4, 0.8)
    assert tenfold.similar_per_doc == pytest.approx(0.1 * 2_999 / 299)


def test_buckets_too_large_to_list_are_told_by_their_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.dedup.documents.similarities.MOST_PAIRS", 1_000)
    same = np.zeros((100, 8), dtype=np.uint32)
    assert Sample(same, np.full(100, 9), 100).candidates(2, 4, 0.8) == Found(2 * 4_950 / 100, 0.0, 1.0)
    assert pairs_in_buckets(np.array([0, 0, 3, 3, 3, 7], dtype=np.uint64)) == 3


def test_nothing_to_compare_has_no_candidates() -> None:
    empty = Sample(np.zeros((0, 16), np.uint32), np.zeros(0, np.int64), 0)
    assert empty.candidates(4, 4, 0.8) == Found(0.0, 0.0, 0.0)
    assert Reference(1).candidates(4, 4, 0.8) == Found(0.0, 0.0, 0.0)


def test_the_reference_tells_what_was_counted_in_it() -> None:
    found = Reference(REFERENCE_DOCS).candidates(21, 6, 0.8)
    # six seeds gave 1.65 to 2.22 candidate pairs a document (docs/log.md)
    assert 1.6 < found.false_per_doc + found.similar_per_doc < 2.6


def test_choices_hold_the_chosen_one_and_rise_in_rows() -> None:
    found = choices(Fuzzy(), 128, Reference(1_000), (14, 8))
    assert [(c.bands, c.rows) for c in found if c.rows in (6, 8)] == [(16, 6), (14, 8), (16, 8)]
    assert [c.rows for c in found] == sorted(c.rows for c in found)
    assert found[-1].recall >= 0.5


def test_costs_grow_with_what_is_exchanged() -> None:
    similar = Reference(1_000_000)
    few, many = (cost(choice(b, r, 0.8, similar), 1_000_000, 3_556_000_000) for b, r in ((9, 13), (21, 6)))
    assert few.exchange_bytes < many.exchange_bytes
    assert few.seconds < many.seconds
    # a unit's range is bounded, whatever the corpus
    assert many.memory_bytes < 1_000_000_000


def test_the_plan_says_what_a_preset_does_otherwise() -> None:
    made = validate(recipe(preset="nemo"), "test")
    assert made.dedup is not None
    assert made.dedup.fuzzy is not None
    said = fuzzy_forecast.sentences(made.dedup.fuzzy, {"num_perm": 260, "ngram": 5}, 1_000_000_000)
    assert "20 bands of 13: 67.73% of the pairs at Jaccard 0.8" in said[0]
    assert any(s.startswith("nemo itself: shingles of 24 characters") for s in said)


def test_a_budget_the_reference_cannot_keep_is_told_and_does_not_stop_the_plan() -> None:
    told = fuzzy_forecast.sentences(Fuzzy(max_false_candidates=0.001), {"num_perm": 128, "ngram": 5}, 100_000_000_000)
    assert any("the job stops after scoring if yours cannot" in s for s in told)
    with pytest.raises(PlanError, match="permutations find at most"):
        fuzzy_forecast.sentences(Fuzzy(max_false_candidates=1, jaccard=0.2), {"num_perm": 4, "ngram": 5}, 10**9)
