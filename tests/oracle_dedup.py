"""Slow, obvious twins of the deduplication kernels: characters, sets and double loops."""

from __future__ import annotations

import unicodedata
from itertools import combinations

import numpy as np
from datasketch import MinHash

from scorers.kernels.folding import WITHOUT_SPACES

MASK = (1 << 64) - 1


def normalised(text: str) -> str:
    """What the exact scorer hashes as `normalised`."""
    folded = (c if c == "\u2132" else without_subscript(c).casefold() for c in text)
    return " ".join("".join(folded).split())


def without_subscript(character: str) -> str:
    """A Greek letter without the iota below it."""
    decomposed = unicodedata.normalize("NFD", character)
    bare = unicodedata.normalize("NFC", decomposed.replace("\u0345", ""))
    return bare if "\u0345" in decomposed else character


def character_class(character: str) -> str:
    """'separator', 'skipped', 'alone' or 'letter'."""
    code_point = ord(character)
    category = unicodedata.ucd_3_2_0.category(character)
    if character.isascii():
        return "letter" if character.isalnum() else "separator"
    if code_point >= 0x20000:
        return "skipped" if 0xE0000 <= code_point <= 0xE0FFF else "alone"
    if 0x300 <= code_point <= 0x36F or 0xFE00 <= code_point <= 0xFE0F:
        return "skipped"
    if category == "Cf" or character == "\u00ad":
        return "skipped"
    if category[0] in "PZS" or category == "Cc":
        return "separator"
    return "alone" if any(low <= code_point <= high for low, high in WITHOUT_SPACES) else "letter"


def folded(character: str) -> str:
    """A letter without case, and without accents where those are all it has."""
    base, *marks = list(unicodedata.ucd_3_2_0.normalize("NFD", character))
    return (base if all(0x300 <= ord(m) <= 0x36F for m in marks) else character).casefold()


def words(text: str) -> list[str]:
    """The words that are shingled."""
    found: list[str] = []
    open_word = False
    for character in text:
        kind = character_class(character)
        if kind == "skipped":
            continue
        if kind == "separator":
            open_word = False
        elif kind == "alone":
            found.append(folded(character) if ord(character) < 0x20000 else character)
            open_word = False
        elif open_word:
            found[-1] += folded(character)
        else:
            found.append(folded(character))
            open_word = True
    return found


def shingles(text: str, ngram: int) -> list[tuple[str, ...]]:
    """All runs of `ngram` words; all words where there are fewer."""
    w = words(text)
    if 0 < len(w) < ngram:
        return [tuple(w)]
    return [tuple(w[i : i + ngram]) for i in range(len(w) - ngram + 1)]


def jaccard(a: str, b: str, ngram: int) -> float:
    """Of the sets of shingles themselves, not of their hashes; 0 without any."""
    x, y = set(shingles(a, ngram)), set(shingles(b, ngram))
    return len(x & y) / len(x | y) if x and y else 0.0


def mix(x: int) -> int:
    """SplitMix64's finaliser."""
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & MASK
    x = (x ^ x >> 27) * 0x94D049BB133111EB & MASK
    return x ^ x >> 31


def word_hash(word: str) -> int:
    """Eight bytes at a time, at least two blocks, zeros behind the last."""
    encoded = word.encode()
    encoded += b"\0" * (max(16, -(-len(encoded) // 8) * 8) - len(encoded))
    h = 0x9E3779B97F4A7C15
    for i in range(0, len(encoded), 8):
        h = (h ^ int.from_bytes(encoded[i : i + 8], "little")) * 0xBF58476D1CE4E5B9 & MASK
        h ^= h >> 32
    return h * 0x94D049BB133111EB & MASK


def shingle_hashes(text: str, ngram: int) -> list[int]:
    """The 64-bit hashes of the shingles, in order."""
    base = 0xD6E8FEB86659FD93
    found = []
    for shingle in shingles(text, ngram):
        h = 0
        for word in shingle:
            h = (h * base + word_hash(word)) & MASK
        found.append(mix(h))
    return found


def signature(text: str, num_perm: int, ngram: int, seed: int) -> list[int]:
    """datasketch's own, of the upper halves of the shingle hashes."""
    sketch = MinHash(num_perm=num_perm, seed=seed, hashfunc=lambda h: h, scheme="affine32")
    hashes = [h >> 32 for h in shingle_hashes(text, ngram)]
    if hashes:
        sketch.update_batch(hashes)
    return [int(v) for v in sketch.hashvalues]


def similarity_sketch(text: str, a: list[int], b: list[int], ngram: int) -> list[int]:
    """Figure 1 of "Fast Similarity Sketching" without its early stop: every round takes every shingle, the first T to the
    slot that its hash says, the others to one slot each. a, b: 2 T multipliers and addends."""
    t = len(a) // 2
    elements = set(shingle_hashes(text, ngram))
    least: list[tuple[int, int]] = [(2 * t, 0xFFFFFFFF)] * t
    for r in range(2 * t):
        for element in elements:
            h = (a[r] * element + b[r]) & MASK
            slot = (h >> 32) * t >> 32 if r < t else r - t
            least[slot] = min(least[slot], (r, h & 0xFFFFFFFF))
    return [value for _, value in least]


def banded_pairs(signatures: list[list[int]], bands: int, rows: int) -> set[tuple[int, int]]:
    """All pairs that agree in the rows of some band, bar those without shingles."""
    cut = [[tuple(s[k * rows : (k + 1) * rows]) for k in range(bands)] for s in signatures]
    empty = [all(v == 0xFFFFFFFF for v in s) for s in signatures]
    return {
        (i, j)
        for i, j in combinations(range(len(signatures)), 2)
        if not empty[i] and not empty[j] and any(x == y for x, y in zip(cut[i], cut[j], strict=True))
    }


def in_shared_slots(keys: list[int], low: int, shift: int) -> list[int]:
    """Which keys have another one in their slot."""
    slots = [(key - low) >> shift for key in keys]
    return [i for i, slot in enumerate(slots) if slots.count(slot) > 1]


def stars(
    rank: list[int], edges: dict[tuple[int, int], float], takes_part: list[bool]
) -> tuple[list[int], list[float], list[int]]:
    """Keeper, similarity to it and size of its star, by asking every document about every keeper."""
    keeper = [-1] * len(rank)
    to_keeper = [0.0] * len(rank)
    keepers: list[int] = []
    for d in np.argsort(rank).tolist():
        if not takes_part[d]:
            continue
        verified = [k for k in keepers if (min(d, k), max(d, k)) in edges]
        keeper[d] = verified[0] if verified else d
        to_keeper[d] = edges[min(d, keeper[d]), max(d, keeper[d])] if verified else 1.0
        if not verified:
            keepers.append(d)
    return keeper, to_keeper, [sum(k == d for k in keeper) for d in range(len(rank))]
