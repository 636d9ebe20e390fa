"""C4's line rules: which lines stay, and what goes with the rest. Raffel et al., JMLR 21(140), 2020."""

from __future__ import annotations

from typing import Any

import numpy as np

from scorers.kernels.characters import space_bytes, strip_left, strip_right
from scorers.kernels.jit import kernel, leaf
from scorers.kernels.phrases import (
    CURLY_BRACKET,
    LOREM_IPSUM,
    POLICY,
    SCRIPT,
    WIDE_LETTER,
    copy_without_citations,
    fold_wide,
    next_citation,
    phrases,
)

KEPT, CITING, LOREM, CURLY = 1, 2, 4, 8
"""Bits of a line's verdict: it stays; it has citation marks; it says 'lorem ipsum'; it has a curly bracket."""
SCRATCH_SLACK = 64


@leaf
def has_words(text: Any, s: int, e: int, n: int) -> bool:
    """text[s:e].split() has n entries or more; looks no further than it must."""
    before = True
    while s < e and n > 0:
        width = space_bytes(text, s) if text[s] <= 32 or text[s] >= 0xC2 else 0
        n -= width == 0 and before
        before = width > 0
        s += max(1, width)
    return n <= 0


@leaf
def has_long_word(text: Any, s: int, e: int, max_chars: int) -> bool:
    """A word of text[s:e].split() has more than max_chars characters (-1: none has)."""
    # from space to space in leaps of at most max_chars bytes: what lies between them holds no long word
    while max_chars >= 0 and e - s > max_chars:
        at = s + max_chars
        while at > s and text[at] != 32:
            at -= 1
        if text[at] != 32:
            return has_long_run(text, s, e, max_chars)
        s = at + 1
    return False


@leaf
def has_long_run(text: Any, s: int, e: int, max_chars: int) -> bool:
    """has_long_word, character by character."""
    chars = 0
    while s < e:
        width = space_bytes(text, s)
        chars = 0 if width > 0 else chars + (text[s] & 0xC0 != 0x80)
        if chars > max_chars:
            return True
        s += max(1, width)
    return False


@leaf
def ends_sentence(text: Any, s: int, e: int, dclm: bool) -> bool:
    """text[s:e] ends in one of . ? ! " ' and not in '...'. DCLM: . ? ! " before any whitespace."""
    e = strip_right(text, s, e) if dclm else e
    if s == e:
        return False
    c = text[e - 1]
    if c == 46:
        return not (e - s >= 3 and text[e - 2] == 46 and text[e - 3] == 46)
    return c == 63 or c == 33 or c == 34 or (c == 39 and not dclm)


@leaf
def judged(text: Any, s: int, e: int, terminal_punct: bool, dclm: bool) -> int:
    """What phrases() says of a line less its citation marks, -1 where its end drops it."""
    if terminal_punct and not ends_sentence(text, s, e, dclm):
        return -1
    return phrases(text, s, e)


@leaf
def verdict_of(
    data: Any,
    s: int,
    e: int,
    citing: bool,
    scratch: Any,
    classes: Any,
    terminal_punct: bool,
    min_words: int,
    dclm: bool,
) -> int:
    """The verdict of line data[s:e]: bits, 0 where it goes without a word. scratch: u8, room for the line."""
    if dclm:
        n = copy_without_citations(data, s, e, classes, scratch, 0) if citing else 0
        if (s == e) or (citing and n == 0):
            return KEPT
        enough = has_words(scratch, 0, n, min_words) if citing else has_words(data, s, e, min_words)
    else:
        enough = has_words(data, s, e, min_words)
    if not enough:
        return 0
    n = copy_without_citations(data, s, e, classes, scratch, 0) if citing else 0
    found = judged(scratch, 0, n, terminal_punct, dclm) if citing else judged(data, s, e, terminal_punct, dclm)
    if found < 0:
        return 0
    if found & WIDE_LETTER:
        n = n if citing else copy_without_citations(data, s, e, classes, scratch, 0)
        found |= phrases(scratch, 0, fold_wide(scratch, n, dclm)) & (SCRIPT | POLICY)
    verdict = LOREM if found & LOREM_IPSUM else 0
    if not found & SCRIPT:
        verdict |= CURLY if found & CURLY_BRACKET else 0
        verdict |= 0 if found & POLICY else KEPT
    return verdict


@kernel
def judge_lines(
    data: Any,
    start: Any,
    end: Any,
    classes: Any,
    terminal_punct: bool,
    min_words: int,
    max_word_chars: int,
    dclm: bool,
    verdicts: Any,
) -> int:
    """verdicts: u8[L], bits KEPT, CITING, LOREM and CURLY of every line data[start:end]. The number of citation marks
    in kept lines."""
    scratch = np.empty(4096, np.uint8)
    marks = 0
    for k in range(start.size):
        s, e = start[k], end[k]
        verdicts[k] = 0
        if has_long_word(data, s, e, max_word_chars):
            continue
        at, width = next_citation(data, s, e, classes)
        if e - s + SCRATCH_SLACK > scratch.size:
            scratch = np.empty(2 * (e - s) + SCRATCH_SLACK, np.uint8)
        verdict = verdict_of(data, s, e, width > 0, scratch, classes, terminal_punct, min_words, dclm)
        if width > 0 and verdict & KEPT:
            verdict |= CITING
            while width > 0:
                marks += 1
                at, width = next_citation(data, at + width, e, classes)
        verdicts[k] = verdict
    return marks


@leaf
def put_segment(segments: Any, first: int, n: int, s: int, e: int) -> int:
    """Append s..e to segments[:, first:n], or lengthen the last one where it ends at s; the new n."""
    if s == e:
        return n
    if n > first and segments[1, n - 1] == s:
        segments[1, n - 1] = e
        return n
    segments[0, n] = s
    segments[1, n] = e
    return n + 1


@leaf
def kept_break(data: Any, line_end: Any, after: Any, k: int, to: int) -> tuple[int, int]:
    """Of the line breaks after lines k..to-1, the bytes that stay: the first newline there is, else the first break."""
    for j in range(k, to):
        if data[after[j] - 1] == 10:
            return after[j] - 1, after[j]
    return line_end[k], after[k]


@kernel
def kept_segments(
    data: Any,
    bounds: Any,
    start: Any,
    end: Any,
    line_end: Any,
    after: Any,
    verdicts: Any,
    classes: Any,
    out: Any,
    segments: Any,
) -> None:
    """What stays of every document, before its ends are stripped: lines start..end i64[L] of bounds i64[D+1], one break
    between two of them. line_end, after: i64[L], where each line's break starts and ends. Writes out: i64[D+1] and
    segments: i64[2, S], positions in data."""
    n = 0
    for d in range(bounds.size - 1):
        before = -1
        for k in range(bounds[d], bounds[d + 1]):
            if verdicts[k] & KEPT == 0:
                continue
            if before >= 0:
                s, e = kept_break(data, line_end, after, before, k)
                n = put_segment(segments, out[d], n, s, e)
            before = k
            s, e = start[k], end[k]
            while verdicts[k] & CITING and s < e:
                at, width = next_citation(data, s, e, classes)
                n = put_segment(segments, out[d], n, s, at)
                s = at + width
            n = put_segment(segments, out[d], n, s, e) if s < e else n
        out[d + 1] = n


@kernel
def removed_spans(data: Any, offsets: Any, bounds: Any, segments: Any, out: Any, spans: Any) -> None:
    """What goes: the complement in each document of its segments (bounds: i64[D+1], i64[2, S]) once they are stripped
    at both ends as one text. Writes out: i64[D+1] and spans: i64[2, <= S + D], relative to the document's start."""
    n = 0
    for d in range(offsets.size - 1):
        a, b = bounds[d], bounds[d + 1]
        while a < b:
            segments[0, a] = strip_left(data, segments[0, a], segments[1, a])
            if segments[0, a] < segments[1, a]:
                break
            a += 1
        while a < b:
            segments[1, b - 1] = strip_right(data, segments[0, b - 1], segments[1, b - 1])
            if segments[0, b - 1] < segments[1, b - 1]:
                break
            b -= 1
        at = offsets[d]
        for k in range(a, b + 1):
            until = segments[0, k] if k < b else offsets[d + 1]
            if until > at:
                spans[0, n] = at - offsets[d]
                spans[1, n] = until - offsets[d]
                n += 1
            at = segments[1, k] if k < b else until
        out[d + 1] = n


@kernel
def citing_lines(data: Any, start: Any, end: Any, verdicts: Any, classes: Any, out: Any, text: Any) -> None:
    """The kept lines with citation marks, less the marks: out: i64[C+1], their offsets in text: u8."""
    n, c = 0, 0
    for k in range(start.size):
        if verdicts[k] & CITING:
            n = copy_without_citations(data, start[k], end[k], classes, text, n)
            c += 1
            out[c] = n
