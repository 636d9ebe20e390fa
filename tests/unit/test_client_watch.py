"""Watching: every event once, in order, over broken connections, restarts and replays; and an end to patience."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.scripted_service import REFUSED, Script, headers_of, problem, reply
from winnow.client.errors import NotFound, ServiceUnavailable, ServiceUnreachable, WaitTimeout
from winnow.client.operations import watch
from winnow.client.operations.watch import Event
from winnow.client.request import Lost

OPEN = reply(200)
BROKEN = Lost("the connection broke")
END = b""


def sent(number: int | None, kind: str, **fields: Any) -> bytes:
    line = f"id: {number}\n" if number is not None else ""
    return f"{line}event: {kind}\ndata: {json.dumps(fields)}\n\n".encode()


DONE = sent(900, "done", id="job_1", state="completed")


def ids(events: list[Event]) -> list[int | None]:
    return [e.id for e in events]


def test_events_come_in_order_until_done() -> None:
    script = Script(
        [OPEN, sent(10, "state", state="running") + sent(20, "progress", units_done=1), b": beat\n\n", DONE]
    )
    assert script.items(watch.events("job_1")) == [
        Event(10, "state", {"state": "running"}),
        Event(20, "progress", {"units_done": 1}),
        Event(900, "done", {"id": "job_1", "state": "completed"}),
    ]
    assert (script.sent[0].accept, script.sent[0].path) == ("text/event-stream", "/v1/jobs/job_1/events")


def test_a_broken_connection_goes_on_after_the_last_event() -> None:
    script = Script([OPEN, sent(10, "state"), BROKEN, OPEN, sent(20, "stage"), END, OPEN, DONE])
    assert ids(script.items(watch.events("job_1"))) == [10, 20, 900]
    assert [headers_of(r).get("last-event-id") for r in script.sent] == [None, "10", "20"]


def test_an_event_that_broke_in_the_middle_is_asked_for_again() -> None:
    script = Script([OPEN, sent(10, "state") + b"id: 20\nevent: stage\nda", BROKEN, OPEN, sent(20, "stage", n=1), DONE])
    assert ids(script.items(watch.events("job_1"))) == [10, 20, 900]
    assert headers_of(script.sent[1])["last-event-id"] == "10"


def test_what_is_told_again_is_not_passed_on_again() -> None:
    script = Script(
        [OPEN, sent(10, "state") + sent(20, "stage"), BROKEN, OPEN, sent(10, "state") + sent(20, "stage") + DONE]
    )
    assert ids(script.items(watch.events("job_1"))) == [10, 20, 900]


def test_done_is_passed_on_with_the_id_of_the_last_line() -> None:
    script = Script([OPEN, sent(10, "state", state="completed") + sent(10, "done", state="completed")])
    assert [(e.id, e.kind) for e in script.items(watch.events("job_1"))] == [(10, "state"), (10, "done")]


def test_a_restart_of_the_service_is_waited_out() -> None:
    script = Script([OPEN, sent(10, "state"), BROKEN, REFUSED, REFUSED, problem(503, "not_ready"), OPEN, DONE])
    assert ids(script.items(watch.events("job_1"))) == [10, 900]
    assert script.pauses_s == [1.0, 2.0, 4.0, 8.0]


def test_a_service_that_stays_away_is_given_up() -> None:
    script = Script([OPEN, sent(10, "state"), REFUSED], endless=True)
    with pytest.raises(ServiceUnreachable, match="connection refused"):
        script.items(watch.events("job_1", reconnect_s=100.0))
    assert 100.0 <= sum(script.pauses_s) < 110.0


def test_a_service_that_is_never_ready_is_given_up_in_its_own_words() -> None:
    script = Script([problem(503, "not_ready", "it is starting")], endless=True)
    with pytest.raises(ServiceUnavailable, match="it is starting"):
        script.items(watch.events("job_1", reconnect_s=30.0))


def test_heartbeats_keep_a_quiet_job_watched() -> None:
    beats = [b": still here\n\n"] * 500
    script = Script([OPEN, *beats, BROKEN, OPEN, DONE], read_takes_s=15.0)
    assert ids(script.items(watch.events("job_1", reconnect_s=20.0))) == [900]


def test_a_job_that_is_not_there_is_no_reason_to_wait() -> None:
    script = Script([problem(404, "job_not_found", "no job 'job_1'")])
    with pytest.raises(NotFound, match="no job 'job_1'"):
        script.items(watch.events("job_1"))
    assert script.pauses_s == []


def test_the_services_own_pause_is_kept() -> None:
    script = Script([OPEN, b"retry: 5000\n\n" + sent(10, "state"), END, OPEN, DONE])
    script.items(watch.events("job_1"))
    assert script.pauses_s == [5.0]


def test_too_many_watchers_wait_as_long_as_they_are_told() -> None:
    full = problem(429, "too_many_connections")
    script = Script([full, OPEN, DONE])
    full.headers["retry-after"] = "7"  # type: ignore[index]
    script.items(watch.events("job_1"))
    assert script.pauses_s == [7.0]


def test_waiting_ends_at_its_time_while_events_come() -> None:
    script = Script([OPEN, sent(10, "progress"), sent(20, "progress"), sent(30, "progress")], read_takes_s=2.0)
    with pytest.raises(WaitTimeout, match="job_1 is not at its end in the time given; it goes on"):
        script.items(watch.events("job_1", timeout_s=5.0))


def test_waiting_ends_at_its_time_in_silence() -> None:
    script = Script([OPEN, BROKEN], read_takes_s=5.0)
    with pytest.raises(WaitTimeout):
        script.items(watch.events("job_1", timeout_s=5.0))
    assert script.sent[0].read_s == 5.0


def test_without_a_time_silence_is_three_heartbeats() -> None:
    script = Script([OPEN, DONE])
    script.items(watch.events("job_1"))
    assert script.sent[0].read_s == 45.0


def test_a_job_at_its_end_is_not_watched() -> None:
    script = Script([reply(200, {"id": "job_1", "state": "failed"})])
    assert script.items(watch.until_end("job_1")) == [Event(None, "done", {"id": "job_1", "state": "failed"})]
    assert [r.path for r in script.sent] == ["/v1/jobs/job_1"]


def test_the_ends_of_a_job_are_those_of_the_service() -> None:
    from pipeline.control import state
    from winnow.client.operations import job as on_job

    assert set(on_job.TERMINAL) == state.TERMINAL


def test_watching_can_begin_in_the_middle() -> None:
    script = Script([OPEN, sent(20, "stage"), DONE])
    assert ids(script.items(watch.events("job_1", after=10))) == [20, 900]
    assert headers_of(script.sent[0])["last-event-id"] == "10"
