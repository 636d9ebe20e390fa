"""How a way of training does on sources it has never seen: each group is scored by a model of all the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import UsageError
from pipeline.evaluate.data import Measured
from pipeline.evaluate.evaluation import TRUTHS, Question, chosen_positive, evaluate
from pipeline.measures.splits import leave_one_out, named_groups
from scorers.base import Column

Probabilities = npt.NDArray[np.float64]
Predictor = Callable[[pa.Array], Probabilities]
"""large_string[D] -> f64[D, L]: the probability of every label; NaN for a text of which nothing is known."""
Trainer = Callable[[pa.Array, npt.NDArray[np.int64], tuple[str, ...], Sequence[str]], Predictor]
"""(texts: large_string[D], labels: i64[D], the names of the L labels, the group of each text) -> what predicts them."""
YES_NO = ("negative", "positive")


def evaluate_held_out(question: Question, measured: Measured, out: str, train: Trainer) -> dict[str, Any]:
    """The report's numbers over predictions for rows whose `out` (a field of the data) no training row has. measured: with
    texts. Labels of two kinds, one of them positive, give a probability; others give names."""
    rows = measured.rows.filter(pc.is_valid(measured.rows.column(f"field:{question.label}")))
    labels = rows.column(f"field:{question.label}").combine_chunks()
    yes_no = bool(question.positive) or set(pc.unique(labels).to_pylist()) <= {v for pair in TRUTHS for v in pair}
    names, codes = _coded(labels, question, yes_no)
    texts = rows.column("text").combine_chunks()
    chances = predictions(texts, codes, names, rows.column(f"field:{out}").to_pylist(), train)
    column = Column("probability", pa.float64(), "probability", f"predicted by a model of every other {out}", 0.0, 1.0)
    unknown = np.isnan(chances).any(axis=1)
    if yes_no:
        asked = replace(question, about=column, confidence=None)
        made = {question.column: pa.array(chances[:, 1], mask=unknown)}
    else:
        sure = f"{question.column}.confidence"
        named = replace(column, name="label", type=pa.string(), unit="name", low=None, high=None)
        asked = replace(question, about=named, confidence=sure)
        best = pa.array(chances.argmax(axis=1), mask=unknown)
        made = {question.column: pa.array(names).take(best), sure: pa.array(chances.max(axis=1), mask=unknown)}
    for name, values in made.items():
        rows = rows.append_column(name, values)
    missing = measured.rows.num_rows - rows.num_rows
    told = evaluate(asked, replace(measured, rows=rows))
    told["counts"] |= {"rows": told["counts"]["rows"] + missing, "without_label": missing}
    return told | {"left_out": out}


def predictions(
    texts: pa.Array, codes: npt.NDArray[np.int64], names: tuple[str, ...], groups: Sequence[str | None], train: Trainer
) -> Probabilities:
    """f64[N, L]: every row by a model that saw no row of its group."""
    found = np.empty((len(texts), len(names)), np.float64)
    group_names, group_codes, _ = named_groups(groups)
    for group, held in leave_one_out(groups):
        seen = np.unique(codes[~held])
        if len(seen) < 2:
            only = names[seen[0]] if len(seen) else "none"
            raise UsageError(
                f"without {group!r} the data hold one label only ({only}): nothing to learn. Leave out by another column, or add data"
            )
        predict = train(
            texts.filter(pa.array(~held)), codes[~held], names, [group_names[k] for k in group_codes[~held]]
        )
        found[held] = predict(texts.filter(pa.array(held)))
    return found


def _coded(labels: pa.Array, question: Question, yes_no: bool) -> tuple[tuple[str, ...], npt.NDArray[np.int64]]:
    """The labels' names, and each row's place among them."""
    if yes_no:
        positive = chosen_positive(labels, question.positive, question.label)
        return YES_NO, np.asarray(pc.is_in(labels, pa.array(positive, labels.type))).astype(np.int64)
    names = tuple(sorted(pc.unique(labels).to_pylist()))
    return names, np.asarray(pc.index_in(labels, pa.array(names, labels.type))).astype(np.int64)
