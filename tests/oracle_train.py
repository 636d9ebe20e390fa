"""Slow, obvious twins of the trainer's kernels."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import numpy as np

SPACE = re.compile("[ \t\n\v\f\r\0]+")
MASK_64 = (1 << 64) - 1


def fnv(word: str) -> int:
    """fastText's hash: FNV-1a over signed chars."""
    h = 2166136261
    for byte in word.encode():
        h = ((h ^ (byte | (0xFFFFFF00 if byte >= 128 else 0))) * 16777619) & 0xFFFFFFFF
    return h


def tokens(text: str) -> list[str]:
    """A text's words as fastText reads them, without labels and up to the end of the line."""
    found = []
    for word in SPACE.split(text):
        if word == "</s>":
            break
        if word and not word.startswith("__label__"):
            found.append(word)
    return found


def word_counts(texts: list[str], min_count: int) -> list[tuple[str, int]]:
    """The vocabulary: the end of the line, then words by falling count, as first met where equal."""
    counts = Counter(w for t in texts for w in tokens(t))
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return [("</s>", len(texts)), *((w, n) for w, n in ordered if n >= min_count)]


def text_row_ids(
    text: str, words: list[str], shape: tuple[int, int, int, int], kept: dict[int, int] | None
) -> list[int]:
    """Rows of a text, sorted. shape: shortest, longest, words to an n-gram, buckets; kept: buckets to places, None: all."""
    shortest, longest, word_ngrams, buckets = shape
    found = []

    def add_bucket(bucket: int) -> None:
        if kept is None:
            found.append(len(words) + bucket)
        elif bucket in kept:
            found.append(len(words) + kept[bucket])

    line = [*tokens(text), "</s>"]
    for word in line:
        if word in words:
            found.append(words.index(word))
        marked = f"<{word}>" if word != "</s>" else ""
        for i in range(len(marked)):
            for n in range(max(1, shortest), longest + 1):
                gram = marked[i : i + n]
                if len(gram) == n and not (n == 1 and i in (0, len(marked) - 1)):
                    add_bucket(fnv(gram) % buckets)
    signed = [fnv(w) - (1 << 32 if fnv(w) >= 1 << 31 else 0) for w in line]
    for i in range(len(line)):
        h = signed[i]
        for j in range(i + 1, min(len(line), i + word_ngrams)):
            h = (h * 116049371 + signed[j]) & MASK_64
            add_bucket(h % buckets)
    return sorted(found)


def drawn(rows: int, dim: int, seed: int) -> np.ndarray[Any, Any]:
    """The first weights: SplitMix64 of place and seed, as a number between -1/dim and 1/dim."""
    found = np.empty((rows, dim), np.float32)
    for i in range(rows * dim):
        x = ((i + 1) * 0x9E3779B97F4A7C15 + seed * 0xD1342543DE82EF95) & MASK_64
        x = ((x ^ x >> 30) * 0xBF58476D1CE4E5B9) & MASK_64
        x = ((x ^ x >> 27) * 0x94D049BB133111EB) & MASK_64
        x ^= x >> 31
        found[divmod(i, dim)] = (2 * ((x >> 11) / 2**53) - 1) / dim
    return found


def sgd_epoch(
    texts: list[list[int]], targets: Any, weights: Any, order: Any, rows: Any, output: Any, ova: bool,
    rate: float, done: int, planned: int,
) -> None:  # fmt: skip
    """One pass of gradient descent over texts given as their rows, in place, in 64 bits."""
    for d in order:
        ids = texts[d]
        done += len(ids)
        if not ids:
            continue
        hidden = rows[ids].mean(axis=0)
        logits = output @ hidden
        p = 1 / (1 + np.exp(-logits)) if ova else np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
        alpha = rate * (1 - done / planned) * weights[d] * (targets[d] - p)
        gradient = alpha @ output
        output += np.outer(alpha, hidden)
        np.add.at(rows, ids, gradient / len(ids))


def nearest(points: Any, centroids: Any) -> list[int]:
    """The first of the nearest centroids of each point."""
    return [int(np.argmin(((centroids - p) ** 2).sum(axis=1))) for p in points]
