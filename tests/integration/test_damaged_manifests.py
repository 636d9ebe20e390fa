"""A manifest that is damaged: what is said is where it lies and what to do, and one that is not needed is passed over."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import winnow
from pipeline.errors import IntegrityError
from pipeline.result import Result
from pipeline.storage.integrity import check_workspace, repair
from pipeline.storage.store import Store
from tests.corpora import documents, write_parquet
from tests.integration.test_run import digests

RECIPE = {
    "name": "small",
    "score": ["exact", "gopher", "minhash"],
    "rules": {"word_count": {"column": "gopher.word_count", "min": 50}},
    "dedup": {"fuzzy": {"jaccard": 0.8}},
}
MANIFEST_DAMAGES = {
    "a key of another name": lambda s: s.replace('"path"', '"peth"'),
    "a field of another name": lambda s: s.replace('"format_version"', '"format_versioo"'),
    "parameters of another name": lambda s: s.replace('"ngram"', '"nfram"'),
    "no object": lambda _: "[]",
    "no list": lambda s: json.dumps(json.loads(s) | {"parts": None}),
    "no parameters": lambda s: json.dumps(json.loads(s) | {"parameters": []}),
    "not UTF-8": lambda s: s.encode().replace(b"crawl", b"cr\xffwl", 1),
    "cut short": lambda s: s[: len(s) // 2],
}


def _run(root: Path, workspace: str = "ws", **more: Any) -> Result:
    where = {"workspace": str(root / workspace), "output": str(root / f"out-{workspace}")}
    return winnow.run(RECIPE, [str(root / "crawl")], executor="local", workers=1, **where, **more)


def _damage_manifests(root: Path, how: str, kinds: str = "*") -> list[Path]:
    """Those that are another file afterwards; exports' are another matter, and of text and notes all tables are looked through."""
    paths = sorted((root / "ws" / "corpora" / "crawl").glob(f"{kinds}/*/manifest.json"))
    damaged = []
    left = {"export"} if kinds != "*" else {"export", "text", "notes"}
    for path in (p for p in paths if p.parent.parent.name not in left):
        told = MANIFEST_DAMAGES[how](path.read_text())
        if told != path.read_text():
            path.write_bytes(told if isinstance(told, bytes) else told.encode())
            damaged.append(path)
    return damaged


@pytest.mark.parametrize("how", MANIFEST_DAMAGES)
def test_tables_from_before_whose_manifests_are_damaged_stop_no_later_job_and_are_found(
    tmp_path: Path, how: str
) -> None:
    folder = write_parquet(tmp_path / "crawl", count=60, files=3)
    _run(tmp_path)
    damaged = _damage_manifests(tmp_path, how)
    assert damaged
    pq.write_table(pa.Table.from_pylist([{"id": "new", "text": documents(70)[65]["text"]}]), folder / "part-9.parquet")
    grown, whole = _run(tmp_path), _run(tmp_path, "fresh")
    assert grown.tables == whole.tables
    assert digests(tmp_path / "out-ws") == digests(tmp_path / "out-fresh")
    found = {f.path for f in check_workspace(Store(str(tmp_path / "ws"))).faults}
    if how != "parameters of another name":  # that is a manifest still
        assert found == {str(p) for p in damaged}


@pytest.mark.parametrize("how", [h for h in MANIFEST_DAMAGES if h != "parameters of another name"])
@pytest.mark.parametrize("kind", ["text", "notes", "digests", "dedup", "mix"])
def test_a_damaged_manifest_of_a_table_that_is_needed_says_what_to_do_and_that_mends_it(
    tmp_path: Path, kind: str, how: str
) -> None:
    write_parquet(tmp_path / "crawl", count=60, files=2)
    before, store = _run(tmp_path), Store(str(tmp_path / "ws"))
    (path, *_) = _damage_manifests(tmp_path, how, kind)
    remedy = re.escape(f"winnow verify --repair --workspace {store.root}, then run the same command again")
    with pytest.raises(IntegrityError, match=rf"{re.escape(str(path))}: is no.*{remedy}"):
        _run(tmp_path)
    report = check_workspace(store)
    assert str(path) in {f.path for f in report.faults}
    repair(store, report)
    assert _run(tmp_path).tables == before.tables
    assert check_workspace(store).faults == []


def test_the_damaged_manifest_of_an_output_is_to_be_removed_and_is_written_again(tmp_path: Path) -> None:
    write_parquet(tmp_path / "crawl", count=60, files=2)
    _run(tmp_path)
    whole, path = digests(tmp_path / "out-ws"), tmp_path / "out-ws" / "manifest.json"
    path.write_text(path.read_text().replace('"key"', '"kex"'))
    with pytest.raises(
        IntegrityError, match=rf"{re.escape(str(path))}: is no manifest .* Remove it, then run the same"
    ):
        _run(tmp_path)
    path.unlink()
    _run(tmp_path)
    assert digests(tmp_path / "out-ws") == whole
