"""C4 and FineWeb line measures: golden values."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from scorers.base import as_struct
from scorers.lines import Lines
from scorers.spans import SPANS, SpanError, apply_spans
from scorers.text import TextBatch


def measured(text: str, scorer: Lines | None = None) -> dict[str, Any]:
    scorer = scorer or Lines()
    batch = TextBatch.from_strings([text])
    row: dict[str, Any] = as_struct(scorer, scorer.score(batch), 1).to_pylist()[0]
    return row


def edited(text: str, scorer: Lines | None = None) -> str:
    batch = TextBatch.from_strings(["x", text])
    left: str = apply_spans(batch, (scorer or Lines()).score(batch)["c4_removed"]).to_arrow()[1].as_py()
    return left


def test_c4_keeps_lines_that_end_a_sentence_and_joins_them_by_one_newline() -> None:
    text = '  A title\n\n  This line stays here.  \nShort one.\nNo end of sentence here\n\nAnd this "stays"!\nNot this...\n'
    assert edited(text) == 'This line stays here.\nAnd this "stays"!'
    assert measured(text)["c4_lines_kept"] == 2


def test_removed_spans_are_bytes_from_the_documents_start() -> None:
    assert measured("é\nThis line stays here. ")["c4_removed"] == [{"start": 0, "end": 3}, {"start": 24, "end": 25}]


def test_citation_marks_go_and_words_are_counted_before_they_do() -> None:
    assert edited("It is[1] so[edit], they[citation needed] say[०].") == "It is so, they say."
    assert edited("Only two [1].") == "Only two ."
    assert edited("A space before the mark ends the line. [1]") == ""
    assert edited("[[1]] is not a mark [in itself] [1a].") == "[] is not a mark [in itself] [1a]."


def test_fineweb_turns_terminal_punctuation_off() -> None:
    assert edited("No end of sentence here\nNo\n", Lines(terminal_punct=False)) == "No end of sentence here"


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("This mentions JavaScript once.", False),
        ("Read our Privacy Policy here.", False),
        ("We USE COO\u212aIES on this site.", False),
        ("See the terms  of use here.", True),
        ("One " + "x" * 1001 + " word.", False),
        ("One " + "é" * 1000 + " word.", True),
    ],
)
def test_c4_drops_lines_by_phrase_and_by_long_words(line: str, kept: bool) -> None:
    assert edited(line) == (line if kept else "")


def test_phrases_drop_a_document_only_from_lines_that_got_that_far() -> None:
    assert measured("Lorem Ipsum dolor sit amet.")["c4_lorem_ipsum"] is True
    assert measured("Lorem Ipsum dolor sit amet")["c4_lorem_ipsum"] is False
    assert measured("So it has { a bracket.")["c4_curly_bracket"] is True
    assert measured("So it has { a bracket in javascript.")["c4_curly_bracket"] is False
    assert measured("{ brackets.")["c4_curly_bracket"] is False


def test_sentences_are_counted_as_spacys_sentencizer_does() -> None:
    assert measured("Is it so? Yes! It is.")["c4_sentences"] == 3
    assert measured("Mr. Smith said... what?! Nothing more.")["c4_sentences"] == 2
    assert measured("He left (at last.) Then she left[1]. So it was.\nAnd so on it went.")["c4_sentences"] == 4


def test_a_line_break_other_than_a_newline_stays_where_there_is_no_newline() -> None:
    assert edited("This line stays here.\r\nThis one does too.") == "This line stays here.\nThis one does too."
    assert edited("This line stays here.\u2028This one does too.") == "This line stays here.\u2028This one does too."
    assert edited("This line stays here.\u2028no\nThis one does too.") == "This line stays here.\nThis one does too."


def test_dclm_keeps_blank_lines_and_wants_five_words() -> None:
    dclm = Lines(c4="dclm", min_words_per_line=5)
    text = "One two three four five.\n\nOne two three four.\n  Six words stand in this line.\t\n…\n"
    assert edited(text, dclm) == "One two three four five.\n\n  Six words stand in this line."
    assert measured(text, dclm)["c4_lines_kept"] == 2
    assert edited("This is a line about javaſcript here.", dclm) == ""


def test_fineweb_measures() -> None:
    row = measured("A line that ends well and is no short line.\nshort\n\nshort\n   \nThe last one。")
    assert row["terminal_punct_line_frac"] == 0.5
    assert row["short_line_frac"] == 0.75
    assert row["dup_line_char_frac"] == pytest.approx(5 / (43 + 5 + 5 + 3 + 13))
    assert row["newline_word_ratio"] == pytest.approx(5 / 17)


def test_fineweb_measures_can_be_of_what_c4_leaves() -> None:
    text = "no\nno\nThis line stays here.\nThis line stays here."
    row = measured(text, Lines(fineweb_on="c4_edited"))
    assert row["terminal_punct_line_frac"] == 1.0
    assert row["dup_line_char_frac"] == 0.5


@pytest.mark.parametrize("text", ["", "\n \n", "word"])
def test_a_text_of_which_c4_leaves_nothing_is_removed_whole(text: str) -> None:
    row = measured(text)
    assert row["c4_removed"] == ([{"start": 0, "end": len(text)}] if text else [])
    assert (row["c4_sentences"], row["c4_lines_kept"]) == (0, 0)


def test_an_empty_batch_has_empty_columns() -> None:
    scorer = Lines()
    assert len(as_struct(scorer, scorer.score(TextBatch.from_strings([])), 0)) == 0


def test_spans_of_a_sliced_batch_are_those_of_its_documents() -> None:
    column = pa.array(["gone", None, "no\nThis line stays here.\nno", "gone too"], pa.large_string())[1:3]
    batch = TextBatch.from_arrow(column)
    assert apply_spans(batch, Lines().score(batch)["c4_removed"]).to_arrow().to_pylist() == [
        "",
        "This line stays here.",
    ]


def test_apply_spans_takes_slices_and_nulls() -> None:
    spans = pa.array([[{"start": 0, "end": 9}], None, [{"start": 1, "end": 2}, {"start": 3, "end": 4}]], SPANS)[1:]
    batch = TextBatch.from_strings(["whole", "abcd"])
    assert apply_spans(batch, spans).to_arrow().to_pylist() == ["whole", "ac"]


@pytest.mark.parametrize("span", [(0, 9), (3, 2), (-1, 2)])
def test_apply_spans_refuses_spans_that_do_not_fit(span: tuple[int, int]) -> None:
    spans = pa.array([[], [{"start": span[0], "end": span[1]}]], SPANS)
    with pytest.raises(SpanError, match="of document 1 in the batch"):
        apply_spans(TextBatch.from_strings(["a", "abcd"]), spans)


def test_apply_spans_refuses_another_number_of_documents() -> None:
    with pytest.raises(SpanError, match="1 lists of spans for 2 documents"):
        apply_spans(TextBatch.from_strings(["a", "b"]), pa.array([[]], SPANS))
