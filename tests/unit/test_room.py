"""Arrays in memory, or in files that go with them."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pipeline.dedup import room
from pipeline.dedup.room import Room, chunks
from pipeline.errors import StorageError


def _room(spills: bool, folder: Path) -> Room:
    return Room(folder if spills else None)


def test_what_fits_lies_in_memory_and_what_does_not_in_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Room.of(room.HELD_BYTES, tmp_path) == Room()
    assert Room.of(room.HELD_BYTES + 1, tmp_path) == Room(tmp_path)
    monkeypatch.setattr(room, "CHUNK", 4)
    assert [(c.start, c.stop) for c in chunks(9)] == [(0, 4), (4, 8), (8, 9)]
    assert list(chunks(0)) == []


@pytest.mark.parametrize("spills", [False, True])
def test_arrays_are_the_same_wherever_they_lie(spills: bool, tmp_path: Path) -> None:
    made = _room(spills, tmp_path).full(1_000, np.float64, 0.5)
    made[10:20] = np.arange(10)
    assert (made.dtype, made.shape, made.flags.writeable, made.flags.c_contiguous) == (np.float64, (1_000,), True, True)
    assert made.sum() == 990 * 0.5 + 45
    assert len(_room(spills, tmp_path).empty(0, np.int32)) == 0


@pytest.mark.parametrize("spills", [False, True])
def test_strings_of_several_arrays_follow_each_other(spills: bool, tmp_path: Path) -> None:
    whole = pa.array(["zero", "", "zwei", "drei", "ü", "fünf"], pa.large_string())
    found = _room(spills, tmp_path).strings([whole.slice(1, 3), whole.slice(0, 0), whole.slice(4)])
    found.validate(full=True)
    assert found.to_pylist() == ["", "zwei", "drei", "ü", "fünf"]
    assert found.take(pa.array([3, 0])).to_pylist() == ["ü", ""]
    assert _room(spills, tmp_path).strings([]).to_pylist() == []


def test_files_have_no_name_and_go_with_their_arrays(tmp_path: Path) -> None:
    made = Room(tmp_path / "not there yet").full(100_000, np.int64, 7)
    assert [p.name for p in tmp_path.rglob("*")] == ["not there yet"]
    assert str(tmp_path) in Path("/proc/self/maps").read_text()
    del made
    assert str(tmp_path) not in Path("/proc/self/maps").read_text()


def test_a_full_disk_is_an_error_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(StorageError, match=f"{tmp_path}: no space is left"):
        Room(tmp_path).empty(10, np.int64)
