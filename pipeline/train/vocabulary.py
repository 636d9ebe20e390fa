"""The words of a training text: numbered as they are first met, and kept in memory with their bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from scorers.kernels.ngram_table import word_hashes
from scorers.kernels.ngram_words import copy_words, number_words
from scorers.models.ngram_arpa import SPECIALS
from scorers.models.ngram_text import Tokens

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
I64 = npt.NDArray[np.int64]
Number = TypeVar("Number", np.uint8, np.int64)
FULL = 0.7
FIRST_SLOTS = 1 << 12


@dataclass(slots=True)
class Vocabulary:
    """Words by number. text: u8, ends: i64 (word w is text[ends[w-1]:ends[w]]), of which `words` are in use; keys: u64[S],
    places: u32[S] the table from a word's hash to its number."""

    keys: npt.NDArray[np.uint64]
    places: U32
    text: U8
    ends: I64
    words: int = 0

    @property
    def starts(self) -> I64:
        """i64[W]: where each word begins in text."""
        return np.concatenate([np.zeros(1, np.int64), self.ends[: self.words - 1]])

    def number(self, tokens: Tokens) -> U32:
        """The tokens' numbers, each line between the numbers of <s> and </s>. New words are added."""
        self._make_room(len(tokens.ends), tokens.text_bytes)
        numbers = np.empty(len(tokens.ends) + 2 * len(tokens.line_tokens), np.uint32)
        written, self.words = number_words(
            tokens.text, tokens.ends, tokens.line_tokens, self.keys, self.places, self.text, self.ends, self.words,
            numbers,
        )  # fmt: skip
        return numbers[:written]

    def _make_room(self, tokens: int, text_bytes: int) -> None:
        """For the case that every token is a new word."""
        slots = len(self.keys)
        while (self.words + tokens) > FULL * slots:
            slots *= 2
        if slots > len(self.keys):
            keys, places = np.zeros(slots, np.uint64), np.zeros(slots, np.uint32)
            copy_words(self.keys, self.places, keys, places)
            self.keys, self.places = keys, places
        used = int(self.ends[self.words - 1])
        self.text = _with_room(self.text, used, text_bytes)
        self.ends = _with_room(self.ends, self.words, tokens)

    def hashes(self) -> npt.NDArray[np.uint64]:
        """u64[W]: the hash that a model knows each word by."""
        lengths = self.ends[: self.words] - self.starts
        used = int(self.ends[self.words - 1])
        # tokens lie with one byte between them
        spaced = np.zeros(used + self.words + 8, np.uint8)
        spaced[np.arange(used) + np.repeat(np.arange(self.words), lengths)] = self.text[:used]
        found = np.empty(self.words, np.uint64)
        word_hashes(spaced, self.ends[: self.words] + np.arange(self.words), found)
        return found


def new_vocabulary() -> Vocabulary:
    """One that knows <unk>, <s> and </s>, as the words 0 to 2."""
    keys, places = np.zeros(FIRST_SLOTS, np.uint64), np.zeros(FIRST_SLOTS, np.uint32)
    made = Vocabulary(
        keys, places, np.array(list(b"".join(SPECIALS)), np.uint8), np.cumsum([len(s) for s in SPECIALS]), len(SPECIALS)
    )
    hashes = made.hashes() | np.uint64(1)
    for number, key in enumerate(hashes):
        keys[int(key) & (FIRST_SLOTS - 1)] = key
        places[int(key) & (FIRST_SLOTS - 1)] = number
    return made


def _with_room(array: npt.NDArray[Number], used: int, more: int) -> npt.NDArray[Number]:
    if used + more <= len(array):
        return array
    larger = np.empty(max(used + more, 2 * len(array)), array.dtype)
    larger[:used] = array[:used]
    return larger
