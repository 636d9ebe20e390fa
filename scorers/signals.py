"""RedPajama-v2's quality signals that need nothing but the text: 18 of natural language, 9 of repetition.

Definitions of togethercomputer/RedPajama-Data (app/src/core/quality_signals: natural_language, lines, content and
repetitions), under its column names. Left out is what needs more than the text: bad words, UT1 categories, classifiers,
importance weights, CCNet's fields, minhash. Values are not rounded to eight digits as there. A signal that the
published data hold once a line is its mean over the document's lines here.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from scorers.base import Column, Values, count, fraction
from scorers.kernels.gopher import symbol_counts
from scorers.kernels.signal_tables import Folding, leave_alone, lower_and_decompose, normalised, signal_classes
from scorers.kernels.signals import LONGEST_STOP_WORD, STOP_WORD_SLOTS, line_signals, remember_stop_words, text_signals
from scorers.kernels.signals_normal import (
    CHARS,
    COUNTS,
    JAVASCRIPTS,
    LOREM_IPSUM,
    TOP_2,
    UNIQUE,
    WORDS,
    normal_signals,
)
from scorers.line_bounds import newline_lines
from scorers.text import TextBatch

Counts = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]

_NORMAL = "normalised words (lower case, no ASCII punctuation, NFD)"
_RAW = r"words (\w+ or runs of other characters)"
_LINES = "mean over lines; null without lines"
_NULL = "null without words"

COLUMNS = (
    fraction("rps_doc_curly_bracket", "curly brackets over characters"),
    fraction("rps_doc_frac_all_caps_words", f"share of {_RAW} in upper case; {_NULL}"),
    fraction("rps_doc_frac_lines_end_with_ellipsis", "share of lines ending in '...' or '…'; null without lines"),
    fraction("rps_doc_frac_no_alph_words", f"share of {_RAW} without one of a-z, A-Z; {_NULL}"),
    fraction("rps_doc_lorem_ipsum", "occurrences of 'lorem ipsum' over characters of the normalised text"),
    Column("rps_doc_mean_word_length", pa.float64(), "chars", f"mean characters of {_NORMAL}; {_NULL}", low=1.0),
    fraction("rps_doc_stop_word_fraction", f"share of {_RAW} that are English stop words of stopwords-json"),
    fraction("rps_doc_symbol_to_word_ratio", f"'#', '...' and '…' over {_RAW}; {_NULL}", high=None),
    fraction("rps_doc_frac_unique_words", f"distinct {_NORMAL} over all; {_NULL}"),
    Column("rps_doc_unigram_entropy", pa.float64(), "nats", f"entropy of the {_NORMAL}; {_NULL}", low=0.0),
    count("rps_doc_word_count", "words", _NORMAL),
    count("rps_doc_num_sentences", "sentences", r"matches of \b[^.!?]+[.!?]*"),
    fraction("rps_lines_ending_with_terminal_punctution_mark", f"1 where a line ends in . ! ? or ”: {_LINES}"),
    Column("rps_lines_javascript_counts", pa.float64(), "words", f"words 'javascript' of a line: {_LINES}", low=0.0),
    Column("rps_lines_num_words", pa.float64(), "words", f"{_NORMAL} of a line: {_LINES}", low=0.0),
    fraction("rps_lines_numerical_chars_fraction", f"numeric share of a normalised line's characters: {_LINES}"),
    fraction("rps_lines_start_with_bulletpoint", f"1 where a line starts with one of ten bullets: {_LINES}"),
    fraction("rps_lines_uppercase_letter_fraction", f"upper-case share of a line's characters: {_LINES}"),
    *(
        fraction(f"rps_doc_frac_chars_top_{n}gram", f"characters in the most frequent {n}-gram of {_NORMAL}", high=None)
        for n in (2, 3, 4)
    ),
    *(
        fraction(f"rps_doc_frac_chars_dupe_{n}grams", f"characters in repeated {n}-grams of {_NORMAL}, each once")
        for n in range(5, 11)
    ),
)


@dataclass(frozen=True, slots=True)
class Signals:
    """RedPajama-v2's text signals; stop words are English's."""

    name: ClassVar[str] = "signals"
    version: ClassVar[int] = 1

    def columns(self) -> tuple[Column, ...]:
        """The 27 signals under their published names."""
        return COLUMNS

    def score(self, batch: TextBatch) -> Values:
        """Measure every document."""
        values = dict(_of_text(batch))
        values |= dict(_of_normalised(batch, values["lines"]))
        return {c.name: values[c.name] for c in COLUMNS}


def _of_text(batch: TextBatch) -> Iterator[tuple[str, Any]]:
    counts, upper_sums = np.empty((len(batch), 7), np.int64), np.empty(len(batch), np.float64)
    text_signals(batch.data, batch.offsets, signal_classes(), stop_words(), counts, upper_sums)
    chars, words, without_letter, upper, stopping, sentences, brackets = counts.T
    symbols = np.empty((len(batch), 4), np.int64)
    symbol_counts(batch.data, batch.offsets, symbols)
    split = newline_lines(batch)
    marks = np.empty((len(batch), 4), np.int64)
    line_signals(
        batch.data, split.bounds, split.start, split.end, split.bare_start, split.bare_end, signal_classes(), marks
    )
    lines, terminal, ellipsis, bullet = marks.T
    yield "lines", lines
    yield "rps_doc_curly_bracket", brackets / np.maximum(chars, 1)
    yield "rps_doc_frac_all_caps_words", _mean(upper, words)
    yield "rps_doc_frac_lines_end_with_ellipsis", _mean(ellipsis, lines)
    yield "rps_doc_frac_no_alph_words", _mean(without_letter, words)
    yield "rps_doc_stop_word_fraction", stopping / np.maximum(words, 1)
    yield "rps_doc_symbol_to_word_ratio", _mean(symbols[:, :3].sum(axis=1), words)
    yield "rps_doc_num_sentences", sentences
    yield "rps_lines_ending_with_terminal_punctution_mark", _mean(terminal, lines)
    yield "rps_lines_start_with_bulletpoint", _mean(bullet, lines)
    yield "rps_lines_uppercase_letter_fraction", _mean(upper_sums, lines)


def _of_normalised(batch: TextBatch, lines: Counts) -> Iterator[tuple[str, Any]]:
    counts, logs, numeric_sums, done = _normal_signals(batch, lower_and_decompose())
    hard = np.flatnonzero(~done)
    if len(hard):
        # rare: a capital sigma inside a word, accents in another than canonical order
        texts = [normalised(_text(batch, int(d))) for d in hard]
        counts[hard], logs[hard], numeric_sums[hard], _ = _normal_signals(TextBatch.from_strings(texts), leave_alone())
    words, chars = counts[:, WORDS], counts[:, CHARS]
    text_chars = chars + np.maximum(words - 1, 0)
    yield "rps_doc_lorem_ipsum", counts[:, LOREM_IPSUM] / np.maximum(text_chars, 1)
    yield "rps_doc_mean_word_length", _mean(chars, words)
    yield "rps_doc_frac_unique_words", _mean(counts[:, UNIQUE], words)
    yield "rps_doc_unigram_entropy", _entropy(words, logs)
    yield "rps_doc_word_count", words
    yield "rps_lines_javascript_counts", _mean(counts[:, JAVASCRIPTS], lines)
    yield "rps_lines_num_words", _mean(words, lines)
    yield "rps_lines_numerical_chars_fraction", _mean(numeric_sums, lines)
    for n in range(2, 11):
        name = f"rps_doc_frac_chars_top_{n}gram" if n < 5 else f"rps_doc_frac_chars_dupe_{n}grams"
        yield name, counts[:, TOP_2 + n - 2] / np.maximum(chars, 1)


def _normal_signals(batch: TextBatch, folding: Folding) -> tuple[Counts, Reals, Reals, npt.NDArray[np.bool_]]:
    counts, done = np.empty((len(batch), COUNTS), np.int64), np.empty(len(batch), np.bool_)
    logs, numeric_sums = np.zeros(len(batch), np.float64), np.zeros(len(batch), np.float64)
    normal_signals(batch.data, batch.offsets, folding, signal_classes(), counts, logs, numeric_sums, done)
    return counts, logs, numeric_sums, done


def _text(batch: TextBatch, d: int) -> str:
    return batch.data[batch.offsets[d] : batch.offsets[d + 1]].tobytes().decode()


def _mean(part: Counts | Reals, whole: Counts) -> pa.Array:
    """part / whole, null where whole is 0."""
    return pa.array(part / np.maximum(whole, 1), mask=whole == 0)


def _entropy(words: Counts, logs: Reals) -> pa.Array:
    """log W - (sum of c log c) / W; rounding must not make it negative."""
    some = np.maximum(words, 1)
    return pa.array(np.maximum(np.log(some) - logs / some, 0.0), mask=words == 0)


@functools.cache
def stop_words() -> npt.NDArray[np.uint64]:
    """u64[STOP_WORD_SLOTS]: the English stop words' hashes, open-addressed."""
    lines = Path(__file__).with_name("stop_words_en.txt").read_text(encoding="ascii").splitlines()
    found = TextBatch.from_strings(" ".join(lines[1:]).split())
    if np.diff(found.offsets).max() > LONGEST_STOP_WORD:
        raise ValueError(f"a stop word is longer than {LONGEST_STOP_WORD} bytes")
    slots = np.zeros(STOP_WORD_SLOTS, np.uint64)
    remember_stop_words(found.data, found.offsets, slots)
    return slots


SCORER = Signals
