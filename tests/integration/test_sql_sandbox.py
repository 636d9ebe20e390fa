"""SQL from strangers: honest questions are answered, attacks are refused and would be without effect, bombs end in time."""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import winnow
from pipeline.errors import SqlError, SqlOutOfMemory, SqlRefused, SqlTimeout, SqlTooLarge, UsageError
from pipeline.sandbox.ask import ask as ask_within
from pipeline.sandbox.limits import Answer, Limits
from pipeline.sandbox.process import Spares, put, start
from pipeline.storage.store import Store
from tests.fixtures_sql import QUESTIONS, digests
from tests.sandboxed import run_all
from tests.sql_bombs import BOMBS

SECONDS, SLACK_S = 1.0, 3.0
"""What bombs may take, and how much later a busy machine may be; without limits they would take from minutes to for ever."""
PATIENT_S = 60.0
"""A busy machine takes long to start the process that answers, and that counts."""


def ask(store: Store, sql: str, **options: Any) -> Answer:
    """With time enough, where nothing else is said."""
    return ask_within(store, sql, **{"limits": Limits(seconds=PATIENT_S), **options})


# honest questions ---------------------------------------------------------------------------------------------------


def test_every_honest_question_is_answered(sql_store: Store) -> None:
    answers = run_all(sql_store.root, QUESTIONS, gate=True)
    refused = {q: a["said"] for q, a in zip(QUESTIONS, answers, strict=True) if "error" in a}
    assert refused == {}
    assert len(QUESTIONS) >= 60
    empty = [q for q, a in zip(QUESTIONS, answers, strict=True) if a["rows"] == []]
    assert empty == []


def test_the_confined_engine_says_what_the_open_one_says(sql_store: Store, spares: Spares) -> None:
    question = "select stage, reason, count(*) as n, sum(text_bytes) as bytes from documents group by all order by all"
    answer = ask(sql_store, question, spares=spares)
    assert answer.table().to_pylist() == winnow.sql(question, workspace=sql_store.root).to_pylist()
    assert (answer.rows, answer.truncated, answer.said) == (4, False, "")
    assert [kind for _, kind in answer.columns] == ["VARCHAR", "VARCHAR", "BIGINT", "HUGEINT"]


@pytest.mark.parametrize("form", ["json", "csv", "parquet", "arrow"])
def test_an_answer_comes_in_each_format(sql_store: Store, spares: Spares, form: str) -> None:
    question = "select 1 as n, 'a,\"é' as s, [1, 2] as l, {'x': 1} as o, 'ab'::blob as b, 1.50::decimal(4, 2) as d, sum(3) as h"
    answer = ask(sql_store, question, format=form, spares=spares)  # type: ignore[arg-type]
    if form == "json":
        assert json.loads(answer.body) == [
            {"n": 1, "s": 'a,"é', "l": [1, 2], "o": {"x": 1}, "b": "6162", "d": 1.5, "h": 3}
        ]
    elif form == "csv":
        assert answer.body.decode().splitlines()[1] == '1,"a,""é","[1,2]","{""x"":1}","6162",1.50,3'
    else:
        assert answer.table().to_pylist()[0]["l"] == [1, 2]


@pytest.mark.parametrize("form", ["json", "csv", "parquet", "arrow"])
def test_odd_types_can_be_written(sql_store: Store, spares: Spares, form: str) -> None:
    question = (
        "select interval 1 month as i, union_value(n := 1) as u, null as x, 'nan'::double as f, timestamp '99999-01-01' as far, "
        "date '-3000-01-01' as early, time '10:00' as t, uuid() as id, map {'k': 1} as m, 'a'::enum('a', 'b') as e, "
        "170141183460469231731687303715884105727::hugeint as big, timestamptz '2020-01-01 00:00:00+02' as z"
    )
    assert ask(sql_store, question, format=form, spares=spares).rows == 1  # type: ignore[arg-type]


def test_columns_of_one_name_are_told_apart(sql_store: Store, spares: Spares) -> None:
    answer = ask(sql_store, "select 1 as a, 2 as a, 3 as a", format="json", spares=spares)
    assert json.loads(answer.body) == [{"a": 1, "a_1": 2, "a_2": 3}]


def test_an_answer_that_is_cut_says_so(sql_store: Store, spares: Spares) -> None:
    answer = ask(sql_store, "from range(100000)", spares=spares, limits=Limits(PATIENT_S, rows=100))
    assert (answer.rows, answer.truncated) == (100, True)
    assert answer.said == "these are the first 100 rows: an answer has at most 100 rows"
    exact = ask(sql_store, "from range(100)", spares=spares, limits=Limits(PATIENT_S, rows=100))
    assert (exact.rows, exact.truncated) == (100, False)


@pytest.mark.parametrize("form", ["json", "csv", "parquet", "arrow"])
def test_an_answer_keeps_within_its_bytes(sql_store: Store, spares: Spares, form: str) -> None:
    limits = Limits(PATIENT_S, answer_bytes=50_000)
    question = "select i, md5(i::varchar) as s from range(5000) t(i)"
    answer = ask(sql_store, question, format=form, spares=spares, limits=limits)  # type: ignore[arg-type]
    assert len(answer.body) <= 50_000
    assert answer.truncated
    assert answer.rows > 300


def test_a_snapshot_stands_for_views_of_its_name(sql_store: Store, spares: Spares, tmp_path: Path) -> None:
    path = tmp_path / "catalog.duckdb"
    with duckdb.connect(str(path)) as made:
        made.execute(
            "create table shards as select i as rows, i % 3 as stage from range(1000) t(i); create table leases as select 1 as n"
        )
    answer = ask(
        sql_store, "select sum(rows) as n from shards, leases", spares=spares, snapshot=str(path), format="json"
    )
    assert json.loads(answer.body) == [{"n": 499_500}]


def test_a_refusal_says_what_where_and_what_there_is(sql_store: Store, spares: Spares) -> None:
    with pytest.raises(SqlRefused, match=r"table 'documnets' at line 2, column 6.*Did you mean 'documents'\?"):
        ask(sql_store, "select *\nfrom documnets", spares=spares)
    with pytest.raises(SqlError, match=r"(?s)Referenced column \"gofer\" not found.*\"gopher\""):
        ask(sql_store, "select gofer from documents", spares=spares)
    with pytest.raises(SqlRefused, match="reads or writes files"):
        ask(sql_store, "select * from read_text('/etc/passwd')", spares=spares)
    with pytest.raises(UsageError, match="no job 'nope'"):
        ask(sql_store, "select 1", job="nope", spares=spares)


def test_an_error_while_rows_are_read_is_told(sql_store: Store, spares: Spares) -> None:
    with pytest.raises(SqlError, match="Could not convert string 'x' to INT") as told:
        ask(sql_store, "select (case when i > 5000 then 'x' else '1' end)::int from range(6000) t(i)", spares=spares)
    assert told.value.code == "sql_error"


def test_the_place_of_the_workspace_is_not_told(sql_store: Store, spares: Spares, sql_folder: Path) -> None:
    part = next(iter(sorted((sql_folder / "ws").glob("corpora/*/notes/parts/*/*.parquet"))))
    aside = part.with_suffix(".aside")
    broken = part.read_bytes()
    part.rename(aside)
    part.write_bytes(broken[: len(broken) // 2])
    try:
        with pytest.raises(SqlError) as told:
            ask(sql_store, "select sum(gopher.word_count) from documents", spares=spares)
        assert str(sql_folder) not in str(told.value)
    finally:
        aside.rename(part)


# limits ---------------------------------------------------------------------------------------------------------------


def test_every_bomb_ends_in_time(sql_store: Store, spares: Spares, sql_folder: Path) -> None:
    before = digests(sql_folder)
    limits = Limits(seconds=SECONDS, memory_bytes=256 << 20)

    def outcome(bomb: tuple[str, str]) -> tuple[str, str, float]:
        started = time.monotonic()
        try:
            answer = ask(sql_store, bomb[1], format="json", limits=limits, spares=spares)
            said = "answered" if len(answer.body) <= limits.answer_bytes else "too much"
        except (SqlRefused, SqlTooLarge, SqlTimeout, SqlOutOfMemory) as error:
            said = error.code
        except SqlError as error:
            said = "broke" if "engine" in str(error) else error.code
        return bomb[0], said, time.monotonic() - started

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(outcome, BOMBS.items()))
    late = [(name, seconds) for name, _, seconds in outcomes if seconds > SECONDS + SLACK_S]
    assert late == []
    assert [name for name, said, _ in outcomes if said in ("too much", "broke")] == []
    # what needs some time before it fails otherwise may be stopped for that on a busy machine
    assert {"sql_timeout", "sql_too_large"} <= {said for _, said, _ in outcomes}
    assert digests(sql_folder) == before


@pytest.mark.parametrize(
    ("statement", "code", "seconds"),
    [
        ("select count(*) from range(100000000000000) t(i) where hash(i) % 7 = 3", "sql_timeout", 1),
        ("select list(i) from range(10000000000) t(i)", "sql_out_of_memory", PATIENT_S),
        ("select range(4000000000)", "sql_out_of_memory", PATIENT_S),
        ("select " + "1 + " * 9_000 + "1", "sql_too_large", PATIENT_S),
        ("select repeat(repeat('x', 10000), 5000) as s", "sql_too_large", PATIENT_S),
        ("select 1 / 'x'", "sql_error", PATIENT_S),
        ("drop table jobs", "sql_refused", PATIENT_S),
    ],
)
def test_each_failure_has_its_code(sql_store: Store, spares: Spares, statement: str, code: str, seconds: float) -> None:
    with pytest.raises(SqlError) as told:
        ask(sql_store, statement, spares=spares, limits=Limits(seconds=seconds))
    assert told.value.code == code


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's limits on memory are Linux's")
def test_memory_that_the_engine_does_not_count_is_limited_too(sql_store: Store) -> None:
    answers = run_all(
        sql_store.root,
        ["select repeat('x', 2000000000)", "select lpad('x', 2000000000, 'y')"],
        gate=False,
        memory_bytes=64 << 20,
    )
    assert [a["error"] for a in answers] == ["OutOfMemoryException", "OutOfMemoryException"]


def test_a_process_whose_asker_is_gone_ends_by_itself(sql_store: Store) -> None:
    process = start(remote=False)
    assert process.stdin is not None
    question = {
        "store": sql_store.root, "job": None, "format": "json", "snapshot": None,
        "sql": "select count(*) from range(100000000000000) t(i) where hash(i) % 7 = 3",
        "limits": {"seconds": 1.0},
    }  # fmt: skip
    process.stdin.write(json.dumps(question).encode() + b"\n")
    process.stdin.flush()
    assert process.wait(timeout=20) < 0  # ended by the kernel's timer, nobody else looked at the clock
    idle = start(remote=False)
    assert idle.stdin is not None
    idle.stdin.close()
    assert idle.wait(timeout=20) == 0


def test_a_spare_that_died_waiting_is_replaced(sql_store: Store) -> None:
    with Spares(1) as ready:
        ready._ready[0].kill()
        ready._ready[0].wait()
        assert ask(sql_store, "select 1 as n", spares=ready).rows == 1


def test_an_internal_error_shows_no_stack(sql_store: Store, spares: Spares) -> None:
    with pytest.raises(SqlError) as told:
        ask(sql_store, "select null::int[100000][100000][100000][1000]", spares=spares)
    assert "INTERNAL Error" in str(told.value)
    assert "Stack" not in str(told.value)


def test_closed_spares_leave_no_process(sql_store: Store) -> None:
    with Spares(2) as ready:
        pids = [p.pid for p in ready._ready]
    assert [pid for pid in pids if psutil.pid_exists(pid)] == []


def test_a_killed_engine_is_told(sql_store: Store) -> None:
    process = start(remote=False)
    process.kill()
    process.wait()
    with pytest.raises(SqlOutOfMemory):
        put(
            process,
            {"store": sql_store.root, "sql": "select 1", "job": None, "format": "json", "snapshot": None},
            Limits(),
        )


def test_arrow_answers_are_tables(sql_store: Store, spares: Spares) -> None:
    answer = ask(sql_store, "select 1 as n", spares=spares)
    assert answer.table() == pa.table({"n": pa.array([1], pa.int32())})
    stored = ask(sql_store, "select 1 as n", spares=spares, format="parquet")
    assert pq.read_metadata(pa.BufferReader(stored.body)).num_rows == 1
