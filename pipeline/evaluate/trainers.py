"""The ways of training that `winnow evaluate --train` can judge: those of `winnow train`, search and calibration included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.errors import UsageError, did_you_mean
from pipeline.evaluate.held_out import YES_NO, Predictor, Probabilities, Trainer
from pipeline.train.labelled import Labelled
from pipeline.train.making import Task, Wish, make
from scorers.models.classifier import Named
from scorers.models.fasttext_classifier import classifier_of
from scorers.models.fasttext_file import parse
from scorers.text import TextBatch

PARAMETERS: dict[str, type] = {"budget_s": float, "kept_rows": int, "normalise": str, "seed": int}
"""What `winnow train` takes and `--train NAME:key=value` may set."""
BUDGET_S = 10.0
"""The search of each of the models: there is one a group."""


def trainer_of(name: str, given: Mapping[str, Any]) -> Trainer:
    """The trainer of a task (quality, toxicity, domain). A model is searched, calibrated and shrunk on the groups it may see."""
    tasks: dict[str, Task] = {task: task for task in get_args(Task)}
    if name not in tasks:
        raise UsageError(f"--train {name!r}: there are {', '.join(tasks)}.{did_you_mean(name, tasks)}")
    for key in given:
        if key not in PARAMETERS:
            raise UsageError(
                f"--train {name}: no {key!r}; there are {', '.join(PARAMETERS)}.{did_you_mean(key, PARAMETERS)}"
            )
    try:
        chosen = {key: PARAMETERS[key](value) for key, value in given.items()}
    except ValueError as error:
        raise UsageError(f"--train {name}: {error}") from None
    wish = Wish(tasks[name], "held-out", **{"budget_s": BUDGET_S, **chosen})

    def train(
        texts: pa.Array, labels: npt.NDArray[np.int64], names: tuple[str, ...], groups: Sequence[str]
    ) -> Predictor:
        # folds inside the training rows need two groups; where one is left, each row is its own
        own = list(groups) if len(set(groups)) > 1 else [f"row {i}" for i in range(len(labels))]
        rows = Labelled(texts, [names[k] for k in labels], own, ())
        made = make(rows, replace(wish, positive=YES_NO[1:] if names == YES_NO else ()))
        return _predictor(Named(classifier_of(parse(made.content, "held-out")), made.card), names)

    return train


def _predictor(model: Named, names: tuple[str, ...]) -> Predictor:
    """Calibrated for a yes-or-no label; as the model says for names."""

    def predict(texts: pa.Array) -> Probabilities:
        told = model.tell_documents(TextBatch.from_arrow(texts), 0)
        if names == YES_NO:
            chance = model.positive(told)
            found = np.stack([1 - chance, chance], axis=1)
        else:
            # a label that no training row has is never predicted
            found = np.zeros((len(texts), len(names)))
            places = [names.index(label) for label in model.model.labels]
            found[:, places] = told.scores
        return np.where(told.known[:, None], found, np.nan)

    return predict
