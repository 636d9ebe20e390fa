"""From estimated n-grams to files: ARPA, and Winnow's compact file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from pipeline.train.smoothing import Estimated, Job
from pipeline.train.vocabulary import Vocabulary
from scorers.kernels.ngram_counts import unpack
from scorers.kernels.ngram_table import ngram_keys
from scorers.kernels.ngram_write import NUMBER_BYTES, write_entries
from scorers.models.ngram_arpa import SPECIALS
from scorers.models.ngram_file import (
    WHOLE_KEY,
    Entries,
    Header,
    TextSettings,
    new_table,
    put,
    write_packed,
    write_table,
)

U32 = npt.NDArray[np.uint32]
F32 = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a model goes. arpa: None for none; packed: 6 bytes an n-gram instead of 23 to 46, with 8-bit values."""

    compact: Path
    arpa: Path | None
    packed: bool


def write_model(
    job: Job, estimated: Iterator[tuple[int, Iterator[Estimated]]], counts: tuple[int, ...], vocabulary: Vocabulary,
    settings: TextSettings, target: Target,
) -> Header:  # fmt: skip
    """Write all orders. In memory: the table (16 bytes a slot), or for the packed form 16 bytes an n-gram."""
    hashes = vocabulary.hashes()
    table = new_table(1 if target.packed else sum(counts))
    kept: list[Entries] = []
    specials: list[tuple[float, float]] = []
    arpa = target.arpa.open("wb") if target.arpa else None
    try:
        _head(arpa, counts)
        for k, blocks in estimated:
            _line(arpa, b"\n\\%d-grams:\n" % k)
            for block in blocks:
                ids, values = _decoded(job, k, block)
                if k == 1:
                    specials += [(float(p), float(b)) for p, b in values[: len(SPECIALS) - len(specials)]]
                keys = np.empty(len(ids), np.uint64)
                ngram_keys(ids, hashes, WHOLE_KEY, keys)
                if target.packed:
                    kept.append(Entries(keys, values))
                else:
                    put(table, Entries(keys, values))
                _entries(arpa, ids, values, vocabulary, k < job.order)
        _line(arpa, b"\n\\end\\\n")
    finally:
        if arpa:
            arpa.close()
    header = Header(job.order, counts, tuple(specials), settings)
    if target.packed:
        together = Entries(np.concatenate([e.keys for e in kept]), np.concatenate([e.values for e in kept]))
        write_packed(target.compact, header, together)
    else:
        write_table(target.compact, header, table)
    return header


def _decoded(job: Job, k: int, block: Estimated) -> tuple[U32, F32]:
    """(word numbers u32[R, k], log10 probability and back-off f32[R, 2])"""
    ids = np.empty((len(block.records), k), np.uint32)
    unpack(block.records, k, job.bits, ids)
    values = np.zeros((len(ids), 2), np.float32)
    values[:, 0] = np.minimum(np.log10(block.probability), 0.0)
    if k < job.order:
        values[:, 1] = np.log10(block.backoff)
    return ids, values


def _head(arpa: IO[bytes] | None, counts: tuple[int, ...]) -> None:
    _line(arpa, b"\\data\\\n" + b"".join(b"ngram %d=%d\n" % (k, n) for k, n in enumerate(counts, start=1)))


def _line(arpa: IO[bytes] | None, line: bytes) -> None:
    if arpa:
        arpa.write(line)


def _entries(arpa: IO[bytes] | None, ids: U32, values: F32, vocabulary: Vocabulary, with_backoff: bool) -> None:
    if arpa is None or len(ids) == 0:
        return
    lengths = np.diff(vocabulary.ends[: vocabulary.words], prepend=0)
    room = int(lengths[ids].sum()) + len(ids) * (2 * NUMBER_BYTES + ids.shape[1] + 2)
    out = np.empty(room, np.uint8)
    written = write_entries(ids, values, vocabulary.text, vocabulary.ends, with_backoff, out)
    arpa.write(out[:written].data)
