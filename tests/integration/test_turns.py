"""Turns, in folders and in buckets: one at a time, and whoever falls silent loses its turn and writes no more."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import winnow
from pipeline.errors import Fenced
from pipeline.storage import naming, turns
from pipeline.storage.integrity import Report, check_workspace
from pipeline.storage.store import Store
from pipeline.storage.turns import in_turn
from pipeline.takedown import erasing
from pipeline.takedown.making import Request, take_down
from tests.corpora import documents
from tests.integration.test_ingest_s3 import bucket, server

__all__ = ["bucket", "server"]
AT_ONCE = 6
RECIPE = {"name": "small", "score": ["exact"], "dedup": {"exact": "raw", "guard": {"max_source_loss": 1.0}}}


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return Store(str(tmp_path / "ws") if request.param == "folder" else f"{request.getfixturevalue('bucket')}/ws")


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("LEASE_S", 1.0), ("BEAT_S", 0.1), ("LOOK_S", 0.02)):
        monkeypatch.setattr(turns, name, seconds)


@pytest.fixture
def patient(soon: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is taken for silent because the machine is busy."""
    monkeypatch.setattr(turns, "LEASE_S", 5.0)


@pytest.mark.usefixtures("patient")
def test_turns_never_overlap(store: Store) -> None:
    within, met = [0], []

    def work(_: int) -> None:
        with in_turn(store, "locks/x"):
            within[0] += 1
            met.append(within[0])
            time.sleep(0.05)
            within[0] -= 1

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(work, range(AT_ONCE)))
    assert met == [1] * AT_ONCE


@pytest.mark.usefixtures("patient")
def test_a_turn_that_ends_by_an_error_is_given_up_at_once(store: Store) -> None:
    with pytest.raises(KeyError), in_turn(store, "locks/x"):
        raise KeyError
    begun = time.monotonic()
    with in_turn(store, "locks/x"):
        assert time.monotonic() - begun < turns.LEASE_S


@pytest.mark.usefixtures("patient")
def test_a_long_turn_that_gives_signs_of_life_is_waited_for(bucket: str) -> None:
    store, order = Store(f"{bucket}/ws"), []

    def second() -> None:
        with in_turn(store, "locks/x"):
            order.append("second")

    with in_turn(store, "locks/x"):
        waiting = threading.Thread(target=second)
        waiting.start()
        time.sleep(1.5 * turns.LEASE_S)
        order.append("first")
    waiting.join(30)
    assert order == ["first", "second"]


@pytest.mark.usefixtures("soon")
def test_a_silent_holder_loses_its_turn_and_is_told_before_it_writes(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(f"{bucket}/ws")
    monkeypatch.setattr(turns, "BEAT_S", 60.0)
    with in_turn(store, "locks/x") as check:
        check()
        with in_turn(store, "locks/x") as others:
            others()
            with pytest.raises(Fenced, match=r"locks/x.turns: turn 1 was silent.*give the same command again"):
                check()


@pytest.mark.usefixtures("soon")
def test_a_silent_holder_is_told_however_many_had_their_turn_meanwhile(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(f"{bucket}/ws")
    monkeypatch.setattr(turns, "BEAT_S", 60.0)
    with in_turn(store, "locks/x") as check:
        for _ in range(3):
            with in_turn(store, "locks/x"):
                pass
        with pytest.raises(Fenced, match="turn 1 was silent"):
            check()


@pytest.mark.usefixtures("soon")
def test_of_turns_before_nothing_stays(bucket: str) -> None:
    store = Store(f"{bucket}/ws")
    for _ in range(4):
        with in_turn(store, "locks/x"):
            pass
    assert store.names("locks/x.turns") == ["000004.beat", "000004.json"]


@pytest.mark.usefixtures("soon")
def test_of_a_turn_that_was_lost_nothing_stays(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(f"{bucket}/ws")
    monkeypatch.setattr(turns, "BEAT_S", 60.0)
    with in_turn(store, "locks/x"):
        for _ in range(3):
            with in_turn(store, "locks/x"):
                pass
    with in_turn(store, "locks/x"):
        pass
    assert store.names("locks/x.turns") == ["000005.beat", "000005.json"]


def held(store: Store, text: str) -> bool:
    """Whether any part of the workspace's text holds it."""
    found = store.fs.find(store.full("corpora"))
    paths = [p for p in found if "/text/parts/" in p]
    assert paths
    tables = [pq.read_table(p, filesystem=store.fs) for p in paths]
    return any(text in str(v) for t in tables for row in t.to_pylist() for v in row.values())


@pytest.mark.usefixtures("patient")
def test_a_takedown_in_a_bucket_does_not_bring_back_what_another_emptied(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "crawl").mkdir()
    (tmp_path / "crawl" / "a.jsonl").write_text("\n".join(json.dumps(d) for d in documents(40)))
    store = Store(f"{bucket}/ws")
    winnow.run(RECIPE, [str(tmp_path / "crawl")], workspace=store.root, executor="local", workers=1)
    reading, others_done, replace = threading.Event(), threading.Event(), naming.replace

    def slowly(*given: Any) -> None:
        """The first puts what it has read in place only when the other is done, or when that does not come to be."""
        if not reading.is_set():
            reading.set()
            others_done.wait(5.0)
        replace(*given)

    def take(number: int) -> None:
        take_down(store, Request("ticket 7", ids=(f"doc-{number:05d}",)))

    monkeypatch.setattr(naming, "replace", slowly)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(take, 1)
        assert reading.wait(60)
        other = pool.submit(take, 3)
        other.add_done_callback(lambda _: others_done.set())
        first.result(60)
        other.result(60)
    assert [n for n in (1, 3) if held(store, documents(40)[n]["text"])] == []
    assert held(store, documents(40)[5]["text"])
    assert check_workspace(store).faults == []


def test_a_takedown_waits_for_one_of_another_corpus(tmp_path: Path) -> None:
    # tables beside reference sets list parts of several corpora, and are written again as they were read
    store = Store(str(tmp_path / "ws"))
    (tmp_path / "crawl").mkdir()
    (tmp_path / "crawl" / "a.jsonl").write_text("\n".join(json.dumps(d) for d in documents(40)))
    winnow.run(RECIPE, [str(tmp_path / "crawl")], workspace=store.root, executor="local", workers=1)
    taking = threading.Thread(target=lambda: take_down(store, Request("ticket 7", ids=("doc-00001",))))
    with in_turn(store, erasing.TURNS):
        taking.start()
        taking.join(1.0)
        assert taking.is_alive()
        assert held(store, documents(40)[1]["text"])
    taking.join(30)
    assert not held(store, documents(40)[1]["text"])


def test_what_a_takedown_is_writing_again_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, listed, reports = Store(str(tmp_path / "ws")), erasing._list_again, list[Report]()
    (tmp_path / "crawl").mkdir()
    (tmp_path / "crawl" / "a.jsonl").write_text("\n".join(json.dumps(d) for d in documents(40)))
    winnow.run(RECIPE, [str(tmp_path / "crawl")], workspace=store.root, executor="local", workers=1)
    looking = threading.Thread(target=lambda: reports.append(check_workspace(store)))

    def list_again(*arguments: Any) -> None:
        looking.start()
        looking.join(1.0)  # the file has its new bytes, the manifest does not say so yet
        assert looking.is_alive()
        listed(*arguments)

    monkeypatch.setattr(erasing, "_list_again", list_again)
    take_down(store, Request("ticket 7", ids=("doc-00001",)))
    looking.join(30)
    assert [r.faults for r in reports] == [[]]
    assert reports[0].tables > 3


def test_who_may_only_read_a_bucket_is_told_of_its_faults(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(f"{bucket}/ws")
    (tmp_path / "crawl").mkdir()
    (tmp_path / "crawl" / "a.jsonl").write_text("\n".join(json.dumps(d) for d in documents(40)))
    winnow.run(RECIPE, [str(tmp_path / "crawl")], workspace=store.root, executor="local", workers=1)
    take_down(store, Request("ticket 7", ids=("doc-00001",)))
    damaged = next(p for p in store.fs.find(store.full("corpora")) if "/notes/parts/" in p)
    store.fs.pipe_file(damaged, b"damaged")

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError("Access Denied")

    monkeypatch.setattr(Store, "_publish", refuse)
    assert [f.path.rsplit("/", 1)[-1] for f in check_workspace(store).faults] == [damaged.rsplit("/", 1)[-1]]
