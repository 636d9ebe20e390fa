"""A few kills at random moments; benchmarks/service_faults.py strikes a hundred times."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from benchmarks.service_faults import Figures, measure
from tests.control import crawl

KILLS = 4


def test_nothing_is_lost_when_service_and_runner_are_killed_while_clients_work(tmp_path: Path) -> None:
    figures = measure(KILLS, crawl(tmp_path, 240, 6), tmp_path, seed=7, runners=True)
    assert figures.kills == KILLS
    assert figures.accepted == figures.completed + figures.cancelled >= 2
    told = ("runner_kills", "accepted", "completed", "cancelled")
    assert replace(figures, **dict.fromkeys(told, 0)) == Figures(kills=KILLS), figures.told()
