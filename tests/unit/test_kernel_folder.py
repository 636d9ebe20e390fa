"""Where compiled kernels are kept, and what is said where they cannot be."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from pipeline import doctor
from scorers import models
from scorers.kernels import jit


def test_a_folder_that_takes_no_kernels_is_told_with_what_to_set(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PermissionError, match="set NUMBA_CACHE_DIR to a folder that you may write"):
        jit._writable(tmp_path / "file" / "kernels")
    assert jit._writable(tmp_path / "new" / "kernels").is_dir()


def test_the_doctor_looks_where_kernels_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    for name, state in (("new", "good"), ("file", "bad")):
        monkeypatch.setattr(jit, "cache_home", lambda name=name: tmp_path / name / "kernels")
        found = doctor._cache()
        assert (found.state, found.found) == (state, f"{tmp_path}/{name}/kernels")


def test_a_folder_that_is_closed_to_this_user_is_one_thing_the_doctor_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(name: str) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), f"/closed/{name}")

    monkeypatch.setattr(models, "find", closed)
    found = {check.what: check for check in doctor.examine(str(tmp_path))}
    assert found["language model"].state == "bad"
    assert found["language model"].found == "[Errno 13] Permission denied: '/closed/lid.176'"
    assert found["workspace"].state in ("good", "look")
