"""Gopher quality measures: golden values of every definition."""

from __future__ import annotations

from typing import Any

import pytest

from scorers.base import as_struct
from scorers.gopher import Definition, Gopher
from scorers.text import TextBatch

DEFINITIONS: tuple[Definition, ...] = ("datatrove", "dclm", "dolma", "nemo")
TEXT = "The cat and the dog...\n- be # 42 !\n  • with…\n\n* THE end"


def measured(definition: Definition, text: str) -> dict[str, Any]:
    scorer = Gopher(definition)
    batch = TextBatch.from_strings([text])
    row: dict[str, Any] = as_struct(scorer, scorer.score(batch), 1).to_pylist()[0]
    return row


def test_datatrove_counts_words_that_are_not_punctuation_and_distinct_stop_words() -> None:
    row = measured("datatrove", TEXT)
    # words: The cat and the dog ... - be # 42 ! • with … * THE end (17); counted: all but ... - # ! … *
    assert row == {
        "word_count": 11,
        "mean_word_chars": pytest.approx(30 / 11),
        "hash_word_ratio": pytest.approx(1 / 17),
        "ellipsis_word_ratio": pytest.approx(2 / 17),
        "bullet_line_frac": 0.4,
        "ellipsis_line_frac": 0.4,
        "alpha_word_frac": pytest.approx(9 / 17),
        "stop_words": 4,
    }


def test_dclm_counts_words_that_start_alphanumeric_and_every_stop_word_in_any_case() -> None:
    row = measured("dclm", TEXT)
    # whitespace words: The cat and the dog... - be # 42 ! • with… * THE end (15); lines: four that are not blank
    assert row == {
        "word_count": 10,
        "mean_word_chars": pytest.approx(38 / 15),
        "symbol_word_ratio": pytest.approx(3 / 15),
        "bullet_line_frac": 0.75,
        "ellipsis_line_frac": 0.5,
        "alpha_word_frac": pytest.approx(9 / 15),
        "stop_words": 5,
    }


def test_dolma_takes_the_median_and_lines_as_they_stand() -> None:
    row = measured("dolma", TEXT)
    assert row == {
        "word_count": 15,
        "median_word_chars": 3.0,
        "symbol_word_ratio": pytest.approx(2 / 15),
        "bullet_line_frac": 0.4,
        "ellipsis_line_frac": 0.2,
        "alpha_word_frac": pytest.approx(9 / 15),
        "stop_words": 3,
    }


def test_nemo_knows_round_bullets_only_and_words_that_are_symbols() -> None:
    row = measured("nemo", TEXT)
    assert row == {
        "word_count": 15,
        "mean_word_chars": pytest.approx(38 / 15),
        "symbol_word_ratio": pytest.approx(1 / 15),
        "bullet_line_frac": 0.25,
        "ellipsis_line_frac": 0.5,
        "alpha_word_frac": pytest.approx(9 / 15),
        "stop_words": 3,
    }


@pytest.mark.parametrize(("text", "symbols"), [("# a", 1), ("## a", 0), ("#a# b", 1), ("... a", 1), (". . .", 0)])
def test_nemo_takes_a_word_for_a_symbol_by_its_runs_of_number_signs(text: str, symbols: int) -> None:
    assert measured("nemo", text)["symbol_word_ratio"] == pytest.approx(symbols / len(text.split()))


def test_dclm_counts_a_spaced_ellipsis_once() -> None:
    assert measured("dclm", "so . . . . it goes")["symbol_word_ratio"] == pytest.approx(1 / 7)


@pytest.mark.parametrize("definition", DEFINITIONS)
@pytest.mark.parametrize("text", ["", " \n\t\u3000 \n"])
def test_a_text_without_words_has_no_word_length_and_zero_fractions(definition: Definition, text: str) -> None:
    row = measured(definition, text)
    lengths = [row.pop(k) for k in ("mean_word_chars", "median_word_chars") if k in row]
    assert lengths == [None]
    assert set(row.values()) == {0}


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_an_empty_batch_has_empty_columns(definition: Definition) -> None:
    scorer = Gopher(definition)
    assert len(as_struct(scorer, scorer.score(TextBatch.from_strings([])), 0)) == 0


def test_dolmas_median_of_an_even_number_of_words_lies_between_the_two_in_the_middle() -> None:
    assert measured("dolma", "a bb cccc ddddd")["median_word_chars"] == 3.0


def test_dolmas_median_holds_for_words_longer_than_its_histogram() -> None:
    assert measured("dolma", "a " + "x" * 300 + " " + "y" * 501)["median_word_chars"] == 300.0


def test_word_characters_are_code_points() -> None:
    assert measured("nemo", "é𝒳 中")["mean_word_chars"] == 1.5


def test_every_line_break_of_python_divides_datatroves_lines() -> None:
    text = "-a\r\n-b\v-c\x1cd\x85e\u2028-f\u2029g"
    assert measured("datatrove", text)["bullet_line_frac"] == pytest.approx(4 / 7)
    assert measured("dclm", text)["bullet_line_frac"] == 1.0
