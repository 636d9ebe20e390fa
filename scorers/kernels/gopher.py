"""Gopher quality counts. Rae et al., arXiv:2112.11446, Table A1, in the four definitions that systems ship."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from scorers.kernels.characters import ALPHANUMERIC, HIGH_BITS, LEADS_E2, LOW_BITS, SPACES, code_point
from scorers.kernels.jit import kernel, leaf, load64, trailing_zeros

STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")
_SLOT_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_MASKS = np.array([0, 0, 0xFFFF, 0xFFFFFF, 0xFFFFFFFF, 0], np.uint64)
"""The bytes of a word of that many bytes (5: and more) that can be a stop word, in a little-endian number."""
HASH_SIGN, FULL_STOP = 35, 46

ALL_HASHES, ALL_STOPS = LOW_BITS * np.uint64(HASH_SIGN), LOW_BITS * np.uint64(FULL_STOP)


def _stop_slots() -> npt.NDArray[np.uint64]:
    """u64[64]: each stop word's bytes as a little-endian number, at the slot that _SLOT_MULTIPLIER gives it."""
    table = np.zeros(64, np.uint64)
    for word in STOP_WORDS:
        code = int.from_bytes(word.encode(), "little")
        slot = code * int(_SLOT_MULTIPLIER) % 2**64 >> 58
        if table[slot]:
            raise AssertionError("two stop words share a slot; choose another multiplier")
        table[slot] = code
    return table


_STOP_SLOTS = _stop_slots()


@kernel
def word_sums(data: Any, bounds: Any, start: Any, end: Any, chars: Any, flags: Any, fold: bool, out: Any) -> None:
    """out: i64[D, 7]: words; their code points; words not all punctuation (flag bit 1); their code points; words with a
    letter (flag bit 0); stop words (fold: compared as str.lower()); distinct stop words."""
    # setting bit 5 turns capitals into small letters and no other byte into a letter
    lower = SPACES if fold else np.uint64(0)
    for d in range(bounds.size - 1):
        n_chars, kept, kept_chars, alphabetic, stops = 0, 0, 0, 0, 0
        seen = np.uint64(0)
        for w in range(bounds[d], bounds[d + 1]):
            counts = (flags[w] >> 1) & 1
            n_chars += chars[w]
            kept += counts
            kept_chars += chars[w] * counts
            alphabetic += flags[w] & 1
            # no branch: which words are stop words is as hard to foresee as the text
            code = (load64(data, start[w]) | lower) & _MASKS[min(end[w] - start[w], 5)]
            slot = (code * _SLOT_MULTIPLIER) >> np.uint64(58)
            is_stop = np.uint64(_STOP_SLOTS[slot] == code) & np.uint64(code != 0)
            stops += int(is_stop)
            seen |= is_stop << slot
        distinct = 0
        while seen:
            distinct += 1
            seen &= seen - np.uint64(1)
        out[d, 0] = bounds[d + 1] - bounds[d]
        out[d, 1] = n_chars
        out[d, 2] = kept
        out[d, 3] = kept_chars
        out[d, 4] = alphabetic
        out[d, 5] = stops
        out[d, 6] = distinct


@leaf
def next_symbol(data: Any, i: int, end: int) -> int:
    """The first '#', '.' or lead byte of '…' from i on, or end. Reads up to 7 bytes past end."""
    while i < end:
        x = load64(data, i)
        hashes, stops, leads = x ^ ALL_HASHES, x ^ ALL_STOPS, x ^ LEADS_E2
        found = ((hashes - LOW_BITS) & ~hashes) | ((stops - LOW_BITS) & ~stops) | ((leads - LOW_BITS) & ~leads)
        found &= HIGH_BITS
        if found != 0:
            ahead: Any = np.int64(trailing_zeros(found) >> np.uint64(3))
            return int(min(i + ahead, end))
        i += 8
    return end


@kernel
def symbol_counts(data: Any, offsets: Any, out: Any) -> None:
    """out: i64[D, 4]: str.count of '#', '...', '…' and '. . .', each counted alone and without overlap."""
    for d in range(offsets.size - 1):
        i = offsets[d]
        stop = offsets[d + 1]
        hashes, dots, ellipses, spaced, spaced_end = 0, 0, 0, 0, 0
        while True:
            i = next_symbol(data, i, stop)
            if i == stop:
                break
            c = data[i]
            if c == HASH_SIGN:
                hashes += 1
                i += 1
            elif c == FULL_STOP:
                run = i
                while i < stop and data[i] == FULL_STOP:
                    i += 1
                dots += (i - run) // 3
                # '. . .' starts at the last full stop of a run
                if i - 1 >= spaced_end and i + 4 <= stop and is_spaced_ellipsis(data, i - 1):
                    spaced += 1
                    spaced_end = i + 4
            else:
                ellipses += data[i + 1] == 0x80 and data[i + 2] == 0xA6
                i += 3
        out[d, 0] = hashes
        out[d, 1] = dots
        out[d, 2] = ellipses
        out[d, 3] = spaced


@leaf
def is_spaced_ellipsis(data: Any, i: int) -> bool:
    """'. . .' at data[i]."""
    spaced = data[i + 1] == 32 and data[i + 2] == 46 and data[i + 3] == 32 and data[i + 4] == 46
    return bool(spaced and data[i] == 46)


@leaf
def starts_with_any(data: Any, s: int, e: int, marks: Any, widths: Any) -> bool:
    """data[s:e] starts with one of the marks: u8[K, 16], of widths bytes each."""
    for k in range(widths.size):
        if widths[k] <= e - s and data[s] == marks[k, 0]:
            j = 1
            while j < widths[k] and data[s + j] == marks[k, j]:
                j += 1
            if j == widths[k]:
                return True
    return False


@leaf
def ends_with_any(data: Any, s: int, e: int, marks: Any, widths: Any) -> bool:
    """data[s:e], ASCII letters as lower case, ends with one of the marks: u8[K, 16], of widths bytes each."""
    for k in range(widths.size):
        j = widths[k]
        if j > e - s:
            continue
        at = e - j
        while j > 0:
            c = data[at + j - 1]
            c += 32 if 65 <= c <= 90 else 0
            if c != marks[k, j - 1]:
                break
            j -= 1
        if j == 0:
            return True
    return False


@kernel
def line_marks(
    data: Any,
    bounds: Any,
    start: Any,
    end: Any,
    blank_too: bool,
    bullets: Any,
    bullet_widths: Any,
    ellipses: Any,
    ellipsis_widths: Any,
    out: Any,
) -> None:
    """bounds: i64[D+1], start, end: i64[L] -> out: i64[D, 3]: lines (those of no bytes only with blank_too), lines that
    start with a bullet, lines that end with an ellipsis."""
    for d in range(bounds.size - 1):
        lines, bulleted, trailing = 0, 0, 0
        for k in range(bounds[d], bounds[d + 1]):
            s, e = start[k], end[k]
            if s == e and not blank_too:
                continue
            lines += 1
            bulleted += starts_with_any(data, s, e, bullets, bullet_widths)
            trailing += ends_with_any(data, s, e, ellipses, ellipsis_widths)
        out[d, 0] = lines
        out[d, 1] = bulleted
        out[d, 2] = trailing


@kernel
def symbol_words(data: Any, bounds: Any, start: Any, end: Any, whole: bool, marks: Any, widths: Any, out: Any) -> None:
    """out: i64[D], words that are symbols. whole: the word is one of the marks, or has more runs of '#' than half its
    code points (NeMo Curator); else it contains '#' or '…' (Dolma)."""
    for d in range(bounds.size - 1):
        found = 0
        for w in range(bounds[d], bounds[d + 1]):
            s, e = start[w], end[w]
            runs, in_run, contains, chars = 0, False, False, 0
            if whole:
                contains = e - s <= 16 and equals_any(data, s, e, marks, widths)
            for i in range(s, e):
                c = data[i]
                runs += c == HASH_SIGN and not in_run
                in_run = c == HASH_SIGN
                chars += c & 0xC0 != 0x80
                if not whole and c == 0xE2 and data[i + 1] == 0x80 and data[i + 2] == 0xA6:
                    contains = True
            found += contains or (2 * runs > chars if whole else runs > 0)
        out[d] = found


@leaf
def equals_any(data: Any, s: int, e: int, marks: Any, widths: Any) -> bool:
    """data[s:e] is one of the marks."""
    for k in range(widths.size):
        if widths[k] == e - s and starts_with_any(data, s, e, marks[k : k + 1], widths[k : k + 1]):
            return True
    return False


@kernel
def median_chars(bounds: Any, chars: Any, out: Any) -> None:
    """out: f64[D], the median of the words' code points, NaN without words."""
    counts = np.zeros(256, np.int64)
    for d in range(bounds.size - 1):
        a, b = bounds[d], bounds[d + 1]
        n = b - a
        if n == 0:
            out[d] = np.nan
            continue
        counts[:] = 0
        for w in range(a, b):
            counts[min(chars[w], 255)] += 1
        low, high, below, length = -1, -1, 0, 0
        while high < 0:
            below += counts[length]
            if low < 0 and below > (n - 1) // 2:
                low = length
            if below > n // 2:
                high = length
            length += 1
        out[d] = (low + high) / 2
        if high == 255:
            # half the words or more are longer than any histogram wants to be: sort them
            ordered = np.sort(chars[a:b])
            out[d] = (ordered[(n - 1) // 2] + ordered[n // 2]) / 2


@kernel
def fasttext_words(data: Any, offsets: Any, classes: Any, out: Any) -> None:
    """out: i64[D], tokens of fastText's tokeniser (split on ASCII whitespace and NUL) whose first character is
    alphanumeric. DCLM, core_utils.split_words(model='fasttext', ignore_punctuation=True)."""
    for d in range(offsets.size - 1):
        found = 0
        before = True
        for i in range(offsets[d], offsets[d + 1]):
            c = data[i]
            space = c == 32 or 9 <= c <= 13 or c == 0
            if before and not space:
                found += classes[code_point(data, i)] & ALPHANUMERIC != 0
            before = space
        out[d] = found
