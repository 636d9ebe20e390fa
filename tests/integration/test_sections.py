"""Files of sections: each is read by its number, and a byte that changed is seen by whoever reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.dedup.documents.shingle_blocks import Block, read_blocks, section_ends, write_blocks
from pipeline.errors import IntegrityError, UnitFailed
from pipeline.execution.executors import InProcess
from pipeline.job import Job
from pipeline.progress import Silent
from pipeline.recipe_file import validate
from pipeline.stage import Stage, run_stage
from pipeline.storage.manifest import Manifest
from pipeline.storage.sections import checked_sections, read_sections, record_sections, section_writer
from pipeline.storage.store import PartRecord, Store
from pipeline.unit import Unit

ADDED = [(7, b"seven", 2), (0, b"zero", 1), (7, b"seven again", 3), (2, b"", 0)]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    with section_writer(tmp_path / "a.sections") as writer:
        for number, content, rows in ADDED:
            writer.add(number, memoryview(content), rows)
    return Store(str(tmp_path))


def test_sections_come_back_under_their_number_in_the_order_they_were_added(store: Store) -> None:
    found = {n: list(read_sections(store, "a.sections", n)) for n in (0, 1, 2, 7, 8)}
    assert found == {0: [b"zero"], 1: [], 2: [b""], 7: [b"seven", b"seven again"], 8: []}


def test_a_file_without_sections_has_none(tmp_path: Path) -> None:
    with section_writer(tmp_path / "none.sections"):
        pass
    store = Store(str(tmp_path))
    assert list(read_sections(store, "none.sections", 0)) == []
    assert record_sections(store, "k", "none.sections").rows == 0


def test_a_record_says_rows_bytes_and_digest(store: Store) -> None:
    assert checked_sections(store, "k", "a.sections") == record_sections(store, "k", "a.sections")
    told = record_sections(store, "k", "a.sections")
    digest, size = store.digest("a.sections")
    assert (told.key, told.path, told.rows, told.bytes, told.sha256) == ("k", "a.sections", 6, size, digest)


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
            list(read_sections(store, "a.sections", 7))


def test_a_section_is_of_one_unit_and_no_larger_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.dedup.documents.shingle_blocks.SECTION_BYTES", 100)
    unit, set_bytes = np.array([0, 0, 0, 3, 3, 4]), np.array([40, 60, 8, 500, 96, 0])
    assert section_ends(unit, set_bytes) == [(0, 2), (2, 3), (3, 4), (4, 5), (5, 6)]
    assert section_ends(unit[:0], set_bytes[:0]) == []


def test_a_unit_reads_the_sets_it_needs_and_no_others(tmp_path: Path) -> None:
    sets = [[1, 5, 9], [], [2, 2**64 - 1]]
    hashes = np.array([h for s in sets for h in s], np.uint64)
    held = Block(np.array([4, 6, 9]), np.array([0, 3, 3, 5]), hashes)
    with section_writer(tmp_path / "b.sections") as writer:
        write_blocks(writer, held, np.array([0, 0, 5]), np.array([0, 2, 2]))
    store = Store(str(tmp_path))
    told = {
        unit: [
            (int(b.rows[n]), b.hashes[b.bounds[n] : b.bounds[n + 1]].tolist())
            for b in read_blocks(store, "b.sections", unit, 1_000)
            for n in range(len(b.rows))
        ]
        for unit in (0, 1, 5)
    }
    assert told == {0: [(1_004, sets[0]), (1_009, sets[2])], 1: [], 5: [(1_009, sets[2])]}
    assert record_sections(store, "k", "b.sections").rows == 3


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
