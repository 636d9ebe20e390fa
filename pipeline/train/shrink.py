"""Making a trained model small enough to ship: the rows that matter most are kept, trained on, and quantised."""

from __future__ import annotations

import dataclasses

import numpy as np

from pipeline.train.classifier import Examples, Shape, descend
from pipeline.train.fasttext_writer import ftz_bytes
from scorers.models.fasttext_file import FastTextFile


def shrink(file: FastTextFile, examples: Examples, shape: Shape, kept_rows: int, part_dims: int = 2) -> bytes:
    """A .ftz file: pruned to kept_rows, trained again on the examples (fastText's `quantize -cutoff -retrain`), quantised."""
    return ftz_bytes(pruned_again(file, examples, shape, kept_rows), part_dims, shape.seed)


def pruned_again(file: FastTextFile, examples: Examples, shape: Shape, kept_rows: int) -> FastTextFile:
    """Pruned to kept_rows, and trained again on the examples where that took something away."""
    pruned = prune(file, kept_rows)
    return descend(pruned, examples, shape) if len(pruned.rows) < len(file.rows) else pruned


def prune(file: FastTextFile, kept_rows: int) -> FastTextFile:
    """The model with its kept_rows longest rows (words and n-grams alike, the end of a line always among them)."""
    lengths = np.linalg.norm(file.rows, axis=1)
    lengths[0] = np.inf
    kept = np.sort(np.argsort(-lengths, kind="stable")[:kept_rows])
    words, n_grams = kept[kept < file.n_words], kept[kept >= file.n_words] - file.n_words
    buckets = n_grams
    if file.kept is not None:
        place_to_bucket = np.empty(len(file.kept), np.int64)
        place_to_bucket[file.kept[:, 1]] = file.kept[:, 0]
        buckets = place_to_bucket[n_grams]
    lengths_bytes = np.diff(file.word_offsets)[words]
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths_bytes)])
    at = np.repeat(file.word_offsets[words] - offsets[:-1], lengths_bytes) + np.arange(int(offsets[-1]))
    places = np.stack([buckets, np.arange(len(buckets))], axis=1).astype(np.int32)
    return dataclasses.replace(
        file,
        words=file.words[at],
        word_offsets=offsets,
        word_counts=file.word_counts[words],
        kept=places,
        rows=np.ascontiguousarray(file.rows[kept]),
    )
