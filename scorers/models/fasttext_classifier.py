"""Any supervised fastText model as a classifier: the probabilities of all its labels over a batch, without the package.

Words are what fastText's reader splits at its seven spaces; a newline is a space too, as in the pipelines that call
`predict(text.replace("\\n", " "))` (DCLM, FineWeb). A literal `</s>` ends a text, words in `__label__` do not count.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scorers.kernels.fasttext_means import WANTED, fill_words, label_logits, leaf_probabilities, mean_features
from scorers.models.fasttext_file import FastTextFile, read_file
from scorers.models.fasttext_model import huffman, window_ends
from scorers.text import PADDING_BYTES, TextBatch

MEMORY_WORDS = 1 << 16
"""Words of a batch whose rows are remembered summed, where n-grams of characters count."""

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Predicted:
    """T texts, L labels. probabilities: f32[T, L]; words: i64[T]; features: i64[T], the rows behind each prediction.
    Where features is 0 nothing is known of a text, and its probabilities mean nothing."""

    probabilities: F32
    words: I64
    features: I64


@dataclass(frozen=True, slots=True)
class Classifier:
    """A model made ready. table: u64[2^n, 2], its vocabulary; bucket_rows: i32[buckets], or empty where none is pruned;
    left, right: i32[2L-1], the Huffman tree of a model with loss hs."""

    file: FastTextFile
    table: npt.NDArray[np.uint64]
    bucket_rows: I32
    left: I32
    right: I32

    @property
    def labels(self) -> tuple[str, ...]:
        """Label names, without `__label__`."""
        return self.file.labels

    def predict(self, batch: TextBatch, window_bytes: int = 0) -> Predicted:
        """Every document, or its first window_bytes (cut back to a whole character) where that is not 0."""
        return self.predict_spans(batch, batch.offsets[:-1], window_ends(batch, window_bytes))

    def predict_spans(self, batch: TextBatch, starts: I64, ends: I64) -> Predicted:
        """Every stretch starts[t]..ends[t] of batch.data by itself: i64[T] positions of whole characters."""
        hidden, words, features = self.means(batch, starts, ends)
        return Predicted(self.probabilities(hidden), words, features)

    def means(self, batch: TextBatch, starts: I64, ends: I64) -> tuple[F32, I64, I64]:
        """The mean row of every stretch: f32[T, K], its words and the rows in it: i64[T]."""
        file = self.file
        remembered = min(MEMORY_WORDS, batch.text_bytes) if file.longest else 0
        memory, room = np.zeros((1 << (2 * remembered).bit_length(), 2), np.uint64), remembered + WANTED
        sums, counts = np.empty((room, file.rows.shape[1]), np.float32), np.empty(room, np.int64)
        shape = np.array([file.shortest, file.longest, file.word_ngrams, file.n_words, file.buckets], np.int64)
        hidden = np.empty((len(starts), file.rows.shape[1]), np.float32)
        features, words = np.empty(len(starts), np.int64), np.empty(len(starts), np.int64)
        mean_features(
            batch.data, starts, ends, shape, self.bucket_rows, file.rows, self.table, memory, sums, counts,
            hidden, features, words,
        )  # fmt: skip
        return hidden, words, features

    def probabilities(self, hidden: F32) -> F32:
        """f32[T, L]. Softmax and hs: they add up to 1; ns and ova: each label for itself. fastText's own figures are
        1e-5 higher (it takes log(p + 1e-5)), and for ns and ova a step of 1/128 of a table; these are exact."""
        logits = np.empty((len(hidden), len(self.labels) - (self.file.loss == "hs")), np.float32)
        label_logits(hidden, self.file.output[: logits.shape[1]], logits)
        if self.file.loss == "hs":
            found = np.empty((len(hidden), len(self.labels)), np.float32)
            leaf_probabilities(logits, self.left, self.right, found)
            return found
        exact: F64 = logits.astype(np.float64)
        if self.file.loss == "softmax":
            weights = np.exp(exact - exact.max(axis=1, keepdims=True, initial=-np.inf))
            return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)
        return np.asarray(1.0 / (1.0 + np.exp(-exact)), np.float32)


@functools.cache
def load_classifier(path: Path, sha256: str) -> Classifier:
    """Read a model once per process. FastTextError if the file's digest is another, or it is no such model."""
    return classifier_of(read_file(path, sha256))


def classifier_of(file: FastTextFile) -> Classifier:
    """Make a model ready to predict."""
    table = np.zeros((1 << (2 * file.n_words).bit_length(), 2), np.uint64)
    fill_words(np.concatenate([file.words, np.zeros(PADDING_BYTES, np.uint8)]), file.word_offsets, table)
    bucket_rows = np.zeros(0, np.int32)
    if file.kept is not None:
        bucket_rows = np.full(max(1, file.buckets), -1, np.int32)
        bucket_rows[file.kept[:, 0]] = file.n_words + file.kept[:, 1]
    counts = [int(c) for c in file.label_counts] if file.loss == "hs" else [1]
    return Classifier(file, table, bucket_rows, *huffman(counts))
