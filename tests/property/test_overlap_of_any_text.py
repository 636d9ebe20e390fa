"""The overlap kernels and their slow twins say the same of any text."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scorers.base import as_struct
from scorers.contamination import Contamination, find, hits_array, measured
from scorers.models.evaluations import SCHEMA, TABLES, cut, make_index
from scorers.models.overlap_profiles import PROFILES, Normalise
from scorers.text import TextBatch
from tests.oracle_overlap import byte_words, contamination

CHARACTERS = st.one_of(
    st.sampled_from("aAbB<<>>/&&;#  \n\t.,;-_'‘’\"!?0123456789éßİςΣ日本ไ한\u00ad\u0301\u200b\x00\x85｡١٫½ﬁ"),
    st.characters(blacklist_categories=("Cs",)),
)
MARKUP = st.lists(
    st.sampled_from(
        ["<b>", "</b>", "<!-- x", "-->", "a<b", "x > y", "&amp;", "&#39;", "&;", "<<1+2=3>>", "<a href='é'>", "w"]
    )
)
FEW_WORDS = st.lists(st.sampled_from(["a", "B", "c,", "12", "3.5", "é", "日", "\n"]), max_size=24).map(" ".join)
ITEM = st.fixed_dictionaries(
    {
        "question": FEW_WORDS,
        "choices": st.none() | st.lists(FEW_WORDS, max_size=3),
        "answer": st.none() | FEW_WORDS,
    }
)


@settings(max_examples=300, deadline=None)
@given(st.text(CHARACTERS, max_size=60) | MARKUP.map("".join) | MARKUP.map(" ".join), st.sampled_from(sorted(TABLES)))
def test_words_are_cut_as_their_twins_cut_them(text: str, normalise: Normalise) -> None:
    expected = byte_words(text, normalise)
    found = cut(["before", text], normalise)
    start, end, hashes = (a[found.bounds[1] :] for a in (found.start, found.end, found.hashes))
    first = len(b"before")
    assert [(s - first, e - first) for s, e in zip(start, end, strict=True)] == [(s, e) for s, e, _ in expected]
    folded = [w for _, _, w in expected]
    assert len(set(hashes.tolist())) == len(set(folded))
    assert [folded.index(w) for w in folded] == [hashes.tolist().index(h) for h in hashes.tolist()]


@settings(max_examples=300, deadline=None)
@given(st.lists(ITEM, max_size=6), st.lists(FEW_WORDS, max_size=4), st.sampled_from(sorted(PROFILES)), st.booleans())
def test_measures_are_their_twins(items: list[dict[str, Any]], texts: list[str], name: str, small: bool) -> None:
    profile = PROFILES[name]
    least = 2 if profile.least_words < profile.ngram else 3
    changed: dict[str, Any] = {"ngram": 3, "least_words": least, "max_items": min(profile.max_items, 2)}
    if profile.window_chars:
        changed |= {"window_chars": 3, "piece_bytes": 4}
    if profile.least_found_words:
        changed |= {"least_found_words": 5}
    profile = dataclasses.replace(profile, **changed) if small else profile
    rows = [{"benchmark": "b", "item": str(i), **item} for i, item in enumerate(items)]
    index = make_index(pa.Table.from_pylist(rows, schema=SCHEMA), profile)
    texts = [*texts, *(i["question"] + " " + (i["answer"] or "") for i in items[:2])]
    batch = TextBatch.from_strings(texts)
    hits = find(index, batch)
    got = measured(index, hits, np.diff(batch.offsets), index.kept)
    struct = as_struct(Contamination(), {**got, "hits": hits_array(hits)}, len(texts)).to_pylist()
    for text, row in zip(texts, struct, strict=True):
        expected = contamination(text, items, profile)
        assert row["overlap_frac"] == pytest.approx(expected["overlap_frac"])
        assert (row["ngrams_hit"], row["items_hit"]) == (expected["ngrams_hit"], expected["items_hit"])
        assert {b for s in row["spans"] for b in range(s["start"], s["end"])} == expected["spanned"]
        assert row["text_frac"] == pytest.approx(len(expected["spanned"]) / max(1, len(text.encode())))
        assert (row["benchmark"] is None) == (row["ngrams_hit"] == 0)
