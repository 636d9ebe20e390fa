"""What a word is, by example, and that no text is too odd or too long."""

from __future__ import annotations

import time

import numpy as np
import pytest

from scorers.kernels.english_exceptions import MAX_BYTES, MAX_PIECES, listed
from scorers.text import TextBatch
from scorers.words import ALPHABETIC, NOT_PUNCTUATION, Definition, words

DEFINITIONS: tuple[Definition, ...] = ("datatrove", "whitespace", "unicode")


def cut(text: str, definition: Definition) -> list[str]:
    batch = TextBatch.from_strings([text])
    found = words(batch, definition)
    raw = batch.data.tobytes()
    return [raw[s:e].decode() for s, e in zip(found.start, found.end, strict=True)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello, world!", "Hello , world !"),
        ("I can't, won't; don't", "I ca n't , wo n't ; do n't"),
        ("(see Mr. Smith's house.)", "( see Mr. Smith 's house . )"),
        ("In the U.S.A. it's 10km at 5pm...", "In the U.S.A. it 's 10 km at 5 pm ..."),
        ("cannot gonna Nov. St.-Main", "can not gon na Nov. St.-Main"),
        ("a well-known either/or key=value 3-4", "a well - known either / or key = value 3 - 4"),
        ("www.example.com/a,b me@example.org e.g.", "www.example.com/a,b me@example.org e.g."),
        ("end.Start of U.S. $5,000.50 50%", "end . Start of U.S. $ 5,000.50 50 %"),
        ("smile:) or Main-St. wait—no", "smile :) or Main - St. wait — no"),
        ("café naïve… 😀", "café naïve … 😀"),
    ],
)
def test_datatrove_words_are_spacy_tokens(text: str, expected: str) -> None:
    assert cut(text, "datatrove") == expected.split(" ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello, world's end.", ["Hello", "world's", "end"]),
        ("3.14 1,000 U.S.A. foo_bar _x", ["3.14", "1,000", "U.S.A", "foo_bar"]),
        ("漢字 かな カタカナ ไทย", ["漢", "字", "か", "な", "カタカナ", "ไ", "ท", "ย"]),
        ('e\u0301te\u0301 x\u00ady ש"ב', ["e\u0301te\u0301", "x\u00ady", 'ש"ב']),
    ],
)
def test_unicode_words_follow_uax_29(text: str, expected: list[str]) -> None:
    assert cut(text, "unicode") == expected


def test_whitespace_words_know_every_unicode_space() -> None:
    spaces = [chr(c) for c in range(0x110000) if chr(c).isspace()]
    for lead in range(130):
        text = "x" * lead + "".join(f"{space}é{lead}" for space in spaces)
        assert cut(text, "whitespace") == text.split()


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_empty_texts_have_no_words(definition: Definition) -> None:
    assert words(TextBatch.from_strings([]), definition).bounds.tolist() == [0]
    assert words(TextBatch.from_strings(["", " \n", "", "a", ""]), definition).bounds.tolist() == [0, 0, 0, 0, 1, 1]


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_offsets_may_start_anywhere(definition: Definition) -> None:
    texts = ["left (out", "one two,", "", "three—four", "left out"]
    whole = TextBatch.from_strings(texts)
    part = TextBatch(whole.data, whole.offsets[1:5])
    alone = words(TextBatch.from_strings(texts[1:4]), definition)
    found = words(part, definition)
    assert found.bounds.tolist() == alone.bounds.tolist()
    assert found.hash.tolist() == alone.hash.tolist()
    assert (found.start - whole.offsets[1]).tolist() == alone.start.tolist()


def test_a_word_stops_where_its_document_does() -> None:
    batch = TextBatch.from_strings(["ab", "cd", "\u3000e", "don", "'t"])
    assert np.diff(words(batch, "datatrove").bounds).tolist() == [1, 1, 1, 1, 2]
    assert words(batch, "datatrove").end.tolist()[:2] == [2, 4]


def test_flags_tell_letters_from_marks() -> None:
    found = words(TextBatch.from_strings(["word 42 -- é ½ \x00 a1 longerthaneight2 ................"]), "whitespace")
    both = ALPHABETIC | NOT_PUNCTUATION
    assert found.flags.tolist() == [both, NOT_PUNCTUATION, 0, both, NOT_PUNCTUATION, 0, both, both, 0]


def test_words_are_computed_once_per_batch() -> None:
    batch = TextBatch.from_strings(["a b"])
    assert words(batch, "datatrove") is words(batch, "datatrove")


def test_exceptions_fit_their_tables() -> None:
    assert max(len("".join(pieces).encode()) for pieces, _ in listed()) <= MAX_BYTES
    assert max(len(tokens) for _, tokens in listed()) <= MAX_PIECES
    assert len({"".join(pieces) for pieces, _ in listed()}) == len(listed())


@pytest.mark.parametrize("definition", DEFINITIONS)
@pytest.mark.parametrize(
    "unit",
    ["(", "a.", ".", "a@", "1km", "'s", "x", "-", "a-", ":)", "é", "\u0301", "…", "a:b.c/", "(.", "°C.", "http://"],
)
def test_a_megabyte_without_a_space_takes_no_quadratic_time(definition: Definition, unit: str) -> None:
    batch = TextBatch.from_strings([unit * (1_000_000 // len(unit.encode()))])
    words(TextBatch.from_strings(["warm (up) a.b"]), definition)
    began = time.process_time()
    found = words(batch, definition)
    assert time.process_time() - began < 0.5
    assert int(found.end[-1]) <= batch.text_bytes if len(found.end) else definition == "unicode"
