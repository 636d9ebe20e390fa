"""Compressed streams that are cut, joined, bombs, or not what their names say: what came before counts, the rest is told."""

from __future__ import annotations

import gzip
import random
import resource
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from pipeline.sources import streams
from tests.taking_in import good_bytes, take_in


def _lines(count: int) -> bytes:
    return b"".join(b'{"id": "%d", "text": "line %d of a stream"}\n' % (i, i) for i in range(count))


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "zst": zstandard.ZstdCompressor().compress,
}


@pytest.mark.parametrize("packer", PACKERS)
def test_a_truncated_stream_keeps_what_came_before_and_counts_the_rest(tmp_path: Path, packer: str) -> None:
    noise = random.Random(1)
    content = b"".join(b'{"text": "%x"}\n' % noise.getrandbits(4_000) for i in range(2_000))
    packed = PACKERS[packer](content)
    (tmp_path / f"a.jsonl.{packer}").write_bytes(packed[: len(packed) * 3 // 4])
    taken = take_in(tmp_path / "ws", tmp_path)
    assert taken.reasons() == {"truncated_stream": 1}
    assert taken.bad_files() == {f"a.jsonl.{packer}": "truncated_stream"}
    documents = taken.text.counts["documents"]
    assert 1_000 < documents < 1_510
    assert [t.encode() for t in taken.texts()[:-1] if t] == [line[10:-2] for line in content.split(b"\n")[:documents]]
    assert taken.ids()[-1]["file_row"] == sum(len(line) + 1 for line in content.split(b"\n")[:documents])


@pytest.mark.parametrize("packer", PACKERS)
def test_concatenated_members_are_one_file_and_junk_behind_them_is_told(tmp_path: Path, packer: str) -> None:
    pack = PACKERS[packer]
    (tmp_path / f"a.jsonl.{packer}").write_bytes(pack(_lines(3)) + pack(_lines(2)))
    (tmp_path / f"b.jsonl.{packer}").write_bytes(pack(_lines(3)) + b"junk behind the end of it")
    taken = take_in(tmp_path / "ws", tmp_path)
    assert taken.text.counts == {"documents": 8, "quarantined": 1}
    assert list(taken.bad_files()) == [f"b.jsonl.{packer}"]


@pytest.mark.parametrize("packer", PACKERS)
def test_a_stream_bomb_is_stopped(tmp_path: Path, packer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "STREAM_BYTES", 20_000_000)
    monkeypatch.setattr(streams, "MAX_GROWTH", 10)
    (tmp_path / f"a.jsonl.{packer}").write_bytes(PACKERS[packer](_lines(10) + b" " * 200_000_000))
    taken = take_in(tmp_path / "ws", tmp_path, max_doc_bytes=1_000)
    assert taken.bad_files() == {f"a.jsonl.{packer}": "bomb"}
    assert taken.text.counts == {"documents": 10, "quarantined": 1}


def test_one_endless_line_in_a_stream_is_bounded_in_memory(tmp_path: Path) -> None:
    squeeze = zlib.compressobj(wbits=31)
    packed = b"".join(squeeze.compress(b" " * 10_000_000) for _ in range(80)) + squeeze.flush()
    (tmp_path / "a.jsonl.gz").write_bytes(
        gzip.compress(b'{"text": "') + packed + gzip.compress(b'"}\n{"text": "after"}\n')
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    taken = take_in(tmp_path / "ws", tmp_path, max_doc_bytes=10_000_000)
    assert taken.reasons() == {"too_long": 1}
    assert taken.texts() == [None, "after"]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000


def test_a_zstd_stream_with_a_window_of_two_gigabytes_is_refused(tmp_path: Path) -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=31, enable_ldm=False)
    squeeze = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    (tmp_path / "a.jsonl.zst").write_bytes(squeeze.compress(_lines(5)) + squeeze.flush())
    assert take_in(tmp_path / "ws", tmp_path).bad_files() == {"a.jsonl.zst": "corrupt_stream"}


def test_a_zstd_stream_that_needs_a_dictionary_is_refused(tmp_path: Path) -> None:
    words = zstandard.ZstdCompressionDict(_lines(500))
    (tmp_path / "a.jsonl.zst").write_bytes(zstandard.ZstdCompressor(dict_data=words).compress(_lines(5)))
    taken = take_in(tmp_path / "ws", tmp_path)
    assert taken.text.counts["documents"] == 0
    assert len(taken.bad_files()) == 1


def test_files_that_lie_about_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "plain.jsonl.gz").write_bytes(_lines(2))
    (tmp_path / "packed.jsonl").write_bytes(gzip.compress(_lines(3)))
    (tmp_path / "noise.jsonl.zst").write_bytes(b"\x01\x02\x03\x04" * 100)
    (tmp_path / "empty.jsonl.gz").write_bytes(b"")
    (tmp_path / "parquet.jsonl").write_bytes(good_bytes(tmp_path))
    taken = take_in(tmp_path / "ws", tmp_path)
    assert taken.text.counts == {"documents": 5, "quarantined": 0}
    assert taken.bad_files() == {
        "noise.jsonl.zst": "corrupt", "empty.jsonl.gz": "empty_file", "parquet.jsonl": "not_jsonl",
    }  # fmt: skip
