"""One attempt at a job, in a process of its own: python -m pipeline.control.runner --workspace W --job J --attempt N.

It says itself how it ended, in the job's record. Whatever ends it otherwise is seen by the supervisor.
"""

from __future__ import annotations

import argparse
import atexit
import os
import sys
import traceback
from collections.abc import Sequence

from pipeline.control.ends import attempts_lost
from pipeline.control.submission import Submission, read_submission
from pipeline.control.watch import FENCED_EXIT, Counted, Watch
from pipeline.errors import Fenced, JobMissing, WinnowError
from pipeline.execution import attempts
from pipeline.execution.halt import Halt
from pipeline.execution.processes import collect_rarely, forgo_dateutil, step_back
from pipeline.job import Job, now
from pipeline.progress import Lines
from pipeline.recipe_file import validate
from pipeline.storage.store import Store

FAULT_EXIT = 70


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 where the record says how it ended, FENCED_EXIT where another holds the job, else FAULT_EXIT."""
    collect_rarely()
    forgo_dateutil()
    told = _parser().parse_args(arguments)
    if told.nice:
        step_back(told.nice)
    store = Store(told.workspace)
    asked = read_submission(store, told.job)
    if asked is None:
        raise JobMissing(f"job {told.job} of {store.root} was not submitted to a service")
    if attempts.claim(store, told.job, told.attempt, "runner", now()) is None:
        return FENCED_EXIT
    try:
        _run(store.fenced(told.job, told.attempt), asked, told)
    except Fenced:
        return FENCED_EXIT
    except WinnowError as error:  # told in the record
        print(f"{error.code}: {error}", file=sys.stderr)  # noqa: T201 - the log
    except Exception:
        traceback.print_exc()
        return FAULT_EXIT
    return 0


def _run(store: Store, asked: Submission, told: argparse.Namespace) -> None:
    halt = Halt(told.pause_grace_s)
    halt.listen()
    counted = Counted(Lines())
    job = Job(store, validate(asked.recipe, "the recipe submitted"), counted, asked.job_id, told.attempt, halt)
    job.event("attempt_started", attempt=told.attempt, pid=os.getpid())
    Watch(store, asked.job_id, told.attempt, counted, halt).start()
    with job.telling():
        job.state("running", attempts_failed=attempts_lost(store, asked.job_id))
        from pipeline import run

        executor = told.executor if asked.executor == "auto" else asked.executor
        run.go_on(job, run.Settings(
            executor=executor, workers=asked.workers, ray_address=told.ray_address, corpus=asked.corpus, copy=asked.copy,
            output=asked.output, overwrite=asked.overwrite, until=asked.until,
        ))  # fmt: skip


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pipeline.control.runner", description=__doc__)
    parser.add_argument("--workspace", required=True)
    parser.add_argument("--job", required=True)
    parser.add_argument("--attempt", required=True, type=int)
    parser.add_argument("--executor", default="auto", choices=["auto", "local", "ray"])
    parser.add_argument("--ray-address")
    parser.add_argument("--pause-grace-s", type=float, default=15.0)
    parser.add_argument("--nice", type=int, default=0)
    return parser


def _leave(code: int) -> None:
    """Exit without taking the interpreter apart: that takes a third of a second once kernels and tables were there."""
    atexit._run_exitfuncs()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _leave(main())
