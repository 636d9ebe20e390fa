"""Modified Kneser-Ney over records on disk: the stages of lmplz (Heafield et al., ACL 2013), each reading and writing
sorted files, so that memory is bounded whatever the text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.errors import WinnowError
from pipeline.train.records import BLOCK, F64, Records, append, in_order, joined, stored
from scorers.kernels.ngram_counts import adjust, context_sums, ngram_records, rotate
from scorers.kernels.ngram_words import SENTENCE_END, SENTENCE_START, UNKNOWN

I64 = npt.NDArray[np.int64]
MAX_KEY_BITS = 128
NOT_A_CONTEXT = 1.0
FALLBACK = (0.5, 1.0, 1.5)
"""lmplz --discount_fallback."""


class TrainingError(WinnowError):
    """A model cannot be trained from what was given."""

    code = "training"


@dataclass(frozen=True, slots=True)
class Job:
    """order: 2 to 5 and more while the words' numbers fit 128 bits; bits: of a word's number; words: W, with <unk>, <s>
    and </s>; prune: n-grams that occur so often or less are left out, by order; memory_bytes: for sorting; folder: for
    what is on its way."""

    order: int
    bits: int
    words: int
    prune: tuple[int, ...]
    memory_bytes: int
    folder: Path

    def path(self, name: str, k: int) -> Path:
        """A file of k-grams."""
        return self.folder / f"{name}-{k}"


@dataclass(frozen=True, slots=True)
class Estimated:
    """n-grams of one order in suffix order. records: u64[R, 3] whose keys count, probability: f64[R], backoff: f64[R]."""

    records: Records
    probability: F64
    backoff: F64


def count(job: Job, numbers: Iterator[npt.NDArray[np.uint32]]) -> I64:
    """Count n-grams; write those of every order with adjusted counts to the files 'adjusted'. numbers: whole lines.
    -> i64[order+1, 6]: n-grams by adjusted count 0 to 4, and those that are not pruned."""
    bits = job.bits * job.order

    def raw() -> Iterator[Records]:
        for block in numbers:
            records = np.empty((len(block), 3), np.uint64)
            yield records[: ngram_records(block, job.order, job.bits, records)]

    key, counts = np.zeros(2, np.uint64), np.zeros((job.order + 1, 2), np.int64)
    stats, opened = np.zeros((job.order + 1, 6), np.int64), 0
    out = np.empty((job.order + 1, BLOCK + 1, 3), np.uint64)
    thresholds = np.array([0, *job.prune], np.int64)
    ordered = in_order(raw(), bits, job.memory_bytes, job.folder / "runs-count", adding=True)
    for block, last in _with_last(ordered):
        sizes = np.zeros(job.order + 1, np.int64)
        opened = adjust(block, job.order, job.bits, thresholds, key, counts, opened, out, sizes, stats, last)
        for k in range(1, job.order + 1):
            append(job.path("adjusted", k), out[k, : sizes[k]])
    return stats


def _with_last(blocks: Iterator[Records]) -> Iterator[tuple[Records, bool]]:
    """Every block, and whether it is the last."""
    before: Records | None = None
    for block in blocks:
        if before is not None:
            yield before, False
        before = block
    if before is not None:
        yield before, True


def discounts(stats: I64, fallback: bool) -> F64:
    """f64[order+1, 4]: what is taken from an n-gram of count 0, 1, 2, 3 or more (Chen and Goodman, equation 26). Where a
    text is too small for the estimate: TrainingError, or the fallback."""
    found = np.zeros((len(stats), 4))
    for k in range(1, len(stats)):
        n1, n2, n3, n4 = (float(n) for n in stats[k, 1:5])
        if min(n1, n2, n3) > 0:
            y = n1 / (n1 + 2 * n2)
            found[k, 1:] = 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3
        bad = min(n1, n2, n3) == 0 or np.any(found[k] < 0) or np.any(found[k] > np.arange(4))
        if bad and not fallback:
            raise TrainingError(
                f"order {k}: of {stats[k, :5].sum():.0f} n-grams {n1:.0f}, {n2:.0f}, {n3:.0f}, {n4:.0f} occur 1, 2, 3 and 4 times, "
                "from which no discounts can be estimated: the text is too small, repetitive or artificial. Give more text, "
                "a lower order, or fixed discounts (--discount-fallback)"
            )
        if bad:
            found[k, 1:] = FALLBACK
    return found


def estimate(job: Job, taken: F64) -> Iterator[tuple[int, Iterator[Estimated]]]:
    """Every order's n-grams with interpolated probabilities and back-offs, from `count`'s files; in this order, each to
    be read to its end."""
    for k in range(2, job.order + 1):
        _without_interpolation(job, k, taken[k])
    for k in range(1, job.order + 1):
        yield k, _interpolated(job, k, taken)


def _without_interpolation(job: Job, k: int, taken: F64) -> None:
    """Write 'weights' of contexts of k - 1 words, and 'bare': k-grams with probability and weight of the lower order."""
    half = job.memory_bytes // 2

    def in_context_order() -> Iterator[Records]:
        for block in stored(job.path("adjusted", k)):
            rotate(block, k, job.bits, True)
            yield block

    def summed() -> Iterator[Records]:
        ordered = in_order(in_context_order(), k * job.bits, half, job.folder / f"runs-context-{k}", adding=False)
        for block in _whole_contexts(ordered, job.bits):
            weights = np.empty_like(block)
            left, contexts = context_sums(
                block, block.view(np.float32), job.bits, taken, weights, weights.view(np.float64)
            )
            append(job.path("weights", k - 1), weights[:contexts])
            rotate(block[:left], k, job.bits, False)
            yield block[:left]

    for block in in_order(summed(), k * job.bits, half, job.folder / f"runs-suffix-{k}", adding=False):
        append(job.path("bare", k), block)
    job.path("adjusted", k).unlink()


def _whole_contexts(blocks: Iterator[Records], bits: int) -> Iterator[Records]:
    """The same records in blocks that never cut a context in two (one context has at most W records)."""
    rest = np.empty((0, 3), np.uint64)
    for block in blocks:
        together = np.concatenate([rest, block])
        different = np.flatnonzero(np.any(_contexts(together, bits) != _contexts(together[-1:], bits), axis=1))
        cut = int(different[-1]) + 1 if len(different) else 0
        if cut:
            yield together[:cut].copy()
        rest = together[cut:]
    if len(rest):
        yield rest


def _contexts(records: Records, bits: int) -> Records:
    """u64[R, 2]: keys in context order without their last word."""
    high, low = records[:, 0], records[:, 1]
    shift = np.uint64(bits)
    return np.stack([high >> shift, (low >> shift) | (high << (np.uint64(64) - shift))], axis=1)


def _interpolated(job: Job, k: int, taken: F64) -> Iterator[Estimated]:
    source = _unigrams(job, taken[1]) if k == 1 else _with_lower(job, k)
    other = stored(job.path("weights", k)) if k < job.order else iter(())
    for block, backoff in joined(source, other, 0, NOT_A_CONTEXT):
        if k < job.order:
            append(job.path("final", k), block)
        yield Estimated(block, block.view(np.float64)[:, 2], backoff)


def _with_lower(job: Job, k: int) -> Iterator[Records]:
    for block, lower in joined(stored(job.path("bare", k)), stored(job.path("final", k - 1)), job.bits, 0.0):
        parts = block.view(np.float32)
        block.view(np.float64)[:, 2] = parts[:, 4].astype(np.float64) + parts[:, 5].astype(np.float64) * lower
        yield block


def _unigrams(job: Job, taken: F64) -> Iterator[Records]:
    """Words by number: <unk> has the count 0, <s> is certain, and what discounts leave is shared by all but <s>."""
    counts = np.zeros(job.words)
    for block in stored(job.path("adjusted", 1)):
        counts[block[:, 1].astype(np.int64)] = block[:, 2]
    assert counts[UNKNOWN] == 0
    cut = taken[np.minimum(counts, 3).astype(np.int64)]
    probability = (counts - cut) / counts.sum() + cut.sum() / counts.sum() / (job.words - 1)
    probability[SENTENCE_START] = 1.0
    for start in range(0, job.words, BLOCK):
        here = np.arange(start, min(start + BLOCK, job.words), dtype=np.uint64)
        records = np.zeros((len(here), 3), np.uint64)
        records[:, 1] = here
        records.view(np.float64)[:, 2] = probability[start : start + len(here)]
        yield records


def check(order: int, words: int, prune: Sequence[int]) -> tuple[int, tuple[int, ...]]:
    """(bits of a word's number, thresholds by order). TrainingError where they cannot be."""
    bits = max(2, (words - 1).bit_length())
    assert words > SENTENCE_END
    if order < 2 or order * bits > MAX_KEY_BITS:
        raise TrainingError(
            f"order {order} with {words} different words: expected an order from 2, and at most {MAX_KEY_BITS} bits for {order} "
            f"words of {bits} bits each. Take a lower order, or normalise the text"
        )
    full = (*prune, *[prune[-1] if prune else 0] * (order - len(prune)))
    if len(full) > order or list(full) != sorted(full) or full[0] != 0:
        raise TrainingError(
            f"prune {','.join(map(str, prune))}: expected at most {order} thresholds that never fall, the first 0 (words are "
            "kept), such as 0,0,1"
        )
    return bits, full
