"""From labelled text to a classifier that can ship: searched, cross-validated by source, calibrated, shrunk, described."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.errors import UsageError
from pipeline.measures import classes
from pipeline.measures.calibration_error import expected_error
from pipeline.measures.ranking import area_under_curve
from pipeline.measures.splits import group_folds
from pipeline.train import calibrate, teacher
from pipeline.train.classifier import Examples, Shape, balanced, fit, work
from pipeline.train.fasttext_writer import ftz_bytes
from pipeline.train.labelled import Labelled
from pipeline.train.search import Tried, search
from pipeline.train.shrink import pruned_again
from scorers import models
from scorers.models.card import Card
from scorers.models.classifier import NORMALISE, normalised
from scorers.models.fasttext_classifier import classifier_of
from scorers.models.fasttext_file import FastTextFile
from scorers.text import TextBatch

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
FOLDS = 5
CHANCE_AUC = 0.5
"""What a shape is worth where the first fold has rows of one kind only, which cannot tell shapes apart."""

Task = Literal["quality", "toxicity", "domain"]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be made. positive: labels whose probability is asked for (none for domain); separator: what stands
    between a row's labels where it may have several ("" : it has one); normalise: one of scorers.models.classifier.NORMALISE;
    kept_rows: size of the model, about 20 bytes a row; soft: unlabelled texts for the teacher to label."""

    task: Task
    name: str
    positive: tuple[str, ...] = ()
    separator: str = ""
    normalise: str = "words"
    kept_rows: int = 100_000
    budget_s: float = 60.0
    seed: int = 0
    unlabelled: pa.Array | None = None
    licence: str = "as its data"


@dataclass(frozen=True, slots=True)
class Made:
    """A model's file, its card, and everything that the search tried."""

    content: bytes
    card: Card
    tried: tuple[Tried, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """N rows ready to learn from. targets: f32[N, L]; fold: i64[N]; points: f32[N, 384] and unlabelled ones, with a
    teacher; extra: the unlabelled texts."""

    batch: TextBatch
    labels: tuple[str, ...]
    targets: F32
    fold: I64
    points: F32 | None
    extra: TextBatch | None
    extra_points: F32 | None
    loss: Literal["softmax", "ova"]


def make(data: Labelled, wish: Wish) -> Made:
    """Search, cross-validate, calibrate, train on everything, shrink, and write the card."""
    models.check_name(wish.name)  # now, not after the training
    rows = _rows(data, wish)
    tried = search(lambda shape: _try(rows, shape, wish), wish.budget_s, wish.seed)
    shape = tried[0].shape
    scores = np.empty((len(rows.batch), len(rows.labels)))
    for held in np.unique(rows.fold):
        test = np.flatnonzero(rows.fold == held)
        # pruned as the final model, but not quantised: that moves a score by some thousandths and takes most of the time
        file, _ = _train(rows, np.flatnonzero(rows.fold != held), shape, wish)
        scores[test] = classifier_of(file).predict(_chosen(rows.batch, test)).probabilities
    file, shape = _train(rows, np.arange(len(rows.batch)), shape, wish)
    content = ftz_bytes(file, seed=wish.seed)
    calibration, metrics = _judge(rows, scores, wish)
    return Made(content, _card(data, wish, rows, shape, content, calibration, metrics), tuple(tried))


def _rows(data: Labelled, wish: Wish) -> Rows:
    if wish.normalise not in NORMALISE:
        raise UsageError(f"normalise {wish.normalise!r}; there are {', '.join(NORMALISE)}")
    told = [[p for p in row.split(wish.separator) if p] if wish.separator else [row] for row in data.labels]
    labels = tuple(sorted({label for row in told for label in row}))
    missing = set(wish.positive) - set(labels)
    if missing or (wish.task != "domain" and not wish.positive):
        raise UsageError(f"positive {sorted(missing) or 'label'}: name one or more of the labels, {', '.join(labels)}")
    positive = sum(not set(row).isdisjoint(wish.positive) for row in told)
    if wish.positive and positive == len(told):
        raise UsageError(f"all {positive} rows are {' or '.join(wish.positive)}; rows that are not are needed too")
    targets = np.zeros((len(told), len(labels)), np.float32)
    place = {label: n for n, label in enumerate(labels)}
    for n, row in enumerate(told):
        targets[n, [place[label] for label in row]] = 1
    groups = len(set(data.groups))
    if groups < 2:
        raise UsageError("all rows are of one group; two are needed to measure on text that was not learnt from")
    fold = group_folds(data.groups, min(FOLDS, groups), wish.seed, data.labels)
    points = extra = extra_points = None
    if wish.unlabelled is not None:
        points = teacher.embed(data.texts.to_pylist())
        extra_points = teacher.embed(wish.unlabelled.to_pylist())
        extra = prepared(wish.unlabelled, wish.normalise)
    batch = prepared(data.texts, wish.normalise)
    return Rows(batch, labels, targets, fold, points, extra, extra_points, "ova" if wish.separator else "softmax")


def prepared(texts: pa.Array, how: str) -> TextBatch:
    """Texts as the scorers will hand them to the model."""
    batch = TextBatch.from_arrow(texts)
    return batch if how == "none" else normalised(batch, batch.offsets[:-1], batch.offsets[1:], how)


def _chosen(batch: TextBatch, rows: I64) -> TextBatch:
    return TextBatch.from_arrow(batch.to_arrow().take(pa.array(rows)))


def _examples(rows: Rows, train: I64) -> Examples:
    batch, targets = _chosen(rows.batch, train), rows.targets[train]
    if rows.extra is not None and rows.points is not None and rows.extra_points is not None:
        shares = targets / np.maximum(targets.sum(axis=1, keepdims=True), 1)
        trained = teacher.fit_regression(rows.points[train], shares.astype(np.float64))
        targets = np.concatenate([targets, teacher.tell(rows.extra_points, trained)])
        batch = TextBatch.from_arrow(pa.concat_arrays([batch.to_arrow(), rows.extra.to_arrow()]))
    return Examples(batch, rows.labels, targets, balanced(targets))


def _train(rows: Rows, train: I64, shape: Shape, wish: Wish) -> tuple[FastTextFile, Shape]:
    shape = dataclasses.replace(shape, loss=rows.loss)
    examples = _examples(rows, train)
    return pruned_again(fit(examples, shape), examples, shape, wish.kept_rows), shape


def _try(rows: Rows, shape: Shape, wish: Wish) -> Tried:
    """A shape on the first fold, before it is shrunk."""
    shape = dataclasses.replace(shape, loss=rows.loss)
    test = np.flatnonzero(rows.fold == 0)
    examples = _examples(rows, np.flatnonzero(rows.fold != 0))
    file = fit(examples, shape)
    scores = classifier_of(file).predict(_chosen(rows.batch, test)).probabilities.astype(np.float64)
    cost = work(file, examples.batch) * shape.epochs * shape.dim * 2
    return Tried(shape, _value(rows, scores, test, wish), cost)


def _value(rows: Rows, scores: F64, test: I64, wish: Wish) -> float:
    if wish.task == "domain":
        f1 = classes.table(rows.targets[test].argmax(axis=1), scores.argmax(axis=1), len(rows.labels)).macro_f1
        return 0.0 if f1 is None else f1
    auc = area_under_curve(_positive(rows, scores, wish), _truth(rows, wish)[test])
    return CHANCE_AUC if auc is None else auc


def _positive(rows: Rows, scores: F64, wish: Wish) -> F64:
    chosen = scores[:, [rows.labels.index(p) for p in wish.positive]]
    return np.asarray(chosen.max(axis=1) if rows.loss == "ova" else np.minimum(chosen.sum(axis=1), 1.0))


def _truth(rows: Rows, wish: Wish) -> npt.NDArray[np.bool_]:
    return np.asarray(rows.targets[:, [rows.labels.index(p) for p in wish.positive]].max(axis=1) > 0)


def _judge(rows: Rows, scores: F64, wish: Wish) -> tuple[dict[str, Any], dict[str, Any]]:
    """The card's calibration and metrics, from scores: f64[N, L] of rows that each fold's model never saw."""
    asked: dict[str, tuple[F64, npt.NDArray[Any]]] = {}
    metrics: dict[str, Any] = {"rows": len(scores), "folds": len(np.unique(rows.fold))}
    if wish.task == "domain":
        order = np.argsort(-scores, axis=1, kind="stable")
        right = rows.targets.argmax(axis=1)
        for place, key in enumerate(("first", "second")):
            chosen = order[:, place]
            asked[key] = (np.take_along_axis(scores, chosen[:, None], axis=1)[:, 0], chosen == right)
        table = classes.table(right, order[:, 0], len(rows.labels))
        metrics |= {"macro_f1": table.macro_f1, "accuracy": table.accuracy}
    else:
        truth = _truth(rows, wish)
        asked["+".join(wish.positive)] = (_positive(rows, scores, wish), truth)
        metrics |= {"auc": area_under_curve(_positive(rows, scores, wish), truth), "positive": float(truth.mean())}
        if rows.loss == "ova":
            asked |= {label: (scores[:, n], rows.targets[:, n] > 0) for n, label in enumerate(rows.labels)}
    found = {key: calibrate.best_calibration(s, y, rows.fold) for key, (s, y) in asked.items()}
    metrics["calibration_error"] = _rounded(
        {key: expected_error(calibrate.held_out(s, y, rows.fold), y) for key, (s, y) in asked.items()}
    )
    return found, _rounded(metrics)


def _rounded(figures: dict[str, Any]) -> dict[str, Any]:
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in figures.items()}


def _card(
    data: Labelled, wish: Wish, rows: Rows, shape: Shape, content: bytes, calibration: dict[str, Any],
    metrics: dict[str, Any],
) -> Card:  # fmt: skip
    settings: dict[str, Any] = {"normalise": wish.normalise, "task": wish.task, "trained": dataclasses.asdict(shape)}
    if wish.positive:
        settings["positive"] = list(wish.positive)
    if rows.loss == "ova":
        settings["categories"] = [label for label in rows.labels if label not in wish.positive]
    learnt = f"{len(data.labels):,} labelled texts" + (
        f" and {len(rows.extra):,} that MiniLM labelled" if rows.extra is not None else ""
    )
    limits = [
        f"Measured on folds of whole groups ({len(set(data.groups)):,} groups); text of other kinds may fare worse.",
        "Probabilities are calibrated for a share of labels as in its data.",
    ]
    single = _labels_of_one_group(data, wish)
    if single:
        limits.append(f"Labels of one group only, on which no fold could be measured fairly: {', '.join(single)}.")
    return Card(
        name=wish.name, kind="fasttext", file_name=f"{wish.name}.ftz", sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content), licence=wish.licence, about=f"A {wish.task} classifier (fastText), learnt from {learnt}.",
        labels=rows.labels, settings=settings, calibration=calibration, data=data.files, metrics=metrics,
        limits=tuple(limits),
    )  # fmt: skip


def _labels_of_one_group(data: Labelled, wish: Wish) -> list[str]:
    """Labels whose rows all come from one group: with it held out, nothing is left to learn them from."""
    groups: dict[str, set[str]] = {}
    for told, group in zip(data.labels, data.groups, strict=True):
        for label in told.split(wish.separator) if wish.separator else [told]:
            groups.setdefault(label, set()).add(group)
    return sorted(label for label, seen in groups.items() if label and len(seen) == 1)
