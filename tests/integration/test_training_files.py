"""What training reads: any format that an ingest takes, fields by their path, and what a card says of it."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import StorageError, UsageError
from pipeline.measures.splits import NO_GROUP
from pipeline.train.labelled import read_labelled, read_unlabelled
from pipeline.train.plain import plain_text

LONG = "word " * 200_000


def write_lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    content = "\n".join(json.dumps(row) for row in rows).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def test_labels_and_groups_are_read_by_path_from_every_format(tmp_path: Path) -> None:
    rows = [{"text": f"t{n}", "meta": {"good": n % 2 == 0, "site": f"s{n % 3}"}} for n in range(6)]
    write_lines(tmp_path / "a.jsonl.gz", rows[:3])
    as_json = [json.dumps(row["meta"]) for row in rows[3:]]
    pq.write_table(pa.table({"text": [r["text"] for r in rows[3:]], "meta": as_json}), tmp_path / "b.parquet")
    (tmp_path / "README.md").write_text("no labels here")
    found = read_labelled([str(tmp_path)], "text", "meta.good", "meta.site")
    assert found.texts.to_pylist() == [f"t{n}" for n in range(6)]
    assert found.labels == ["true", "false"] * 3
    assert found.groups == ["s0", "s1", "s2"] * 2


def test_rows_without_a_group_stay_together_and_those_without_a_label_are_left_out(tmp_path: Path) -> None:
    rows = [{"text": "a", "label": "x"}, {"text": "b", "label": None}, {"text": "c", "label": "y", "site": "s"}]
    found = read_labelled([str(write_lines(tmp_path / "a.jsonl", rows))], "text", "label", "site")
    assert (found.texts.to_pylist(), found.groups) == (["a", "c"], [NO_GROUP, "s"])
    assert found.files[0]["rows"] == 2


@pytest.mark.parametrize("name", ["label", "meta.label"])
def test_nan_is_no_label_and_no_class_of_its_own(tmp_path: Path, name: str) -> None:
    labels = pa.array([1.0, float("nan"), 0.0, None])
    table = pa.table({"text": list("abcd"), "label": labels, "meta": pa.StructArray.from_arrays([labels], ["label"])})
    pq.write_table(table, tmp_path / "a.parquet")
    found = read_labelled([str(tmp_path)], "text", name)
    assert (found.texts.to_pylist(), found.labels) == (["a", "c"], ["1", "0"])


def test_files_without_rows_are_told_as_such_not_as_a_missing_column(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"text": pa.array([], pa.string()), "label": pa.array([], pa.string())}), tmp_path / "a.parquet"
    )
    with pytest.raises(UsageError, match="there are no rows"):
        read_labelled([str(tmp_path)], "text", "label")


def test_a_column_that_begins_with_nulls_is_read(tmp_path: Path) -> None:
    rows = [{"text": LONG, "lang": None} for _ in range(6)] + [{"text": "b", "lang": "en", "more": 1}]
    data = plain_text([str(write_lines(tmp_path / "a.jsonl", rows))], None, None)
    assert sum(len(batch) for batch in data.batches()) == 7
    assert data.described()[0]["languages"] == ["en"]


def test_a_card_lists_the_rows_that_were_used_and_where_they_are_from(tmp_path: Path) -> None:
    rows = [{"text": "a", "license": "CC0-1.0", "source": "one"}, {"text": "b", "license": "MIT", "source": "two"}]
    path = write_lines(tmp_path / "a.jsonl", rows)
    data = plain_text([str(path)], "text", "source = 'two'")
    assert [batch.to_pylist() for batch in data.batches()] == [["b"]]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert data.described() == (
        {
            "file": "a.jsonl",
            "sha256": digest,
            "rows": 1,
            "licences": ["MIT"],
            "sources": ["two"],
            "where": "source = 'two'",
        },
    )


def test_a_cut_stream_is_refused_not_trained_on(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl.gz", [{"text": f"text {n}"} for n in range(2000)])
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(StorageError, match=r"a\.jsonl\.gz' cannot be read"):
        read_unlabelled([str(path)], "text")


def test_no_file_with_labels_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text alone")
    with pytest.raises(UsageError, match="no Parquet or JSONL there"):
        read_labelled([str(tmp_path)], "text", "label")
