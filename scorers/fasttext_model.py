"""The one door to fastText models: read a supervised model's file, and predict over a batch without the package.

Only weights and strings are read, never code: the format holds none. The `fasttext` package stays the reference that
the tests hold this to.
"""

from __future__ import annotations

import functools
import hashlib
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scorers.kernels.fasttext_predict import NO_ROW, mean_rows, remember_vocabulary, two_best
from scorers.text import PADDING_BYTES, TextBatch

MAGIC = 793712314
SUPERVISED = 3
HIERARCHICAL_SOFTMAX = 1
END_OF_LINE = b"</s>"
MEMORY_WORDS = 1 << 14
"""Words remembered within one batch besides the vocabulary: 4 MB of sums at 16 dimensions (docs/language.md)."""

F32 = npt.NDArray[np.float32]
U16 = npt.NDArray[np.uint16]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]


class FastTextError(ValueError):
    """A file is not a fastText model, not the expected one, or of a kind that is not read here."""


@dataclass(frozen=True, slots=True)
class FastTextModel:
    """W words, R rows, K dimensions, L labels, S slots of the word table.

    rows: f32[R, K], bucket_rows: u16[buckets] (row of an n-gram's hash, or NO_ROW), output: f32[L-1, K],
    left, right: i32[2L-1] (the Huffman tree, leaves first, root last), keys: u64[S], places: i32[S] (the word table),
    sums: f32[W, K], counts: i32[W] (of each word: its own row and its n-grams')
    """

    labels: tuple[str, ...]
    shortest: int
    longest: int
    rows: F32
    bucket_rows: U16
    output: F32
    left: I32
    right: I32
    keys: npt.NDArray[np.uint64]
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
            batch.data, starts, ends, self.shortest, self.longest, self.bucket_rows, self.rows,
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
    """Read a model once per process. FastTextError if the file's digest is another."""
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise FastTextError(
            f"model file {str(path)!r}: expected sha256 {sha256}, found {found}; delete it and pull again"
        )
    return _read(content, str(path))


class _Reader:
    """Takes little-endian values one after the other from a file's content."""

    def __init__(self, content: bytes, name: str) -> None:
        self.content, self.name, self.at = content, name, 0

    def take(self, layout: str) -> tuple[int, ...]:
        size = struct.calcsize("<" + layout)
        if self.at + size > len(self.content):
            raise FastTextError(f"model file {self.name!r} ends at byte {len(self.content)}, in the middle of its data")
        values = struct.unpack_from("<" + layout, self.content, self.at)
        self.at += size
        return values

    def string(self) -> bytes:
        end = self.content.find(b"\0", self.at)
        if end < 0:
            raise FastTextError(f"model file {self.name!r} has a word without an end at byte {self.at}")
        found = self.content[self.at : end]
        self.at = end + 1
        return found

    def array(self, dtype: str, count: int) -> npt.NDArray[np.generic]:
        size = np.dtype(dtype).itemsize * count
        if count < 0 or self.at + size > len(self.content):
            raise FastTextError(f"model file {self.name!r} ends at byte {len(self.content)}, in the middle of its data")
        found = np.frombuffer(self.content, dtype, count, self.at)
        self.at += size
        return found

    def matrix(self, quantised: bool) -> F32:
        """A dense or product-quantised matrix as f32[rows, columns]."""
        if not quantised:
            rows, columns = self.take("qq")
            return np.asarray(self.array("<f4", rows * columns), np.float32).reshape(rows, columns)
        (has_norm,) = self.take("?")
        rows, columns, codes = self.take("qqi")
        parts = self.array("u1", codes).reshape(rows, -1)
        found = self._centroids(parts, columns)
        if has_norm:
            norm_codes = self.array("u1", rows).reshape(rows, 1)
            found = found * self._centroids(norm_codes, 1)
        return found

    def _centroids(self, codes: npt.NDArray[np.generic], columns: int) -> F32:
        dim, parts, width, last_width = self.take("iiii")
        if dim != columns or codes.shape[1] != parts or width * (parts - 1) + last_width != dim:
            raise FastTextError(
                f"model file {self.name!r}: quantiser of {dim} columns in {parts} parts for {columns} columns"
            )
        centroids = np.asarray(self.array("<f4", dim * 256), np.float32)
        found = np.empty((len(codes), dim), np.float32)
        for part in range(parts):
            columns_here = last_width if part == parts - 1 else width
            table = centroids[part * 256 * width :][: 256 * columns_here].reshape(256, columns_here)
            found[:, part * width : part * width + columns_here] = table[codes[:, part].astype(np.int64)]
        return found


def _read(content: bytes, name: str) -> FastTextModel:
    reader = _Reader(content, name)
    if len(content) < 8 or reader.take("ii") != (MAGIC, 12):
        raise FastTextError(f"file {name!r} is not a fastText model of format 12")
    _dim, _ws, _epoch, _min, _neg, word_ngrams, loss, kind, buckets, shortest, longest, _rate = reader.take("12i")
    reader.take("d")
    if (kind, loss, word_ngrams) != (SUPERVISED, HIERARCHICAL_SOFTMAX, 1) or longest > 4:
        raise FastTextError(
            f"model {name!r}: kind {kind}, loss {loss}, word n-grams {word_ngrams}, n-grams to {longest}; "
            "read here: supervised (3), hierarchical softmax (1), single words (1), n-grams of at most 4 characters"
        )
    words, labels, label_counts, bucket_rows = _dictionary(reader, buckets)
    (quantised,) = reader.take("?")
    rows = reader.matrix(bool(quantised))
    (output_quantised,) = reader.take("?")
    output = reader.matrix(bool(quantised and output_quantised))
    left, right = _huffman(label_counts)
    keys, places, sums, counts = _word_table(words, shortest, longest, bucket_rows, rows)
    return FastTextModel(
        labels, shortest, longest, rows, bucket_rows, output[: len(labels) - 1], left, right, keys, places, sums, counts
    )


def _dictionary(reader: _Reader, buckets: int) -> tuple[list[bytes], tuple[str, ...], list[int], U16]:
    """Words, labels without their prefix, the labels' counts, and the row of every n-gram bucket (or NO_ROW)."""
    size, word_count, _labels, _tokens, pruned = reader.take("iiiqq")
    entries = [(reader.string(), reader.take("qb")) for _ in range(size)]
    words = [word for word, (_count, kind) in entries if kind == 0]
    labels = tuple(word.decode().removeprefix("__label__") for word, (_count, kind) in entries if kind == 1)
    if pruned < 0 or word_count + pruned >= NO_ROW:
        raise FastTextError(
            f"model {reader.name!r}: {word_count} words, {pruned} n-grams kept (-1: all); "
            f"read here are pruned models of less than {NO_ROW} together"
        )
    bucket_rows = np.full(buckets, NO_ROW, np.uint16)
    kept = np.asarray(reader.array("<i4", 2 * pruned), np.int32).reshape(-1, 2)
    bucket_rows[kept[:, 0]] = word_count + kept[:, 1]
    if not words or words[0] != END_OF_LINE:
        raise FastTextError(f"model {reader.name!r}: its first word is not the end-of-line mark")
    return words, labels, [count for _word, (count, kind) in entries if kind == 1], bucket_rows


def _huffman(counts: list[int]) -> tuple[I32, I32]:
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
    words: list[bytes], shortest: int, longest: int, bucket_rows: U16, rows: F32
) -> tuple[npt.NDArray[np.uint64], I32, F32, I32]:
    """The vocabulary in an open-addressed table with room for MEMORY_WORDS more: keys, places, summed rows, counts."""
    slots = 1 << (2 * (len(words) + MEMORY_WORDS) - 1).bit_length()
    keys, places = np.zeros(slots, np.uint64), np.zeros(slots, np.int32)
    sums, counts = np.zeros((len(words), rows.shape[1]), np.float32), np.zeros(len(words), np.int32)
    data = np.frombuffer(b"".join(words) + bytes(PADDING_BYTES), np.uint8)
    offsets = np.concatenate([[0], np.cumsum([len(w) for w in words])]).astype(np.int64)
    remember_vocabulary(data, offsets, shortest, longest, bucket_rows, rows, keys, places, sums, counts)
    return keys, places, sums, counts
