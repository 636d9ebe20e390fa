"""Numbering the words of a training text in the order they are first met."""

from __future__ import annotations

from typing import Any

import numpy as np

from scorers.kernels.jit import hash_bytes, kernel

UNKNOWN, SENTENCE_START, SENTENCE_END = 0, 1, 2


@kernel
def number_words(
    text: Any, ends: Any, line_tokens: Any, keys: Any, places: Any, words: Any, word_ends: Any, known: int, numbers: Any
) -> Any:
    """T tokens in L lines, as ngram_text.tokenise lays them. keys: u64[S], places: u32[S] the table of known words (0 is a
    free key) with room for T more; words: u8[...], word_ends: i64[...] their bytes. numbers: u32[T+2L] gets every line's
    words between a start and an end. Literal <unk>, <s> and </s> are left out, as lmplz --skip_symbols does.
    -> (numbers written, words known)"""
    t: Any = np.int64(0)
    start: Any = np.int64(0)
    written = 0
    mask = np.uint64(len(keys) - 1)
    for line in range(len(line_tokens)):
        numbers[written] = SENTENCE_START
        written += 1
        while t < line_tokens[line]:
            key = hash_bytes(text, start, ends[t] - start) | np.uint64(1)
            slot = np.int64(key & mask)
            while keys[slot] != 0 and keys[slot] != key:
                slot = np.int64(np.uint64(slot + 1) & mask)
            if keys[slot] == 0:
                keys[slot] = key
                places[slot] = known
                at = word_ends[known - 1]
                for k in range(ends[t] - start):
                    words[at + k] = text[start + k]
                word_ends[known] = at + ends[t] - start
                known += 1
            if places[slot] > SENTENCE_END:
                numbers[written] = places[slot]
                written += 1
            start = ends[t] + 1
            t += 1
        numbers[written] = SENTENCE_END
        written += 1
    return written, known


@kernel
def copy_words(keys: Any, places: Any, new_keys: Any, new_places: Any) -> None:
    """Move a table of words, u64[S] and u32[S], into a larger one."""
    mask = np.uint64(len(new_keys) - 1)
    for i in range(len(keys)):
        if keys[i] == 0:
            continue
        slot = np.int64(keys[i] & mask)
        while new_keys[slot] != 0:
            slot = np.int64(np.uint64(slot + 1) & mask)
        new_keys[slot] = keys[i]
        new_places[slot] = places[i]
