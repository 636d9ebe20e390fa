"""A group is scored by a model that saw none of its rows, whatever trains the model."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from pipeline.errors import UsageError
from pipeline.evaluate.asking import Asked, ask
from pipeline.evaluate.data import Measured, data_of, measure, recipe_for
from pipeline.evaluate.evaluation import Question
from pipeline.evaluate.held_out import Predictor, evaluate_held_out, predictions
from pipeline.evaluate.page import render_evaluation
from pipeline.evaluate.resampling import How
from scorers.base import Column

TEXTS = {
    "shop": [("buy cheap pills", 1), ("our opening hours", 0), ("cheap cheap offer", 1), ("the hours of lunch", 0)],
    "mail": [("cheap watches", 1), ("minutes of the meeting", 0), ("", 0)],
    "site": [("cheap flights", 1), ("the history of rivers", 0), ("unheard", 1)],
}


class WordShares:
    """The share of a word's training rows with each label, averaged over the known words of a text."""

    def __init__(self) -> None:
        self.seen: list[list[str]] = []

    def __call__(
        self, texts: pa.Array, labels: npt.NDArray[np.int64], names: tuple[str, ...], groups: Sequence[str]
    ) -> Predictor:
        self.seen.append(texts.to_pylist())
        counts: dict[str, npt.NDArray[np.float64]] = {}
        for text, label in zip(texts.to_pylist(), labels, strict=True):
            for word in text.split():
                counts.setdefault(word, np.zeros(len(names)))[label] += 1

        def predict(given: pa.Array) -> npt.NDArray[np.float64]:
            known = [[counts[w] / counts[w].sum() for w in t.split() if w in counts] for t in given.to_pylist()]
            return np.array([np.mean(k, axis=0) if k else np.full(len(names), np.nan) for k in known])

        return predict


@pytest.fixture(scope="module")
def learnable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three sources whose rude and polite words are the same, among words of their own."""
    folder = tmp_path_factory.mktemp("learnable")
    pick, rows = random.Random(3), []
    for i in range(240):
        rude, source = i % 2, f"site-{i % 3}"
        words = [pick.choice(("awful", "stupid", "horrid") if rude else ("kind", "lovely", "gentle")) for _ in range(3)]
        words += [f"{source}word{pick.randint(0, 9)}" for _ in range(5)]
        pick.shuffle(words)
        rows.append({"text": " ".join(words), "toxic": rude, "tone": "rude" if rude else "polite", "source": source})
    pq.write_table(pa.Table.from_pylist(rows), folder / "rows.parquet")
    return folder


@pytest.mark.parametrize(
    ("task", "label", "figure"), [("toxicity", "toxic", "roc_auc"), ("domain", "tone", "accuracy")]
)
def test_the_trainers_of_winnow_train_are_judged_on_sources_they_have_not_seen(
    learnable: Path, task: str, label: str, figure: str
) -> None:
    train = {task: {"budget_s": 0, "kept_rows": 2000}}
    asked = Asked(
        f"{task}.it", (str(learnable / "rows.parquet"),), label, how=How(10), leave_one_out="source", train=train
    )
    found = ask(asked, str(learnable / "ws"), 1)
    assert found["left_out"] == "source"
    by_source = {g["group"]: g for g in found["groups"][0]["groups"]}
    assert {name: g["rows"] for name, g in by_source.items()} == {"site-0": 80, "site-1": 80, "site-2": 80}
    assert [g[figure] > 0.95 for g in by_source.values()] == [True] * 3
    assert "each source is scored by a model of all the others" in render_evaluation(found)


@pytest.mark.parametrize(("changes", "said"), [
    ({"train": "toxicty"}, r"--train 'toxicty': there are quality, toxicity, domain\. Did you mean 'toxicity'\?"),
    ({"train": {"toxicity": {"budget": 1}}}, r"no 'budget'; there are .*Did you mean 'budget_s'\?"),
    ({"train": {"toxicity": {"budget_s": "long"}}}, r"could not convert string to float"),
    ({"train": None}, r"--leave-one-out COLUMN and --train NAME belong together"),
    ({"low": True}, r"are about a scorer"),
    ({"leave_one_out": "sauce"}, r"no column 'sauce'.*Did you mean 'source'\?"),
])  # fmt: skip
def test_slips_of_the_pen_are_told(learnable: Path, changes: dict[str, Any], said: str) -> None:
    data = (str(learnable / "rows.parquet"),)
    asked = Asked("toxicity.it", data, "toxic", leave_one_out="source", train={"toxicity": {"budget_s": 0}})
    with pytest.raises(UsageError, match=said):
        ask(replace(asked, **changes), str(learnable / "ws"), 1)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    folder = tmp_path_factory.mktemp("held")
    rows: list[dict[str, Any]] = [
        {"text": t, "spam": s, "kind": "ad" if s else "note", "source": source}
        for source, of in TEXTS.items()
        for t, s in of
    ]
    rows.append({"text": "no label", "spam": None, "kind": None, "source": "mail"})
    pq.write_table(pa.Table.from_pylist(rows), folder / "rows.parquet")
    recipe = recipe_for(data_of([str(folder / "rows.parquet")]), [])
    return measure(recipe, str(folder / "ws"), [], ["spam", "kind", "source"], text=True, workers=1)


def question(label: str, **changes: Any) -> Question:
    about = Column("probability", pa.float64(), "probability", "made up", 0.0, 1.0)
    return Question("spam.probability", about, label, by=("source",), how=How(10), **changes)


def test_no_model_sees_the_rows_it_is_asked_about(measured: Measured) -> None:
    trainer = WordShares()
    found = evaluate_held_out(question("spam"), measured, "source", trainer)
    assert [
        [t for t in seen if t in dict(TEXTS[name])] for seen, name in zip(trainer.seen, sorted(TEXTS), strict=True)
    ] == [[], [], []]
    assert [len(seen) for seen in trainer.seen] == [7, 6, 7]
    assert found["left_out"] == "source"
    assert found["counts"] == {"rows": 11, "quarantined": 0, "without_label": 1, "labelled": 10}
    # 'unheard', 'our opening hours' and the empty text have no known word: they are told, not guessed
    assert (found["overall"]["not_measured"], found["overall"]["not_measured_positives"]) == (3, 1)
    assert found["overall"]["roc_auc"] == 1.0
    assert [g["group"] for g in found["groups"][0]["groups"]] == ["shop", "mail", "site"]


def test_names_are_predicted_with_a_confidence(measured: Measured) -> None:
    found = evaluate_held_out(question("kind"), measured, "source", WordShares())
    assert found["kind"] == "classes"
    assert found["confusion"] == {"classes": ["ad", "note"], "counts": [[4, 0, 1], [0, 3, 2]]}
    assert found["coverage"][-1]["accuracy"] == 1.0


def test_positive_labels_may_be_named(measured: Measured) -> None:
    found = evaluate_held_out(question("kind", positive=("ad",)), measured, "source", WordShares())
    assert (found["kind"], found["positive"], found["overall"]["roc_auc"]) == ("binary", ["ad"], 1.0)


def test_a_group_that_holds_all_of_a_label_cannot_be_left_out() -> None:
    texts = pa.array(["a", "b", "c"], pa.large_string())
    with pytest.raises(UsageError, match=r"without 'x' the data hold one label only \(no\)"):
        predictions(texts, np.array([1, 0, 0]), ("no", "yes"), ["x", "x", "y"], WordShares())


def test_texts_are_read_beside_their_fields(measured: Measured) -> None:
    rows = measured.rows.filter(pc.equal(measured.rows.column("field:source"), "mail"))
    assert rows.column("text").to_pylist() == ["cheap watches", "minutes of the meeting", "", "no label"]
    assert rows.column("field:kind").to_pylist() == ["ad", "note", "note", None]
