"""RedPajama-v2's signals: golden values by hand, and the slow twin."""

from __future__ import annotations

import math
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from scorers.base import as_struct
from scorers.kernels.signal_tables import FOLDED_CODE_POINTS, lower_and_decompose, signal_classes
from scorers.signals import COLUMNS, Signals, _normal_signals
from scorers.text import TextBatch
from tests import oracle_signals

Row = dict[str, float | None]

HARD = [
    "",
    " ",
    "\n",
    "\n\n\n",
    "a",
    ".",
    "...",
    "a\n",
    "\na",
    "a\n\nb\n",
    " \t \n x",
    "{}",
    "{{}}}",
    "}",
    "#",
    "##a # ....",
    "Σ",
    "ΣΑΣ ΌΔΟΣ ὈΔΥΣΣΕΎΣ σς",
    "aΣ",
    "a-Σ b",
    "-Σ-",
    "Σ\u0301",
    "A\u0301\u0323",
    "a\u0323\u0301",
    "a\u0301-\u0323b",
    "\u0301",
    "x \u0344 y",
    "İstanbul ıI",
    "Kelvin \u212a \u212b \u2126",
    "한국어 각 가",
    "ǅ ǆ Ǆ Ⓐ Ⅷ ⅷ ² ½ ٣ 三",
    "\u037e \u1fef \u2260 \u226e",
    "ﬁ ﬀ ß ẞ",
    "\x00a \x01b\x02 \x7f",
    "a\x1cb\x1dc\x1ed\x1fe\x85f\xa0g\u2028h\u3000i\u200bj",
    "a\r\nb\rc\n",
    "🙂 👨‍👩‍👧 🇩🇪",
    "\U0001d400 \U0001d15e \U0002f800 \U00020001 \U00030000 \U000e0100",
    "lorem ipsum",
    "Lorem, ipsum! LOREM  IPSUM",
    "dolorem ipsums lorem\nipsum",
    "lorem lorem ipsum ipsum",
    "loremipsum",
    "javascript JavaScript java-script! javascripts",
    "xjavascript",
    "One. Two! Three? four",
    "...a...b",
    "_ . _ .",
    "3.14 e.g. U.S.A.",
    "- a\n• b\n – c\n▶d\n●e\n*f",
    "end… \nend...\t\nend. . .\n“q”\n”\n",
    "the The THE of a's don't I i",
    "a " * 50,
    "a b " * 30 + "c",
    "one two three four five " * 2,
    "x" * 1000 + " " + "y" * 1000,
    "a b c d e f g h i j k a b c d e f g h i j l",
    "UPPER lower MiXed U1 1U 123 U.S. _A_",
    "日本語のテキスト。漢字、かな。",
    "مرحبا بالعالم ١٢٣",
]


def score(*texts: str) -> list[Row]:
    scorer = Signals()
    rows: list[Row] = as_struct(scorer, scorer.score(TextBatch.from_strings(list(texts))), len(texts)).to_pylist()
    return rows


def assert_same(text: str, found: Row) -> None:
    for name, expected in oracle_signals.signals(text).items():
        value = found[name]
        if expected is None or value is None:
            assert (value, expected) == (None, None), (name, text[:200])
        else:
            assert math.isclose(value, expected, rel_tol=1e-9, abs_tol=1e-12), (name, value, expected, text[:200])


def test_there_are_18_natural_language_and_9_repetition_signals() -> None:
    names = [c.name for c in COLUMNS]
    assert len(set(names)) == 27
    assert sum("frac_chars" in name for name in names) == 9
    assert set(oracle_signals.signals("a")) == set(names)


def test_golden_words() -> None:
    [row] = score("The #1 CAT sat... on the mat, the CAT")
    # The # 1 CAT sat ... on the mat , the CAT; normalised: the 1 cat sat on the mat the cat
    assert row["rps_doc_word_count"] == 9
    assert row["rps_doc_mean_word_length"] == 24 / 9
    assert row["rps_doc_frac_unique_words"] == 6 / 9
    assert row["rps_doc_frac_all_caps_words"] == 2 / 12
    assert row["rps_doc_frac_no_alph_words"] == 4 / 12
    assert row["rps_doc_symbol_to_word_ratio"] == 2 / 12
    # on, the, the; 'The' is not, case counts
    assert row["rps_doc_stop_word_fraction"] == 3 / 12
    entropy = -(3 / 9 * math.log(3 / 9) + 2 / 9 * math.log(2 / 9) + 4 * 1 / 9 * math.log(1 / 9))
    assert row["rps_doc_unigram_entropy"] == pytest.approx(entropy, abs=1e-12)


def test_golden_characters_and_sentences() -> None:
    [row] = score("if (x) { return lorem ipsum; } Really? Yes!")
    assert row["rps_doc_curly_bracket"] == 2 / 43
    # "if x  return lorem ipsum  really yes", single spaces
    assert row["rps_doc_lorem_ipsum"] == 1 / len("if x return lorem ipsum really yes")
    assert row["rps_doc_num_sentences"] == 2


def test_golden_lines() -> None:
    [row] = score("• JavaScript 12\nABcd.\n\nwait…\n")
    assert row["rps_lines_start_with_bulletpoint"] == 1 / 4
    assert row["rps_lines_javascript_counts"] == 1 / 4
    assert row["rps_lines_num_words"] == 5 / 4
    assert row["rps_lines_ending_with_terminal_punctution_mark"] == 1 / 4
    assert row["rps_doc_frac_lines_end_with_ellipsis"] == 1 / 4
    assert row["rps_lines_uppercase_letter_fraction"] == pytest.approx((2 / 16 + 2 / 6 + 0 + 0) / 4, abs=1e-12)
    assert row["rps_lines_numerical_chars_fraction"] == pytest.approx((2 / 15 + 0 + 0 + 0) / 4, abs=1e-12)


def test_golden_repetition() -> None:
    [row] = score("a bb a bb a ccc")
    # bigrams: a bb (2), bb a (2), a ccc; the first of the most frequent counts
    assert row["rps_doc_frac_chars_top_2gram"] == 2 * 3 / 10
    assert row["rps_doc_frac_chars_top_3gram"] == 2 * 4 / 10
    assert row["rps_doc_frac_chars_top_4gram"] == 0.0
    [row] = score("a b c d e x a b c d e")
    assert row["rps_doc_frac_chars_dupe_5grams"] == 10 / 11
    assert row["rps_doc_frac_chars_dupe_6grams"] == 0.0


def test_overlapping_top_ngram_can_exceed_one() -> None:
    assert score("a a a a")[0]["rps_doc_frac_chars_top_2gram"] == 6 / 4


def test_a_text_without_words_has_nulls_and_zeros() -> None:
    for row in score("", "\n \n"):
        assert row["rps_doc_word_count"] == 0
        assert row["rps_doc_mean_word_length"] is None
        assert row["rps_doc_stop_word_fraction"] == 0.0
        assert row["rps_doc_frac_chars_top_2gram"] == 0.0
    assert score("")[0]["rps_lines_num_words"] is None
    assert score("\n \n")[0]["rps_lines_num_words"] == 0.0


def test_accents_are_characters_of_their_own() -> None:
    composed, decomposed = score("café café", "cafe\u0301 cafe\u0301")
    assert composed["rps_doc_mean_word_length"] == 5
    assert composed["rps_doc_frac_unique_words"] == decomposed["rps_doc_frac_unique_words"] == 0.5


def test_normalised_words_are_equal_whatever_the_order_of_accents() -> None:
    [row] = score("a\u0301\u0323 a\u0323\u0301")
    assert row["rps_doc_frac_unique_words"] == 0.5


@pytest.mark.parametrize("text", HARD, ids=lambda text: ascii(text)[:40])
def test_same_as_the_slow_twin(text: str) -> None:
    assert_same(text, score(text)[0])


def test_documents_do_not_touch_each_other() -> None:
    for text, row in zip(HARD, score(*HARD), strict=True):
        assert_same(text, row)


def test_empty_batch() -> None:
    assert score() == []


@pytest.mark.parametrize("name", ["corpus/part-02", "lid/wikipedia_chunks_lowres", "lid/opensource_guide_docs"])
def test_same_as_the_slow_twin_on_corpora(real_data: Path, name: str) -> None:
    texts = pq.read_table(real_data / f"{name}.parquet", columns=["text"])["text"].to_pylist()
    some = [t for t in texts[:: max(len(texts) // 150, 1)] if len(t) < 30_000]
    for text, row in zip(some, score(*some), strict=True):
        assert_same(text, row)


def test_only_texts_that_need_their_neighbours_are_normalised_in_python() -> None:
    texts = ["Größe naïve Ωμέγα Σίγμα 한국어", "ΟΔΟΣ", "a\u0301\u0323", "a\u0323\u0301"]
    done = _normal_signals(TextBatch.from_strings(texts), lower_and_decompose())[3]
    assert done.tolist() == [True, False, False, True]


def test_no_character_is_folded_beyond_the_table() -> None:
    for i in range(FOLDED_CODE_POINTS, sys.maxunicode + 1):
        character = chr(i)
        assert unicodedata.normalize("NFD", character.lower()) == character
        assert unicodedata.combining(character) == 0
        assert not character.isupper()


def test_no_character_grows_more_than_the_buffer() -> None:
    folding = lower_and_decompose()
    code_points = np.flatnonzero(folding.start >= 0)
    before = np.array([len(chr(i).encode()) for i in code_points])
    assert (folding.width[code_points] <= 3 * before).all()


def test_tables_say_what_python_says() -> None:
    classes = signal_classes()
    for i in range(0, sys.maxunicode + 1, 7):
        character = chr(i)
        assert bool(classes[i] & 1) == (character.isalnum() or character == "_")
        assert bool(classes[i] & 2) == character.isspace()
        assert bool(classes[i] & 64) == character.isnumeric()
