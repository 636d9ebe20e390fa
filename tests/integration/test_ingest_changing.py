"""Input that changes while it is read: nothing of it is published, so that it is never taken for what was listed."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import IntegrityError
from pipeline.sources import copying, jsonl, pages, parquet, textfile
from tests.taking_in import take_in, write_docs


def _parquet(path: Path, word: str, rows: int = 30) -> None:
    texts = [f"{word} number {i} " * 10 for i in range(rows)]
    write_docs(path, list(texts), row_group_size=10, use_dictionary=False)


def _jsonl(path: Path, word: str, rows: int = 30) -> None:
    path.write_text("\n".join(json.dumps({"text": f"{word} number {i}"}) for i in range(rows)))


def _gzip(path: Path, word: str, rows: int = 30) -> None:
    _jsonl(path, word, rows)
    path.write_bytes(gzip.compress(path.read_bytes(), mtime=0))


def _text(path: Path, word: str, rows: int = 30) -> None:
    path.write_text(f"{word} number 1 " * rows)


WRITERS: dict[str, Callable[..., None]] = {"parquet": _parquet, "jsonl": _jsonl, "jsonl.gz": _gzip, "txt": _text}
PLACES: dict[str, list[tuple[Any, str]]] = {
    "parquet": [(parquet, "reader"), (parquet, "decode"), (parquet, "commit_rows")],
    "copy": [(copying, "chunk_fault"), (copying, "reader"), (copying, "decode"), (copying, "register")],
    "jsonl": [(jsonl, "blocks_of"), (jsonl, "parse")],
    "jsonl.gz": [(jsonl, "blocks_of"), (jsonl, "parse")],
    "txt": [(textfile, "_read"), (textfile, "judge_text")],
}


def _replaced(path: Path, write: Callable[..., None]) -> None:
    fresh = path.with_name("fresh")
    write(fresh, "gamma")
    os.replace(fresh, path)


def _written_over(path: Path, write: Callable[..., None]) -> None:
    fresh = path.with_name("fresh")
    write(fresh, "gamma")
    path.write_bytes(fresh.read_bytes())
    fresh.unlink()


def _smaller(path: Path, write: Callable[..., None]) -> None:
    write(path.with_name("fresh"), "alpha", 5)
    os.replace(path.with_name("fresh"), path)


def _cut_short(path: Path, write: Callable[..., None]) -> None:
    os.truncate(path, 60)


def _gone(path: Path, write: Callable[..., None]) -> None:
    path.unlink()


@pytest.mark.parametrize("change", [_replaced, _written_over, _smaller, _cut_short, _gone])
@pytest.mark.parametrize(
    ("how", "owner", "name"), [(how, *place) for how, places in PLACES.items() for place in places]
)
def test_what_changes_while_it_is_read_is_refused_and_taken_in_when_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, owner: Any, name: str, change: Callable[..., None]
) -> None:
    suffix = "parquet" if how == "copy" else how
    path, write, real, met = tmp_path / "in" / f"a.{suffix}", WRITERS[suffix], getattr(owner, name), list[int]()
    path.parent.mkdir()
    write(path, "alpha")
    shutil.copy2(path, tmp_path / "as-it-was")

    def changing(*arguments: Any, **more: Any) -> Any:
        if not met:
            met.append(1)
            change(path, write)
        return real(*arguments, **more)

    monkeypatch.setattr(owner, name, changing)
    if (how, name) != ("txt", "judge_text"):  # it was read by then, as it was
        with pytest.raises(IntegrityError, match="changed while the job ran"):
            take_in(tmp_path / "ws", tmp_path / "in", copy=how == "copy")
    shutil.copy2(tmp_path / "as-it-was", path)
    taken = take_in(tmp_path / "ws", tmp_path / "in", copy=how == "copy")
    assert {t.split()[0] for t in taken.texts() if t} == {"alpha"}
    assert (None in taken.texts(), taken.reasons(), taken.bad_files()) == (False, {}, {})


def test_a_reader_of_pages_tells_no_fault_of_a_file_that_was_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "in" / "a.parquet"
    _parquet(path, "alpha")
    shutil.copy2(path, tmp_path / "as-it-was")

    def broken(*_: Any) -> Any:
        _replaced(path, _parquet)
        raise pages.Unreadable(0, "corrupt_page", "torn")

    with monkeypatch.context() as patch:
        patch.setattr(parquet, "decode", broken)
        with pytest.raises(IntegrityError, match="changed while the job ran"):
            take_in(tmp_path / "ws", tmp_path / "in")
    shutil.copy2(tmp_path / "as-it-was", path)
    assert take_in(tmp_path / "ws", tmp_path / "in").reasons() == {}
