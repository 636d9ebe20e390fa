"""Bars of a job that is watched."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from winnow.client.operations.watch import Event
from winnow.client.show import Bars


def drawn(*events: Event) -> list[str]:
    bars = Bars()
    for event in events:
        bars.tell(event)
    bars.close()
    out = io.StringIO()
    Console(file=out, width=120).print(bars._bars.get_renderable())
    return [line.rstrip() for line in out.getvalue().splitlines() if line.strip()]


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")


def test_a_stage_that_was_there_already_has_no_rate() -> None:
    (line,) = drawn(Event(1, "stage", {"verb": "stage_reused", "stage": "text", "rows": 33_960}))
    assert line.startswith("text")
    assert "reused" in line
    assert "B/s" not in line


def test_a_stage_under_way_says_how_many_units_are_done() -> None:
    (line,) = drawn(
        Event(1, "stage", {"verb": "stage_started", "stage": "notes", "units": 4, "units_done": 0, "bytes": 400}),
        Event(2, "progress", {"stage": "notes", "units_done": 1, "units": 4, "bytes_done": 100, "bytes": 400}),
    )
    assert line.startswith("notes")
    assert "1/4" in line
    assert "reused" not in line
