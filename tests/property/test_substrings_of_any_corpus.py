"""Substring deduplication against a dictionary of all windows, on texts that repeat themselves and one another."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.dedup import substring_matches
from pipeline.recipe.dedup import Substrings
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


def bytes_of_spans(shards: list[list[str]], made: list[substring_matches.Groups]) -> list[list[tuple[int, int]]]:
    """(start, end) of every document in the corpus's order."""
    found = []
    for texts, spans in zip(shards, made, strict=True):
        by_row: list[list[tuple[int, int]]] = [[] for _ in texts]
        for row, start, end in zip(spans.row.tolist(), spans.start.tolist(), spans.end.tolist(), strict=True):
            by_row[row].append((start, end))
        found += by_row
    return found


@settings(deadline=None, max_examples=400)
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
    assert bytes_of_spans(shards, made) == expected
