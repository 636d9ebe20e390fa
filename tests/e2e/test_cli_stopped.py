"""Runs that are killed, stopped or lose a worker: what is done stays done, and the end is that of an undisturbed run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.commands import WINNOW, winnow
from tests.corpora import documents
from tests.integration.test_run import digests


def big_enough(folder: Path) -> Path:
    """An input that takes a few seconds, so that it can be interrupted in the middle."""
    rows = documents(400)
    for n in range(24):
        table = pa.Table.from_pylist(
            [{**r, "id": f"{n}-{r['id']}", "text": f"{r['text']} number {n} {i}\n" * 8} for i, r in enumerate(rows)]
        )
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, folder / f"part-{n:02d}.parquet")
    return folder


@pytest.fixture(scope="module")
def long_job(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """(home, digests of an undisturbed run)."""
    folder = tmp_path_factory.mktemp("long")
    big_enough(folder / "crawl")
    (folder / "r.yaml").write_text(
        "name: r\nscore: [exact, gopher, repetition, lines, minhash]\nrules: {w: {column: gopher.word_count, min: 50}}\n"
        "dedup: {fuzzy: {}, guard: {max_source_loss: 1.0}}\n"
    )
    said = winnow(
        "run", "r.yaml", "crawl/", "--workspace", "clean", "--output", "clean-out", "-n", "2", "-q", cwd=folder
    )
    assert said.returncode == 0, said.stderr
    return folder, {**digests(folder / "clean" / "corpora"), **digests(folder / "clean-out")}


def interrupt(folder: Path, name: str, how: signal.Signals, at: str, whom: str) -> tuple[int, str]:
    """Start a job, wait until its log says `at`, send a signal to the driver or to a worker; (exit code, stderr)."""
    process = subprocess.Popen(
        [*WINNOW, "run", "r.yaml", "crawl/", "--workspace", name, "--output", f"{name}-out", "-n", "2", "-q"],
        cwd=folder, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        logs = list((folder / name / "jobs").glob("*/events.jsonl")) if (folder / name / "jobs").exists() else []
        lines = [json.loads(x) for log in logs for x in log.read_text().splitlines() if x.endswith("}")]
        hit = [e for e in lines if e["verb"] == "unit_done" and e["stage"] == at]
        if hit:
            os.kill(process.pid if whom == "driver" else int(str(hit[0]["worker"]).split(":")[-1]), how)
            break
        time.sleep(0.01)
    _, stderr = process.communicate(timeout=300)
    return process.returncode, stderr


def test_a_killed_driver_loses_nothing(long_job: tuple[Path, dict[str, str]]) -> None:
    folder, clean = long_job
    code, _ = interrupt(folder, "killed", signal.SIGKILL, "shingles", "driver")
    assert code == -signal.SIGKILL
    again = winnow(
        "run", "r.yaml", "crawl/", "--workspace", "killed", "--output", "killed-out", "-n", "2", "--json", cwd=folder
    )
    assert again.returncode == 0, again.stderr
    assert {**digests(folder / "killed" / "corpora"), **digests(folder / "killed-out")} == clean
    assert not list((folder / "killed" / "tmp").iterdir()), "temporary files of the killed run were swept"


def test_a_driver_killed_in_every_stage_ends_the_same(long_job: tuple[Path, dict[str, str]]) -> None:
    folder, clean = long_job
    for at in ("text", "notes", "bands", "candidates", "shingles", "pairs", "equals", "dedup", "effects"):
        code, _ = interrupt(folder, "killed-often", signal.SIGKILL, at, "driver")
        assert code == -signal.SIGKILL, at
    again = winnow(
        "run", "r.yaml", "crawl/", "--workspace", "killed-often", "--output", "killed-often-out", "-n", "2", "-q", cwd=folder
    )  # fmt: skip
    assert again.returncode == 0, again.stderr
    assert {**digests(folder / "killed-often" / "corpora"), **digests(folder / "killed-often-out")} == clean


def test_ctrl_c_while_workers_still_import_is_one_sentence(long_job: tuple[Path, dict[str, str]]) -> None:
    folder, _ = long_job
    process = subprocess.Popen(
        [*WINNOW, "run", "r.yaml", "crawl/", "--workspace", "early", "-n", "2", "-q"],
        cwd=folder, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    deadline, started = time.monotonic() + 60, False
    while time.monotonic() < deadline and not started:
        started = any(
            "forkserver" in word for child in psutil.Process(process.pid).children() for word in _words(child)
        )
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of them
    _, stderr = process.communicate(timeout=120)  # its pipe is closed only when the last of them is gone
    assert (process.returncode, len(stderr.splitlines())) == (4, 1), stderr
    assert "nothing is lost" in stderr


def _words(process: psutil.Process) -> list[str]:
    """Of its command; none once it is gone."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_after_a_kill_only_unfinished_units_are_redone(long_job: tuple[Path, dict[str, str]]) -> None:
    folder, _ = long_job
    interrupt(folder, "redo", signal.SIGKILL, "notes", "driver")
    winnow("run", "r.yaml", "crawl/", "--workspace", "redo", "-n", "2", "-q", cwd=folder)
    logs = sorted((folder / "redo" / "jobs").glob("*/events.jsonl"))
    done = [
        [e["part"] for e in map(json.loads, log.read_text().splitlines()) if e["verb"] == "unit_done"] for log in logs
    ]
    assert len(done) == 2
    assert done[0]
    assert done[1]
    assert set(done[0]) & set(done[1]) == set()


def test_a_killed_worker_costs_one_attempt(long_job: tuple[Path, dict[str, str]]) -> None:
    folder, clean = long_job
    code, stderr = interrupt(folder, "worker", signal.SIGKILL, "notes", "worker")
    assert code == 0, stderr
    assert {**digests(folder / "worker" / "corpora"), **digests(folder / "worker-out")} == clean


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_job_says_so_and_goes_on(long_job: tuple[Path, dict[str, str]], how: signal.Signals) -> None:
    folder, clean = long_job
    name = f"stopped-{how.name}"
    code, stderr = interrupt(folder, name, how, "notes", "driver")
    assert code == 4, stderr
    assert "nothing is lost" in stderr
    assert "Traceback" not in stderr
    again = winnow(
        "run", "r.yaml", "crawl/", "--workspace", name, "--output", f"{name}-out", "-n", "2", "-q", cwd=folder
    )
    assert again.returncode == 0, again.stderr
    assert {**digests(folder / name / "corpora"), **digests(folder / f"{name}-out")} == clean
