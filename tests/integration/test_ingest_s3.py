"""Input and workspace in a bucket: a real S3-protocol server run as a process, addressed by the environment alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import IntegrityError, PlanError
from pipeline.sources.listing import list_files
from pipeline.storage import manifest
from pipeline.storage.files import file_stamp, filesystem
from pipeline.storage.parquet import write_parquet
from pipeline.storage.shard import part_key
from pipeline.storage.store import Store
from tests.fixtures_bucket import SECRET, bucket, server
from tests.taking_in import take_in

__all__ = ["bucket", "server"]


def _put_parquet(url: str, texts: list[str]) -> None:
    buffer = pa.BufferOutputStream()
    table = pa.table({"id": [f"d{i}" for i in range(len(texts))], "text": texts})
    pq.write_table(table, buffer, row_group_size=2, use_dictionary=False)
    filesystem(url).pipe_file(url, buffer.getvalue().to_pybytes())


def test_parquet_and_jsonl_of_a_bucket_are_taken_in(bucket: str, tmp_path: Path) -> None:
    _put_parquet(f"{bucket}/crawl/dump=A%201/x y.parquet", ["one", "two", "three"])
    lines = b"".join(b'{"text": "line %d"}\n' % i for i in range(5))
    filesystem(bucket).pipe_file(f"{bucket}/crawl/b.jsonl", lines)
    filesystem(bucket).pipe_file(f"{bucket}/crawl/_SUCCESS", b"")
    taken = take_in(tmp_path / "ws", f"{bucket}/crawl")
    assert [f.name for f in taken.stage.files] == ["b.jsonl", "dump=A%201/x y.parquet"]
    assert sorted(t for t in taken.texts() if t) == sorted(["one", "two", "three", *(f"line {i}" for i in range(5))])
    assert {r["dump"] for r in taken.ids()} == {None, "A 1"}
    assert taken.bad_files() == {}


@pytest.mark.parametrize("pattern", ["crawl/*.parquet", "**/*.parquet", "crawl/a.parquet"])
def test_globs_and_single_files_of_a_bucket(bucket: str, pattern: str) -> None:
    _put_parquet(f"{bucket}/crawl/a.parquet", ["x"])
    (file,) = list_files([f"{bucket}/{pattern}"])
    assert file.path == f"{bucket}/crawl/a.parquet"
    assert file.stamp == file_stamp(file.path)
    assert file.bytes == int(file.stamp.split("-")[0])


def test_missing_paths_of_a_bucket_name_what_is_there(bucket: str) -> None:
    _put_parquet(f"{bucket}/crawl/part-0.parquet", ["x"])
    with pytest.raises(
        PlanError, match=r"finds no file; .*/crawl has part-0\.parquet\. Did you mean 'part-0\.parquet'\?"
    ):
        list_files([f"{bucket}/crawl/part-1.parquet"])


def test_an_object_that_was_replaced_is_noticed(bucket: str, tmp_path: Path) -> None:
    _put_parquet(f"{bucket}/a.parquet", ["one"])
    taken = take_in(tmp_path / "ws", f"{bucket}/a.parquet")
    _put_parquet(f"{bucket}/a.parquet", ["two"])
    with pytest.raises(IntegrityError, match="changed since it was taken in"):
        taken.texts()


def test_a_workspace_in_a_bucket_gives_the_same_table_as_a_local_one(bucket: str, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"".join(b'{"text": "line %d"}\n' % i for i in range(50)))
    there, here = take_in(f"{bucket}/ws", tmp_path / "a.jsonl"), take_in(tmp_path / "ws", tmp_path / "a.jsonl")
    assert there.texts() == [f"line {i}" for i in range(50)]
    assert there.text == here.text
    path = manifest.manifest_path("c", "text", there.stage.key)
    assert manifest.load(there.store, path) == there.text
    assert [m.key for m in manifest.tables(there.store, "c", "text")] == [there.stage.key]


def test_a_second_commit_loses_quietly(bucket: str) -> None:
    store = Store(f"{bucket}/ws")
    store.commit_json("x/manifest.json", {"by": "first"})
    store.commit_json("x/manifest.json", {"by": "second"})
    assert store.read_json("x/manifest.json") == {"by": "first"}
    first, second = pa.table({"a": [1]}), pa.table({"a": [2]})
    key = part_key("p")
    told = [
        store.commit_part(key, f"p/{key}.parquet", lambda t, x=table: write_parquet(t, x)) for table in (first, second)
    ]
    assert told == [store.record(key, f"p/{key}.parquet")] * 2
    assert store.read_table(f"p/{key}.parquet") == first


def test_racing_commits_agree_on_one_winner(bucket: str) -> None:
    code = (
        "import sys, time; from pipeline.storage.store import Store\n"
        "store = Store(sys.argv[1]); time.sleep(max(0, float(sys.argv[3]) - time.time()))\n"
        "for i in range(20): store.commit_json(f'race/{i}.json', {'by': sys.argv[2], 'pad': 'x' * 1000})"
    )
    root, start = Path(__file__).parents[2], str(time.time() + 3)
    racers = [
        subprocess.Popen([sys.executable, "-c", code, f"{bucket}/ws", name, start], cwd=root, env=dict(os.environ))
        for name in ("a", "b", "c")
    ]
    assert [r.wait(timeout=120) for r in racers] == [0, 0, 0]
    store = Store(f"{bucket}/ws")
    for i in range(20):
        once, again = store.read_json(f"race/{i}.json"), store.read_json(f"race/{i}.json")
        assert once == again
        assert once["by"] in "abc"


def test_a_large_part_is_also_put_if_absent(bucket: str) -> None:
    """Above the driver's block size an upload has several pieces, and its condition is on the last request."""
    store = Store(f"{bucket}/ws")
    for byte in (b"1", b"2"):
        store.commit("large.bin", lambda t, b=byte: t.write_bytes(b * 60_000_000) and None)
    with store.open("large.bin") as file:
        assert file.read(3) == b"111"


def test_secrets_never_reach_the_workspace(bucket: str, tmp_path: Path) -> None:
    _put_parquet(f"{bucket}/a.parquet", ["one"])
    taken = take_in(tmp_path / "ws", f"{bucket}/a.parquet")
    assert SECRET not in json.dumps(taken.text.details)
    for path in (tmp_path / "ws").rglob("*"):
        assert path.is_dir() or SECRET.encode() not in path.read_bytes()
