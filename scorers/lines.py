"""C4's and FineWeb's line measures.

C4: Raffel et al., JMLR 21(140), 2020. FineWeb: Penedo et al., arXiv:2406.17557. Read from datatrove 0.10.1
(filters/c4_filters.py, filters/fineweb_quality_filter.py) and DCLM (baselines_configs/c4.yaml, mappers/modifiers.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from scorers.base import Column, Values, count, fraction, share
from scorers.kernels.c4 import (
    CITING,
    CURLY,
    KEPT,
    LOREM,
    citing_lines,
    judge_lines,
    kept_segments,
    removed_spans,
)
from scorers.kernels.characters import character_classes
from scorers.kernels.lines import line_ends
from scorers.kernels.repetition import duplicate_counts, selected
from scorers.kernels.sentences import kept_sentences
from scorers.line_bounds import break_lines, newline_lines
from scorers.spans import SPANS, apply_spans, spans_array
from scorers.text import PADDING_BYTES, TextBatch
from scorers.words import words, words_left

Positions = npt.NDArray[np.int64]

COLUMNS = (
    fraction("terminal_punct_line_frac", "share of lines, blank ones left out, that end in terminal punctuation"),
    fraction("short_line_frac", "share of lines, blank ones left out, of at most short_line_chars characters"),
    fraction("dup_line_char_frac", "chars in second and later occurrences of lines over chars that are no newline"),
    fraction("newline_word_ratio", "newlines over words; 0 without words", high=None),
    count("c4_sentences", "sentences", "sentences in the lines that C4 keeps"),
    count("c4_lines_kept", "lines", "lines that C4 keeps"),
    Column("c4_lorem_ipsum", pa.bool_(), "yes or no", "'lorem ipsum' in a line that no line rule dropped before"),
    Column("c4_curly_bracket", pa.bool_(), "yes or no", "'{' in a line that no line rule dropped before"),
    Column(
        "c4_removed", SPANS, "bytes", "spans of the text that C4 takes out: its line rules, citation marks, whitespace"
    ),
)


@dataclass(frozen=True, slots=True)
class JudgedLines:
    """L lines of D documents as C4 sees them, and what it makes of them.

    bounds: i64[D+1]. start, end: i64[L], stripped where the definition strips. break_start, break_end: i64[L], the line
    break after each. verdicts: u8[L], bits of kernels.c4. citations: citation marks in the kept ones.
    """

    bounds: Positions
    start: Positions
    end: Positions
    break_start: Positions
    break_end: Positions
    verdicts: npt.NDArray[np.uint8]
    citations: int


@dataclass(frozen=True)
class Lines:
    """Line measures of a document.

    c4: whose reading of C4. datatrove: str.splitlines(), lines stripped, words counted before citation marks go; dclm:
    lines at newlines, neither stripped nor dropped when empty, phrases in any case as re.IGNORECASE has it.
    terminal_punct: C4's rule that a line must end a sentence (FineWeb turned it off). min_words_per_line (DCLM: 5),
    max_word_chars: -1 turns the rule off. fineweb_on: measure FineWeb's four on the text as it is, or on what C4 leaves
    of it, as FineWeb's own pipeline does. c4_sentences are spaCy's sentencizer's, as in datatrove; DCLM uses NLTK's
    English Punkt model, which counts a little otherwise. c4_removed only deletes: between two kept lines one line break
    stays, a newline where there is one; where there is none (CR, U+2028 alone), datatrove would write one.
    """

    name: ClassVar[str] = "lines"
    version: ClassVar[int] = 1

    c4: Literal["datatrove", "dclm"] = "datatrove"
    terminal_punct: bool = True
    min_words_per_line: int = 3
    max_word_chars: int = 1000
    fineweb_on: Literal["original", "c4_edited"] = "original"
    short_line_chars: int = 30

    def columns(self) -> tuple[Column, ...]:
        """The same nine whatever the parameters; thresholds are for rules."""
        return COLUMNS

    def score(self, batch: TextBatch) -> Values:
        """Measure every document. What C4 drops whole (two flags, too few sentences) is measured all the same."""
        lines = self._judge(batch)
        spans = _removed(batch, lines)
        removed = spans_array(*spans)
        measured, n_words = batch, np.diff(words(batch, "datatrove").bounds)
        if self.fineweb_on == "c4_edited":
            measured, n_words = apply_spans(batch, removed), words_left(batch, *spans)
        written = lines.end > lines.start if self.c4 == "dclm" else np.ones(len(lines.end), np.bool_)
        return {
            **_fineweb(measured, n_words, self.short_line_chars),
            "c4_sentences": _sentences(batch, lines, written),
            "c4_lines_kept": _per_document(lines.bounds, (lines.verdicts & KEPT != 0) & written),
            "c4_lorem_ipsum": _per_document(lines.bounds, lines.verdicts & LOREM != 0) > 0,
            "c4_curly_bracket": _per_document(lines.bounds, lines.verdicts & CURLY != 0) > 0,
            "c4_removed": removed,
        }

    def _judge(self, batch: TextBatch) -> JudgedLines:
        dclm = self.c4 == "dclm"
        found = newline_lines(batch) if dclm else break_lines(batch)
        start, end = (found.start, found.end) if dclm else (found.bare_start, found.bare_end)
        verdicts = np.empty(len(start), np.uint8)
        rules = (self.terminal_punct, self.min_words_per_line, self.max_word_chars, dclm)
        citations = judge_lines(batch.data, start, end, character_classes(), *rules, verdicts)
        return JudgedLines(found.bounds, start, end, found.end, found.after, verdicts, citations)


def _removed(batch: TextBatch, lines: JudgedLines) -> tuple[Positions, Positions, Positions]:
    """Bounds: i64[D+1], start and end: i64[S], relative to each document's start."""
    kept = int(np.count_nonzero(lines.verdicts & KEPT))
    bounds, segments = np.zeros(len(batch) + 1, np.int64), np.empty((2, 2 * kept + lines.citations), np.int64)
    marks = character_classes()
    kept_segments(
        batch.data,
        lines.bounds,
        lines.start,
        lines.end,
        lines.break_start,
        lines.break_end,
        lines.verdicts,
        marks,
        bounds,
        segments,
    )
    span_bounds = np.zeros(len(batch) + 1, np.int64)
    spans = np.empty((2, int(bounds[-1]) + len(batch)), np.int64)
    removed_spans(batch.data, batch.offsets, bounds, segments, span_bounds, spans)
    n = int(span_bounds[-1])
    return span_bounds, spans[0, :n], spans[1, :n]


def _sentences(batch: TextBatch, lines: JudgedLines, written: npt.NDArray[np.bool_]) -> Positions:
    found, marks = words(batch, "datatrove"), character_classes()
    counted = np.empty(len(batch), np.int64)
    verdicts = np.where(written, lines.verdicts, np.uint8(0))
    kept_sentences(
        batch.data,
        lines.bounds,
        lines.start,
        lines.end,
        verdicts,
        found.bounds,
        found.start,
        found.end,
        marks,
        counted,
    )
    citing = np.flatnonzero(verdicts & CITING)
    if len(citing) == 0:
        return counted
    # a citation mark changes the words about it, so those lines are split into words once more, without the marks
    text = np.zeros(int((lines.end[citing] - lines.start[citing]).sum()) + PADDING_BYTES, np.uint8)
    offsets = np.zeros(len(citing) + 1, np.int64)
    citing_lines(batch.data, lines.start, lines.end, verdicts, marks, offsets, text)
    bare = TextBatch(text, offsets)
    found, more = words(bare, "datatrove"), np.empty(len(citing), np.int64)
    every, kept = np.arange(len(citing) + 1), np.full(len(citing), KEPT, np.uint8)
    kept_sentences(text, every, offsets[:-1], offsets[1:], kept, found.bounds, found.start, found.end, marks, more)
    np.add.at(counted, np.searchsorted(lines.bounds, citing, side="right") - 1, more)
    return counted


def _fineweb(batch: TextBatch, n_words: Positions, short_line_chars: int) -> dict[str, npt.NDArray[Any]]:
    lines = newline_lines(batch)
    ends = np.empty((len(batch), 3), np.int64)
    line_ends(
        batch.data,
        lines.bounds,
        lines.end,
        lines.bare_start,
        lines.bare_end,
        lines.chars,
        short_line_chars,
        character_classes(),
        ends,
    )
    n_newlines = np.diff(lines.bounds) - 1
    repeated = duplicate_counts(*selected(lines.bounds, lines.hash, lines.chars, lines.bare_start < lines.bare_end))
    return {
        "terminal_punct_line_frac": share(ends[:, 1], ends[:, 0]),
        "short_line_frac": share(ends[:, 2], ends[:, 0]),
        "dup_line_char_frac": share(repeated[:, 3], lines.document_chars() - n_newlines),
        "newline_word_ratio": share(n_newlines, n_words),
    }


def _per_document(bounds: Positions, marked: npt.NDArray[np.bool_]) -> Positions:
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(marked)])
    return np.diff(before[bounds])


SCORER = Lines
