"""What tests of the service's jobs share: small work at a chosen pace, and waiting for what runners do."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

from api.watch.tail import SETTLED_S
from pipeline.control.care import Limits
from pipeline.control.events import Event, read_events
from pipeline.control.launch import MARK
from pipeline.control.state import TERMINAL, job_state
from pipeline.control.submission import Submission
from pipeline.control.supervisor import Supervisor
from pipeline.execution import attempts
from pipeline.storage.store import Store
from tests.corpora import write_parquet

SCORER = Path(__file__).parent / "slow_scorer.py"
RECIPE: dict[str, Any] = {
    "name": "small",
    "score": ["exact", "gopher", "repetition"],
    "rules": {
        "word_count": {"column": "gopher.word_count", "min": 50},
        "repeats": {"column": "repetition.dup_line_frac", "max": 0.3},
    },
    "dedup": {"exact": "raw", "guard": {"max_source_loss": 1.0}},
}
WAIT_S = 120.0
USUAL = Limits(nice=0)


def submission(paths: list[str] | None = None, **others: Any) -> Submission:
    """The small recipe over some input."""
    return Submission(recipe={**RECIPE, "input": {"paths": paths or ["/nowhere/*.parquet"]}}, **others)


def slow_recipe(paths: list[str], seconds: float = 0.25, deadly: str = "") -> dict[str, Any]:
    """Each unit takes so long to score."""
    return {
        "name": "slow",
        "input": {"paths": paths},
        "score": ["exact", {str(SCORER): {"seconds": seconds, "deadly": deadly}}],
        "rules": {"long_enough": {"column": "slow_scorer.size", "min": 100}},
        "dedup": {"exact": "raw", "guard": {"max_source_loss": 1.0}},
    }


def crawl(folder: Path, count: int = 240, files: int = 4) -> list[str]:
    """Paths of a made-up corpus of several files, each a unit."""
    return [str(write_parquet(folder / "crawl", count, files))]


def nothing(_job_id: str) -> None:
    """What a supervisor that nobody listens to calls."""


@contextlib.contextmanager
def supervising(store: Store, limits: Limits = USUAL, **others: Any) -> Iterator[Supervisor]:
    """A supervisor that runs, and at the end no process of any job."""
    supervisor = Supervisor(store, limits, **{"log_folder": Path("unused"), "on_change": nothing, **others})
    supervisor.start()
    try:
        yield supervisor
    finally:
        supervisor.stop()
        for job_id in store.names("jobs"):
            for process in processes_of(job_id):
                with contextlib.suppress(psutil.Error):  # it ended meanwhile
                    process.kill()


def processes_of(job_id: str) -> list[psutil.Process]:
    """What runs of a job, of whichever attempt."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK, "").startswith(f"{job_id}/") and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def until(what: Callable[[], Any], seconds: float = WAIT_S) -> Any:
    """Wait until something holds; what it then says."""
    deadline = time.monotonic() + seconds
    while not (said := what()):
        assert time.monotonic() < deadline, f"{what} did not come true within {seconds} s"
        time.sleep(0.05)
    return said


def events_of(store: Store, job_id: str, verb: str | None = None, **fields: Any) -> list[Event]:
    """Of the log, those with this verb and these fields."""
    found, _ = read_events(store, job_id, limit=100_000)
    return [e for e in found if verb in (None, e.verb) and fields.items() <= e.fields.items()]


def until_scoring(store: Store, job_id: str, units: int = 1) -> attempts.Claim:
    """Wait until so many units are scored; who runs it."""
    until(lambda: len(events_of(store, job_id, "unit_done", stage="notes")) >= units)
    claim = attempts.read(store, job_id, attempts.highest(store, job_id))
    assert claim is not None
    return claim


def until_ended(store: Store, job_id: str, seconds: float = WAIT_S) -> dict[str, Any]:
    """Wait for a terminal state, and until the log says it, too, which is a moment later (never, where the writer is
    killed between); the record."""
    until(lambda: job_state(store, job_id)["state"] in TERMINAL, seconds)
    patient_until = time.monotonic() + SETTLED_S
    while time.monotonic() < patient_until:
        if any(e.fields["state"] in TERMINAL for e in events_of(store, job_id, "state")):
            break
        time.sleep(0.02)
    return job_state(store, job_id)


def assert_done_once(store: Store, job_id: str, units: int, stage: str = "notes") -> None:
    """Each unit of a stage was done once: told by an attempt, or found committed by the last one. (A worker commits before
    the driver tells of it, so a kill in between leaves a unit of which nobody told.)"""
    done = events_of(store, job_id, "unit_done", stage=stage)
    parts = [e.fields["part"] for e in done]
    assert len(parts) == len(set(parts))
    started = events_of(store, job_id, "stage_started", stage=stage)[-1]
    after = [e for e in done if e.id > started.id]
    assert (started.fields["units_done"] + len(after), started.fields["units"]) == (units, len(after))
    assert started.fields["units_done"] >= len(done) - len(after)
