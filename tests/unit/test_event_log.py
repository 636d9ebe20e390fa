"""The log of a job: ids are byte offsets, a reader goes on from any of them, torn lines never show."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.control import events as log
from pipeline.control.events import events_path, read_events
from pipeline.storage.store import Store


def write(store: Store, *verbs: str) -> None:
    for verb in verbs:
        store.append(events_path("job_1"), json.dumps({"at": "2026-11-21T00:00:00.000Z", "verb": verb, "n": 1}))


def verbs_of(store: Store, after: int = 0, limit: int = 1000) -> list[str]:
    return [e.verb for e in read_events(store, "job_1", after, limit)[0]]


def test_a_job_without_a_log_has_no_events(tmp_path: Path) -> None:
    assert read_events(Store(str(tmp_path)), "job_1") == ([], 0)
    assert read_events(Store(str(tmp_path)), "job_1", after=77) == ([], 77)


def test_ids_are_offsets_of_line_ends_and_a_reader_goes_on_after_any(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    write(store, "a", "b", "c")
    events, behind = read_events(store, "job_1")
    raw = (tmp_path / events_path("job_1")).read_bytes()
    assert [e.id for e in events] == [i + 1 for i, byte in enumerate(raw) if byte == 10]
    assert behind == len(raw)
    assert [verbs_of(store, e.id) for e in events] == [["b", "c"], ["c"], []]
    assert events[0].fields == {"n": 1}


def test_a_page_ends_at_its_limit_and_the_next_begins_there(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    write(store, "a", "b", "c")
    first, behind = read_events(store, "job_1", limit=2)
    assert ([e.verb for e in first], verbs_of(store, behind)) == (["a", "b"], ["c"])


def test_an_offset_inside_a_line_goes_on_behind_it(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    write(store, "a", "b")
    assert verbs_of(store, after=3) == ["b"]


def test_a_line_being_written_comes_when_it_is_whole(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    write(store, "a")
    path = tmp_path / events_path("job_1")
    line = '{"at": "2026-11-21T00:00:01.000Z", "verb": "b"}\n'
    with path.open("a") as file:
        file.write(line[:20])
    events, behind = read_events(store, "job_1")
    assert ([e.verb for e in events], behind) == (["a"], events[-1].id)
    with path.open("a") as file:
        file.write(line[20:])
    assert verbs_of(store, behind) == ["b"]


def test_a_torn_line_is_ended_by_the_next_writer_and_left_out(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    write(store, "a", "b")
    path = tmp_path / events_path("job_1")
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    write(store, "c")
    assert verbs_of(store) == ["a", "c"]
    assert path.read_bytes().count(b"\n") == 3


@pytest.mark.parametrize("read_bytes", [8, 64, 100])
def test_lines_longer_than_a_read_are_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read_bytes: int) -> None:
    monkeypatch.setattr(log, "READ_BYTES", read_bytes)
    store = Store(str(tmp_path))
    write(store, "a" * 500, "b", "c" * 70)
    assert verbs_of(store) == ["a" * 500, "b", "c" * 70]
    ids = [e.id for e in read_events(store, "job_1")[0]]
    assert [verbs_of(store, i) for i in ids] == [["b", "c" * 70], ["c" * 70], []]


def test_a_name_that_is_no_utf8_stays_readable(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    store.append(events_path("job_1"), json.dumps({"at": "x", "verb": "v", "file": "a\udc80b"}, ensure_ascii=False))
    assert read_events(store, "job_1")[0][0].fields == {"file": "a\udc80b"}
