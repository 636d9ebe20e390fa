"""Substring deduplication against a dictionary of all windows, on texts that repeat themselves and one another."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.dedup.substrings import matches as substring_matches
from pipeline.dedup.substrings.spans import Spans
from pipeline.dedup.substrings.substrings import elements_of, runs_of
from pipeline.recipe.dedup import Substrings
from scorers.kernels.substrings import hash_windows
from scorers.text import TextBatch
from scorers.words import words
from tests import oracle_substrings as oracle
from tests.substring_runs import spans_of_shards

short = st.text(alphabet="ab\n é🙂", max_size=12)
"""Few letters, of one to four bytes, so that nearly everything repeats."""


@st.composite
def corpora(draw: st.DrawFn) -> list[list[str]]:
    """Shards of documents put together from a few passages; some are one passage over and over."""
    passages = draw(st.lists(short, min_size=1, max_size=4))
    piece = st.tuples(st.sampled_from(passages), st.integers(1, 9)).map(lambda drawn: drawn[0] * drawn[1])
    document = st.lists(st.one_of(piece, short), max_size=5).map("".join)
    return draw(st.lists(st.lists(document, max_size=4), min_size=1, max_size=4))


def by_document(shards: Sequence[Sequence[str]], made: Sequence[Spans]) -> list[list[tuple[int, int]]]:
    """(start, end) of every document in the corpus's order."""
    found = []
    for texts, spans in zip(shards, made, strict=True):
        by_row: list[list[tuple[int, int]]] = [[] for _ in texts]
        for row, start, end in zip(spans.row.tolist(), spans.start.tolist(), spans.end.tolist(), strict=True):
            by_row[row].append((start, end))
        found += by_row
    return found


@settings(deadline=None, max_examples=150)
@given(corpora(), st.integers(2, 20), st.booleans(), st.sampled_from([1, 3, 2_000_000]))
def test_spans_are_what_a_dictionary_of_windows_says(
    shards: list[list[str]], size: int, later: bool, at_once: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(substring_matches, "WINDOWS_AT_ONCE", at_once)
        made = spans_of_shards(shards, Substrings(), size, later)
    texts = [t.encode() for documents in shards for t in documents]
    expected = []
    for text, numbers in zip(texts, oracle.repeated_elements(texts, size, later), strict=True):
        moved = [oracle.whole_characters(text, *span) for span in oracle.runs_of_numbers(numbers)]
        expected.append([(start, end) for start, end in moved if start < end])
    assert by_document(shards, made) == expected


@settings(deadline=None, max_examples=40)
@given(corpora(), st.integers(2, 12), st.booleans(), st.randoms(use_true_random=False))
def test_any_cut_into_shards_gives_the_same_spans(
    shards: list[list[str]], size: int, later: bool, pick: Random
) -> None:
    texts = [t for documents in shards for t in documents]
    cut = [
        texts[start:end]
        for start, end in pairwise(sorted({0, len(texts), *(pick.randrange(len(texts) + 1) for _ in range(3))}))
    ]
    found = by_document(shards, spans_of_shards(shards, Substrings(), size, later))
    assert by_document(cut, spans_of_shards(cut, Substrings(), size, later)) == found if cut else found == []


@settings(deadline=None, max_examples=60)
@given(corpora(), st.integers(2, 5), st.booleans())
def test_spans_of_tokens_are_what_a_dictionary_of_windows_of_words_says(
    shards: list[list[str]], size: int, later: bool
) -> None:
    made = spans_of_shards(shards, Substrings.model_validate({"min_tokens": 4}), size, later)
    texts = [t for documents in shards for t in documents]
    batch = TextBatch.from_strings(texts)
    found = words(batch, "unicode")
    split = [slice(int(a), int(b)) for a, b in pairwise(found.bounds)]
    content = [batch.data[a:b].tobytes() for a, b in zip(found.start.tolist(), found.end.tolist(), strict=True)]
    expected = []
    for d, numbers in enumerate(oracle.repeated_elements([content[s] for s in split], size, later)):
        start, end = (p[split[d]] - batch.offsets[d] for p in (found.start, found.end))
        expected.append([(int(start[a]), int(end[b - 1])) for a, b in oracle.runs_of_numbers(numbers)])
    assert by_document(shards, made) == expected


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text(alphabet="abé e\u0301.,1日🙂", min_size=20, max_size=40), min_size=1, max_size=2))
def test_a_passage_that_ends_with_words_cuts_none(texts: list[str]) -> None:
    shards = [texts, [f"x{texts[0][3:-2]}y"]]
    plain = by_document(shards, spans_of_shards(shards, Substrings(), 8, False))
    whole = by_document(shards, spans_of_shards(shards, Substrings(ends="word"), 8, False))
    texts = [t for documents in shards for t in documents]
    for text, spans, around in zip(texts, whole, plain, strict=True):
        moved = [oracle.whole_words(text, *span) for span in around]
        assert spans == [(start, end) for start, end in moved if start < end]


@settings(deadline=None, max_examples=60)
@given(corpora(), st.integers(2, 20))
def test_every_window_is_in_one_run_and_equal_windows_have_equal_anchors(shards: list[list[str]], size: int) -> None:
    texts = [t for documents in shards for t in documents]
    runs = runs_of(elements_of(TextBatch.from_strings(texts), Substrings()), size)
    anchors: dict[bytes, int] = {}
    covered = []
    columns = (runs.row, runs.start, runs.windows, runs.anchor, runs.repeats, runs.step)
    for row, start, windows, anchor, repeats, step in zip(*(c.tolist() for c in columns), strict=True):
        for at in [start + k * step + i for k in range(repeats + 1) for i in range(windows)]:
            window = texts[row].encode()[at : at + size]
            assert anchors.setdefault(window, anchor) == anchor
            covered.append((row, at))
    assert covered == [(d, i) for d, t in enumerate(texts) for i in range(len(t.encode()) - size + 1)]


@pytest.mark.parametrize(("period", "most"), [(1, 1), (2, 3), (7, 3), (40, 4)])
def test_periodic_text_is_a_few_runs_whatever_its_length(period: int, most: int) -> None:
    text = ("abcdefghij" * 4)[:period] * (200_000 // period)
    assert len(runs_of(elements_of(TextBatch.from_strings([text]), Substrings()), 200).row) <= most


def test_hashes_that_polynomials_get_wrong_do_no_harm() -> None:
    """The Thue-Morse word and its complement have one hash modulo 2^64 from 2^11 letters on."""
    word = "a"
    while len(word) < 4096:
        word += word.translate(str.maketrans("ab", "ba"))
    half, other = word[:2048], word[2048:]
    assert half != other
    hashed, both = np.empty(2, np.uint64), np.frombuffer((half + other).encode(), np.uint8)
    hash_windows(both, np.array([0, 2048]), np.array([0, 1, 2]), 2048, hashed)
    assert hashed[0] == hashed[1]
    shards = [[f"c{half}c"], [f"c{other}c", f"d{other}d"]]
    made = by_document(shards, spans_of_shards(shards, Substrings(), 2048, False))
    assert made == [[], [], [(1, 2049)]]
