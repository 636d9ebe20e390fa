"""The scorer of contamination on texts that were thought up, and on real evaluation sets."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.generator.contamination import KINDS, planted
from scorers import base
from scorers.contamination import Contamination, find, hits_array, measured
from scorers.models.card import ModelError
from scorers.models.evaluations import SCHEMA, Index, make_index
from scorers.models.overlap_profiles import PROFILES, Profile
from scorers.text import TextBatch

QUESTION = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
WORDS = QUESTION.split()


def items(*rows: dict[str, Any]) -> pa.Table:
    filled = [{"benchmark": "b", "item": str(i), "choices": None, "answer": None, **r} for i, r in enumerate(rows)]
    return pa.Table.from_pylist(filled, schema=SCHEMA)


def told(profile: Profile, table: pa.Table, *texts: str) -> list[dict[str, Any]]:
    index = make_index(table, profile)
    batch = TextBatch.from_strings(list(texts))
    hits = find(index, batch)
    values = {**measured(index, hits, np.diff(batch.offsets), index.kept), "hits": hits_array(hits)}
    rows: list[dict[str, Any]] = base.as_struct(Contamination(), values, len(texts)).to_pylist()
    return rows


def test_overlap_is_the_share_of_an_items_words_that_13_grams_cover() -> None:
    half, most = " ".join(WORDS[:12]), " ".join(["x", *WORDS[2:], "y"])
    none, some, all_of = told(PROFILES["winnow-13"], items({"question": QUESTION}), half, most, QUESTION)
    assert (none["overlap_frac"], some["overlap_frac"], all_of["overlap_frac"]) == (0.0, 15 / 17, 1.0)
    assert (some["ngrams_hit"], some["matched"], some["field"]) == (3, " ".join(WORDS[2:]), "question")
    assert none["benchmark"] is None
    assert some["spans"] == [{"start": 2, "end": 2 + len(" ".join(WORDS[2:]))}]


def test_a_tag_that_one_field_opens_does_not_end_in_the_next() -> None:
    table = items({"question": QUESTION + " if x <y and", "choices": ["z> one", "two"]})
    found = told(PROFILES["winnow-13"], table, QUESTION + " if x, y and z one two")[0]
    assert (found["field"], found["overlap_frac"]) == ("question+choices", 1.0)
    assert found["matched"] == QUESTION + " if x <y and\nz> one\ntwo"


def test_palms_overlap_is_the_share_of_8_grams() -> None:
    table = items({"question": QUESTION})
    assert [r["overlap_frac"] for r in told(PROFILES["palm-8"], table, " ".join(WORDS[:14]))] == [7 / 10]


def test_a_short_item_counts_whole_or_not_at_all() -> None:
    table = items({"question": " ".join(WORDS[:9])}, {"question": " ".join(WORDS[:7])})
    part, whole = told(PROFILES["winnow-13"], table, " ".join(WORDS[:8]), "so: " + " ".join(WORDS[:10]))
    assert (part["overlap_frac"], whole["overlap_frac"], whole["item"]) == (0.0, 1.0, "0")
    assert make_index(table, PROFILES["winnow-13"]).unchecked() == {"b": (2, 1, 0)}
    assert make_index(table, PROFILES["gpt3-13"]).unchecked() == {"b": (2, 2, 0)}


def test_question_alone_is_no_contamination_for_datatrove() -> None:
    table = items({"question": QUESTION, "answer": "eighteen"})
    alone, both = told(PROFILES["datatrove-12"], table, QUESTION, QUESTION + " eighteen")
    assert (alone["ngrams_hit"], both["ngrams_hit"], both["field"]) == (0, 1, "question+answer")


def test_datatroves_numbers_are_all_the_same() -> None:
    """Why its definition flags tables: twelve numbers in a row are any other twelve."""
    table = items({"question": "Add.", "answer": "1 + 2 + 3 + 4 + 5 + 6 + 7 + 8 + 9 + 10 + 11 + 12 = 78"})
    assert told(PROFILES["datatrove-12"], table, " ".join(map(str, range(500, 520))))[0]["ngrams_hit"] == 1
    assert told(PROFILES["winnow-13"], table, " ".join(map(str, range(500, 520))))[0]["ngrams_hit"] == 0


def test_an_ngram_of_many_items_tells_none_of_them() -> None:
    stem = "which of the following statements is the one that a careful reader would call correct"
    table = items(*({"question": f"{stem} {w}"} for w in WORDS[:11]))
    assert told(PROFILES["winnow-13"], table, stem)[0]["overlap_frac"] == 0.0
    few = items(*({"question": f"{stem} {w}"} for w in WORDS[:10]))
    assert told(PROFILES["winnow-13"], few, stem)[0]["overlap_frac"] == 15 / 16


def test_short_stretches_do_not_count_for_winnow_8() -> None:
    table = items({"question": " ".join(WORDS[:15])}, {"question": " ".join(WORDS[:8])})
    found = told(PROFILES["winnow-8"], table, " ".join([*WORDS[1:13], "and"]), " ".join(WORDS[:8]))
    assert [(r["overlap_frac"], r["item"]) for r in found] == [(0.0, "0"), (1.0, "1")]


def test_an_unknown_document_stays_null_and_not_clean() -> None:
    row = base.as_struct(Contamination(), Contamination().score(TextBatch.from_strings([QUESTION])), 1).to_pylist()[0]
    assert row["overlap_frac"] is None
    assert row["ngrams_hit"] is None


def test_text_made_of_evaluation_sets_only_is_no_trouble() -> None:
    row = told(PROFILES["winnow-13"], items({"question": QUESTION}), (QUESTION + "\n") * 40_000)[0]
    assert (row["overlap_frac"], row["items_hit"]) == (1.0, 1)
    assert len(row["hits"]) == 40_000 * 5
    assert row["span_count"] == 40_000


def test_no_items_and_no_documents_are_normal() -> None:
    assert told(PROFILES["winnow-13"], items(), QUESTION, "")[0]["overlap_frac"] == 0.0
    assert told(PROFILES["winnow-13"], items({"question": QUESTION})) == []


def test_an_impossible_length_is_refused() -> None:
    with pytest.raises(ModelError, match="expected 1 to 32"):
        make_index(items({"question": QUESTION}), dataclasses.replace(PROFILES["winnow-13"], ngram=33))
    with pytest.raises(base.ScorerError, match="to 32 words"):
        Contamination(ngram=33)


@pytest.fixture(scope="module")
def real_items(real_data: Path) -> pa.Table:
    table = pq.read_table(real_data / "decontam" / "benchmarks.parquet").rename_columns({"id": "item"})
    return table.select([*SCHEMA.names, "text"])


@pytest.fixture(scope="module")
def indexed(real_items: pa.Table) -> Callable[[str], Index]:
    table = real_items.select(SCHEMA.names).cast(SCHEMA)
    return functools.cache(lambda name: make_index(table, PROFILES[name]))


@pytest.mark.parametrize(("profile", "kind", "least"), [
    ("winnow-13", "as written", 0.99), ("winnow-13", "markup", 0.95), ("winnow-13", "choices reordered", 0.85),
    ("winnow-13", "punctuation", 0.97), ("winnow-13", "light paraphrase", 0.7), ("winnow-8", "light paraphrase", 0.85),
    ("winnow-8", "other numbers", 0.85), ("gpt3-13", "as written", 0.97), ("palm-8", "capitals", 0.97),
])  # fmt: skip
def test_planted_contamination_is_found(
    profile: str, kind: str, least: float, real_items: pa.Table, indexed: Callable[[str], Index], real_data: Path
) -> None:
    hosts = pq.read_table(
        next(iter(sorted((real_data / "corpus").glob("*.parquet")))), columns=["text", "lang"]
    ).to_pylist()
    texts = [r["text"] for r in hosts if r["lang"] == "en" and 1_000 < len(r["text"]) < 10_000][:200]
    rows = [{**r, "id": r["item"]} for r in real_items.to_pylist()]
    own = [p for p in planted(rows, texts, 40, seed=3) if p.kind == kind]
    index = indexed(profile)
    batch = TextBatch.from_strings([p.text for p in own] + texts)
    found = measured(index, find(index, batch), np.diff(batch.offsets), index.kept)
    bound = PROFILES[profile].bound[1]
    flagged = np.asarray(found[PROFILES[profile].column]) > bound
    assert flagged[: len(own)].mean() >= least
    assert flagged[len(own) :].sum() == 0
    named = [p.item == i for p, i, hit in zip(own, found["item"].to_pylist(), flagged, strict=False) if hit]
    assert np.mean(named) >= 0.9


def test_the_ledger_is_the_same_every_time(real_items: pa.Table) -> None:
    rows = [{**r, "id": r["item"]} for r in real_items.slice(0, 2_000).to_pylist()] + [
        {**r, "id": r["item"]} for r in real_items.slice(9_000, 500).to_pylist()
    ]
    first, second = (list(planted(rows, ["A host.\n\nWith two paragraphs."], 2, seed=1)) for _ in range(2))
    assert first == second
    assert [p.kind for p in first[::2]] == list(KINDS)
    assert len({p.text for p in first}) == len(first)
