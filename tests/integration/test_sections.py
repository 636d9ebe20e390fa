"""Files of sections: each is read by its number, and a byte that changed is seen by whoever reads it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.dedup.documents.shingle_blocks import Block, read_blocks, read_held, readers, write_blocks
from pipeline.errors import IntegrityError, UnitFailed
from pipeline.execution.executors import InProcess
from pipeline.job import Job
from pipeline.progress import Silent
from pipeline.recipe_file import validate
from pipeline.stage import Stage, run_stage
from pipeline.storage.manifest import Manifest
from pipeline.storage.part import PartRecord
from pipeline.storage.sections import checked_sections, open_sections, record_sections, section_writer
from pipeline.storage.store import Store
from pipeline.unit import Unit

ADDED = {0: b"zero", 2: b"two, and more.", 7: b"seven", 9: b""}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    write_added(tmp_path / "a.sections")
    return Store(str(tmp_path))


def write_added(path: Path) -> None:
    """Such that one of no bytes lies where a later number begins."""
    with section_writer(path) as writer:
        writer.add(np.array([0, 7]), np.array([0, 4, 9]), memoryview(b"zeroseven"))
        writer.add(np.array([9]), np.array([0, 0]), memoryview(b""))
        writer.add(np.array([2]), np.array([0, 14]), memoryview(ADDED[2]))


def contents(store: Store, path: str, *numbers: int) -> dict[int, bytes]:
    with open_sections(store, path) as sections:
        entries = sections.find(np.array(numbers, np.int64))
        found: dict[int, bytes] = {}
        for some, content in sections.read(entries[np.lexsort((entries["bytes"], entries["start"]))]):
            ends = np.cumsum(some["bytes"]).tolist()
            assert ends[-1] == len(content)
            pieces = [content[a:b] for a, b in pairwise([0, *ends])]
            found |= dict(zip(some["number"].tolist(), pieces, strict=True))
        return found


@pytest.mark.parametrize("few", [0, 4])
@pytest.mark.parametrize("page", [1, 2, 3, 256])
def test_sections_are_found_by_their_numbers(
    store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, page: int, few: int
) -> None:
    monkeypatch.setattr("pipeline.storage.sections.PAGE_ENTRIES", page)
    monkeypatch.setattr("pipeline.storage.sections.FEW_OF_PAGES", few)
    write_added(tmp_path / "paged.sections")
    for chosen in ([], [0], [9], [0, 9], [2, 7], [*ADDED]):
        assert contents(store, "paged.sections", *chosen) == {n: ADDED[n] for n in chosen}
    assert contents(store, "paged.sections", -5, 0, 1, 3, 7, 8, 10) == {0: b"zero", 7: b"seven"}
    assert checked_sections(store, "k", "paged.sections").rows == 4


def test_of_many_sections_only_the_pages_asked_for_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = np.arange(0, 60_000, 3)
    with section_writer(tmp_path / "many.sections") as writer:
        writer.add(numbers, np.arange(len(numbers) + 1) * 8, numbers.astype(np.int64).data.cast("B"))
    read: list[int] = []
    pread = os.pread

    def counted(file: int, most_bytes: int, start: int) -> bytes:
        read.append(most_bytes)
        return pread(file, most_bytes, start)

    monkeypatch.setattr(os, "pread", counted)
    with open_sections(Store(str(tmp_path)), "many.sections") as sections:
        read.clear()
        found = sections.find(np.array([3, 30_000, 30_001, 59_997]))
        assert found["number"].tolist() == [3, 30_000, 59_997]
        assert len(read) == 3
        assert sum(read) < 20_000, "of 640,000 bytes of entries"
        assert [content for _, content in sections.read(found)] == [np.array([3, 30_000, 59_997]).tobytes()]


@pytest.mark.parametrize(("near", "at_once"), [(0, 10**6), (4, 10**6), (10**6, 9), (10**6, 1), (10**6, 10**6)])
def test_sections_are_the_same_however_many_are_read_at_once(
    store: Store, monkeypatch: pytest.MonkeyPatch, near: int, at_once: int
) -> None:
    monkeypatch.setattr("pipeline.storage.sections.NEAR_BYTES", near)
    monkeypatch.setattr("pipeline.storage.sections.READ_BYTES", at_once)
    for chosen in ([0, 2, 7, 9], [0, 7], [0, 9], [2], [7, 9]):
        assert contents(store, "a.sections", *chosen) == {n: ADDED[n] for n in chosen}


def test_a_file_without_sections_has_none(tmp_path: Path) -> None:
    with section_writer(tmp_path / "none.sections"):
        pass
    store = Store(str(tmp_path))
    assert contents(store, "none.sections", 0) == {}
    assert record_sections(store, "k", "none.sections").rows == 0


def test_a_record_says_rows_bytes_and_digest(store: Store) -> None:
    assert checked_sections(store, "k", "a.sections") == record_sections(store, "k", "a.sections")
    told = record_sections(store, "k", "a.sections")
    digest, size = store.digest("a.sections")
    assert (told.key, told.path, told.rows, told.bytes, told.sha256) == ("k", "a.sections", 4, size, digest)


def test_every_byte_that_changes_is_seen(store: Store) -> None:
    path = Path(store.full("a.sections"))
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 16]) + whole[place + 1 :])
        with pytest.raises(IntegrityError, match=r"a\.sections: other bytes than were written; run the same command"):
            checked_sections(store, "k", "a.sections")


def test_a_torn_file_is_seen_wherever_it_ends(store: Store) -> None:
    path = Path(store.full("a.sections"))
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(IntegrityError, match="other bytes than were written"):
            contents(store, "a.sections", 2, 7)


SETS = {4: [1, 5, 9], 6: [], 9: [2, 2**64 - 1], 10: [3], 30: [4, 6]}


def block(*rows: int) -> Block:
    bounds = np.cumsum([0, *(len(SETS[r]) for r in rows)])
    return Block(np.array(rows), bounds, np.array([h for r in rows for h in SETS[r]], np.uint64))


def told(*blocks: Block) -> dict[int, list[int]]:
    return {
        int(b.rows[n]): b.hashes[b.bounds[n] : b.bounds[n + 1]].tolist() for b in blocks for n in range(len(b.rows))
    }


@pytest.mark.parametrize("read_bytes", [1, 24, 10_000])
def test_a_unit_reads_the_sets_it_asks_for_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read_bytes: int
) -> None:
    monkeypatch.setattr("pipeline.storage.sections.READ_BYTES", read_bytes)
    rows = np.array([*SETS])
    with section_writer(tmp_path / "b.sections") as writer:
        write_blocks(writer, [block(4, 6, 9), block(), block(10, 30)], rows, np.zeros_like(rows))
    store = Store(str(tmp_path))
    everything = {1_000 + row: hashes for row, hashes in SETS.items()}
    for chosen in ([], [1_004], [1_006], [1_006, 1_030], [1_009, 1_010], sorted(everything)):
        wanted = np.array(chosen, np.int64)
        found = list(read_blocks(store, "b.sections", 1_000, 0, wanted))
        assert [int(r) for b in found for r in b.rows] == chosen, "in order, and none twice"
        assert told(*found) == {row: everything[row] for row in chosen}
        held = read_held(store, 0, [("b.sections", 1_000, wanted), ("b.sections", 2_000, np.array([2_030]))])
        assert told(held) == {row: everything[row] for row in chosen} | {2_030: SETS[30]}
    assert record_sections(store, "k", "b.sections").rows == 5


@pytest.mark.parametrize("copied", [1, 16, 10_000])
def test_each_reader_finds_the_sets_it_needs_side_by_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, copied: int
) -> None:
    monkeypatch.setattr("pipeline.dedup.documents.shingle_blocks.COPIED_BYTES", copied)
    needed = [(4, 1), (6, 0), (6, 1), (6, 7), (9, 0), (10, 7), (30, 0), (30, 1)]
    row, reader = np.array(needed).T.copy()
    with section_writer(tmp_path / "b.sections") as writer:
        write_blocks(writer, [block(4, 6, 9), block(10, 30)], row, reader)
    store = Store(str(tmp_path))
    for one in (0, 1, 7, 8):
        own = {r: SETS[r] for r, who in needed if who == one}
        assert told(*read_blocks(store, "b.sections", 0, one, np.array([*SETS]))) == own
        assert told(read_held(store, one, [("b.sections", 0, np.array([*SETS]))])) == own
    assert checked_sections(store, "k", "b.sections").rows == len(needed)
    with open_sections(store, "b.sections") as sections:
        of_0 = sections.find(np.array([6, 9, 30]))
        assert of_0["start"].tolist() == [0, 0, 40], "those of a block one after another"


def test_on_a_disk_all_units_read_the_same_sets_and_in_a_bucket_each_its_own(tmp_path: Path) -> None:
    units = np.array([0, 3, 5])
    assert readers(Store(str(tmp_path)), units).tolist() == [0, 0, 0]
    assert readers(Store("s3://bucket/ws"), units).tolist() == [0, 3, 5]


def test_rows_that_a_part_does_not_have_are_nowhere(tmp_path: Path) -> None:
    with section_writer(tmp_path / "b.sections") as writer:
        write_blocks(writer, [block(4, 6)], np.array([4, 6]), np.zeros(2, np.int64))
    store = Store(str(tmp_path))
    assert list(read_blocks(store, "b.sections", 0, 0, np.array([1, 5, 7]))) == []
    assert told(read_held(store, 0, [("b.sections", 0, np.array([1, 4, 5, 7]))])) == {4: SETS[4]}


@dataclass(frozen=True)
class OfSections(Stage):
    """A stage of one unit, which is not to be done again."""

    kind: str = "shingles"
    corpus: str = "c"
    key: str = "0" * 32
    in_driver: bool = True

    def units(self) -> list[Unit]:
        return [Unit("k", "a.sections", "a", 0, None)]

    def task(self) -> Callable[[Any], PartRecord]:
        return not_again

    def finish(self, parts: list[PartRecord]) -> Manifest:
        rows = sum(p.rows for p in parts)
        return Manifest(self.kind, self.key, self.corpus, tuple(parts), rows, {"sets": rows})


def not_again(_payload: None) -> PartRecord:
    raise AssertionError("made again")


def test_a_part_of_an_earlier_attempt_is_taken_over(store: Store) -> None:
    job = Job(store, validate({"version": 1, "name": "r", "score": ["exact"]}, ""), Silent())
    made = run_stage(store, OfSections(), InProcess(), job, "scratch/shingles.json")
    assert made.parts == (record_sections(store, "k", "a.sections"),)


def test_a_damaged_part_of_an_earlier_attempt_is_set_aside_and_made_again(store: Store) -> None:
    path = Path(store.full("a.sections"))
    path.write_bytes(b"S" + path.read_bytes()[1:])
    job = Job(store, validate({"version": 1, "name": "r", "score": ["exact"]}, ""), Silent())
    with pytest.raises(UnitFailed, match="made again"):
        run_stage(store, OfSections(), InProcess(), job, "scratch/shingles.json")
    assert [p.name[:19] for p in path.parent.glob("a.sections*")] == ["a.sections.damaged-"]
