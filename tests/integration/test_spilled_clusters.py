"""Clusters of more documents than memory is to hold: the bytes of those that fit."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import winnow
from pipeline.dedup import room
from pipeline.dedup.documents import graph
from pipeline.errors import PlanError, StorageError
from tests.corpora import prose


def write_crawl(folder: Path, first: int) -> str:
    """Originals, copies, revisions, several of one address each, in three files."""
    folder.mkdir(parents=True)
    texts = [prose(first + i // 3, 8) + (" And a word more." if i % 6 == 1 else "") for i in range(90)]
    for n in range(3):
        rows = range(n, 90, 3)
        columns = {"id": [f"d{first + i}" for i in rows], "text": [texts[i] for i in rows]}
        urls = [f"https://example.org/{first}/{i // 7}" if i % 4 else None for i in rows]
        pq.write_table(pa.table(columns | {"url": urls}), folder / f"part-{n}.parquet")
    return str(folder)


@pytest.mark.parametrize("chunk", [5, 1 << 20])
def test_a_table_of_clusters_is_the_same_where_it_spills(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    reference, crawl = write_crawl(tmp_path / "old", 25), write_crawl(tmp_path / "crawl", 0)
    recipe = {
        "name": "r",
        "score": ["exact", {"gopher": {}}, "minhash"],
        "rules": {"long_enough": {"column": "exact.text_chars", "min": 10}},
        "dedup": {
            "exact": "raw",
            "fuzzy": {"bands": 64, "rows": 2},
            "url": {},
            "keep": "gopher.word_count desc",
            "against": [reference],
            "guard": {"max_source_loss": 1.0},
        },
    }
    found = []
    for spilled in (False, True):
        if spilled:
            monkeypatch.setattr(room, "HELD_BYTES", 0)
            monkeypatch.setattr(graph, "KEPT_ROWS", 0)
            monkeypatch.setattr(room, "CHUNK", chunk)
        workspace = tmp_path / f"ws-{spilled}"
        winnow.run(recipe, [crawl], workspace=str(workspace), until="dedup", executor="local", workers=1)
        (table,) = workspace.glob("corpora/*/dedup/parts/*/*")
        found.append(hashlib.sha256(table.read_bytes()).hexdigest())
        methods = set(pq.read_table(table).column("method").to_pylist())
    assert methods == {None, "exact", "fuzzy", "url", "reference"}
    assert found[0] == found[1]


def test_more_documents_than_can_be_numbered_are_told_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph, "MOST_DOCUMENTS", 20)
    crawl = write_crawl(tmp_path / "crawl", 0)
    with pytest.raises(PlanError, match=r"at most 20 can be put into clusters at once: .* \(dedup.against\)"):
        winnow.run("minimal", [crawl], workspace=str(tmp_path / "ws"), until="dedup", executor="local", workers=1)


def test_a_disk_that_is_full_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(room, "HELD_BYTES", 0)
    monkeypatch.setattr(os, "posix_fallocate", full)
    crawl, workspace = write_crawl(tmp_path / "crawl", 0), tmp_path / "ws"
    with pytest.raises(StorageError, match=f"{workspace}/tmp: no space is left"):
        winnow.run("minimal", [crawl], workspace=str(workspace), until="dedup", executor="local", workers=1)
