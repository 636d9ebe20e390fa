"""What a disk refuses is told with what to do about it."""

from __future__ import annotations

import errno
import os

import pytest

from pipeline.errors import StorageError
from pipeline.storage.files import said_of_storage, told


def test_a_limit_to_the_size_of_files_is_told_with_what_to_do() -> None:
    refused = OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    with (
        pytest.raises(StorageError, match=r"^ws/a: larger than a file may be here; raise the limit \(ulimit -f\)"),
        told("ws/a"),
    ):
        raise refused
    assert "run the same command again" in str(said_of_storage(refused))
