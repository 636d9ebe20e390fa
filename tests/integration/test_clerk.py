"""Clerks: processes that are started, kept, ended and replaced; errors that come back as what they are."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest

import winnow
from pipeline.clerk import serve
from pipeline.clerk.clerk import Clerks
from pipeline.clerk.desk import Desk
from pipeline.clerk.verbs import VERBS, _checked
from pipeline.errors import (
    ClerkLost,
    ClerksBusy,
    ClerkTimeout,
    PlanError,
    RecipeError,
)

ROOT = Path(__file__).parents[2]
SECONDS = 60.0


def until(true: Callable[[], bool], seconds: float = 60.0) -> bool:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.02)
    return true()


def there(pid: int) -> bool:
    """Whether a process runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def all_asked(clerks: Clerks) -> bool:
    """Whether every clerk there is has been taken for a question."""
    return clerks._idle == []


def test_a_clerk_answers_again_and_again(asked: tuple[Path, winnow.Result]) -> None:
    with Clerks(str(asked[0] / "ws"), n=2) as clerks:
        told = [clerks.ask("check_recipe", {"recipe": "gopher"}, SECONDS) for _ in range(3)]
        assert len(clerks.pids()) == 1
    assert told[0] == told[1] == told[2]
    assert told[0]["digest"] == winnow.recipe("gopher").digest()


def test_an_error_comes_back_as_its_class_with_its_places(clerks: Clerks) -> None:
    recipe = {
        "name": "x",
        "score": ["gopher"],
        "rules": {"a": {"column": "gopher.words", "min": "many"}, "b": {"colum": 1}},
    }
    with pytest.raises(RecipeError, match=r"unknown key 'rules\.b\.colum'") as raised:
        clerks.ask("check_recipe", {"recipe": recipe}, SECONDS)
    assert [(p.pointer, p.code) for p in raised.value.places] == [
        ("/rules/a/min", "float_parsing"),
        ("/rules/b/colum", "extra_forbidden"),
    ]
    recipe["rules"] = {"a": {"column": "gopher.word_cont", "min": 5}}
    with pytest.raises(PlanError, match=r"Did you mean 'gopher.word_count'") as wrong:
        clerks.ask("check_recipe", {"recipe": recipe}, SECONDS)
    assert [p.pointer for p in wrong.value.places] == ["/rules/a"]


def test_a_clerk_without_questions_ends(asked: tuple[Path, winnow.Result]) -> None:
    with Clerks(str(asked[0] / "ws"), idle_s=2.0) as clerks:
        clerks.ask("recipes", {}, SECONDS)
        (pid,) = clerks.pids()
        assert until(lambda: clerks.pids() == [])
        assert not there(pid)
        clerks.ask("recipes", {}, SECONDS)
        assert clerks.pids() != [pid]


def test_a_clerk_killed_while_it_waits_is_replaced_unnoticed(clerks: Clerks) -> None:
    clerks.ask("recipes", {}, SECONDS)
    before = clerks.pids()
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    assert until(lambda: not any(map(there, before)))
    assert clerks.ask("recipe", {"name": "c4"}, SECONDS)["name"] == "c4"
    assert set(clerks.pids()).isdisjoint(before)


def test_a_clerk_killed_at_work_is_replaced_once_and_then_told(asked: tuple[Path, winnow.Result]) -> None:
    with Clerks(str(asked[0] / "ws"), n=1) as clerks, ThreadPoolExecutor(1) as thread:
        clerks.ask("recipes", {}, SECONDS)
        (pid,) = clerks.pids()
        os.kill(pid, signal.SIGSTOP)
        answer = thread.submit(clerks.ask, "recipes", {}, SECONDS)
        assert until(lambda: all_asked(clerks))
        os.kill(pid, signal.SIGKILL)
        assert until(lambda: clerks.pids() not in ([], [pid]))
        os.kill(clerks.pids()[0], signal.SIGKILL)
        with pytest.raises(ClerkLost, match="SIGKILL"):
            answer.result(60)
        assert len(clerks.ask("recipes", {}, SECONDS)["items"]) == 9


def test_a_clerk_over_its_time_is_ended_and_blocks_no_other(asked: tuple[Path, winnow.Result]) -> None:
    with Clerks(str(asked[0] / "ws"), n=2) as clerks, ThreadPoolExecutor(1) as thread:
        clerks.ask("recipes", {}, SECONDS)
        (stuck,) = clerks.pids()
        os.kill(stuck, signal.SIGSTOP)
        start = time.monotonic()
        slow = thread.submit(clerks.ask, "recipes", {}, 3.0)
        assert until(lambda: all_asked(clerks))
        assert len(clerks.ask("recipes", {}, SECONDS)["items"]) == 9
        with pytest.raises(ClerkTimeout, match="no answer within 3 s"):
            slow.result(60)
        assert time.monotonic() - start < 10
        assert until(lambda: not there(stuck))


def test_no_clerk_free_is_a_timeout_of_its_own(asked: tuple[Path, winnow.Result]) -> None:
    with Clerks(str(asked[0] / "ws"), n=1) as clerks, ThreadPoolExecutor(1) as thread:
        clerks.ask("recipes", {}, SECONDS)
        os.kill(clerks.pids()[0], signal.SIGSTOP)
        slow = thread.submit(clerks.ask, "recipes", {}, 5.0)
        assert until(lambda: all_asked(clerks))
        with pytest.raises(ClerksBusy, match="all 1 clerks are busy"):
            clerks.ask("recipes", {}, 0.3)
        with pytest.raises(ClerkTimeout, match="no answer"):
            slow.result(60)


def test_many_threads_share_a_few_clerks(clerks: Clerks) -> None:
    names = ["c4", "ccnet", "fineweb", "gopher", "minimal"] * 6
    with ThreadPoolExecutor(12) as threads:
        told = list(threads.map(lambda n: clerks.ask("recipe", {"name": n}, SECONDS)["name"], names))
    assert told == names
    assert 1 <= len(clerks.pids()) <= 2


def test_a_clerk_has_a_bound_on_its_memory_that_the_kernel_holds(asked: tuple[Path, winnow.Result]) -> None:
    with Clerks(str(asked[0] / "ws"), n=1, memory_bytes=64 << 20, threads=1) as clerks:
        clerks.ask("recipes", {}, SECONDS)
        limits = Path(f"/proc/{clerks.pids()[0]}/limits").read_text()
    (most,) = (line.split()[3] for line in limits.splitlines() if line.startswith("Max address space"))
    assert 64 << 20 < int(most) < 2 << 30


@pytest.mark.parametrize("error", [MemoryError(), duckdb.OutOfMemoryException("of 3 rows")], ids=["python", "duckdb"])
def test_a_question_that_needs_too_much_is_told_and_its_clerk_ends(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def greedy(_: Desk) -> None:
        raise error

    monkeypatch.setitem(VERBS, "recipes", greedy)
    _checked.cache_clear()
    told = json.loads(serve._answer(desk, b'["recipes", {}]'))
    _checked.cache_clear()
    assert told["error"]["code"] == "out_of_memory"
    assert "1,024 MiB" in told["error"]["message"]
    assert told["last"] is True


def test_an_engine_of_a_clerk_spills_nothing_and_opens_nothing(desk: Desk) -> None:
    with pytest.raises(duckdb.OutOfMemoryException):
        Desk(desk.store, 1, 8 << 20).engine.sql(
            "select string_agg(i::varchar, ',' order by md5(i::varchar)) from range(3000000) t(i)"
        ).fetchall()
    with pytest.raises(duckdb.PermissionException):
        desk.engine.sql("select * from read_text('/etc/passwd')").fetchall()


def test_a_clerk_sees_no_secret_but_what_buckets_need(
    asked: tuple[Path, winnow.Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WINNOW_CANARY", "canary-77")
    monkeypatch.setenv("DATABASE_URL", "canary-78")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with Clerks(str(asked[0] / "ws")) as clerks:
        clerks.ask("recipes", {}, SECONDS)
        environment = Path(f"/proc/{clerks.pids()[0]}/environ").read_text()
    assert "canary" not in environment
    assert "AWS_ENDPOINT_URL=http://127.0.0.1:1" in environment


def test_a_clerk_ends_with_whoever_started_it(asked: tuple[Path, winnow.Result]) -> None:
    code = (
        "import sys, time; from pipeline.clerk.clerk import Clerks; clerks = Clerks(sys.argv[1]); clerks.ask('recipes', {}, 60); "
        "print(clerks.pids()[0], flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(asked[0] / "ws")], stdout=subprocess.PIPE, cwd=ROOT, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert there(pid)
        parent.kill()
    assert until(lambda: not there(pid))


def test_closing_ends_every_process_and_every_question(asked: tuple[Path, winnow.Result]) -> None:
    clerks = Clerks(str(asked[0] / "ws"), n=1)
    clerks.ask("recipes", {}, SECONDS)
    (pid,) = clerks.pids()
    os.kill(pid, signal.SIGSTOP)
    errors: list[Exception] = []

    def asks() -> None:
        try:
            clerks.ask("recipes", {}, SECONDS)
        except ClerkLost as error:
            errors.append(error)

    thread = threading.Thread(target=asks)
    thread.start()
    assert until(lambda: all_asked(clerks))
    clerks.close()
    thread.join(60)
    assert len(errors) == 1
    assert not there(pid)
    with pytest.raises(ClerkLost, match="closed"):
        clerks.ask("recipes", {}, SECONDS)


def test_asking_needs_nothing_heavy_here() -> None:
    heavy = ["numpy", "pyarrow", "numba", "duckdb", "ray", "scorers", "pydantic"]
    code = f"import pipeline.clerk.clerk, sys; print([m for m in {heavy!r} if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert said.stdout.strip() == "[]"
