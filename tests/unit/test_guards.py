"""Budgets of deduplication: what is held against them, and what is said when they are broken."""

from __future__ import annotations

import pytest

from pipeline.dedup.documents.guards import LISTED, Effect, acceptance, broken, held_against, hold, sentences
from pipeline.errors import GuardHeld
from pipeline.recipe.dedup import Guard
from pipeline.stages.documents.effects import runs_of

EFFECT = Effect(
    documents=1_000,
    removed=400,
    sources={"big": (600, 390), "small": (50, 10), "tiny": (5, 5)},
    clusters=((300, "a"), (20, "b"), (2, "c")),
    near=100,
    edge=7,
)


def test_without_budgets_everything_is_measured_and_nothing_held() -> None:
    rows = held_against(Guard(min_source_docs=50), EFFECT)
    assert [(r.guard, r.name, r.value) for r in rows] == [
        ("max_removed_frac", None, 0.4),
        ("max_source_loss", "big", 0.65),
        ("max_source_loss", "small", 0.2),
        ("max_cluster_docs", "a", 300),
        ("max_cluster_docs", "b", 20),
        ("max_cluster_docs", "c", 2),
        ("max_edge_frac", None, 0.07),
    ]
    assert broken(rows) == {}
    hold(Guard(), rows, "job_1")


def test_every_broken_budget_is_named_with_what_breaks_it() -> None:
    guard = Guard(
        max_source_loss=0.5, max_cluster_docs=10, max_cluster_frac=0.25, max_removed_frac=0.3, max_edge_frac=0.05
    )
    rows = held_against(guard, EFFECT)
    assert sentences(rows, guard) == [
        "dedup.guard.max_removed_frac is 0.3: 400 of 1000 documents would go",
        "dedup.guard.max_source_loss is 0.5: big loses 390 of 600",
        "dedup.guard.max_cluster_docs is 10: cluster a has 300 of 1000 documents, cluster b has 20 of 1000 documents",
        "dedup.guard.max_cluster_frac is 0.25: cluster a has 300 of 1000 documents",
        "dedup.guard.max_edge_frac is 0.05: 7 of 100 near-duplicates lie less than 0.02 above the threshold",
    ]
    with pytest.raises(
        GuardHeld, match=r"5 budgets are broken.*winnow guards --job job_1.*--set dedup.guard.max_removed_frac=0.4"
    ):
        hold(guard, rows, "job_1")


def test_what_is_accepted_lets_the_same_corpus_through() -> None:
    guard = Guard(
        max_source_loss=0.1, max_cluster_docs=2, max_removed_frac=0.001, max_edge_frac=0.001, min_source_docs=3
    )
    effect = Effect(997, 333, {"x": (7, 3)}, ((41, "a"),), 13, 6)
    said = acceptance(held_against(guard, effect))
    values = dict(part.split("=") for part in said.split()[1::2])
    accepted = {k.removeprefix("dedup.guard."): float(v) for k, v in values.items()}
    assert accepted == {
        "max_removed_frac": 0.3341, "max_source_loss": 0.4286, "max_cluster_docs": 41, "max_edge_frac": 0.4616
    }  # fmt: skip
    wider = guard.model_copy(update=accepted)
    assert broken(held_against(wider, effect)) == {}


def test_a_budget_that_is_just_met_holds_nothing() -> None:
    guard = Guard(max_source_loss=0.65, max_cluster_docs=300, max_removed_frac=0.4, max_edge_frac=0.07)
    assert broken(held_against(guard, EFFECT)) == {}


def test_all_that_is_broken_is_listed_and_of_the_rest_the_worst() -> None:
    clusters = tuple((1_000 - n, f"c{n}") for n in range(500))
    rows = held_against(Guard(max_cluster_docs=900), Effect(10_000, 5_000, {}, clusters))
    assert len([r for r in rows if r.broken]) == 100
    assert len([r for r in rows if r.guard == "max_cluster_docs"]) == 100
    quiet = held_against(Guard(), Effect(10_000, 5_000, {}, clusters))
    assert len([r for r in quiet if r.guard == "max_cluster_docs"]) == LISTED


def test_no_documents_break_no_budget() -> None:
    guard = Guard(max_removed_frac=0.01, max_edge_frac=0.01, max_cluster_frac=0.01)
    assert [r.value for r in held_against(guard, Effect(0, 0))] == [0.0]


def test_shards_are_counted_in_runs_of_enough_documents() -> None:
    assert list(runs_of([])) == []
    assert list(runs_of([5])) == [(0, 1)]
    assert list(runs_of([150_000, 60_000, 200_000, 10, 20])) == [(0, 2), (2, 3), (3, 5)]
