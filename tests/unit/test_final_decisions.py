"""The final word on every row, and what it is put together from."""

from __future__ import annotations

import pyarrow as pa
import pytest

from pipeline.recipe import Export
from pipeline.schema import MIX_TABLE, VERDICT_FAILED, arrow_schema
from pipeline.stages.mix import decide
from pipeline.storage.by_row import by_row, first_of_each
from pipeline.totals.became import became
from pipeline.verdict import judge_rows

FAILED = [{"rule": "words", "value": "3", "bound": "min 50"}, {"rule": "lines", "value": "0.9", "bound": "max 0.5"}]


def rows(*given: tuple[str | None, bool, list[dict[str, str]]]) -> pa.Table:
    """(quarantine, kept, failed) a row; ids are 'd0', 'd1' and so on."""
    quarantine, kept, failed = (list(column) for column in zip(*given, strict=True)) if given else ([], [], [])
    return pa.table(
        {
            "doc_id": pa.array([f"d{i}" for i in range(len(given))], pa.string()),
            "quarantine": pa.array(quarantine, pa.string()),
            "kept": pa.array(kept, pa.bool_()),
            "failed": pa.array(failed, VERDICT_FAILED),
        }
    )


def said(of: dict[int, str], name: str) -> pa.Table:
    """What is said of some rows, the last of them first."""
    at = sorted(of, reverse=True)
    return pa.table({"row": pa.array(at, pa.int64()), name: pa.array([of[r] for r in at], pa.string())})


def test_each_row_has_one_word_quarantine_first_then_takedowns_rules_and_duplicates() -> None:
    given = rows((None, True, []), ("not_utf8", False, []), (None, False, FAILED), (None, True, []), (None, False, FAILED),
                 (None, True, []), ("null_text", False, []))  # fmt: skip
    removals, taken = said({4: "exact", 5: "fuzzy", 3: "exact"}, "method"), said({3: "t1", 6: "t2"}, "takedown")
    mixed = decide(given, removals, taken)
    assert mixed.schema.equals(arrow_schema(MIX_TABLE))
    assert [tuple(r.values()) for r in mixed.to_pylist()] == [
        ("d0", 1, None, None),
        ("d1", 0, "quarantine", "not_utf8"),
        ("d2", 0, "judge", "words"),
        ("d3", 0, "takedown", "takedown"),
        ("d4", 0, "judge", "words"),
        ("d5", 0, "dedup", "fuzzy"),
        ("d6", 0, "quarantine", "null_text"),
    ]


def test_a_shard_without_rows_has_no_words() -> None:
    assert decide(rows(), said({}, "method"), said({}, "takedown")).num_rows == 0


def test_without_rules_everything_is_kept_but_what_is_quarantined() -> None:
    verdict = judge_rows(rows((None, True, []), ("not_utf8", True, [])).select(["doc_id", "quarantine"]), {})
    assert verdict.to_pylist() == [
        {"doc_id": "d0", "kept": True, "failed": []},
        {"doc_id": "d1", "kept": False, "failed": []},
    ]


def test_values_are_laid_beside_their_rows() -> None:
    at, values = pa.chunked_array([[3, 0], [4]]), pa.chunked_array([["c", "a"], ["d"]])
    assert by_row(5, at, values).to_pylist() == ["a", None, None, "c", "d"]


def test_the_first_of_an_empty_list_is_null() -> None:
    lists = pa.array([[9], [], [1, 2], [5, 6], []], pa.list_(pa.int64()))
    assert first_of_each(lists).to_pylist() == [9, None, 1, 5, None]
    assert first_of_each(lists.slice(1, 2)).to_pylist() == [None, 1]


def test_what_became_of_documents_is_counted_with_their_bytes() -> None:
    mix = pa.table(
        {"stage": [None, "dedup", None, "judge", "dedup"], "reason": [None, "exact", None, "words", "exact"]}
    )
    text_bytes = pa.chunked_array([[10, 20, 30], pa.array([None, 5], pa.int64())])
    documents = {"dedup.exact": 2, "judge.words": 1, "kept": 2}
    assert became(mix, text_bytes) == (documents, {"dedup.exact": 25, "judge.words": 0, "kept": 40})
    assert list(became(mix)[0]) == sorted(documents)
    assert became(mix.slice(0, 0)) == ({}, {})


@pytest.mark.parametrize(("level", "told"), [(3, False), (1, True)])
def test_the_usual_level_of_compression_is_no_part_of_a_file_s_name(level: int, told: bool) -> None:
    assert ("zstd_level" in Export(zstd_level=level).told()) is told
    assert Export().told("shard_bytes") == {"edits": [], "notes": []}
