"""The words of a batch: computed once, shared by every scorer that counts them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from scorers.kernels.words import split_on_punctuation, split_on_whitespace
from scorers.text import TextBatch

Definition = Literal["datatrove", "whitespace", "unicode"]

ALPHABETIC = 1
"""Flag of a word with a character for which str.isalpha holds."""
NOT_PUNCTUATION = 2
"""Flag of a word with a character outside datatrove's PUNCTUATION_SET."""


@dataclass(frozen=True, slots=True)
class Words:
    """W words of D documents.

    bounds: i64[D+1], the words of document d are bounds[d]..bounds[d+1]. start, end: i64[W], byte positions in
    `batch.data`. chars: i32[W], code points. hash: u64[W] of the exact bytes (jit.hash_bytes). flags: u8[W], ALPHABETIC
    and NOT_PUNCTUATION.
    """

    bounds: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    chars: npt.NDArray[np.int32]
    hash: npt.NDArray[np.uint64]
    flags: npt.NDArray[np.uint8]


def words(batch: TextBatch, definition: Definition) -> Words:
    """The words of every document, under one of three definitions."""
    return batch.derive(("words", definition), lambda b: _split(b, definition))


def _split(batch: TextBatch, definition: Definition) -> Words:
    # room for a word per byte: only the pages that are written ever take memory, and no counting pass is needed
    room = batch.text_bytes + 1
    bounds = np.zeros(len(batch) + 1, np.int64)
    start, end = np.empty(room, np.int64), np.empty(room, np.int64)
    chars, hashes, flags = np.empty(room, np.int32), np.empty(room, np.uint64), np.empty(room, np.uint8)
    split = split_on_whitespace if definition == "whitespace" else split_on_punctuation
    n = split(batch.data, batch.offsets, bounds, start, end, chars, hashes, flags)
    return Words(bounds, start[:n], end[:n], chars[:n], hashes[:n], flags[:n])
