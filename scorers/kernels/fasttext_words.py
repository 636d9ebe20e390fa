"""What a word and an n-gram are to fastText: its seven spaces, its FNV hash, its marks."""

from __future__ import annotations

from typing import Any

import numpy as np

from scorers.kernels.jit import hash_bytes, inline, leaf

FNV_START = np.uint32(2166136261)
FNV_PRIME = np.uint32(16777619)
WORD_START = np.uint8(ord("<"))
WORD_END = np.uint8(ord(">"))
LABEL_PREFIX = np.frombuffer(b"__label__", dtype=np.uint8)
END_OF_LINE = np.frombuffer(b"</s>" + bytes(8), dtype=np.uint8)


@inline
def is_space(byte: np.uint8) -> bool:
    """The seven bytes that end a word in fastText's reader."""
    return bool(byte == 32 or (byte >= 9 and byte <= 13) or byte == 0)


@inline
def is_continuation(byte: np.uint8) -> bool:
    """Whether a byte is inside a UTF-8 character."""
    return bool((byte & np.uint8(0xC0)) == np.uint8(0x80))


@inline
def fnv_step(h: np.uint32, byte: np.uint8) -> np.uint32:
    """FNV-1a over signed chars, as fastText has it: bytes from 128 on are sign-extended."""
    extended = np.uint32(byte)
    if byte >= 128:
        extended |= np.uint32(0xFFFFFF00)
    return np.uint32((h ^ extended) * FNV_PRIME)


@leaf
def is_label(data: Any, start: int, end: int) -> bool:
    """Whether a word starts with '__label__'; fastText ignores those."""
    if end - start < len(LABEL_PREFIX):
        return False
    for i in range(len(LABEL_PREFIX)):
        if data[start + i] != LABEL_PREFIX[i]:
            return False
    return True


@leaf
def find_slot(keys: Any, key: np.uint64) -> np.int64:
    """Where key is, or where it would go, in an open-addressed table keys: u64[2^n], 0 = free."""
    slot = np.int64(key & np.uint64(len(keys) - 1))
    while keys[slot] != 0 and keys[slot] != key:
        slot = (slot + 1) & (len(keys) - 1)
    return slot


@inline
def word_key(data: Any, start: int, end: int) -> np.uint64:
    """A word's 64-bit key, never 0. Two words of one document share one with a chance of about 1e-13."""
    return hash_bytes(data, start, end - start) | np.uint64(1)


WORD_NGRAM_FACTOR = np.uint64(116049371)


@inline
def signed(h: np.uint32) -> np.uint64:
    """A word's hash as fastText reads it again: a signed 32-bit number, extended to 64 bits."""
    return np.uint64(np.int64(np.int32(h)))


@inline
def word_hash(data: Any, start: int, end: int) -> np.uint32:
    """fastText's hash of data[start:end]."""
    h = FNV_START
    for i in range(start, end):
        h = fnv_step(h, data[i])
    return h


@leaf
def find_word(table: Any, key: np.uint64) -> np.int64:
    """The slot of a key, or where it would go, in an open-addressed table: u64[2^n, 2] of (key, number), key 0 = free."""
    slot = np.int64(key & np.uint64(len(table) - 1))
    while table[slot, 0] != 0 and table[slot, 0] != key:
        slot = (slot + 1) & (len(table) - 1)
    return slot


@inline
def bucket_row(bucket: np.int64, n_words: int, bucket_rows: Any) -> np.int64:
    """The row of an n-gram's bucket, -1 where pruning left none. bucket_rows: i32[buckets], or empty: none is pruned."""
    if len(bucket_rows) == 0:
        return np.int64(n_words + bucket)
    return np.int64(bucket_rows[bucket])


@leaf
def start_chain(chain: Any) -> None:
    """chain: u32[N+1], the hashes of the 1 to N characters that end here, set to the start of a word, its '<'."""
    for n in range(len(chain)):
        chain[n] = FNV_START
    if len(chain) > 1:
        chain[1] = fnv_step(FNV_START, WORD_START)


@leaf
def next_character(data: Any, i: int, end: int, chain: Any) -> int:
    """Take the character at data[i], or the '>' at end, into the chain; where the next one lies (end + 1 after '>')."""
    byte = WORD_END if i == end else data[i]
    for n in range(len(chain) - 1, 0, -1):
        chain[n] = fnv_step(chain[n - 1], byte)
    i += 1
    while i < end and is_continuation(data[i]):
        for n in range(1, len(chain)):
            chain[n] = fnv_step(chain[n], data[i])
        i += 1
    return i


@leaf
def next_word(data: Any, i: int, end: int) -> tuple[int, int]:
    """Start and end of the next word in data[i:end]; both end where there is none."""
    while i < end and is_space(data[i]):
        i += 1
    start = i
    while i < end and not is_space(data[i]):
        i += 1
    return start, i


@leaf
def next_ngrams(h: np.uint32, held: int, running: Any) -> int:
    """Take a word's hash into running: u64[N], where running[n] is that of the n + 1 words which end here; how many of
    them there are."""
    for n in range(min(held, len(running) - 1), 0, -1):
        running[n] = running[n - 1] * WORD_NGRAM_FACTOR + signed(h)
    running[0] = signed(h)
    return min(held + 1, len(running))
