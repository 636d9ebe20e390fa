"""Repetition measures: golden values of every definition."""

from __future__ import annotations

import time
from typing import Any

import pytest

from scorers.base import as_struct
from scorers.repetition import Definition, Repetition
from scorers.text import TextBatch

DEFINITIONS: tuple[Definition, ...] = ("datatrove", "dclm", "dolma")
TEN_LINES = "\n".join(["same", "b", "same", "c", "d", "same", "e", "f", "same", "g"])


def measured(definition: Definition, text: str) -> dict[str, Any]:
    scorer = Repetition(definition)
    batch = TextBatch.from_strings([text])
    row: dict[str, Any] = as_struct(scorer, scorer.score(batch), 1).to_pylist()[0]
    return row


@pytest.mark.parametrize(("definition", "fraction"), [("datatrove", 0.3), ("dclm", 0.4), ("dolma", 0.4)])
def test_ten_lines_of_which_one_stands_four_times(definition: Definition, fraction: float) -> None:
    assert measured(definition, TEN_LINES)["dup_line_frac"] == pytest.approx(fraction)


def test_each_definition_has_its_own_denominator_of_line_characters() -> None:
    # 16 of 22 letters stand in repeated lines, 12 in their second and later occurrences; 31 characters with newlines
    assert measured("datatrove", TEN_LINES)["dup_line_char_frac"] == pytest.approx(12 / 31)
    assert measured("dclm", TEN_LINES)["dup_line_char_frac"] == pytest.approx(16 / 22)
    assert measured("dolma", TEN_LINES)["dup_line_char_frac"] == pytest.approx(16 / 22)


def test_dolmas_duplicate_line_characters_can_exceed_all() -> None:
    assert measured("dolma", "a b\na b")["dup_line_char_frac"] == pytest.approx(6 / 4)


def test_datatrove_has_an_empty_line_where_the_text_starts_or_ends_with_a_newline() -> None:
    assert measured("datatrove", "\nfoo\n")["dup_line_frac"] == pytest.approx(1 / 3)
    assert measured("datatrove", "foo\n\n\nfoo")["dup_line_frac"] == 0.5
    assert measured("dclm", "\nfoo\n")["dup_line_frac"] == 0


def test_paragraphs_are_divided_by_empty_lines() -> None:
    text = "\n\none\ntwo\n\n\n one\n\none\ntwo\n \nend\n"
    # datatrove: 'one\ntwo', ' one', 'one\ntwo\n \nend'; DCLM strips, and finds the same
    assert measured("datatrove", text)["dup_para_frac"] == 0
    assert measured("datatrove", "a\n\nb\n\n\n\na")["dup_para_frac"] == pytest.approx(1 / 3)
    assert measured("dclm", "a\n\nb\n\n\n\n  a ")["dup_para_frac"] == pytest.approx(2 / 3)
    assert measured("dclm", "a\n\nb\n\n\n\n  a ")["dup_para_char_frac"] == pytest.approx(2 / 3)


def test_the_top_ngram_is_the_first_of_the_most_frequent_and_dclms_the_longest() -> None:
    text = "a b x long word y a b z long word"
    assert measured("datatrove", text)["top_2gram_char_frac"] == pytest.approx(2 * 3 / len(text))
    assert measured("dolma", text)["top_2gram_char_frac"] == pytest.approx(2 * 2 / 23)
    assert measured("dclm", text)["top_2gram_char_frac"] == pytest.approx(2 * 8 / 23)


def test_without_a_repeated_ngram_datatrove_measures_the_first_and_dclm_none() -> None:
    text = "one three fourteen"
    assert measured("datatrove", text)["top_2gram_char_frac"] == pytest.approx(len("one three") / len(text))
    assert measured("dolma", text)["top_2gram_char_frac"] == pytest.approx(8 / 16)
    assert measured("dclm", text)["top_2gram_char_frac"] == 0


def test_repeated_five_grams_by_three_definitions() -> None:
    text = "a b c d e f a b c d e f"
    # 5-grams abcde and bcdef twice each. datatrove meets abcde again at word 7, jumps past it; DCLM covers all words;
    # Dolma: 4 of 8 occurrences
    assert measured("datatrove", text)["dup_5gram_char_frac"] == pytest.approx(5 / len(text))
    assert measured("dclm", text)["dup_5gram_char_frac"] == 1.0
    assert measured("dolma", text)["dup_5gram_char_frac"] == pytest.approx(4 / 8)
    assert measured("datatrove", text)["dup_7gram_char_frac"] == 0


def test_datatroves_repeated_ngrams_are_equal_when_their_joined_text_is() -> None:
    text = "ab c d e f x a bc d e f"
    assert measured("datatrove", text)["dup_5gram_char_frac"] == pytest.approx(6 / len(text))
    assert measured("dclm", text)["dup_5gram_char_frac"] == 0


def test_a_repeated_six_gram_is_found_though_no_five_gram_repeats() -> None:
    text = "ab c de f gh i x a bc d ef g hi"
    row = measured("datatrove", text)
    assert (row["dup_5gram_char_frac"], row["dup_6gram_char_frac"]) == (0, pytest.approx(9 / len(text)))


@pytest.mark.parametrize("definition", DEFINITIONS)
@pytest.mark.parametrize("text", ["", "\n \n", "word"])
def test_a_text_without_repetition_measures_zero_of_repeated_things(definition: Definition, text: str) -> None:
    row = measured(definition, text)
    assert [row[f"dup_{n}gram_char_frac"] for n in range(5, 11)] == [0] * 6
    assert row["dup_line_char_frac"] == 0


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_an_empty_batch_has_empty_columns(definition: Definition) -> None:
    scorer = Repetition(definition)
    assert len(as_struct(scorer, scorer.score(TextBatch.from_strings([])), 0)) == 0


@pytest.mark.parametrize("definition", DEFINITIONS)
@pytest.mark.parametrize(
    "text", ["a " * 500_000, "\n" * 1_000_000, "x" * 1_000_000, ("y" * 9_999 + " ") * 100, "a b\n\n" * 200_000]
)
def test_a_megabyte_of_one_thing_takes_no_more_than_a_megabyte_of_text(definition: Definition, text: str) -> None:
    measured(definition, "warm up")
    started = time.process_time()
    measured(definition, text)
    assert time.process_time() - started < 3
