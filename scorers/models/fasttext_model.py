"""A language model of lid.176's kind: the two likeliest labels over a batch, ten times as fast as the fasttext package,
which stays the reference that the tests hold this to. Any other supervised model: scorers/models/fasttext_classifier.py."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scorers.kernels.fasttext_predict import GROUP, ROW_BITS, mean_rows, remember_vocabulary, two_best
from scorers.models.fasttext_file import FastTextError, FastTextFile, read_file
from scorers.text import PADDING_BYTES, TextBatch

END_OF_LINE = b"</s>"
MEMORY_WORDS = 1 << 14
"""Words remembered within one batch besides the vocabulary: 4 MB of sums at 16 dimensions (docs/language.md)."""

F32 = npt.NDArray[np.float32]
U64 = npt.NDArray[np.uint64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FastTextModel:
    """W words, R rows, K dimensions, L labels, S slots of the word table.

    rows: f32[R, K], the words' first, then those of n-grams by bucket, buckets: what n-grams are hashed into, kept: u64[G] (which
    buckets have a row: fasttext_predict.GROUP), output: f32[L-1, K],
    left, right: i32[2L-1] (the Huffman tree, leaves first, root last), keys: u64[S], places: i32[S] (the word table),
    sums: f32[W, K], counts: i32[W] (of each word: its own row and its n-grams')
    """

    labels: tuple[str, ...]
    shortest: int
    longest: int
    rows: F32
    buckets: np.uint32
    kept: U64
    output: F32
    left: I32
    right: I32
    keys: U64
    places: I32
    sums: F32
    counts: I32

    def predict(self, batch: TextBatch, window_bytes: int = 0) -> tuple[I32, npt.NDArray[np.float64]]:
        """The two likeliest labels of every document: i32[D, 2] into `labels` (-1: none), and probabilities f64[D, 2].

        window_bytes: how much of a document's start is read, cut back to a whole character; 0 is all of it. A
        document without a word has no label.
        """
        starts, ends = batch.offsets[:-1], window_ends(batch, window_bytes)
        hidden = np.empty((len(batch), self.rows.shape[1]), np.float32)
        words = np.zeros(len(batch), np.int64)
        room = len(self.sums) + min(MEMORY_WORDS, batch.text_bytes) + 1
        sums, counts = np.empty((room, self.rows.shape[1]), np.float32), np.empty(room, np.int32)
        sums[: len(self.sums)], counts[: len(self.sums)] = self.sums, self.counts
        mean_rows(
            batch.data, starts, ends, self.shortest, self.longest, self.buckets, self.kept, self.rows,
            self.keys.copy(), self.places.copy(), sums, counts, len(self.sums), hidden, words,
        )  # fmt: skip
        labels = np.empty((len(batch), 2), np.int32)
        scores = np.empty((len(batch), 2), np.float64)
        two_best(hidden, self.output, self.left, self.right, labels, scores)
        labels[words == 0] = -1
        return labels, scores


def window_ends(batch: TextBatch, window_bytes: int) -> I64:
    """i64[D]: where each document's window ends, never inside a UTF-8 character."""
    starts, ends = batch.offsets[:-1], batch.offsets[1:]
    if window_bytes == 0:
        return ends
    cut = np.minimum(ends, starts + window_bytes)
    for _ in range(3):
        inside = (cut < ends) & (batch.data[cut] & 0xC0 == 0x80)
        cut = cut - inside
    return cut


@functools.cache
def load(path: Path, sha256: str) -> FastTextModel:
    """Read a model once per process. FastTextError if the file's digest is another, or it is not of this kind."""
    return language_model(read_file(path, sha256), str(path))


def language_model(file: FastTextFile, name: str) -> FastTextModel:
    """A model of lid.176's kind made ready: pruned, hierarchical softmax, single words, n-grams to 4 characters."""
    words, kept = file.n_words, file.kept
    like = (file.loss, file.word_ngrams) == ("hs", 1) and file.longest <= 4 and file.buckets > 0
    if not like or kept is None or words + len(kept) >> ROW_BITS:
        raise FastTextError(
            f"model {name!r}: loss {file.loss}, word n-grams {file.word_ngrams}, n-grams to {file.longest} characters, "
            f"{words} words, {'no' if kept is None else len(kept)} list of kept n-grams; a language model is like lid.176: "
            f"hs, 1, at most 4, pruned to less than {1 << ROW_BITS} rows"
        )
    row_of = np.full(file.buckets, -1, np.int32)
    row_of[kept[:, 0]] = words + kept[:, 1]
    (having,) = np.nonzero(row_of >= 0)
    rows = np.concatenate([file.rows[:words], file.rows[row_of[having]]])
    vocabulary = [bytes(file.words[a:b]) for a, b in itertools.pairwise(file.word_offsets)]
    if not vocabulary or vocabulary[0] != END_OF_LINE:
        raise FastTextError(f"model {name!r}: its first word is not the end-of-line mark")
    left, right = huffman([int(c) for c in file.label_counts])
    buckets, groups = np.uint32(file.buckets), _groups(having, file.buckets, words)
    keys, places, sums, counts = _word_table(vocabulary, file.shortest, file.longest, buckets, groups, rows)
    return FastTextModel(
        file.labels, file.shortest, file.longest, rows, buckets, groups, file.output[: len(file.labels) - 1],
        left, right, keys, places, sums, counts,
    )  # fmt: skip


def _groups(having: I64, buckets: int, first_row: int) -> U64:
    """Buckets that have a row, rising, rows following each other from first_row, as kernels read them: u64[G]."""
    made = np.zeros(buckets // GROUP + 1, np.uint64)
    group, bit = np.divmod(having, GROUP)
    np.bitwise_or.at(made, group, np.uint64(1) << bit.astype(np.uint64))
    before = first_row + np.searchsorted(group, np.arange(len(made)))
    return made | before.astype(np.uint64) << np.uint64(GROUP)


def huffman(counts: list[int]) -> tuple[I32, I32]:
    """The tree over L labels in falling order of count, as fastText builds it: left, right: i32[2L-1], -1 at leaves."""
    leaves = len(counts)
    weights = counts + [10**15] * (leaves - 1)
    left, right = np.full(2 * leaves - 1, -1, np.int32), np.full(2 * leaves - 1, -1, np.int32)
    leaf, node = leaves - 1, leaves
    for parent in range(leaves, 2 * leaves - 1):
        pair = []
        for _ in range(2):
            if leaf >= 0 and weights[leaf] < weights[node]:
                pair.append(leaf)
                leaf -= 1
            else:
                pair.append(node)
                node += 1
        left[parent], right[parent] = pair
        weights[parent] = weights[pair[0]] + weights[pair[1]]
    return left, right


def _word_table(
    words: list[bytes], shortest: int, longest: int, buckets: np.uint32, kept: U64, rows: F32
) -> tuple[U64, I32, F32, I32]:
    """The vocabulary in an open-addressed table with room for MEMORY_WORDS more: keys, places, summed rows, counts."""
    slots = 1 << (2 * (len(words) + MEMORY_WORDS) - 1).bit_length()
    keys, places = np.zeros(slots, np.uint64), np.zeros(slots, np.int32)
    sums, counts = np.zeros((len(words), rows.shape[1]), np.float32), np.zeros(len(words), np.int32)
    data = np.frombuffer(b"".join(words) + bytes(PADDING_BYTES), np.uint8)
    offsets = np.concatenate([[0], np.cumsum([len(w) for w in words])]).astype(np.int64)
    remember_vocabulary(data, offsets, shortest, longest, buckets, kept, rows, keys, places, sums, counts)
    return keys, places, sums, counts
