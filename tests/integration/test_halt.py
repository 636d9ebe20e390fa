"""Coming to rest between units, on every executor; being interrupted, once."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.control.lease import LOOK_S, Pulse
from pipeline.execution import executors
from pipeline.execution.executors import Executor, InProcess, LocalPool
from pipeline.execution.halt import Halt
from pipeline.execution.on_ray import OnRay

STOPPED = """
import sys, threading, time
from pipeline.execution.halt import Halt
halt = Halt()
halt.listen()
if sys.argv[1] == "decided":
    halt.decide()
threading.Timer(0.3, lambda: (halt.stop("paused"), halt.stop("cancelled"))).start()
try:
    time.sleep(float(sys.argv[2]))
    print("slept")
except KeyboardInterrupt:
    time.sleep(0.5)
    print("interrupted", halt.outcome)
"""


def nap(unit: float) -> float:
    time.sleep(unit)
    return unit


@pytest.fixture(scope="module", params=["process", "pool", "ray"])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(Path(__file__).parent)  # Ray's workers import these tasks by name
    made: Executor = {"process": InProcess, "pool": lambda: LocalPool(2), "ray": lambda: OnRay(2, None)}[
        request.param
    ]()
    yield made
    made.close()
    if before is None:
        del os.environ["PYTHONPATH"]
    else:
        os.environ["PYTHONPATH"] = before


def done_before_rest(executor: Executor, units: list[float], halt: Halt) -> list[float]:
    """Rest is asked for when the first unit is done."""
    done = []
    names = [str(n) for n in range(len(units))]
    for one in executors.run(executor, nap, units, names, [60.0] * len(units), halt):
        done.append(one.value)
        halt.rest()
    return done


def test_to_rest_begins_no_further_unit_and_finishes_those_in_flight(executor: Executor) -> None:
    done = done_before_rest(executor, [0.2] * 20, Halt())
    assert done == [0.2] * len(done)
    assert 1 <= len(done) <= 2 * executor.workers
    assert done_before_rest(executor, [0.0], Halt()) == [0.0], "and the executor works on"


def test_units_in_flight_are_left_when_they_are_overdue(executor: Executor) -> None:
    if executor.workers == 1:
        pytest.skip("in the process itself only an interrupt ends a unit")
    since = time.monotonic()
    assert done_before_rest(executor, [30.0, 0.1, 0.1], Halt(grace_s=0.5)) == [0.1]
    assert time.monotonic() - since < 20


def test_rest_can_be_taken_back() -> None:
    halt = Halt()
    halt.rest()
    assert list(executors.run(InProcess(), nap, [0.0], ["a"], [1.0], halt)) == []
    halt.go_on()
    assert [d.value for d in executors.run(InProcess(), nap, [0.0], ["a"], [1.0], halt)] == [0.0]


@pytest.mark.parametrize(
    ("how", "seconds", "says"), [("running", "50", "interrupted paused"), ("decided", "1.5", "slept")]
)
def test_a_stop_interrupts_once_and_never_what_has_decided(how: str, seconds: str, says: str) -> None:
    said = subprocess.run([sys.executable, "-c", STOPPED, how, seconds], capture_output=True, text=True, timeout=60)
    assert said.stdout.strip() == says


def test_silence_counts_only_while_somebody_looks() -> None:
    pulse = Pulse(0.0)
    assert pulse.look({"beat": 1, "stage": "notes", "units_done": 0, "committed": 0}, 1.0)
    assert not pulse.look({"beat": 2, "stage": "notes", "units_done": 0, "committed": 0}, 2.0)
    assert (pulse.silent_s, pulse.idle_s) == (0.0, 1.0)
    pulse.look({"beat": 2, "stage": "notes", "units_done": 0, "committed": 0}, 100_000.0)
    assert (pulse.silent_s, pulse.idle_s) == (LOOK_S, 1.0 + LOOK_S)
    pulse.look({"beat": 2, "stage": "notes", "units_done": 0, "committed": 0}, 50.0)
    assert pulse.silent_s == LOOK_S, "nor backwards"
    assert pulse.look({"beat": 3, "stage": "notes", "units_done": 1, "committed": 1}, 51.0)
    assert (pulse.silent_s, pulse.idle_s) == (0.0, 0.0)
