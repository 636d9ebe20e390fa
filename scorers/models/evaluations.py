"""Evaluation sets as one table, and the n-grams of its texts made ready for the kernels."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from scorers.kernels.overlap import FREE, MAX_NGRAM, Ngrams, Texts, hash_ngrams, remember_ngrams
from scorers.kernels.overlap_words import cut_words, datatrove_table, gpt3_table, letters_table, unmarked_table
from scorers.kernels.shingles import BASE
from scorers.models.card import Kind, ModelError
from scorers.models.overlap_profiles import Normalise, Profile
from scorers.text import TextBatch

KIND: Kind = "evaluations"
SCHEMA = pa.schema(
    [
        ("benchmark", pa.string()),
        ("item", pa.string()),
        ("question", pa.string()),
        ("choices", pa.list_(pa.string())),
        ("answer", pa.string()),
    ]
)
"""One row an item; what an item does not have is null."""
TABLES = {"letters": letters_table, "unmarked": unmarked_table, "gpt3": gpt3_table, "datatrove": datatrove_table}
BITS_PER_SLOT = 8
"""Of the bitmap that is asked first, 16 to 32 an n-gram, three of them set: one word in a hundred goes on for nothing."""

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one field of N items. bounds: i64[N+1], start and end: i64[W], bytes of `text`, hashes: u64[W]."""

    text: npt.NDArray[np.uint8]
    bounds: I64
    start: I64
    end: I64
    hashes: U64


@dataclass(frozen=True)
class Index:
    """Evaluation sets under a profile. table: SCHEMA; kinds: of each text, such as question+choices; kept: u8[G], 0 for n-grams
    of too many items."""

    table: pa.Table
    profile: Profile
    kinds: tuple[str, ...]
    ngrams: Ngrams
    texts: Texts
    kept: npt.NDArray[np.uint8]

    def folding(self) -> U64:
        """The kernels' table of characters."""
        return TABLES[self.profile.normalise]()

    def alive(self, kept: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
        """bool[I]: which items have an n-gram that counts. kept: u8[G]."""
        found = np.zeros(self.table.num_rows, np.bool_)
        found[np.repeat(self.texts.items, np.diff(self.texts.texts))[kept[self.texts.of_text] != 0]] = True
        return found

    def unchecked(self) -> dict[str, tuple[int, int, int]]:
        """By benchmark: items, those whose every text is too short, those of which every n-gram is in too many items."""
        some, alive = self.alive(np.ones_like(self.kept)), self.alive(self.kept)
        names = self.table.column("benchmark").to_numpy()
        return {
            str(b): (int(mine.sum()), int((mine & ~some).sum()), int((mine & some & ~alive).sum()))
            for b in sorted(set(names))
            for mine in [names == b]
        }


@functools.cache
def load_index(path: Path, sha256: str, profile: Profile) -> Index:
    """The table at `path` under a profile, once a process. ModelError if it is another file than its card's."""
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise ModelError(f"evaluation sets at {str(path)!r}: expected sha256 {sha256}, found {found}; delete the file")
    return make_index(pq.read_table(pa.BufferReader(content)), profile)


def make_index(table: pa.Table, profile: Profile) -> Index:
    """table: SCHEMA. ModelError where a profile's lengths are none that can be looked for."""
    if not 1 <= profile.least_words <= profile.ngram <= MAX_NGRAM:
        raise ModelError(
            f"n-grams of {profile.ngram} words, of at least {profile.least_words}: expected 1 to {MAX_NGRAM}, the second not more"
        )
    words, bounds, alone, items, kinds = _texts(table, profile)
    text_words = np.diff(bounds)
    length = np.where(text_words >= profile.ngram, profile.ngram, text_words)
    skipped = np.maximum(alone - length + 1, 0)
    counts = np.where(text_words >= profile.least_words, np.maximum(text_words - length + 1 - skipped, 0), 0)
    texts = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    owner = np.repeat(np.arange(len(counts)), counts)
    places = np.arange(texts[-1]) - texts[owner] + skipped[owner]
    first, lengths = bounds[owner] + places, length[owner]
    powers = np.ones(MAX_NGRAM + 1, np.uint64)
    with np.errstate(over="ignore"):
        np.multiply.accumulate(np.full(MAX_NGRAM, BASE), out=powers[1:])
    keys = np.empty(len(first), np.uint64)
    hash_ngrams(words, first, lengths, keys)
    keys, one, of_text = np.unique(keys, return_index=True, return_inverse=True)
    first, lengths = first[one], lengths[one]
    posted, postings = _postings(of_text, owner, len(keys), len(counts))
    slots, maybe, sizes = _lookup(words, first, lengths, keys)
    kept = np.ones(len(keys), np.uint8)
    if profile.max_items:
        per_item, _ = _postings(of_text, items[owner], len(keys), table.num_rows)
        kept[np.diff(per_item) > profile.max_items] = 0
    ngrams = Ngrams(sizes, powers, maybe, slots, keys, first, lengths, words)
    by_words, least_found = profile.by_words, profile.least_found_words
    of = Texts(
        posted, postings, texts, of_text.astype(np.int32), places, lengths, text_words, items, by_words, least_found
    )
    return Index(table, profile, kinds, ngrams, of, kept)


def cut(strings: list[str], normalise: Normalise) -> Words:
    """The words of texts as the kernels see them."""
    batch = TextBatch.from_strings(strings)
    start, end = np.empty((2, batch.text_bytes + 1), np.int64)
    hashes, bounds = np.empty(batch.text_bytes + 1, np.uint64), np.empty(len(batch) + 1, np.int64)
    n = cut_words(batch.data, batch.offsets, TABLES[normalise](), bounds, start, end, hashes)
    return Words(batch.data, bounds, start[:n], end[:n], hashes[:n])


def field_texts(table: pa.Table) -> dict[str, list[str]]:
    """Of every item its question, choices (a line each) and answer; empty where it has none."""
    choices = ["\n".join(c or "" for c in row or ()) for row in table.column("choices").to_pylist()]
    plain = {name: [v or "" for v in table.column(name).to_pylist()] for name in ("question", "answer")}
    return {**plain, "choices": choices}


def item_texts(table: pa.Table, items: I64, kinds: Sequence[str]) -> list[str]:
    """Texts of items, by their rows, as they stand in the evaluation sets. items: i64[N], kinds: N."""
    fields = field_texts(table.take(pa.array(items, pa.int64())))
    return ["\n".join(fields[field][n] for field in kind.split("+")) for n, kind in enumerate(kinds)]


def item_words(table: pa.Table, items: I64, kinds: Sequence[str], normalise: Normalise) -> Words:
    """The words of texts of items, by their rows, each field cut alone as for the index: no tag of HTML that begins in a question
    ends in its choices. items: i64[N], kinds: N."""
    fields = field_texts(table.take(pa.array(items, pa.int64())))
    pieces = [[fields[field][n] for field in kind.split("+")] for n, kind in enumerate(kinds)]
    words = cut([f"{piece}\n" for own in pieces for piece in own], normalise)
    return dataclasses.replace(words, bounds=words.bounds[np.cumsum([0, *map(len, pieces)])])


def _texts(table: pa.Table, profile: Profile) -> tuple[U64, I64, I64, I64, tuple[str, ...]]:
    """(words: u64[W], bounds: i64[T+1], alone: i64[T], words of a question that do not count alone, items: i64[T], kinds)"""
    fields = {name: cut(strings, profile.normalise) for name, strings in field_texts(table).items()}
    pieces: list[U64] = []
    lengths, alone, items, kinds = [], [], [], []
    for item in range(table.num_rows):
        for kind in profile.texts:
            names = kind.split("+")
            own = [fields[n].hashes[fields[n].bounds[item] : fields[n].bounds[item + 1]] for n in names]
            if len(own[-1]) == 0:
                continue  # no choices, no answer: nothing beyond the question, which is a text of its own
            pieces += own
            lengths.append(sum(map(len, own)))
            alone.append(len(own[0]) if kind == "question+answer" else 0)
            items.append(item)
            kinds.append(kind)
    words = np.concatenate([*pieces, np.zeros(0, np.uint64)])
    bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])
    return words, bounds, np.array(alone, np.int64), np.array(items, np.int64), tuple(kinds)


def _postings(of_text: I64, owner: I64, ngrams: int, owners: int) -> tuple[I64, I64]:
    """The different owners of each n-gram: bounds i64[G+1], and they, in order."""
    pairs = np.sort(of_text.astype(np.int64) * max(owners, 1) + owner)
    # np.unique of integers goes by a hash table: five times as slow as sorting them
    pairs = pairs[np.concatenate([np.ones(min(1, len(pairs)), np.bool_), pairs[1:] != pairs[:-1]])]
    counts = np.bincount(pairs // max(owners, 1), minlength=ngrams)
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)]), pairs % max(owners, 1)


def _lookup(words: U64, first: I64, lengths: I64, keys: U64) -> tuple[Any, U64, I64]:
    """The kernels' hash table and bitmap, and the lengths there are."""
    sizes = np.flatnonzero(np.bincount(lengths)) if len(lengths) else np.array([MAX_NGRAM], np.int64)
    tails, least = np.empty(len(keys), np.uint64), np.full(len(keys), sizes[0])
    hash_ngrams(words, first + lengths - sizes[0], least, tails)
    room = 1 << max(4, int(2 * len(keys)).bit_length())
    slots = np.full(room, FREE, np.int32)
    maybe = np.zeros(max(1, room * BITS_PER_SLOT // 64), np.uint64)
    remember_ngrams(keys, tails, slots, maybe)
    return slots, maybe, sizes
