"""English words are datatrove's own, on real documents; skipped where datatrove, spaCy or the data is absent."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from scorers.text import TextBatch
from scorers.words import words

DOCUMENTS = 300


@pytest.fixture(scope="module")
def english(real_data: Path) -> list[str]:
    """The first English documents of the corpus of over 500 characters."""
    corpus = sorted((real_data / "corpus").glob("*.parquet"))
    table = pq.read_table(corpus[0], columns=["text", "lang"])
    pairs = zip(table["text"].to_pylist(), table["lang"].to_pylist(), strict=True)
    return [text for text, lang in pairs if lang == "en" and len(text) > 500][:DOCUMENTS]


def test_datatrove_words_equal_datatroves(english: list[str]) -> None:
    pytest.importorskip("spacy", reason="spaCy is the reference; install the conformance group")
    reference = pytest.importorskip("datatrove.utils.text", reason="install the conformance group")
    batch = TextBatch.from_strings(english)
    found = words(batch, "datatrove")
    raw = batch.data.tobytes()
    differing = []
    for d, text in enumerate(english):
        span = slice(found.bounds[d], found.bounds[d + 1])
        cut = [raw[s:e].decode() for s, e in zip(found.start[span], found.end[span], strict=True)]
        if cut != reference.split_into_words(text, "eng"):
            differing.append(d)
    assert differing == []
