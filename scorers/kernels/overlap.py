"""N-grams of evaluation sets found in documents, and what share of every evaluation text a document holds.

An n-gram is known by the hash of its last words (as few as the shortest n-gram has) in a bitmap that stays in the cache, then
by the hash of all of them in a table, and at last word by word. `H_L(k) = P(k) - P(k-L) BASE^L` over the running sum P gives the
hash of any number of words at once.
"""

from __future__ import annotations

from typing import Any

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
def known(key: Any, k: int, length: int, ring: Any, slots: Any, keys: Any, first: Any, lengths: Any, words: Any) -> int:
    """The n-gram that ends with word k of a document, FREE if none. ring: u64[RING], the hashes of its last words."""
    slot = np.int64(key) & (slots.size - 1)
    while slots[slot] != FREE:
        g = np.int64(slots[slot])
        if keys[g] == key and lengths[g] == length:
            same = True
            for j in range(length):
                same &= words[first[g] + j] == ring[(k + 1 - length + j) & LAST]
            if same:
                return int(g)
        slot = (slot + 1) & (slots.size - 1)
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


@kernel
def find_ngrams(
    data: Any,
    offsets: Any,
    table: Any,
    sizes: Any,
    powers: Any,
    maybe: Any,
    slots: Any,
    keys: Any,
    first: Any,
    lengths: Any,
    words: Any,
    window: int,
    bounds: Any,
    grams: Any,
    start: Any,
    end: Any,
) -> int:
    """D documents, G n-grams over W words of evaluation texts, H hits. data: u8[B+], offsets: i64[D+1], table:
    u64[TABLE_SIZE + 1], sizes: i64[S], the lengths there are, rising, powers: u64[MAX_NGRAM + 1], maybe and slots as
    remember_ngrams fills them, keys: u64[G], first and lengths: i64[G], words: u64[W], window: characters a hit is widened by.
    Writes bounds: i64[D+1], grams: i32[H], start and end: i64[H], bytes from the document's first -> H; what does not fit is
    counted and not written."""
    ring, prefix, tails = np.empty(RING, np.uint64), np.empty(RING, np.uint64), np.empty(RING, np.uint64)
    from_byte, to_byte = np.empty(RING, np.int64), np.empty(RING, np.int64)
    least, last_bits = sizes[0], maybe.size - 1
    n = 0
    bounds[0] = 0
    for d in range(offsets.size - 1):
        i, stop = offsets[d], offsets[d + 1]
        total = np.uint64(0)
        prefix[0] = total
        k, asked = 0, least - 1
        while asked < k or i < stop:
            s, e, h, i = next_word(data, i, stop, table)
            if s < stop:
                total = total * BASE + h
                ring[k & LAST], prefix[(k + 1) & LAST], from_byte[k & LAST], to_byte[k & LAST] = h, total, s, e
                if k + 1 >= least:
                    tail = ngram_hash(prefix, k, least, powers[least])
                    tails[k & LAST] = tail
                    # the bitmap is a megabyte: waiting for it at every word was half the time
                    prefetch(maybe, np.int64(tail) & last_bits)
                k += 1
                if k - asked <= BEHIND:
                    continue
            elif asked >= k:
                break
            tail = tails[asked & LAST]
            marks = marks_of(tail)
            if maybe[np.int64(tail) & last_bits] & marks == marks:
                for length in sizes:
                    if length > asked + 1:
                        break
                    key = ngram_hash(prefix, asked, length, powers[length])
                    g = known(key, asked, length, ring, slots, keys, first, lengths, words)
                    if g == FREE:
                        continue
                    if n < grams.size:
                        head = from_byte[(asked + 1 - length) & LAST]
                        grams[n] = g
                        start[n] = char_before(data, head, offsets[d], window) - offsets[d]
                        end[n] = char_behind(data, to_byte[asked & LAST], stop, window) - offsets[d]
                    n += 1
            asked += 1
        bounds[d + 1] = n
    return n


@leaf
def share_of(
    t: int,
    d: int,
    by_words: bool,
    least_found: int,
    texts: Any,
    of_text: Any,
    places: Any,
    kept: Any,
    lengths: Any,
    text_words: Any,
    seen: Any,
) -> tuple[float, int]:
    """How much of evaluation text t document d has, and how many of its n-grams."""
    hits, counted, covered, reached = 0, 0, 0, 0
    for o in range(texts[t], texts[t + 1]):
        g = of_text[o]
        if kept[g] == 0:
            continue
        counted += 1
        if seen[g] == d:
            hits += 1
            stop = places[o] + lengths[g]
            covered += stop - max(places[o], reached)
            reached = stop
    if by_words:
        return covered / text_words[t] if covered >= min(least_found, text_words[t]) else 0.0, hits
    return hits / max(counted, 1), hits


@kernel
def weigh_texts(
    bounds: Any,
    grams: Any,
    kept: Any,
    lengths: Any,
    posted: Any,
    postings: Any,
    texts: Any,
    of_text: Any,
    places: Any,
    text_words: Any,
    items: Any,
    by_words: bool,
    least_found: int,
    least: float,
    seen: Any,
    good: Any,
    touched: Any,
    touched_items: Any,
    stack: Any,
    overlap: Any,
    best: Any,
    distinct: Any,
    many: Any,
    within: Any,
) -> None:
    """D documents with H hits; T evaluation texts with O n-grams, G of them different, of I items. bounds: i64[D+1], grams:
    i32[H], kept: u8[G], 0 for what is too common to count, lengths: i64[G], posted: i64[G+1] and postings: i64[P], the texts of
    each n-gram, texts: i64[T+1], of_text: i32[O], the n-grams of each text, places: i64[O], their first words in it,
    text_words and items: i64[T], by_words: share of a text's words that hits cover, 0 for fewer
    than least_found that are not all, else of its n-grams; seen and good: i64[G],
    touched: i64[T], touched_items: i64[I], all -1 at first, stack: i64[T].

    Writes overlap: f64[D], the largest share, best: i64[D], its text or -1, distinct: i64[D], different n-grams, many: i64[D],
    items with more than `least`, and within: u8[H], whether a hit belongs to a text with more than `least`."""
    for d in range(bounds.size - 1):
        overlap[d], best[d], distinct[d], many[d] = 0.0, -1, 0, 0
        n, most = 0, 0
        for h in range(bounds[d], bounds[d + 1]):
            g = grams[h]
            if kept[g] == 0 or seen[g] == d:
                continue
            seen[g] = d
            distinct[d] += 1
            for p in range(posted[g], posted[g + 1]):
                if touched[postings[p]] != d:
                    touched[postings[p]] = d
                    stack[n] = postings[p]
                    n += 1
        for j in range(n):
            t = stack[j]
            share, hits = share_of(t, d, by_words, least_found, texts, of_text, places, kept, lengths, text_words, seen)
            if share > overlap[d] or (share == overlap[d] and (hits > most or (hits == most and t < best[d]))):
                overlap[d], best[d], most = share, t, hits
            if share <= least:
                continue
            if touched_items[items[t]] != d:
                touched_items[items[t]] = d
                many[d] += 1
            for o in range(texts[t], texts[t + 1]):
                if seen[of_text[o]] == d:
                    good[of_text[o]] = d
        for h in range(bounds[d], bounds[d + 1]):
            within[h] = kept[grams[h]] != 0 and good[grams[h]] == d


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
