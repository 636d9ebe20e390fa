"""The measure kernels equal their slow twins on arbitrary text."""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scorers.base import Scorer, as_struct, scorer_class
from scorers.kernels.jit import KERNELS
from scorers.line_bounds import break_lines, newline_lines
from scorers.spans import SPANS, apply_spans
from scorers.text import TextBatch
from scorers.words import NOT_PUNCTUATION, Definition, words
from tests import oracle_measures as oracle

SETTINGS = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])

WHITE = [
    " ",
    "  ",
    "\n",
    "\n\n",
    "\t",
    "\r\n",
    "\r",
    "\v",
    "\x1c",
    "\x1f",
    "\x85",
    "\xa0",
    "\u2028",
    "\u2029",
    "\u3000",
]
PIECES = [
    *["the", "The", "be", "that", "HAVE", "with", "to", "of", "and", "a", "as", "in", "into", "cat", "ab", "c", "bc"],
    *["#", "##", "#a#", "...", "....", "…", ". . .", ".", "?", "!", '"', "'", "»", "-»", "(...)", "[…]", "[...]"],
    *["-", "•", "*", "●", "◦", "x" * 12, "é", "中文", "𝒳", "1", "Read more", "read more..", "K", "ſ", "ı", "İ"],
    *["[1]", "[]", "[१]", "[edit]", "[citation needed]", "[", "]", "[ed", "{", "lorem ipsum", "Lorem Ipsum", "lorem"],
    *["javascript", "JavaScript", "javaſcript", "java[1]script", "terms of use", "Privacy Policy", "cookie policy"],
    *[
        "coo\u212aie policy",
        "uses cookies",
        "use of cookies",
        "use coo\u212aies",
        "us",
        "e cookies",
        "say so.",
        "Go on!",
    ],
]
TEXTS = st.lists(
    st.one_of(
        st.sampled_from(WHITE), st.sampled_from(PIECES), st.sampled_from([*"ab .\n"]), st.characters(codec="utf-8")
    ),
    max_size=60,
).map("".join)


def build(name: str, parameters: dict[str, Any] | None = None) -> Scorer:
    return scorer_class(name)(**(parameters or {}))


def measured(name: str, parameters: dict[str, Any], texts: list[str]) -> list[dict[str, Any]]:
    scorer = build(name, parameters)
    batch = TextBatch.from_strings(texts)
    rows: list[dict[str, Any]] = as_struct(scorer, scorer.score(batch), len(batch)).to_pylist()
    return rows


def word_strings(text: str, definition: Definition, flag: int = 0) -> list[str]:
    batch = TextBatch.from_strings([text])
    found = words(batch, definition)
    return [
        bytes(batch.data[s:e]).decode()
        for s, e, f in zip(found.start, found.end, found.flags, strict=True)
        if not flag or f & flag
    ]


def same(got: dict[str, Any], expected: dict[str, Any]) -> None:
    assert {k: v for k, v in got.items() if k in expected} == pytest.approx(expected, abs=1e-12)


@given(TEXTS, TEXTS)
@SETTINGS
def test_gopher_measures_equal_their_twins(first: str, text: str) -> None:
    counted = word_strings(text, "datatrove", NOT_PUNCTUATION)
    split = text.split()
    expected = {
        "datatrove": oracle.gopher_datatrove(text, word_strings(text, "datatrove"), counted),
        "dclm": oracle.gopher_dclm(text, split),
        "dolma": oracle.gopher_dolma(text, split),
        "nemo": oracle.gopher_nemo(text, split),
    }
    for definition, row in expected.items():
        got = measured("gopher", {"definition": definition}, [first, text])[1]
        assert set(got) == set(row)
        same(got, row)


@given(TEXTS, TEXTS)
@SETTINGS
def test_repetition_measures_equal_their_twins(first: str, text: str) -> None:
    expected = {
        "datatrove": oracle.repetition_datatrove(text, word_strings(text, "datatrove")),
        "dclm": oracle.repetition_dclm(text, word_strings(text, "unicode")),
        "dolma": oracle.repetition_dolma(text, text.split()),
    }
    for definition, row in expected.items():
        got = measured("repetition", {"definition": definition}, [first, text])[1]
        assert set(got) == set(row)
        same(got, row)


@given(st.lists(st.sampled_from(["a", "b", "ab", "ba", "aab"]), max_size=80))
@SETTINGS
def test_repeated_ngrams_are_compared_by_their_joined_text(split: list[str]) -> None:
    text = " ".join(split)
    got = measured("repetition", {}, [text])[0]
    same(got, oracle.repetition_datatrove(text, split))


@given(TEXTS, TEXTS)
@SETTINGS
def test_fineweb_measures_equal_their_twin(first: str, text: str) -> None:
    got = measured("lines", {"short_line_chars": 7}, [first, text])[1]
    same(got, oracle.fineweb(text, word_strings(text, "datatrove"), 7))


@given(TEXTS, TEXTS)
@SETTINGS
def test_line_tables_equal_pythons_lines(first: str, text: str) -> None:
    batch = TextBatch.from_strings([first, text])
    raw = bytes(batch.data)
    at_newlines, at_breaks = newline_lines(batch), break_lines(batch)
    for table, expected in ((at_newlines, oracle.newline_lines(text)), (at_breaks, oracle.break_lines(text))):
        found = range(table.bounds[1], table.bounds[2])
        whole = [raw[table.start[k] : table.end[k]].decode() for k in found]
        bare = [raw[table.bare_start[k] : table.bare_end[k]].decode() for k in found]
        assert list(zip(whole, bare, strict=True)) == [row[:2] for row in expected]
    assert at_newlines.chars[at_newlines.bounds[1] :].tolist() == [row[2] for row in oracle.newline_lines(text)]
    assert at_newlines.document_chars().tolist() == [len(first), len(text)]


@given(
    st.text(st.characters(max_codepoint=127)), st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9)), max_size=5)
)
@SETTINGS
def test_documents_less_spans_equal_their_twin(text: str, gaps: list[tuple[int, int]]) -> None:
    spans, at = [], 0
    for skipped, width in gaps:
        if at + skipped + width <= len(text):
            spans.append((at + skipped, at + skipped + width))
            at += skipped + width
    column = pa.array([[], [{"start": s, "end": e} for s, e in spans]], SPANS)
    got = apply_spans(TextBatch.from_strings(["whole", text]), column).to_arrow().to_pylist()
    assert got == ["whole", oracle.without_spans(text, spans)]


def test_every_kernel_of_the_measures_has_a_twin() -> None:
    mine = {"gopher", "repetition", "ngrams", "line_table", "lines", "c4", "sentences", "spans"}
    assert {name for name in KERNELS if name.split(".")[0] in mine} == set(oracle.ORACLES)


def newlined(text: str) -> str:
    """The text with every line break as one newline: removed spans leave the break that was there."""
    return re.sub("[\r\v\f\x1c-\x1e\x85\u2028\u2029]", "\n", text)


@given(TEXTS, TEXTS, st.booleans(), st.integers(-1, 4), st.sampled_from([-1, 5, 1000]))
@SETTINGS
def test_what_c4_removes_leaves_datatroves_text(
    first: str, text: str, terminal_punct: bool, min_words: int, max_word_chars: int
) -> None:
    parameters = {"terminal_punct": terminal_punct, "min_words_per_line": min_words, "max_word_chars": max_word_chars}
    scorer = build("lines", parameters)
    batch = TextBatch.from_strings([first, text])
    values = scorer.score(batch)
    kept, lorem, curly = oracle.c4_datatrove(text, terminal_punct, min_words, max_word_chars)
    left = apply_spans(batch, values["c4_removed"]).to_arrow()[1].as_py()
    assert newlined(left) == "\n".join(kept).strip()
    if not set(text) & set("\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"):
        assert left == "\n".join(kept).strip()
    assert values["c4_lines_kept"][1] == len(kept)
    assert (values["c4_lorem_ipsum"][1], values["c4_curly_bracket"][1]) == (lorem, curly)


@given(TEXTS, TEXTS)
@SETTINGS
def test_what_c4_removes_leaves_dclms_text(first: str, text: str) -> None:
    scorer = build("lines", {"c4": "dclm", "min_words_per_line": 5})
    batch = TextBatch.from_strings([first, text])
    values = scorer.score(batch)
    left = apply_spans(batch, values["c4_removed"]).to_arrow()[1].as_py()
    expected, lorem, curly = oracle.c4_dclm(text)
    assert left == expected
    assert (values["c4_lorem_ipsum"][1], values["c4_curly_bracket"][1]) == (lorem, curly)


@given(TEXTS)
@SETTINGS
def test_fineweb_measures_of_the_edited_text_are_those_of_that_text(text: str) -> None:
    batch = TextBatch.from_strings([text])
    edited = apply_spans(batch, build("lines").score(batch)["c4_removed"]).to_arrow()[0].as_py()
    got = measured("lines", {"fineweb_on": "c4_edited"}, [text])[0]
    same(got, oracle.fineweb(edited, word_strings(edited, "datatrove")))


@given(TEXTS)
@SETTINGS
def test_sentences_equal_the_sentencizers(text: str) -> None:
    batch = TextBatch.from_strings([text])
    got = build("lines").score(batch)["c4_sentences"][0]
    kept, _, _ = oracle.c4_datatrove(text)
    assert got == sum(oracle.sentence_count(tokens_with_spaces(line)) for line in kept)


def tokens_with_spaces(line: str) -> list[str]:
    """The line's words, and between them the whitespace that spaCy makes a token of: all but one space after a word."""
    batch = TextBatch.from_strings([line])
    found = words(batch, "datatrove")
    tokens, at = [], 0
    for s, e in [*zip(found.start, found.end, strict=True), (len(line.encode()), len(line.encode()))]:
        gap = bytes(batch.data[at:s]).decode()
        # spaCy keeps the first space of a gap with the word before it
        gap = gap.removeprefix(" ") if at else gap
        tokens += [t for t in (gap, bytes(batch.data[s:e]).decode()) if t]
        at = int(e)
    return tokens
