"""What a disk or a machine refuses is told with what to do about it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from pipeline.errors import StorageError, UsageError
from pipeline.execution.limits import said_of_limits
from pipeline.storage.files import NOT_OURS, said_of_storage, same_place, told
from pipeline.storage.store import Store


def test_a_limit_to_the_size_of_files_is_told_with_what_to_do() -> None:
    refused = OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    with (
        pytest.raises(StorageError, match=r"^ws/a: larger than a file may be here; raise the limit \(ulimit -f\)"),
        told("ws/a"),
    ):
        raise refused
    assert "run the same command again" in str(said_of_storage(refused))


@pytest.mark.parametrize(
    ("number", "advice"), {errno.EMFILE: "ulimit -n", errno.ELOOP: "circle", errno.EEXIST: "no folder"}.items()
)
def test_what_the_system_refuses_has_advice_of_its_own(number: int, advice: str) -> None:
    refused = str(said_of_storage(OSError(number, os.strerror(number), "ws")))
    assert refused.startswith(f"[Errno {number}] {os.strerror(number)}: 'ws': ")
    assert advice in refused


def test_what_is_refused_elsewhere_is_not_told_of_the_file_that_is_written() -> None:
    def said(filename: str) -> str:
        with pytest.raises(StorageError) as refused, told("/ws/jobs/a.json"):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES), filename)
        return str(refused.value)

    assert said("/tmp/kernels").startswith("[Errno 13] Permission denied: '/tmp/kernels': see to the permissions")
    for own in ("/ws/jobs/a.json", "/ws/jobs", "/ws/tmp/host~12~ab.json"):
        assert said(own).startswith("/ws/jobs/a.json: permission denied; choose a folder you may write")


@pytest.mark.parametrize("words", ["No usable temporary directory found in ['/tmp', '/work']", "AF_UNIX path too long"])
def test_a_temporary_folder_that_serves_nobody_is_told_with_tmpdir(words: str) -> None:
    error = FileNotFoundError(errno.ENOENT, words) if "usable" in words else OSError(words)
    assert "TMPDIR" in str(said_of_storage(error))


def test_what_the_engine_says_of_a_disk_is_told_as_such() -> None:
    for number in (errno.ENOSPC, errno.EACCES):
        refused = duckdb.IOException(f'IO Error: Could not write file "a": {os.strerror(number)}\n\nLINE 1: select')
        assert (
            said_of_storage(refused) == f'IO Error: Could not write file "a": {os.strerror(number)}: {NOT_OURS[number]}'
        )
    assert said_of_storage(duckdb.IOException('IO Error: No files found that match the pattern "a"')) is None


def test_memory_and_processes_that_are_used_up_are_no_fault_of_winnow() -> None:
    for error in (MemoryError(), pa.ArrowMemoryError("malloc of size 128 failed"), OSError(errno.ENOMEM, "no")):
        assert "memory is used up" in str(said_of_limits(error))
    for error in (OSError(errno.EAGAIN, os.strerror(errno.EAGAIN)), RuntimeError("can't start new thread")):
        assert "ulimit -u" in str(said_of_limits(error))
    waits = BlockingIOError(errno.EAGAIN, "write could not complete without blocking", 0)
    assert [said_of_limits(e) for e in (waits, RuntimeError("x"), OSError(errno.ENOSPC, "full"))] == [None] * 3


def test_a_folder_is_one_place_however_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "ws").mkdir()
    (tmp_path / "link").symlink_to("ws")
    for other in ("ws/", "link", "ws/../ws", "./ws"):
        assert same_place(str(tmp_path / "ws"), f"{tmp_path}/{other}"), other
    assert same_place("s3://b/ws", "s3://b/ws/")
    assert not same_place("s3://b/ws", str(tmp_path / "ws"))


def test_a_place_whose_name_is_no_utf_8_is_refused_in_words() -> None:
    with pytest.raises(UsageError, match="its name is not UTF-8"):
        Store(os.fsdecode(b"/nowhere/\xff"))
