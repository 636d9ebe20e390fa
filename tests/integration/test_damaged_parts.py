"""A part of an exchanged table, or a file of an export, that is damaged: the one says where it lies and what to do, the other
is made again."""

from __future__ import annotations

import os
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import winnow
from pipeline.errors import IntegrityError
from pipeline.stages.export import KINDS, Export
from pipeline.storage import packing
from pipeline.storage.integrity import check_export, check_workspace, repair
from pipeline.storage.store import Store
from tests.corpora import prose
from tests.damages import FILE_KINDS, damage_file
from tests.integration import test_incremental as growing
from tests.integration.test_run import digests

ADDED = "part-9.parquet"


@pytest.mark.parametrize("how", ["cut short", "page flipped", "deleted"])
def test_a_range_of_a_damaged_part_says_how_to_set_it_aside(tmp_path: Path, how: str) -> None:
    store = Store(str(tmp_path))
    keys = pa.table({"hash": pa.array(range(5000), pa.int64())})
    store.commit_table("corpora/c/bands/parts/a.parquet", keys)
    assert store.rows_between("corpora/c/bands/parts/a.parquet", "hash", 7, 9, ["hash"]).num_rows == 3
    path = tmp_path / "corpora/c/bands/parts/a.parquet"
    assert pq.read_metadata(path).num_rows == 5000
    damage_file(path, how)
    with pytest.raises(IntegrityError, match=f"{re.escape(str(path))}.*winnow verify --repair --workspace {tmp_path}"):
        store.rows_between("corpora/c/bands/parts/a.parquet", "hash", 7, 9, ["hash"])


class Exported:
    """An export and its workspace, a copy of them for each test; what it grows by; and fresh exports of both states."""

    def __init__(self, root: Path) -> None:
        self.root, self.folder, self.more = root, root / "crawl", root / "more"
        growing.old_files(self.folder)
        nothing_removed: list[dict[str, Any]] = [_document(f"new-{n}", prose(3000 + n)) for n in range(40)]
        growing.write(self.folder, "part-6.parquet", [*nothing_removed, _document("no-text", None)])
        growing.write(self.more, ADDED, growing.added(40))
        growing.run(root / "first", self.folder)
        self.fresh = {False: digests(root / "first" / "out")}
        self.grow()
        growing.run(root / "whole", self.folder)
        self.fresh[True] = digests(root / "whole" / "out")
        self.shrink()

    def grow(self) -> None:
        """As a link: the same file each time, whose time of writing is the same."""
        (self.folder / ADDED).hardlink_to(self.more / ADDED)

    def shrink(self) -> None:
        (self.folder / ADDED).unlink(missing_ok=True)

    def copy(self) -> Path:
        shutil.rmtree(self.root / "copy", ignore_errors=True)
        return Path(shutil.copytree(self.root / "first", self.root / "copy"))

    def staying(self, kind: str) -> list[Path]:
        """Of a folder of the export: one file with rows and, beside data/, one without, both as they are in the grown one, too."""
        found = [
            p for p in sorted((self.root / "first" / "out" / kind).iterdir()) if f"{kind}/{p.name}" in self.fresh[True]
        ]
        by_rows = {bool(pq.read_metadata(p).num_rows): p for p in found}
        assert by_rows.keys() == ({True} if kind == "data" else {True, False})
        return [p.relative_to(self.root / "first") for p in by_rows.values()]


def _document(name: str, text: str | None) -> dict[str, Any]:
    return {"id": name, "text": text, "url": f"https://new.org/{name}", "source": "new"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exported]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "LEAST_FILE_BYTES", 20_000)
        yield Exported(tmp_path_factory.mktemp("exported"))


@pytest.fixture
def exported(made: Exported) -> Iterator[Exported]:
    yield made
    made.shrink()


@pytest.mark.parametrize("grown", [False, True], ids=["the same", "grown"])
@pytest.mark.parametrize("how", FILE_KINDS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_of_an_export_is_made_again(exported: Exported, kind: str, how: str, grown: bool) -> None:
    root = exported.copy()
    for path in exported.staying(kind):
        damage_file(root / path, how)
    if grown:
        exported.grow()
    growing.run(root, exported.folder)
    assert digests(root / "out") == exported.fresh[grown]
    assert check_export(Store(str(root / "out"))).faults == []


@pytest.mark.parametrize("how", ["deleted", "cut short", "page flipped"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_of_an_unfinished_export_is_made_again(exported: Exported, kind: str, how: str) -> None:
    root = exported.copy()
    (root / "out" / "manifest.json").unlink()
    for path in exported.staying(kind):
        damage_file(root / path, how)
    growing.run(root, exported.folder)
    assert digests(root / "out") == exported.fresh[False]


@pytest.mark.parametrize("grown", [False, True], ids=["the same", "grown"])
def test_what_was_written_is_known_until_an_export_is_mended(
    exported: Exported, monkeypatch: pytest.MonkeyPatch, grown: bool
) -> None:
    root = exported.copy()
    if grown:
        exported.grow()
    for path in exported.staying("removed"):
        (root / path).unlink()
    with monkeypatch.context() as patch:
        patch.setattr(Export, "finish", _interrupted)
        with pytest.raises(InterruptedError):
            growing.run(root, exported.folder)
    for path in (p for kind in KINDS for p in exported.staying(kind)):
        damage_file(root / path, "writer's name flipped")
    growing.run(root, exported.folder)
    assert digests(root / "out") == exported.fresh[grown]


def _interrupted(*_: object) -> None:
    raise InterruptedError


@pytest.mark.parametrize("grown", [False, True], ids=["the same", "grown"])
def test_a_file_that_stays_is_read_for_its_digest_where_it_was_changed_since(
    exported: Exported, monkeypatch: pytest.MonkeyPatch, grown: bool
) -> None:
    root = exported.copy()
    if grown:
        exported.grow()
    stay = {p for p in exported.fresh[False].keys() & exported.fresh[grown].keys() if p.startswith(KINDS)}
    assert len(stay) >= 9
    touched = min(stay)
    os.utime(root / "out" / touched)
    read: Counter[str] = Counter()
    digest, record = Store.digest, Store.record
    monkeypatch.setattr(Store, "digest", lambda s, path: read.update([path]) or digest(s, path))
    monkeypatch.setattr(Store, "record", lambda s, key, path, *a: read.update([path]) or record(s, key, path, *a))
    growing.run(root, exported.folder)
    assert {path: read[path] for path in stay} == {path: int(path == touched) for path in stay}


def test_nothing_of_an_export_into_an_empty_folder_is_read_to_be_taken_over(
    exported: Exported, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = exported.copy()
    shutil.rmtree(root / "out")
    read: list[str] = []
    digest = Store.digest
    monkeypatch.setattr(Store, "digest", lambda s, path: read.append(path) or digest(s, path))
    growing.run(root, exported.folder)
    assert read == []
    assert digests(root / "out") == exported.fresh[False]


@pytest.mark.parametrize("kind", ["text", "notes", "verdict", "dedup", "mix"])
@pytest.mark.parametrize("how", ["deleted", "cut short"])
def test_a_question_about_tables_with_a_damaged_part_says_what_to_do(exported: Exported, kind: str, how: str) -> None:
    root = exported.copy()
    damage_file(min((root / "ws/corpora/crawl" / kind / "parts").rglob("*.parquet")), how)
    with pytest.raises(IntegrityError, match=f"cannot be read.*winnow verify --repair --workspace {root / 'ws'}"):
        winnow.sql("select count(*) from documents", workspace=str(root / "ws"))
    store = Store(str(root / "ws"))
    repair(store, check_workspace(store))
    growing.run(root, exported.folder)
    assert digests(root / "out") == exported.fresh[False]
    assert winnow.sql("select count(*) as n from documents", workspace=str(root / "ws")).to_pylist()[0]["n"] > 0


def test_text_that_no_manifest_lists_yet_and_whose_footer_is_damaged_is_taken_in_again(exported: Exported) -> None:
    root = exported.copy()
    text = root / "ws/corpora/crawl/text"
    for manifest in text.glob("*/manifest.json"):
        manifest.unlink()
    part = min((text / "parts").rglob("*.parquet"))
    told = part.read_bytes()
    part.write_bytes(
        told[: told.rindex(b'"tally"')] + told[told.rindex(b'"tally"') :].replace(b"documents", b"doctments", 1)
    )
    with pytest.raises(IntegrityError, match=r"doctments.*Run the same command again"):
        growing.run(root, exported.folder)
    growing.run(root, exported.folder)
    assert digests(root / "out") == exported.fresh[False]


def test_sets_that_no_manifest_lists_yet_and_that_are_cut_short_are_made_again(exported: Exported) -> None:
    root = exported.copy()
    for kind in ("sets", "pairs", "dedup"):
        for manifest in (root / "ws/corpora/crawl" / kind).glob("*/manifest.json"):
            manifest.unlink()
    shutil.rmtree(root / "ws/corpora/crawl/pairs/parts")
    for part in (root / "ws/corpora/crawl/sets/parts").rglob("*.parquet"):
        damage_file(part, "cut short")
    growing.run(root, exported.folder)
    assert digests(root / "out") == exported.fresh[False]
