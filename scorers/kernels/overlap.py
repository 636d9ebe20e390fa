"""N-grams of evaluation sets found in documents, and what share of every evaluation text a document holds.

An n-gram is known by the hash of its last words (as few as the shortest n-gram has) in a bitmap that stays in the cache, then
by the hash of all of them in a table, and at last word by word. `H_L(k) = P(k) - P(k-L) BASE^L` over the running sum P gives the
hash of any number of words at once.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from scorers.kernels.jit import inline, kernel, leaf, mix, prefetch
from scorers.kernels.overlap_words import next_word
from scorers.kernels.shingles import BASE

RING = 64
"""The last words of a document that are remembered; an n-gram has at most half as many."""
MAX_NGRAM = RING // 2
LAST = RING - 1
BEHIND = 16
"""Words between asking memory for an n-gram's bits and looking at them."""
FREE = -1


class Ngrams(NamedTuple):
    """G different n-grams over W words of evaluation texts. sizes: i64[S], the lengths there are, rising; powers: u64[MAX_NGRAM
    + 1] of BASE; maybe: u64[a power of 2] and slots: i32[another], as remember_ngrams fills them; keys: u64[G]; first and lengths:
    i64[G], where each stands in words: u64[W]."""

    sizes: Any
    powers: Any
    maybe: Any
    slots: Any
    keys: Any
    first: Any
    lengths: Any
    words: Any


class Texts(NamedTuple):
    """T evaluation texts with O n-grams, of I items. posted: i64[G+1] and postings: i64[P], the texts of each n-gram; texts: i64[T+1]
    and of_text: i32[O], the n-grams of each text; places: i64[O], their first words in it; lengths: i64[G]; words and items:
    i64[T]. by_words: a share is that of a text's words which hits cover, 0 for fewer than least_found that are not all; else of
    its n-grams."""

    posted: Any
    postings: Any
    texts: Any
    of_text: Any
    places: Any
    lengths: Any
    words: Any
    items: Any
    by_words: Any
    least_found: Any


class Marks(NamedTuple):
    """What the document at hand has: seen and good: i64[G], touched: i64[T], touched_items: i64[I], the last document that has each,
    -1 at first; stack: i64[T]."""

    seen: Any
    good: Any
    touched: Any
    touched_items: Any
    stack: Any


@leaf
def ngram_hash(prefix: Any, k: int, length: int, power: Any) -> Any:
    """Hash of the words k-length+1..k. prefix: u64[RING], the running sum behind word k at (k + 1) % RING."""
    return mix(prefix[(k + 1) & LAST] - prefix[(k + 1 - length) & LAST] * power)


@kernel
def hash_ngrams(hashes: Any, first: Any, lengths: Any, made: Any) -> None:
    """W words, G n-grams. hashes: u64[W], first: i64[G], their first words, lengths: i64[G]; writes made: u64[G], as
    ngram_hash gives them."""
    for g in range(first.size):
        total = np.uint64(0)
        for w in range(first[g], first[g] + lengths[g]):
            total = total * BASE + hashes[w]
        made[g] = mix(total)


@inline
def marks_of(tail: Any) -> Any:
    """Three bits of one word of the bitmap, by the top of a hash whose bottom chooses the word."""
    one = np.uint64(1)
    low = one << (tail >> np.uint64(58)) | one << ((tail >> np.uint64(52)) & np.uint64(63))
    return low | one << ((tail >> np.uint64(46)) & np.uint64(63))


@kernel
def remember_ngrams(keys: Any, tails: Any, slots: Any, maybe: Any) -> None:
    """G n-grams, different ones. keys and tails: u64[G], hashes of all their words and of the last few; fills slots: i32[a
    power of 2], FREE at first, and maybe: u64[another], bits."""
    for g in range(keys.size):
        slot = np.int64(keys[g]) & (slots.size - 1)
        while slots[slot] != FREE:
            slot = (slot + 1) & (slots.size - 1)
        slots[slot] = g
        maybe[np.int64(tails[g]) & (maybe.size - 1)] |= marks_of(tails[g])


@leaf
def known(key: Any, k: int, length: int, ring: Any, ngrams: Any) -> int:
    """The n-gram that ends with word k of a document, FREE if none. ring: u64[RING], the hashes of its last words."""
    slot = np.int64(key) & (ngrams.slots.size - 1)
    while ngrams.slots[slot] != FREE:
        g = np.int64(ngrams.slots[slot])
        if ngrams.keys[g] == key and ngrams.lengths[g] == length:
            same = True
            for j in range(length):
                same &= ngrams.words[ngrams.first[g] + j] == ring[(k + 1 - length + j) & LAST]
            if same:
                return int(g)
        slot = (slot + 1) & (ngrams.slots.size - 1)
    return FREE


@leaf
def char_before(data: Any, i: int, first: int, chars: int) -> int:
    """The byte where the character `chars` before i begins, at least `first`."""
    while chars > 0 and i > first:
        i -= 1
        while i > first and data[i] & 0xC0 == 0x80:
            i -= 1
        chars -= 1
    return i


@leaf
def char_behind(data: Any, i: int, stop: int, chars: int) -> int:
    """The byte where the character `chars` behind i begins, at most `stop`."""
    while chars > 0 and i < stop:
        i += 1
        while i < stop and data[i] & 0xC0 == 0x80:
            i += 1
        chars -= 1
    return i


@leaf
def may_end(maybe: Any, tail: Any) -> bool:
    """Whether an n-gram may end with these words."""
    marks = marks_of(tail)
    return bool(maybe[np.int64(tail) & (maybe.size - 1)] & marks == marks)


@kernel
def find_ngrams(
    data: Any, offsets: Any, table: Any, ngrams: Any, window: int, bounds: Any, grams: Any, start: Any, end: Any
) -> int:
    """D documents, H hits. data: u8[B+], offsets: i64[D+1], table: u64[TABLE_SIZE + 1], ngrams: Ngrams, window: characters that a
    hit is widened by. Writes bounds: i64[D+1], grams: i32[H], start and end: i64[H], bytes from the document's first -> H; what
    does not fit is counted and not written."""
    ring, prefix, tails = np.empty(RING, np.uint64), np.empty(RING, np.uint64), np.empty(RING, np.uint64)
    from_byte, to_byte = np.empty(RING, np.int64), np.empty(RING, np.int64)
    least, n, bounds[0] = ngrams.sizes[0], 0, 0
    for d in range(offsets.size - 1):
        i, stop, k, asked, total = offsets[d], offsets[d + 1], 0, least - 1, np.uint64(0)
        prefix[0] = total
        while asked < k or i < stop:
            s, e, h, i = next_word(data, i, stop, table)
            if s < stop:
                total = total * BASE + h
                ring[k & LAST], prefix[(k + 1) & LAST], from_byte[k & LAST], to_byte[k & LAST] = h, total, s, e
                if k + 1 >= least:
                    tails[k & LAST] = ngram_hash(prefix, k, least, ngrams.powers[least])
                    # the bitmap is a megabyte: waiting for it at every word was half the time
                    prefetch(ngrams.maybe, np.int64(tails[k & LAST]) & (ngrams.maybe.size - 1))
                k += 1
                if k - asked <= BEHIND:
                    continue
            elif asked >= k:
                break
            sizes = ngrams.sizes if may_end(ngrams.maybe, tails[asked & LAST]) else ngrams.sizes[:0]
            for length in sizes:
                if length > asked + 1:
                    break
                key = ngram_hash(prefix, asked, length, ngrams.powers[length])
                g = known(key, asked, length, ring, ngrams)
                if g != FREE and n < grams.size:
                    head, grams[n] = from_byte[(asked + 1 - length) & LAST], g
                    start[n] = char_before(data, head, offsets[d], window) - offsets[d]
                    end[n] = char_behind(data, to_byte[asked & LAST], stop, window) - offsets[d]
                n += g != FREE
            asked += 1
        bounds[d + 1] = n
    return n


@leaf
def share_of(t: int, d: int, texts: Any, kept: Any, seen: Any) -> tuple[float, int]:
    """How much of evaluation text t document d has, and how many of its n-grams."""
    hits, counted, covered, reached = 0, 0, 0, 0
    for o in range(texts.texts[t], texts.texts[t + 1]):
        g = texts.of_text[o]
        if kept[g] == 0:
            continue
        counted += 1
        if seen[g] == d:
            hits += 1
            stop = texts.places[o] + texts.lengths[g]
            covered += stop - max(texts.places[o], reached)
            reached = stop
    if texts.by_words:
        return covered / texts.words[t] if covered >= min(texts.least_found, texts.words[t]) else 0.0, hits
    return hits / max(counted, 1), hits


@leaf
def touch_texts(d: int, grams: Any, texts: Any, kept: Any, marks: Any) -> tuple[int, int]:
    """Mark what document d has: different n-grams, and texts, onto the stack -> how many of both. grams: i32[its hits]."""
    distinct, n = 0, 0
    for g in grams:
        if kept[g] == 0 or marks.seen[g] == d:
            continue
        marks.seen[g] = d
        distinct += 1
        for p in range(texts.posted[g], texts.posted[g + 1]):
            t = texts.postings[p]
            if marks.touched[t] != d:
                marks.touched[t] = d
                marks.stack[n] = t
                n += 1
    return distinct, n


@kernel
def weigh_texts(
    bounds: Any,
    grams: Any,
    kept: Any,
    texts: Any,
    marks: Any,
    least: float,
    overlap: Any,
    best: Any,
    counts: Any,
    within: Any,
) -> None:
    """D documents with H hits. bounds: i64[D+1], grams: i32[H], kept: u8[G], 0 for what is too common to count, texts: Texts, marks:
    Marks. Writes overlap: f64[D], the largest share, best: i64[D], its text or -1, counts: i64[2, D], different n-grams, and items
    with more than `least`, and within: u8[H], whether a hit belongs to a text with more than `least`."""
    for d in range(bounds.size - 1):
        own = grams[bounds[d] : bounds[d + 1]]
        distinct, n = touch_texts(d, own, texts, kept, marks)
        overlap[d], best[d], counts[0, d], counts[1, d] = 0.0, -1, distinct, 0
        most = 0
        for j in range(n):
            t = marks.stack[j]
            share, hits = share_of(t, d, texts, kept, marks.seen)
            if share > overlap[d] or (share == overlap[d] and (hits > most or (hits == most and t < best[d]))):
                overlap[d], best[d], most = share, t, hits
            if share <= least:
                continue
            if marks.touched_items[texts.items[t]] != d:
                marks.touched_items[texts.items[t]] = d
                counts[1, d] += 1
            for o in range(texts.texts[t], texts.texts[t + 1]):
                g = texts.of_text[o]
                if marks.seen[g] == d:
                    marks.good[g] = d
        for h in range(bounds[d], bounds[d + 1]):
            within[h] = kept[grams[h]] != 0 and marks.good[grams[h]] == d


@kernel
def merge_spans(
    bounds: Any, start: Any, end: Any, within: Any, lengths: Any, piece: int, made: Any, starts: Any, ends: Any
) -> int:
    """D documents with H hits, ends rising. bounds: i64[D+1], start and end: i64[H], within: u8[H], lengths: i64[D], bytes of
    each document, piece: bytes that text between spans must have to stay. Writes made: i64[D+1], starts and ends: i64[S], the
    hits within as spans that neither touch nor leave a smaller piece, -> S <= H."""
    n = 0
    made[0] = 0
    for d in range(bounds.size - 1):
        bottom = n
        for h in range(bounds[d], bounds[d + 1]):
            if within[h] == 0:
                continue
            s = start[h]
            if s < piece:
                s = 0
            while n > bottom and (ends[n - 1] >= s or s - ends[n - 1] < piece):
                n -= 1
                s = min(s, starts[n])
            starts[n], ends[n] = s, end[h]
            n += 1
        if n > bottom and lengths[d] - ends[n - 1] < piece:
            ends[n - 1] = lengths[d]
        made[d + 1] = n
    return n
