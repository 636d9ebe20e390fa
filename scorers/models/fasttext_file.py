"""fastText's file of a supervised model (.bin and .ftz, format 12), read as data: weights and strings, never code."""

from __future__ import annotations

import hashlib
import mmap
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scorers.kernels.fasttext_file import LABEL, WORD, scan_entries

MAGIC = 793712314
FORMAT = 12
SUPERVISED = 3
LOSSES = {1: "hs", 2: "ns", 3: "softmax", 4: "ova"}
LABEL_PREFIX = "__label__"
CODES = 256
LONGEST_NGRAM = 100
"""Of words or of characters; kernels have room for so many (fasttext_means.WANTED)."""
MOST_BUCKETS = 1 << 28
LARGEST_WEIGHT = 1e15
"""Sums of products of such still are numbers in 32 bits."""
MOST_LABELLED = 10**15
"""What fastText starts a node of the tree with that has no weight yet."""
MMAP_BYTES = 1 << 28
"""Files from here on are mapped, so that all workers of a machine share one copy; smaller ones are read, which is faster
to look things up in (huge pages)."""
FOREIGN = {b"\x80": "a Python pickle", b"PK": "a zip file (as PyTorch and pickles come)", b"GGUF": "a GGUF file"}

Content = bytes | mmap.mmap
F32 = npt.NDArray[np.float32]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]


class FastTextError(ValueError):
    """A file is not a fastText model, not the expected one, or of a kind that is not read here."""


@dataclass(frozen=True, slots=True)
class FastTextFile:
    """W words, L labels, P kept n-grams, R rows, K dimensions.

    loss: hs, ns, softmax or ova. word_ngrams: words to the longest run of words; shortest, longest: characters of
    character n-grams (longest 0: none). buckets: what n-grams are hashed into. words: u8[bytes], word_offsets:
    i64[W+1]; the commonest first. label_counts: i64[L]. kept: i32[P, 2] (bucket, row after the words') of a pruned
    model, or None: every bucket has its row. rows: f32[R, K]. output: f32[L, K] (hs: its first L-1 are the inner nodes).
    """

    loss: str
    word_ngrams: int
    shortest: int
    longest: int
    buckets: int
    words: U8
    word_offsets: I64
    word_counts: I64
    labels: tuple[str, ...]
    label_counts: I64
    kept: I32 | None
    rows: F32
    output: F32

    @property
    def n_words(self) -> int:
        """Words of the vocabulary."""
        return len(self.word_offsets) - 1


def read_file(path: Path, sha256: str) -> FastTextFile:
    """Read a model whose content has this digest. FastTextError if the digest is another, or the file no such model."""
    with path.open("rb") as file:
        size = path.stat().st_size
        content: Content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size >= MMAP_BYTES else file.read()
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise FastTextError(
            f"model file {str(path)!r}: expected sha256 {sha256}, found {found}; delete it and get it again "
            "(winnow models pull, or winnow models add)"
        )
    return parse(content, str(path))


def parse(content: Content, name: str) -> FastTextFile:
    """A model's content; name says in errors what was read. FastTextError for whatever is no such model."""
    try:
        return _parsed(_Reader(content, name))
    except (ValueError, OverflowError, MemoryError) as error:
        if isinstance(error, FastTextError):
            raise
        raise FastTextError(f"model file {name!r} is damaged or no fastText model: {error}") from error


def _parsed(reader: _Reader) -> FastTextFile:
    name = reader.name
    _check_magic(reader)
    _dim, _ws, _epoch, _min, _neg, word_ngrams, loss, kind, buckets, shortest, longest, _rate = reader.take("12i")
    reader.take("d")
    if kind != SUPERVISED:
        raise FastTextError(f"model {name!r} holds word vectors (kind {kind}), not a supervised classifier (kind 3)")
    if loss not in LOSSES:
        raise FastTextError(f"model {name!r}: loss {loss}; expected one of {LOSSES}")
    words, offsets, word_counts, labels, label_counts, kept = _dictionary(reader)
    (quantised,) = reader.take("?")
    if quantised and kept is None:
        raise FastTextError(
            f"model {name!r} is quantised in the form of before 2017 (fastText's issue 332); get a newer"
        )
    rows = reader.matrix(bool(quantised))
    (output_quantised,) = reader.take("?")
    output = reader.matrix(bool(quantised and output_quantised))
    made = FastTextFile(
        LOSSES[loss], max(1, word_ngrams), shortest, max(0, longest), buckets, words, offsets, word_counts,
        labels, label_counts, kept, rows, output,
    )  # fmt: skip
    _check_shape(made, name)
    return made


def _check_magic(reader: _Reader) -> None:
    start = bytes(reader.content[:8])
    for mark, what in FOREIGN.items():
        if start.startswith(mark):
            raise FastTextError(f"file {reader.name!r} is {what}; only fastText's own format is read, never code")
    if len(start) < 8 or struct.unpack("<ii", start) != (MAGIC, FORMAT):
        raise FastTextError(f"file {reader.name!r} is not a fastText model of format {FORMAT}")
    reader.at = 8


def _check_shape(made: FastTextFile, name: str) -> None:
    n_grams = made.word_ngrams > 1 or made.longest > 0
    after_words = made.buckets if made.kept is None else len(made.kept)
    expected = (made.n_words + (after_words if n_grams or made.kept is not None else 0), made.output.shape[1])
    if made.rows.shape[1] != expected[1] or made.rows.shape[0] < expected[0]:
        raise FastTextError(f"model {name!r}: {made.rows.shape} input weights; its dictionary needs {expected}")
    if n_grams and made.buckets < 1:
        raise FastTextError(f"model {name!r} has n-grams and {made.buckets} buckets for them")
    if max(made.word_ngrams, made.longest) > LONGEST_NGRAM or made.buckets > MOST_BUCKETS:
        raise FastTextError(
            f"model {name!r}: n-grams of {made.word_ngrams} words and {made.longest} characters in {made.buckets} buckets; "
            f"at most {LONGEST_NGRAM}, {LONGEST_NGRAM} and {MOST_BUCKETS} are read"
        )
    if not made.labels or len(made.output) < len(made.labels) - (made.loss == "hs"):
        raise FastTextError(f"model {name!r}: {len(made.labels)} labels, output weights of {len(made.output)}")
    kept = made.kept
    if kept is not None and len(kept) and (kept.min() < 0 or kept[:, 0].max() >= made.buckets
                                           or kept[:, 1].max() >= len(kept)):  # fmt: skip
        raise FastTextError(f"model {name!r}: its list of kept n-grams points outside of its {made.buckets} buckets")
    if made.label_counts.min() < 0 or sum(int(c) for c in made.label_counts) >= MOST_LABELLED:
        raise FastTextError(f"model {name!r}: label counts {made.label_counts[:5]}; expected 0 to {MOST_LABELLED}")
    for what, weights in (("input", made.rows), ("output", made.output)):
        least, most = float(weights.min(initial=0.0)), float(weights.max(initial=0.0))
        if not -LARGEST_WEIGHT < least <= most < LARGEST_WEIGHT:  # false for NaN too, which min and max hand on
            raise FastTextError(f"model {name!r}: {what} weights from {least} to {most}; it is damaged, or diverged")


class _Reader:
    """Takes little-endian values one after the other from a file's content."""

    def __init__(self, content: Content, name: str) -> None:
        self.content, self.name, self.at = content, name, 0

    def take(self, layout: str) -> tuple[int, ...]:
        self._need(struct.calcsize("<" + layout))
        values = struct.unpack_from("<" + layout, self.content, self.at)
        self.at += struct.calcsize("<" + layout)
        return values

    def array(self, dtype: str, count: int) -> npt.NDArray[np.generic]:
        size = np.dtype(dtype).itemsize * count
        self._need(size)
        found = np.frombuffer(self.content, dtype, count, self.at)
        self.at += size
        return found

    def _need(self, size: int) -> None:
        if size < 0 or self.at + size > len(self.content):
            raise FastTextError(f"model file {self.name!r} ends at byte {len(self.content)}, in the middle of its data")

    def matrix(self, quantised: bool) -> F32:
        """A dense or product-quantised matrix as f32[rows, columns]."""
        if not quantised:
            rows, columns = self.take("qq")
            found = self.array("<f4", max(-1, rows) * max(1, columns)).reshape(rows, columns)
            mapped = isinstance(self.content, mmap.mmap)
            return np.asarray(found, np.float32) if mapped else np.array(found, np.float32)
        (has_norm,) = self.take("?")
        rows, columns, codes = self.take("qqi")
        parts = self.array("u1", codes).reshape(rows, -1)
        decoded = self._centroids(parts, columns)
        if has_norm:
            norm_codes = self.array("u1", rows).reshape(rows, 1)
            decoded = decoded * self._centroids(norm_codes, 1)
        return decoded

    def _centroids(self, codes: npt.NDArray[np.generic], columns: int) -> F32:
        dim, parts, width, last_width = self.take("iiii")
        if dim != columns or codes.shape[1] != parts or width * (parts - 1) + last_width != dim:
            raise FastTextError(
                f"model file {self.name!r}: quantiser of {dim} columns in {parts} parts for {columns} columns"
            )
        centroids = np.asarray(self.array("<f4", dim * CODES), np.float32)
        found = np.empty((len(codes), dim), np.float32)
        for part in range(parts):
            columns_here = last_width if part == parts - 1 else width
            table = centroids[part * CODES * width :][: CODES * columns_here].reshape(CODES, columns_here)
            found[:, part * width : part * width + columns_here] = table[codes[:, part].astype(np.int64)]
        return found


def _dictionary(reader: _Reader) -> tuple[U8, I64, I64, tuple[str, ...], I64, I32 | None]:
    """Words and their counts, labels without their prefix and their counts, the n-grams kept (None: all)."""
    size, n_words, n_labels, _tokens, pruned = reader.take("iiiqq")
    if min(size, n_words, n_labels) < 0 or n_words + n_labels != size:
        raise FastTextError(
            f"model {reader.name!r}: a dictionary of {size} entries, {n_words} words, {n_labels} labels"
        )
    reader._need(10 * size)
    data = np.frombuffer(reader.content, np.uint8)
    bounds, counts, kinds = np.empty((size, 2), np.int64), np.empty(size, np.int64), np.empty(size, np.int8)
    reader.at = int(scan_entries(data, reader.at, bounds, counts, kinds))
    if reader.at < 0:
        raise FastTextError(f"model file {reader.name!r} ends at byte {len(data)}, inside a word without an end")
    if int((kinds == WORD).sum()) != n_words or int((kinds == LABEL).sum()) != n_labels:
        raise FastTextError(f"model {reader.name!r}: entries that are neither word nor label, or not as many as told")
    labels = tuple(bytes(data[a:b]).decode().removeprefix(LABEL_PREFIX) for a, b in bounds[kinds == LABEL])
    lengths = bounds[kinds == WORD, 1] - bounds[kinds == WORD, 0]
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    at = np.repeat(bounds[kinds == WORD, 0] - offsets[:-1], lengths) + np.arange(int(offsets[-1]))
    kept = None if pruned < 0 else np.array(reader.array("<i4", 2 * pruned), np.int32).reshape(-1, 2)
    return data[at], offsets, counts[kinds == WORD], labels, counts[kinds == LABEL], kept
