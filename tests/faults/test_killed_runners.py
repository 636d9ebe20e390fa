"""A few kills at random moments; benchmarks/fault_runner.py strikes a hundred times."""

from __future__ import annotations

from pathlib import Path

from benchmarks.fault_runner import measure
from tests.control import crawl

KILLS = 5


def test_jobs_survive_kills_of_their_runner_at_random_moments(tmp_path: Path) -> None:
    figures = measure(KILLS, crawl(tmp_path, 240, 6), tmp_path, seed=7)
    assert figures.kills == KILLS
    assert figures.completed == figures.jobs >= 2
    assert (figures.differing, figures.repeated_ends, figures.processes_left, figures.files_left) == (0, 0, 0, 0)
