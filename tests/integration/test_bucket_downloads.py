"""Downloads of an output in a bucket: what is told of a file is that of the bytes that are sent."""

from __future__ import annotations

import contextlib

from api.files import file_response, opened
from pipeline.storage.files import file_stamp, filesystem
from pipeline.storage.store import Store
from tests.fixtures_bucket import bucket, server

__all__ = ["bucket", "server"]


def test_a_file_of_a_bucket_is_told_as_it_was_opened_and_sent_in_ranges(bucket: str) -> None:
    output, path = Store(f"{bucket}/out"), f"{bucket}/out/README.md"
    filesystem(bucket).pipe_file(path, b"the first words")
    found = opened(output, path)
    with contextlib.closing(found.file):
        assert (found.size, found.stamp) == (15, file_stamp(path))
        answer = file_response(found, '"tag"', "text/markdown", "README.md", "bytes=4-8", None)
        assert (answer.status_code, answer.headers["content-range"]) == (206, "bytes 4-8/15")
        found.file.seek(4)
        assert found.file.read(5) == b"first"
    filesystem(bucket).pipe_file(path, b"others, and more of them")
    again = opened(output, path)
    with contextlib.closing(again.file):
        assert (again.size, again.file.read()) == (24, b"others, and more of them")
        assert again.stamp != found.stamp
