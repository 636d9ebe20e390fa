"""Each word kernel equals its slow twin, on text made of what its rules look at."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scorers.kernels.english_exceptions import hashes_of, listed
from scorers.text import TextBatch
from scorers.words import Definition, words, words_left
from tests.oracle_measures import without_spans
from tests.oracle_words import datatrove_words, unicode_words, whitespace_words, word_flags

TWINS = {"whitespace": whitespace_words, "datatrove": datatrove_words, "unicode": unicode_words}

MARKS = [*".,-—'’\"()[:/=~+*^@#%$…_", "..", "...", "--", "US$"]
PIECES = st.one_of(
    st.sampled_from(["".join(pieces) for pieces, _ in listed()]),
    st.sampled_from(MARKS),
    st.sampled_from(
        ["a", "B", "word", "é", "Ж", "漢", "かな", "カ", "ー", "ש", "7", "42", "10km", "5.5", "s", "S", "😀"]
    ),
    st.sampled_from([" ", "\n", "\u00a0", "\u2003", "\u3000", "\u0085", "\x1c", "\u200b", "\u200d", "\u0301", "\x00"]),
    st.sampled_from(["http://", "www.", "example", ".com", ".co.uk", "@", ":80", "/a?b", "192.0.2.1", "°C."]),
    st.text(max_size=3),
)
TEXTS = st.lists(st.lists(PIECES, max_size=12).map("".join), max_size=4)


@pytest.mark.parametrize("definition", TWINS)
@settings(max_examples=300, deadline=None)
@given(texts=TEXTS)
def test_kernel_cuts_like_its_twin(definition: Definition, texts: list[str]) -> None:
    batch = TextBatch.from_strings(texts)
    found = words(batch, definition)
    raw = batch.data.tobytes()
    cut = [raw[s:e].decode() for s, e in zip(found.start, found.end, strict=True)]
    expected = [TWINS[definition](text) for text in texts]
    assert cut == [word for document in expected for word in document]
    assert np.diff(found.bounds).tolist() == [len(document) for document in expected]


@pytest.mark.parametrize("definition", TWINS)
@settings(max_examples=100, deadline=None)
@given(texts=TEXTS)
def test_words_are_measured_like_strings(definition: Definition, texts: list[str]) -> None:
    found = words(TextBatch.from_strings(texts), definition)
    expected = [word for text in texts for word in TWINS[definition](text)]
    assert found.chars.tolist() == [len(word) for word in expected]
    assert found.flags.tolist() == [word_flags(word) for word in expected]
    assert found.hash.tolist() == hashes_of([word.encode() for word in expected]).tolist()


@settings(max_examples=500, deadline=None)
@given(st.lists(PIECES, max_size=30), st.lists(st.tuples(st.integers(0, 9), st.integers(1, 4)), max_size=6))
def test_words_left_without_spans_are_those_of_the_text_left(pieces: list[str], gaps: list[tuple[int, int]]) -> None:
    text, spans, at = "".join(pieces), [], 0
    for skipped, width in gaps:
        if at + skipped + width <= len(text) and (skipped or not spans):
            spans.append((at + skipped, at + skipped + width))
            at += skipped + width
    in_bytes = [(len(text[:s].encode()), len(text[:e].encode())) for s, e in spans]
    start, end = np.array(in_bytes, np.int64).reshape(-1, 2).T.copy()
    batch = TextBatch.from_strings(["two words", text])
    left = words_left(batch, np.array([0, 0, len(spans)]), start, end)
    assert left.tolist() == [2, len(datatrove_words(without_spans(text, in_bytes)))]
