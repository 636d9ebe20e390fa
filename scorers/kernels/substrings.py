"""Windows of a text by the anchors they share: winnowing (Schleimer et al. 2003, SIGMOD) over a rolling hash.

Every window of `size` elements (bytes, or the hashes of tokens) has an anchor: of the pieces of `piece` elements in it the
one of least hash, the leftmost of equal ones. Equal windows have equal anchors at equal places, so that windows have to be
compared only where anchors are equal. Neighbouring windows mostly share one anchor and make a run; all that a run's windows
hold is its context.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scorers.kernels.jit import hash_bytes, inline, kernel, load64, mix

BASE = np.uint64(0x9E3779B97F4A7C15)
SALT = np.uint64(0xD1B54A32D192ED03)


@inline
def _power(n: int) -> np.uint64:
    """BASE to the power of n, modulo 2^64."""
    made, base = np.uint64(1), BASE
    while n > 0:
        if n & 1:
            made *= base
        base *= base
        n >>= 1
    return made


@kernel
def find_runs(
    elements: Any, view: Any, width: int, offsets: Any, size: int, piece: int,
    recent: Any, rows: Any, start: Any, windows: Any, anchor: Any, context: Any, repeats: Any, step: Any,
) -> int:  # fmt: skip
    """elements: u8[E] or u64[E]; view: the same as u8[width * E + 8]; documents at offsets: i64[D+1]. recent: u64[a power of two,
    at least size - piece + 1]. -> R runs in order; rows: i32[R], start: i64[R], first window's place in its document; windows:
    i32[R]; anchor, context: u64[R], hashes; repeats: i64[R], how often the same run comes again, each `step` (i32[R])
    further on: periodic text is one run."""
    n = 0
    leaving = _power(piece - 1)
    spread = size - piece + 1
    mask = np.uint64(recent.size - 1)
    for d in range(offsets.size - 1):
        first, last = offsets[d], offsets[d + 1]
        if last - first < size:
            continue
        head = n
        rolling = np.uint64(0)
        for i in range(first, first + piece - 1):
            rolling = rolling * BASE + np.uint64(elements[i]) + SALT
        pieces = last - first - piece + 1
        least, at, begin = np.uint64(0), -1, 0
        for j in range(pieces):
            rolling = rolling * BASE + np.uint64(elements[first + j + piece - 1]) + SALT
            hashed = mix(rolling)
            rolling -= leaving * (np.uint64(elements[first + j]) + SALT)
            recent[np.uint64(j) & mask] = hashed
            w = j - spread + 1
            if w <= 0:
                if at < 0 or hashed < least:
                    least, at = hashed, j
                continue
            before, was = at, least
            if at < w:
                least, at = recent[np.uint64(w) & mask], w
                # where the next piece equals the one that left, it is the least of those that were there (text of one letter)
                for k in range(w + 1 if least != was else j, j + 1):
                    if recent[np.uint64(k) & mask] < least:
                        least, at = recent[np.uint64(k) & mask], k
            elif hashed < least:
                least, at = hashed, j
            if at != before:
                n = _put(
                    view, width, first, begin, w - begin, was, size, d, n, head, rows, start, windows, anchor, context,
                    repeats, step,
                )  # fmt: skip
                begin = w
        n = _put(
            view, width, first, begin, pieces - spread + 1 - begin, least, size, d, n, head, rows, start, windows, anchor,
            context, repeats, step,
        )  # fmt: skip
    return n


@inline
def _put(
    view: Any, width: int, first: int, begin: int, count: int, hashed: Any, size: int, d: int, n: int, head: int,
    rows: Any, start: Any, windows: Any, anchor: Any, context: Any, repeats: Any, step: Any,
) -> int:  # fmt: skip
    """Append the run of `count` windows from `begin` on, or count it as the last one once more."""
    told = mix(hashed ^ SALT)  # least hashes are small ones: ranges of keys want even ones
    content = hash_bytes(view, (first + begin) * width, (count + size - 1) * width)
    if n > head and anchor[n - 1] == told and context[n - 1] == content and windows[n - 1] == count:
        apart = begin - start[n - 1] - repeats[n - 1] * step[n - 1]
        if repeats[n - 1] == 0 or step[n - 1] == apart:
            step[n - 1] = apart
            repeats[n - 1] += 1
            return n
    rows[n], start[n], windows[n], anchor[n], context[n] = d, begin, count, told, content
    repeats[n], step[n] = 0, 0
    return n + 1


@kernel
def link_windows(
    view: Any,
    width: int,
    begin: Any,
    head: Any,
    owner: Any,
    hashed: Any,
    order: Any,
    size: int,
    last_document: Any,
    last_start: Any,
    first: Any,
    last: Any,
) -> None:
    """K contexts in the corpus's order and their W windows, each of `size` elements of `width` bytes: context k begins at
    element begin[k] of view (u8), its windows are head[k]..head[k+1] (i64[K+1]); owner: i32[W], the context of each.
    order: i64[W], by (some bits of) their hashes, equal ones in order; hashed: u64[W], these in that order. last_document,
    last_start: i64[K], where a context lies last. -> first: i64[W] of -1, the first window that is equal byte by byte; last: i64[W], the one that lies last."""
    total = order.size
    left = 0
    while left < total:
        right = left + 1
        while right < total and hashed[right] == hashed[left]:
            right += 1
        for i in range(left, right):
            leader = order[i]
            if first[leader] >= 0:
                continue
            first[leader] = leader
            place = (begin[owner[leader]] + leader - head[owner[leader]]) * width
            furthest = leader
            for j in range(i + 1, right):
                other = order[j]
                k = owner[other]
                if first[other] >= 0 or not _equal(view, place, (begin[k] + other - head[k]) * width, size * width):
                    continue
                first[other] = leader
                f = owner[furthest]
                here, there = last_start[k] + other - head[k], last_start[f] + furthest - head[f]
                if last_document[k] > last_document[f] or (last_document[k] == last_document[f] and here > there):
                    furthest = other
            for j in range(i, right):
                if first[order[j]] == leader:
                    last[order[j]] = furthest
        left = right


@kernel
def hash_sides(
    elements: Any, view: Any, width: int, begin: Any, length: Any, anchor: Any, piece: int, side: int, at: Any, left: Any, right: Any
) -> None:  # fmt: skip
    """K contexts as in link_windows, length: i64[K] elements, anchor: u64[K] -> at: i64[K], the element of the context at which
    the anchor's piece begins; left, right: u64[K], hash of the piece and `side` elements before or behind it; 0 where there are
    not so many."""
    leaving = _power(piece - 1)
    for k in range(begin.size):
        rolling = np.uint64(0)
        for i in range(begin[k], begin[k] + piece - 1):
            rolling = rolling * BASE + np.uint64(elements[i]) + SALT
        j = 0
        while j + piece <= length[k]:
            rolling = rolling * BASE + np.uint64(elements[begin[k] + j + piece - 1]) + SALT
            if mix(mix(rolling) ^ SALT) == anchor[k]:
                break
            rolling -= leaving * (np.uint64(elements[begin[k] + j]) + SALT)
            j += 1
        at[k], left[k], right[k] = j, 0, 0
        size = (piece + side) * width
        if j >= side:
            left[k] = hash_bytes(view, (begin[k] + j - side) * width, size)
        if j + piece + side <= length[k]:
            right[k] = hash_bytes(view, (begin[k] + j) * width, size)


@inline
def _equal(view: Any, a: int, b: int, length: int) -> bool:
    """Whether view[a : a + length] is view[b : b + length]."""
    at = 0
    while at + 8 <= length and load64(view, a + at) == load64(view, b + at):
        at += 8
    while at < length and view[a + at] == view[b + at]:
        at += 1
    return at >= length


@kernel
def hash_windows(elements: Any, begin: Any, head: Any, size: int, hashed: Any) -> None:
    """The hash of every window of contexts as in link_windows: u64[W]."""
    leaving = _power(size - 1)
    for k in range(begin.size):
        count = head[k + 1] - head[k]
        rolling = np.uint64(0)
        for i in range(begin[k], begin[k] + size - 1):
            rolling = rolling * BASE + np.uint64(elements[i]) + SALT
        for i in range(count):
            rolling = rolling * BASE + np.uint64(elements[begin[k] + i + size - 1]) + SALT
            hashed[head[k] + i] = mix(rolling)
            rolling -= leaving * (np.uint64(elements[begin[k] + i]) + SALT)
