"""Events as they are told: progress held back to one a second, names, what is on the wire."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any, ClassVar, cast

from hypothesis import given
from hypothesis import strategies as st

from api.models.events import JobEvent
from api.watch.stream import Pacer, stream
from api.watch.tail import Tail
from api.watch.told import coalesced, told, wire
from pipeline.control.events import Event


def unit(number: int) -> Event:
    progress = {
        "units_done": number,
        "units": 10,
        "rows": number,
        "bytes_done": number * 10,
        "bytes": 100,
        "seconds": 2.0,
    }
    return Event(number, "t", "unit_done", {"stage": "notes", "part": "x", "sha256": "y", "progress": progress})


def test_progress_says_how_far_its_stage_is_and_how_long_it_takes() -> None:
    assert told(unit(4)).data == {
        "at": "t", "verb": "unit_done", "stage": "notes", "units_done": 4, "units": 10, "rows": 4, "bytes_done": 40, "bytes": 100,
        "mb_per_s": 0.0, "eta_s": 3.0,
    }  # fmt: skip


def test_a_log_of_before_progress_was_written_has_no_estimate() -> None:
    old = told(Event(1, "t", "unit_done", {"stage": "notes"}))
    assert (old.event, old.data["units_done"], old.data["eta_s"]) == ("progress", None, None)


def test_of_all_units_within_a_second_the_last_is_told() -> None:
    now = [100.0]
    pacer = Pacer(lambda: now[0])
    assert [e.id for e in pacer.take(unit(1))] == [1]
    assert [e.id for n in (2, 3, 4) for e in pacer.take(unit(n))] == []
    now[0] += 0.5
    assert pacer.due() == []
    now[0] += 0.5
    assert [e.id for e in pacer.due()] == [4]
    assert pacer.due() == []


def test_another_event_is_told_at_once_and_never_behind_a_later_one() -> None:
    now = [100.0]
    pacer = Pacer(lambda: now[0])
    heard = [e.id for e in pacer.take(unit(1))]
    heard += [e.id for e in pacer.take(unit(2))]
    heard += [e.id for e in pacer.take(Event(3, "t", "warning", {}))]
    now[0] += 5
    heard += [e.id for e in pacer.due()]
    assert heard == [1, 3]


def test_a_page_has_one_progress_for_each_run_of_units() -> None:
    events = [unit(1), unit(2), Event(3, "t", "warning", {}), unit(4), unit(5)]
    assert [(e.id, e.event) for e in coalesced(events)] == [(2, "progress"), (3, "warning"), (5, "progress")]
    assert coalesced([]) == []


@given(st.text(), st.text(), st.dictionaries(st.text(), st.text()))
def test_nothing_in_an_event_can_end_it_early(verb: str, text: str, more: dict[str, str]) -> None:
    sent = wire(JobEvent(id=7, event=verb, data={"message": text, **more})).decode()
    assert sent.endswith("\n\n")
    assert sent.count("\n\n") == 1
    first, second, third = sent.removesuffix("\n\n").split("\n")
    assert first == "id: 7"
    assert second.startswith("event: ")
    assert json.loads(third.removeprefix("data: ")) == {"message": text, **more}


class Ended:
    """The end of a log of a job that is over."""

    gone = False
    record: ClassVar[dict[str, Any]] = {"state": "completed"}

    async def page(self, after: int) -> SimpleNamespace:
        return SimpleNamespace(events=[], next=after)

    async def ended(self, said: bool) -> bool:
        return not said


def test_done_is_told_after_what_has_to_be_so_by_then() -> None:
    heard: list[object] = []

    async def listed() -> None:
        heard.append("listed")

    async def listen() -> None:
        async for piece in stream(cast(Tail, Ended()), 7, listed):
            heard.append(piece)

    asyncio.run(listen())
    assert heard == [b"retry: 1000\n\n", "listed", wire(JobEvent(id=7, event="done", data={"state": "completed"}))]
