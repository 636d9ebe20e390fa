"""A trained model as a file in fastText's own format, which the fasttext package loads too: .bin, and quantised .ftz."""

from __future__ import annotations

import dataclasses
import struct

import numpy as np
import numpy.typing as npt

from scorers.kernels.fasttext_train import nearest_centroid
from scorers.models.fasttext_file import CODES, FORMAT, LABEL_PREFIX, LOSSES, MAGIC, SUPERVISED, FastTextFile

ITERATIONS = 25
SAMPLE_ROWS = CODES * 256
"""As fastText: its quantiser is learnt on at most this many rows."""
NOISE = 1e-7

F32 = npt.NDArray[np.float32]
U8 = npt.NDArray[np.uint8]


def bin_bytes(file: FastTextFile) -> bytes:
    """The content of a .bin file: every weight in 32 bits."""
    return b"".join([_head(file), b"\0", _dense(file.rows), b"\0", _dense(file.output)])


def ftz_bytes(file: FastTextFile, part_dims: int = 2, seed: int = 0) -> bytes:
    """The content of a .ftz file: input weights by product quantisation (Jégou et al., 2011) in parts of part_dims
    dimensions, one byte each, and one for the row's length; output weights in 32 bits. A model that was not pruned is
    written with all its buckets."""
    rows = np.ascontiguousarray(file.rows)
    lengths = np.linalg.norm(rows, axis=1).astype(np.float32)
    directions = np.asarray(rows / np.where(lengths == 0, 1, lengths)[:, None], np.float32)
    codes, centroids = quantise(directions, part_dims, seed)
    length_codes, length_centroids = quantise(lengths.reshape(-1, 1), 1, seed)
    dim = rows.shape[1]
    return b"".join(
        [
            _head(_all_kept(file)),
            b"\1\1",
            struct.pack("<qqi", len(rows), dim, codes.size),
            codes.tobytes(),
            _quantiser(dim, part_dims, centroids),
            length_codes.tobytes(),
            _quantiser(1, 1, length_centroids),
            b"\0",
            _dense(file.output),
        ]
    )


def _all_kept(file: FastTextFile) -> FastTextFile:
    """A quantised file always has a list of kept n-grams: fastText reads it in no other form."""
    if file.kept is not None:
        return file
    every = np.arange(file.buckets, dtype=np.int32)
    return dataclasses.replace(file, kept=np.stack([every, every], axis=1))


def _head(file: FastTextFile) -> bytes:
    """Magic, arguments, dictionary."""
    losses = {name: code for code, name in LOSSES.items()}
    dim = file.rows.shape[1]
    arguments = struct.pack(
        "<12id", dim, 5, 1, 1, 5, file.word_ngrams, losses[file.loss], SUPERVISED, file.buckets, file.shortest,
        file.longest, 100, 1e-4,
    )  # fmt: skip
    kept = file.kept
    sizes = (file.n_words + len(file.labels), file.n_words, len(file.labels), int(file.word_counts.sum()))
    content = bytes(file.words)
    words = [
        content[a:b] + b"\0" + struct.pack("<qb", count, 0)
        for a, b, count in zip(
            file.word_offsets[:-1].tolist(), file.word_offsets[1:].tolist(), file.word_counts.tolist(), strict=True
        )
    ]
    labels = [
        (LABEL_PREFIX + label).encode() + b"\0" + struct.pack("<qb", count, 1)
        for label, count in zip(file.labels, file.label_counts.tolist(), strict=True)
    ]
    pruned = struct.pack("<q", -1 if kept is None else len(kept))
    return b"".join(
        [
            struct.pack("<ii", MAGIC, FORMAT),
            arguments,
            struct.pack("<iiiq", *sizes),
            pruned,
            *words,
            *labels,
            b"" if kept is None else np.ascontiguousarray(kept, "<i4").tobytes(),
        ]
    )


def _dense(matrix: F32) -> bytes:
    return struct.pack("<qq", *matrix.shape) + np.ascontiguousarray(matrix, "<f4").tobytes()


def _quantiser(dim: int, part_dims: int, centroids: list[F32]) -> bytes:
    last = dim - part_dims * (len(centroids) - 1)
    table = np.concatenate([c.reshape(-1) for c in centroids]).astype("<f4")
    return struct.pack("<iiii", dim, len(centroids), part_dims, last) + table.tobytes()


def quantise(rows: F32, part_dims: int, seed: int) -> tuple[U8, list[F32]]:
    """Codes u8[R, parts] of rows f32[R, K] cut into parts of part_dims columns, and each part's centroids f32[256, width]."""
    codes, tables = [], []
    for number, first in enumerate(range(0, rows.shape[1], part_dims)):
        part = np.ascontiguousarray(rows[:, first : first + part_dims])
        centroids = centroids_of(part, seed + number)
        found = np.empty(len(part), np.int32)
        nearest_centroid(part, centroids, found)
        codes.append(found.astype(np.uint8))
        tables.append(centroids)
    return np.stack(codes, axis=1), tables


def centroids_of(points: F32, seed: int) -> F32:
    """256 centroids of points f32[N, W] by k-means from drawn points; an empty one takes over half of the fullest."""
    draw = np.random.Generator(np.random.PCG64(seed))
    sample = points[np.sort(draw.permutation(len(points))[:SAMPLE_ROWS])]
    start = sample[draw.permutation(len(sample))[:CODES]]
    centroids = np.zeros((CODES, points.shape[1]), np.float32)
    centroids[: len(start)] = start
    found = np.empty(len(sample), np.int32)
    for _ in range(ITERATIONS):
        nearest_centroid(sample, centroids, found)
        held = np.bincount(found, minlength=CODES)
        for column in range(points.shape[1]):
            sums = np.bincount(found, weights=sample[:, column], minlength=CODES)
            centroids[:, column] = np.where(held > 0, sums / np.maximum(held, 1), centroids[:, column])
        for empty in np.flatnonzero(held == 0):
            full = int(held.argmax())
            if held[full] < 2:
                break
            away = (NOISE + np.abs(centroids[full]) * NOISE).astype(np.float32)
            centroids[empty], centroids[full] = centroids[full] + away, centroids[full] - away
            held[empty] = held[full] // 2
            held[full] -= held[empty]
    return centroids
