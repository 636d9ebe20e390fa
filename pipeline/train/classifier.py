"""Training a supervised fastText model: deterministic, on soft or hard labels; the file is fastText's own.

Not the package's trainer: fasttext 0.9.3 leaves most weights uninitialised below ten threads, and from two on its result
changes from run to run.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from pipeline.errors import WinnowError
from scorers.kernels.fasttext_train import ONE_VERSUS_ALL, SOFTMAX, count_words, descend_epoch, draw_rows, text_rows
from scorers.models.fasttext_classifier import classifier_of
from scorers.models.fasttext_file import FastTextFile
from scorers.text import PADDING_BYTES, TextBatch

END_OF_LINE = b"</s>"
FIRST_ROOM_WORDS = 1 << 18

F32 = npt.NDArray[np.float32]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Shape:
    """Hyper-parameters, as fastText names and means them (bucket, minn, maxn, lr: buckets, shortest, longest, rate)."""

    dim: int = 16
    epochs: int = 5
    rate: float = 0.5
    word_ngrams: int = 2
    shortest: int = 0
    longest: int = 0
    buckets: int = 1 << 20
    min_count: int = 1
    loss: Literal["softmax", "ova"] = "softmax"
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.dim, self.epochs, self.word_ngrams, self.buckets, self.min_count) < 1 or self.rate <= 0:
            raise WinnowError(
                f"training: dim, epochs, word_ngrams, buckets, min_count and rate must be above 0: {self}"
            )
        if not 0 <= self.shortest <= max(self.longest, 0):
            raise WinnowError(f"training: n-grams of {self.shortest} to {self.longest} characters; 0 to 0 is none")


@dataclass(frozen=True, slots=True)
class Examples:
    """D texts with what they are. targets: f32[D, L], each label's share (a row adds up to 1) or, for one-versus-all, its
    probability; weights: f32[D], how much a text counts."""

    batch: TextBatch
    labels: tuple[str, ...]
    targets: F32
    weights: F32

    def __post_init__(self) -> None:
        expected = (len(self.batch), len(self.labels))
        if self.targets.shape != expected or self.weights.shape != expected[:1]:
            raise WinnowError(
                f"training: targets {self.targets.shape}, weights {self.weights.shape} for {expected[0]} texts and "
                f"{expected[1]} labels"
            )
        if not (np.isfinite(self.targets).all() and np.isfinite(self.weights).all()) or self.weights.min(initial=0) < 0:
            raise WinnowError("training: targets and weights must be finite, weights not below 0")


def balanced(targets: F32) -> F32:
    """Weights: f32[D] under which every label has the same sum, their mean being 1. targets: f32[D, L]; rows without any
    label, which say what no label is, count as one of a label more."""
    targets = np.column_stack([targets, targets.sum(axis=1) == 0])
    held = targets.sum(axis=0)
    per_label = np.where(held > 0, held.sum() / np.maximum(held, 1e-9) / max(1, int((held > 0).sum())), 0)
    found = (targets * per_label).sum(axis=1)
    return np.asarray(found / max(float(found.mean()), 1e-9), np.float32)


def fit(examples: Examples, shape: Shape) -> FastTextFile:
    """Train on the examples in shape.epochs passes. Equal input, equal bytes. WinnowError where there is no word."""
    started = untrained(examples, shape)
    return descend(started, examples, shape)


def work(file: FastTextFile, batch: TextBatch) -> int:
    """Rows that one pass over the batch adds: what training costs, whatever the machine."""
    return int(rows_of(file, batch)[0][-1])


def untrained(examples: Examples, shape: Shape) -> FastTextFile:
    """The model before its first pass: the examples' vocabulary, drawn rows, an output of zeros."""
    words, offsets, counts = vocabulary(examples.batch, shape.min_count)
    if len(counts) < 2:
        raise WinnowError(f"training: {len(examples.batch)} texts hold no word {shape.min_count} times or more")
    n_grams = shape.word_ngrams > 1 or shape.longest > 0
    buckets = shape.buckets if n_grams else 0
    rows = np.empty((len(counts) + buckets, shape.dim), np.float32)
    draw_rows(rows, shape.seed)
    label_counts = np.maximum(np.rint(examples.targets.sum(axis=0)), 1).astype(np.int64)
    return FastTextFile(
        shape.loss, shape.word_ngrams, shape.shortest, shape.longest, buckets, words, offsets, counts, examples.labels,
        label_counts, None, rows, np.zeros((len(examples.labels), shape.dim), np.float32),
    )  # fmt: skip


def descend(file: FastTextFile, examples: Examples, shape: Shape) -> FastTextFile:
    """The model after shape.epochs passes at shape.rate; its words and n-grams stay as they are."""
    bounds, ids = rows_of(file, examples.batch)
    rows, output = file.rows.copy(), file.output.copy()
    loss = SOFTMAX if file.loss == "softmax" else ONE_VERSUS_ALL
    draw = np.random.Generator(np.random.PCG64(shape.seed))
    for epoch in range(shape.epochs):
        order = draw.permutation(len(examples.batch))
        descend_epoch(
            bounds, ids, examples.targets, examples.weights, order, rows, output, loss, shape.rate,
            epoch * len(ids), max(1, shape.epochs * len(ids)),
        )  # fmt: skip
    if not (np.isfinite(rows).all() and np.isfinite(output).all()):
        raise WinnowError(f"training diverged at rate {shape.rate}; lower it")
    return dataclasses.replace(file, rows=rows, output=output)


def rows_of(file: FastTextFile, batch: TextBatch) -> tuple[I64, I32]:
    """The rows that each text is the mean of: bounds i64[D+1], ids i32[N]; 4 bytes a row."""
    model = classifier_of(file)
    shape = np.array([file.shortest, file.longest, file.word_ngrams, file.n_words, file.buckets], np.int64)
    bounds, ids = np.empty(len(batch) + 1, np.int64), np.empty(0, np.int32)
    text_rows(batch.data, batch.offsets, shape, model.bucket_rows, model.table, bounds, ids)
    ids = np.empty(int(bounds[-1]), np.int32)
    text_rows(batch.data, batch.offsets, shape, model.bucket_rows, model.table, bounds, ids)
    return bounds, ids


def vocabulary(batch: TextBatch, min_count: int) -> tuple[npt.NDArray[np.uint8], I64, I64]:
    """Words that occur at least min_count times, the end of a line first, then the commonest: u8[bytes], i64[W+1], counts
    i64[W]. Words of equal count stay in the order they are met."""
    room = FIRST_ROOM_WORDS
    while True:
        table, found = np.zeros((2 * room, 2), np.uint64), np.empty((room, 2), np.int64)
        counts = np.empty(room, np.int64)
        n = count_words(batch.data, batch.offsets, table, found, counts)
        if n >= 0:
            break
        room *= 4
    kept = np.flatnonzero(counts[:n] >= min_count)
    kept = kept[np.argsort(-counts[kept], kind="stable")]
    lengths = found[kept, 1] - found[kept, 0]
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    at = np.repeat(found[kept, 0] - offsets[:-1], lengths) + np.arange(int(offsets[-1]))
    end = np.frombuffer(END_OF_LINE, np.uint8)
    words = np.concatenate([end, batch.data[at], np.zeros(PADDING_BYTES, np.uint8)])
    return (
        words[: len(end) + int(offsets[-1])],
        np.concatenate([np.zeros(1, np.int64), offsets + len(end)]),
        np.concatenate([np.array([len(batch)]), counts[kept]]).astype(np.int64),
    )
