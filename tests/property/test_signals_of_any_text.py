"""The signals of any text are those of the slow twin."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from scorers.base import as_struct
from scorers.signals import Signals
from scorers.text import TextBatch
from tests import oracle_signals

PIECES = st.sampled_from(
    ["a", "b", "The", "the", " ", "  ", "\n", ".", "...", "…", "#", "{", "}", "•", "!", "?", "”", "'", "É", "e\u0301",
     "\u0323", "Σ", "σ", "İ", "ﬁ", "한", "漢", "1", "²", "javascript", "lorem", "ipsum", "\t", "\x85", "\x00", "🙂"]
)  # fmt: skip
TEXTS = st.one_of(st.lists(PIECES, max_size=80).map("".join), st.text(max_size=200))


@settings(max_examples=300, deadline=None)
@given(st.lists(TEXTS, max_size=4))
def test_signals_equal_the_slow_twin(texts: list[str]) -> None:
    scorer = Signals()
    rows = as_struct(scorer, scorer.score(TextBatch.from_strings(texts)), len(texts)).to_pylist()
    for text, row in zip(texts, rows, strict=True):
        for name, expected in oracle_signals.signals(text).items():
            if expected is None:
                assert row[name] is None, (name, text)
            else:
                assert math.isclose(row[name], expected, rel_tol=1e-9, abs_tol=1e-12), (name, text)


@settings(max_examples=100, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=6))
def test_every_signal_lies_in_its_bounds(texts: list[str]) -> None:
    scorer = Signals()
    rows = as_struct(scorer, scorer.score(TextBatch.from_strings(texts)), len(texts)).to_pylist()
    for column in scorer.columns():
        values = [row[column.name] for row in rows if row[column.name] is not None]
        assert all(v >= (column.low or 0) for v in values), column.name
        assert all(column.high is None or v <= column.high for v in values), column.name
