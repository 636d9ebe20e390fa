"""A job's events over HTTP: everything once and in order, whoever writes the log and however often a connection is cut."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.hosting import Hosted, hosted, problem
from tests.listening import Ear, Event

JSON = {"Accept": "application/json"}


class Log:
    """A job that another process works on, as far as its files tell."""

    def __init__(self, workspace: Path, job_id: str) -> None:
        self.folder = workspace / "jobs" / job_id
        self.folder.mkdir(parents=True)
        self.id = job_id
        self.written: list[str] = []
        self.record("running")

    def record(self, state: str) -> None:
        told = {
            "id": self.id,
            "name": "made-up",
            "state": state,
            "created_at": "2026-11-21T09:30:00.000Z",
            "at": "2026-11-21T09:30:00.000Z",
        }
        aside = self.folder / "job.json.aside"
        aside.write_text(json.dumps(told))
        aside.replace(self.folder / "job.json")

    def say(self, verb: str, **fields: object) -> None:
        line = json.dumps({"at": "2026-11-21T09:30:00.000Z", "verb": verb, **fields})
        with (self.folder / "events.jsonl").open("a") as file:
            file.write(line + "\n")
        self.written.append(verb)

    def unit(self, done: int, units: int = 1000) -> None:
        progress = {
            "units_done": done,
            "units": units,
            "rows": done * 10,
            "bytes_done": done * 1000,
            "bytes": units * 1000,
            "seconds": done / 10,
        }
        self.say("unit_done", stage="notes", part=f"{done:032x}", progress=progress)

    def end(self, state: str = "completed") -> None:
        self.say("state", state=state)
        self.record(state)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosted]:
    with hosted(tmp_path_factory.mktemp("api-events") / "ws", limits={"sse_streams_per_key": 30}) as running:
        yield running


@pytest.fixture
def log(service: Hosted, request: pytest.FixtureRequest) -> Log:
    return Log(Path(service.service.store.root), f"job_{abs(hash(request.node.name)):x}")


def eventually(true: Callable[[], bool], seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)
    return true()


def names(heard: list[Event]) -> list[str]:
    return [event for _, event, _ in heard]


def test_the_stream_of_an_ended_job_tells_all_of_it_and_ends(service: Hosted, log: Log) -> None:
    log.say("state", state="running")
    log.say("stage_started", stage="notes", units=3)
    log.say("warning", message="one file is in quarantine")
    log.say("stage_finished", stage="notes", rows=30)
    log.end()
    ear = Ear(service.url, log.id)
    assert ear.listen()
    assert names(ear.heard) == ["state", "stage", "warning", "stage", "state", "done"]
    assert ear.heard[2][2]["message"] == "one file is in quarantine"
    size = (log.folder / "events.jsonl").stat().st_size
    assert [id for id, _, _ in ear.heard][-2:] == [size, size]
    assert ear.heard[-1][2] == service.get(f"/v1/jobs/{log.id}").json()


def test_every_event_comes_once_and_in_order_through_a_hundred_cuts(service: Hosted, log: Log) -> None:
    random.seed(20261121)
    stages = 300

    def work() -> None:
        for n in range(stages):
            log.say("stage_started", stage=f"stage-{n}", units=2)
            log.unit(1, 2)
            log.unit(2, 2)
            log.say("stage_finished", stage=f"stage-{n}", rows=n)
            time.sleep(0.01)
        log.end()

    writer = threading.Thread(target=work)
    writer.start()
    heard: list[Event] = []
    cuts = 0
    while not heard or heard[-1][1] != "done":
        ear = Ear(service.url, log.id, heard[-1][0] if heard else None)
        ear.listen(random.randint(200, 2500) if cuts < 100 else None)
        ear.close()
        heard += ear.heard
        cuts += 1
    writer.join()
    told = [(event, data["verb"], data.get("stage")) for _, event, data in heard[:-1] if event != "progress"]
    assert told == [
        ("stage", verb, f"stage-{n}") for n in range(stages) for verb in ("stage_started", "stage_finished")
    ] + [("state", "state", None)]
    assert cuts > 100
    ids = [id for id, _, _ in heard]
    assert ids == sorted(ids)


def test_a_burst_of_finished_units_is_told_at_most_once_a_second(service: Hosted, log: Log) -> None:
    log.say("stage_started", stage="notes", units=1000)
    ear = Ear(service.url, log.id)
    began = time.monotonic()
    for n in range(1, 1001):
        log.unit(n)
        time.sleep(0.002)
    log.end()
    assert ear.listen()
    progress = [data for _, event, data in ear.heard if event == "progress"]
    assert 1 <= len(progress) <= time.monotonic() - began + 2
    assert progress[-1]["units"] == 1000
    assert progress[-1]["eta_s"] == pytest.approx((1000 - progress[-1]["units_done"]) / 10, abs=0.2)
    assert progress[-1]["mb_per_s"] == 0.01


def test_the_last_progress_is_told_although_nothing_follows_it(service: Hosted, log: Log) -> None:
    log.say("stage_started", stage="notes", units=1000)
    ear = Ear(service.url, log.id)
    listening = threading.Thread(target=ear.listen)
    listening.start()
    for n in (1, 2, 3):
        log.unit(n)
    assert eventually(lambda: bool(ear.heard) and ear.heard[-1][2].get("units_done") == 3)
    log.end()
    listening.join(60)


def test_listeners_that_go_away_leave_nothing_behind(service: Hosted, log: Log) -> None:
    log.say("state", state="running")
    ears = [Ear(service.url, log.id) for _ in range(20)]
    for ear in ears:
        ear.listen(300)
    assert eventually(lambda: service.service.streams.taken() == 20)
    assert eventually(lambda: service.service.tails.watched() == 1)
    for ear in ears:
        ear.close()
    assert eventually(lambda: service.service.streams.taken() == 0)
    assert eventually(lambda: service.service.tails.watched() == 0)


def test_more_streams_than_a_caller_has_places_are_refused(service: Hosted, log: Log) -> None:
    log.say("state", state="running")
    ears = [Ear(service.url, log.id) for _ in range(30)]
    assert eventually(lambda: service.service.streams.taken() == 30)
    answer = service.get(f"/v1/jobs/{log.id}/events", headers={"Accept": "text/event-stream"})
    problem(answer, 429, "too_many_streams")
    assert int(answer.headers["retry-after"]) >= 1
    for ear in ears:
        ear.close()
    assert eventually(lambda: service.service.streams.taken() == 0)


def test_a_reader_who_takes_nothing_holds_no_one_up_and_little_memory(service: Hosted, log: Log) -> None:
    import psutil

    with (log.folder / "events.jsonl").open("a") as file:
        for n in range(20_000):
            file.write(json.dumps({"at": "t", "verb": "warning", "message": f"{n} " + "x" * 500}) + "\n")
    before = psutil.Process().memory_info().rss
    idle = [Ear(service.url, log.id) for _ in range(20)]
    quick = Ear(service.url, log.id)
    log.end()
    assert quick.listen()
    assert len(quick.heard) == 20_002
    assert (
        psutil.Process().memory_info().rss - before < 150 << 20
    )  # the quick reader's own list is in this process, too
    for ear in idle:
        ear.close()
    assert eventually(lambda: service.service.streams.taken() == 0)


def test_pages_hold_what_the_stream_tells(service: Hosted, log: Log) -> None:
    for n in range(25):
        log.say("stage_started", stage=f"s{n}", units=2)
        log.unit(1, 2)
        log.unit(2, 2)
    found, after = [], 0
    while True:
        page = service.get(f"/v1/jobs/{log.id}/events", params={"after": after, "limit": 7}, headers=JSON).json()
        if page["next"] == after:
            break
        found += [(e["id"], e["event"]) for e in page["items"]]
        after = page["next"]
        assert not page["done"]
    assert [e for _, e in found if e != "progress"] == ["stage"] * 25
    log.end()
    last = service.get(f"/v1/jobs/{log.id}/events", params={"after": after}, headers=JSON).json()
    assert ([e["event"] for e in last["items"]], last["done"]) == (["state"], True)


def test_a_job_whose_writer_died_without_a_word_ends_its_stream(service: Hosted, log: Log) -> None:
    log.say("state", state="running")
    log.record("failed")
    ear = Ear(service.url, log.id)
    assert ear.listen()
    assert names(ear.heard) == ["state", "done"]
    assert ear.heard[-1][2]["state"] == "failed"


def test_a_torn_line_is_left_out_and_what_follows_is_told(service: Hosted, log: Log) -> None:
    log.say("state", state="running")
    with (log.folder / "events.jsonl").open("a") as file:
        file.write('{"at": "2026", "verb": "warn\n')
    log.say("warning", message="two\nlines\r and data: a\n\nfake")
    log.end()
    ear = Ear(service.url, log.id)
    assert ear.listen()
    assert names(ear.heard) == ["state", "warning", "state", "done"]
    assert ear.heard[1][2]["message"] == "two\nlines\r and data: a\n\nfake"


def test_an_event_that_the_log_never_had_is_refused(service: Hosted, log: Log) -> None:
    log.say("state", state="running")
    problem(service.get(f"/v1/jobs/{log.id}/events", params={"after": 10_000}), 422, "invalid")
    problem(service.get(f"/v1/jobs/{log.id}/events", headers={"Last-Event-ID": "-1"}), 422, "invalid")
    problem(service.get("/v1/jobs/job_none/events"), 404, "job_not_found")
    problem(service.get(f"/v1/jobs/{log.id}/events", headers={"Accept": "image/png"}), 406, "not_acceptable")
