"""How much of an evaluation set a document holds: n-gram overlap under a published definition, with what it comes from."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from scorers import models
from scorers.base import Column, ScorerError, Values, count, fraction
from scorers.kernels.overlap import MAX_NGRAM, Marks, find_ngrams, merge_spans, weigh_texts
from scorers.models.evaluations import KIND, Index, item_words, load_index
from scorers.models.overlap_profiles import PROFILES, Profile
from scorers.spans import SPANS, spans_array
from scorers.text import TextBatch

HITS = pa.list_(pa.struct([("ngram", pa.int32()), ("start", pa.int64()), ("end", pa.int64())]))
MATCHED_CHARS = 300
FIRST_ROOM = 1 << 16

I64 = npt.NDArray[np.int64]
Kept = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Hits:
    """H n-grams found in D documents. bounds: i64[D+1]; grams: i32[H]; start, end: i64[H], bytes from the document's first,
    ends rising."""

    bounds: I64
    grams: npt.NDArray[np.int32]
    start: I64
    end: I64


@dataclass(frozen=True)
class Contamination:
    """against: files, folders or patterns of evaluation sets (Parquet or JSONL), or mappings {path, name, id, question, choices,
    answer} that name columns; read when a run is planned. index: instead of these, evaluation sets read before, by the name
    `winnow models` shows. profile: winnow-13, winnow-8, gpt3-13, datatrove-12, tulu3-8 or palm-8, see docs/decontamination.md. ngram:
    words, where not the profile's. span_overlap: hits of texts with more than this overlap are the spans; null is the
    profile's.
    """

    name: ClassVar[str] = "contamination"
    version: ClassVar[int] = 2
    told_by_models: ClassVar[tuple[str, ...]] = ("against",)

    against: tuple[str, ...] = ()
    index: str = ""
    profile: str = "winnow-13"
    ngram: int = 0
    span_overlap: float | None = None

    def __post_init__(self) -> None:
        if self.profile not in PROFILES:
            raise ScorerError(f"no profile {self.profile!r}; there are {', '.join(PROFILES)}")
        if not 0 <= self.ngram <= MAX_NGRAM or (self.span_overlap is not None and not 0 <= self.span_overlap <= 1):
            raise ScorerError(
                f"ngram is {self.ngram}, span_overlap {self.span_overlap}; expected 0 (the profile's) to {MAX_NGRAM} words, and 0 to 1"
            )
        if self.index and models.known(self.index).card.kind != KIND:
            raise ScorerError(f"index {self.index!r} is a model of another kind than evaluation sets")

    def columns(self) -> tuple[Column, ...]:
        """What is found, where it comes from, where it stands."""
        text = pa.string()
        return (
            fraction("overlap_frac", "share of an evaluation text found here: of the text that most is found of"),
            Column("benchmark", text, "name", "the evaluation set of that text; null where nothing is found"),
            Column("item", text, "name", "the item of it, by its id or its row"),
            Column("field", text, "name", "which of its texts: question, question+choices, answer, question+answer"),
            Column(
                "matched", text, "text", "the beginning of its longest stretch that is found here, in its own words"
            ),
            count("ngrams_hit", "n-grams", "different n-grams of any evaluation text found here"),
            count("items_hit", "items", "evaluation items of which more than span_overlap is found here"),
            fraction("text_frac", "share of the document's bytes that lie in spans"),
            count("span_count", "spans", "how many spans there are"),
            Column("spans", SPANS, "bytes", "where n-grams of these items stand in the document"),
            Column("hits", HITS, "bytes", "every n-gram found: its number in the index, and where"),
        )

    def models(self) -> tuple[str, ...]:
        """The evaluation sets; their digest is part of the scorer's identity."""
        return (self.index,) if self.index else ()

    def definition(self) -> Profile:
        """The profile with what was given beside it."""
        profile = PROFILES[self.profile]
        if self.ngram:
            least = min(profile.least_words, self.ngram) if profile.least_words < profile.ngram else self.ngram
            profile = dataclasses.replace(profile, ngram=self.ngram, least_words=least)
        return dataclasses.replace(
            profile, span_overlap=profile.span_overlap if self.span_overlap is None else self.span_overlap
        )

    def loaded(self) -> Index | None:
        """The evaluation sets, None where there are none to compare with."""
        if not self.index:
            return None
        found = models.find(self.index)
        return load_index(found.path, found.sha256, self.definition())

    def warnings(self) -> Iterator[str]:
        """What a user should know before a run: items that nothing can be found of."""
        index = self.loaded()
        if index is None:
            yield "contamination: no evaluation sets (against); every document is clean of nothing"
            return
        for benchmark, (items, short, common) in index.unchecked().items():
            if short:
                yield (
                    f"contamination: {short:,} of {items:,} items of {benchmark} have no text of {index.profile.least_words} "
                    "words or more and are not looked for"
                )
            if common:
                yield f"contamination: {common:,} of {items:,} items of {benchmark} share every n-gram with over {index.profile.max_items} others"

    def score(self, batch: TextBatch) -> Values:
        """Measure every document."""
        index, sizes = self.loaded(), np.diff(batch.offsets)
        if index is None:
            none = Hits(np.zeros(len(batch) + 1, np.int64), np.zeros(0, np.int32), *np.zeros((2, 0), np.int64))
            return {**nothing(len(batch)), "hits": hits_array(none)}
        hits = find(index, batch)
        return {**measured(index, hits, sizes, index.kept), "hits": hits_array(hits)}


def find(index: Index, batch: TextBatch) -> Hits:
    """Every n-gram of the index in a batch."""
    room = max(FIRST_ROOM, batch.text_bytes // 8)  # only pages that are written take memory
    bounds = np.empty(len(batch) + 1, np.int64)
    text = (batch.data, batch.offsets, index.folding())
    while True:
        grams, start, end = np.empty(room, np.int32), np.empty(room, np.int64), np.empty(room, np.int64)
        n = find_ngrams(*text, index.ngrams, index.profile.window_chars, bounds, grams, start, end)
        if n <= room:
            return Hits(bounds, grams[:n], start[:n], end[:n])
        room = n  # text made of evaluation sets: once more, with room for all


def measured(index: Index, hits: Hits, text_bytes: I64, kept: Kept) -> dict[str, Any]:
    """Every column but the hits. text_bytes: i64[D]; kept: u8[G], 0 for n-grams that are too common to count."""
    rows, profile = len(text_bytes), index.profile
    overlap, best, counts = np.empty(rows), np.empty(rows, np.int64), np.empty((2, rows), np.int64)
    within, texts = np.empty(len(hits.grams), np.uint8), len(index.texts.items)
    seen, good = np.full((2, len(index.ngrams.keys)), -1, np.int64)
    touched, touched_items = np.full(texts, -1, np.int64), np.full(index.table.num_rows, -1, np.int64)
    marks = Marks(seen, good, touched, touched_items, np.empty(texts, np.int64))
    weigh_texts(hits.bounds, hits.grams, kept, index.texts, marks, profile.span_overlap, overlap, best, counts, within)
    made, starts, ends = np.empty(rows + 1, np.int64), *np.empty((2, len(hits.grams)), np.int64)
    n = merge_spans(hits.bounds, hits.start, hits.end, within, text_bytes, profile.piece_bytes, made, starts, ends)
    inside = np.concatenate([np.zeros(1, np.int64), np.cumsum(ends[:n] - starts[:n])])
    return {
        "overlap_frac": overlap, "ngrams_hit": counts[0], "items_hit": counts[1], **_named(index, hits, best, kept),
        "text_frac": np.diff(inside[made]) / np.maximum(text_bytes, 1), "span_count": np.diff(made),
        "spans": spans_array(made, starts[:n], ends[:n]),
    }  # fmt: skip


def nothing(rows: int) -> dict[str, Any]:
    """The columns but the hits where nothing was looked for: null, so that absent is no pass."""
    types = {c.name: c.type for c in Contamination().columns()}
    return {name: pa.nulls(rows, t) for name, t in types.items() if name != "hits"}


def _named(index: Index, hits: Hits, best: I64, kept: Kept) -> dict[str, pa.Array]:
    """Benchmark, item, field and words of each document's best text; Python strings for those that have one alone."""
    found = np.flatnonzero(best >= 0)
    rows = pa.array(np.where(best >= 0, index.texts.items[best] if len(found) else 0, 0), mask=best < 0)
    named = {name: index.table.column(name).combine_chunks().take(rows) for name in ("benchmark", "item")}
    different, which = np.unique(best[found], return_inverse=True)
    kinds = [index.kinds[t] for t in different]
    words = item_words(index.table, index.texts.items[different], kinds, index.profile.normalise)
    fields: list[str | None] = [None] * len(best)
    matched: list[str | None] = [None] * len(best)
    for d, k in zip(found.tolist(), which.tolist(), strict=True):
        fields[d] = index.kinds[best[d]]
        first, last = _longest_stretch(index, int(best[d]), hits.grams[hits.bounds[d] : hits.bounds[d + 1]], kept)
        start, end = words.start[words.bounds[k] + first], words.end[words.bounds[k] + last - 1]
        matched[d] = bytes(words.text[start:end]).decode()[:MATCHED_CHARS]
    return {**named, "field": pa.array(fields, pa.string()), "matched": pa.array(matched, pa.string())}


def _longest_stretch(index: Index, t: int, here: npt.NDArray[np.int32], kept: Kept) -> tuple[int, int]:
    """The words first..last of text t that are found without a gap, the longest such stretch."""
    texts = index.texts
    own = texts.of_text[texts.texts[t] : texts.texts[t + 1]]
    at = np.flatnonzero(np.isin(own, here) & (kept[own] != 0))
    starts = texts.places[texts.texts[t] + at]
    ends = starts + texts.lengths[own[at]]
    opens = np.flatnonzero(np.concatenate([np.ones(1, np.bool_), starts[1:] > ends[:-1]]))
    closes = np.concatenate([opens[1:] - 1, np.array([len(at) - 1])])
    longest = int(np.argmax(ends[closes] - starts[opens]))
    return int(starts[opens[longest]]), int(ends[closes[longest]])


def hits_array(hits: Hits) -> pa.ListArray:
    """An array of HITS."""
    columns = [pa.array(hits.grams), pa.array(hits.start), pa.array(hits.end)]
    values = pa.StructArray.from_arrays(columns, fields=list(HITS.value_type))
    return pa.ListArray.from_arrays(pa.array(hits.bounds, pa.int32()), values, type=HITS)


SCORER = Contamination
