"""A bucket that cannot be reached, or refuses: it is told as such, and no part is taken for damaged."""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from pipeline.catalog.chosen import choose_job, sound_jobs
from pipeline.cli import main
from pipeline.errors import IntegrityError
from pipeline.storage.files import filesystem, said_of_storage
from pipeline.storage.parquet import intact
from pipeline.storage.store import Store

REFUSED = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetObject")


def _as_the_driver_tells_it() -> OSError:
    """s3fs hides what S3 said behind an error of the operating system's."""
    error = PermissionError("no")
    error.__cause__ = REFUSED
    return error


@pytest.mark.parametrize("asked", [["corpora"], ["verify"], ["sql", "select 1"], ["run", "minimal", "IN"]])
def test_a_command_says_that_its_bucket_cannot_be_reached(
    asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in.jsonl").write_text('{"text": "one"}\n')
    asked = [str(tmp_path / "in.jsonl") if a == "IN" else a for a in asked]
    nowhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    for name, value in {**nowhere, "AWS_MAX_ATTEMPTS": "1"}.items():
        monkeypatch.setenv(name, value)
    filesystem("s3://nowhere").clear_instance_cache()
    monkeypatch.setattr("s3fs.core.S3FileSystem.retries", 1)
    monkeypatch.setattr("pipeline.cli._end", sys.exit)
    monkeypatch.setattr("sys.argv", ["winnow", *asked, "--workspace", "s3://nowhere/ws"])
    with pytest.raises(SystemExit, match="1"):
        main()
    filesystem("s3://nowhere").clear_instance_cache()
    said = capsys.readouterr().err
    assert "error: object storage failed (EndpointConnectionError" in said
    assert "AWS_ENDPOINT_URL" in said


def test_what_storage_says_is_told_from_other_errors() -> None:
    unreachable = EndpointConnectionError(endpoint_url="http://127.0.0.1:9")
    assert "GetObject" in str(said_of_storage(_as_the_driver_tells_it()))
    assert "127.0.0.1:9" in str(said_of_storage(unreachable))
    assert "make room" in str(said_of_storage(OSError(errno.ENOSPC, "No space left")))
    assert said_of_storage(ValueError("x")) is None
    gone = FileNotFoundError("bucket/x")
    gone.__cause__ = REFUSED
    assert said_of_storage(gone) is None


def test_a_job_that_its_bucket_does_not_give_is_not_taken_for_a_damaged_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(str(tmp_path))
    store.put_json("jobs/job_a/job.json", {"state": "completed", "tables": {"text": ["k"]}})
    (tmp_path / "jobs" / "job_b").mkdir()
    (tmp_path / "jobs" / "job_b" / "job.json").write_text("{torn")
    assert [j.id for j in sound_jobs(store)] == ["job_a"]
    assert choose_job(store).id == "job_a"

    def refuse(*_: Any) -> None:
        raise _as_the_driver_tells_it()

    monkeypatch.setattr(Store, "find_json", refuse)
    for ask in (choose_job, lambda s: list(sound_jobs(s))):
        with pytest.raises(PermissionError):
            ask(store)


def test_a_part_is_not_damaged_where_its_bucket_fails() -> None:
    with pytest.raises(PermissionError), intact("s3://b/ws/part.parquet", "s3://b/ws"):
        raise _as_the_driver_tells_it()
    with pytest.raises(IntegrityError, match="verify --repair"), intact("s3://b/ws/part.parquet", "s3://b/ws"):
        raise FileNotFoundError("b/ws/part.parquet")
