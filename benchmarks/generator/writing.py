"""Documents from the chain, thousands at a time: every paragraph walks in step with the others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from benchmarks.generator.chain import Chain
from benchmarks.generator.chance import below, draw, mixed

I64 = npt.NDArray[np.int64]
LEAST_PARAGRAPH, PARAGRAPH_SPREAD = 24, 104
"""Tokens: a paragraph has from 24 to 127."""


@dataclass(frozen=True, slots=True)
class Written:
    """texts: N documents; language: i32[N] into the chain's languages."""

    texts: pa.LargeStringArray
    language: npt.NDArray[np.int32]


def write(chain: Chain, seed: int, numbers: I64) -> Written:
    """The texts of these documents: i64[N]. Each depends on the chain, the seed and its number alone."""
    begins, language = _first_begins(chain, seed, numbers)
    document, key, lengths = _paragraphs(chain, seed, numbers)
    place = begins[document]
    low, high = chain.of_language[language[document]], chain.of_language[language[document] + 1]
    is_first = np.concatenate([[True], document[1:] != document[:-1]])
    chosen = np.where(is_first, place, low + below(mixed(key), high - low))
    offsets = np.concatenate([[0], np.cumsum(lengths + 1)])
    tokens = np.empty(offsets[-1], np.int64)
    _walk(chain, chain.begins[chosen], key, lengths, offsets, tokens)
    tokens[offsets[1:] - 2] += chain.bare
    tokens[offsets[1:] - 1] = chain.paragraph_end
    ends_document = np.flatnonzero(np.concatenate([document[1:] != document[:-1], [True]]))
    return Written(_joined(chain, tokens, offsets[1:][ends_document]), language)


def _first_begins(chain: Chain, seed: int, numbers: I64) -> tuple[I64, npt.NDArray[np.int32]]:
    """Where each document begins, and with that its language: a language has the share it has in what was learnt."""
    begins = below(draw(seed, "begin", numbers), len(chain.begins))
    return begins, chain.begin_language[begins]


def _paragraphs(chain: Chain, seed: int, numbers: I64) -> tuple[I64, npt.NDArray[np.uint64], I64]:
    """(document, key of draws, tokens) of every paragraph, in order."""
    wanted = chain.lengths[below(draw(seed, "length", numbers), len(chain.lengths))]
    most = -(-wanted // LEAST_PARAGRAPH)
    document = np.repeat(np.arange(len(numbers)), most)
    nth = np.arange(len(document)) - np.repeat(np.cumsum(most) - most, most)
    key = mixed(draw(seed, "paragraphs", numbers)[document] + nth.astype(np.uint64))
    lengths = LEAST_PARAGRAPH + below(key, PARAGRAPH_SPREAD)
    before = np.cumsum(lengths) - lengths
    before -= before[np.searchsorted(document, np.arange(len(numbers)))][document]
    lengths = np.minimum(lengths, wanted[document] - before)
    kept = lengths > 0
    return document[kept], key[kept], lengths[kept]


def _walk(chain: Chain, at: I64, key: npt.NDArray[np.uint64], lengths: I64, offsets: I64, tokens: I64) -> None:
    """Write the tokens of every paragraph from its first position on; longest first, so that who is done drops off the end."""
    longest = np.argsort(-lengths, kind="stable")
    at, key, slots = at[longest], key[longest], offsets[:-1][longest]
    live = np.searchsorted(-lengths[longest], -np.arange(int(lengths.max())), side="left")
    for step, n in enumerate(live.tolist()):
        at, key, slots = at[:n], key[:n], slots[:n]
        tokens[slots + step] = chain.token[at]
        context = chain.group[at]
        first = chain.starts[context]
        chance = mixed(key + np.uint64(step + 1))
        at = chain.order[first + below(chance, chain.starts[context + 1] - first)].astype(np.int64)


def _joined(chain: Chain, tokens: I64, ends: I64) -> pa.LargeStringArray:
    """Tokens put together up to each end: what Arrow takes from the vocabulary lies one after the other already."""
    taken = chain.vocabulary.take(pa.array(tokens))
    _, offsets, data = taken.buffers()
    bounds = np.frombuffer(offsets, np.int64)[np.concatenate([[0], ends])]
    # the last paragraph ends the document: no blank line behind it
    bounds = np.ascontiguousarray(bounds)
    texts = pa.LargeStringArray.from_buffers(len(ends), pa.py_buffer(bounds), data)
    return pa.compute.utf8_rtrim(texts, characters="\n")
