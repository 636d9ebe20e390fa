"""Questions in SQL about all jobs, by a published copy of the catalog."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.catalog.database import Catalog
from pipeline.catalog.schema import VIEWS as SHOWN
from pipeline.catalog.views import VIEWS, open_catalog
from pipeline.errors import SqlRefused, UsageError
from pipeline.sandbox.ask import ask
from pipeline.sandbox.limits import Limits
from pipeline.sandbox.process import Spares
from pipeline.storage.store import Store
from tests.catalogs import Size, make_workspace

PATIENT = Limits(seconds=60.0)
"""A process starts slowly on a machine that is full."""


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Catalog]]:
    """A workspace whose tables are told of, but were never written."""
    folder = tmp_path_factory.mktemp("sql")
    store = Store(str(folder / "ws"))
    make_workspace(store, Size())
    catalog = Catalog(store, folder / "state" / "catalog.duckdb")
    yield store, catalog
    catalog.close()


def rows(store: Store, catalog: Catalog, sql: str, spares: Spares, job: str | None = None) -> list[dict[str, object]]:
    answer = ask(store, sql, job, "json", PATIENT, spares=spares, snapshot=str(catalog.snapshot()))
    found: list[dict[str, object]] = json.loads(answer.body)
    return found


QUESTIONS = (
    ("select state, count(*) as n from jobs group by 1 order by 1", [
        {"state": "cancelled", "n": 2}, {"state": "completed", "n": 2}, {"state": "failed", "n": 2}]),
    ("select stage, count(*) as n, count(distinct job) as made_by from SHARDS group by 1 order by 1", [
        {"stage": "mix", "n": 30, "made_by": 6}, {"stage": "notes", "n": 10, "made_by": 2},
        {"stage": "text", "n": 10, "made_by": 2}, {"stage": "verdict", "n": 30, "made_by": 6},
    ]),
    ('select "column", sum(rows)::bigint as rows from "shard_columns" group by 1 order by 1 limit 1',
     [{"column": "scorer0.column_0", "rows": 9028}]),
    ("select reason, sum(rows)::bigint as n, sum(text_bytes)::bigint as b from removals where number = 4 group by 1 order by 1 limit 1",
     [{"reason": "judge.repeats", "n": 60, "b": 240000}]),
    ("select verb, count(*) as n from stages group by 1 order by 1", [
        {"verb": "stage_finished", "n": 16}, {"verb": "stage_reused", "n": 8}]),
    ("select count(*) as n from job_tables j join shards using (table_key)", [{"n": 120}]),
)  # fmt: skip


@pytest.mark.parametrize(("sql", "expected"), QUESTIONS)
def test_questions_about_all_jobs_need_no_table_of_any(
    made_up: tuple[Store, Catalog], spares: Spares, sql: str, expected: list[dict[str, object]]
) -> None:
    assert rows(*made_up, sql, spares) == expected


def test_no_column_of_a_copy_has_the_name_of_a_view_over_one_jobs_tables(made_up: tuple[Store, Catalog]) -> None:
    _, catalog = made_up
    published = {v for v in SHOWN if "." not in v}
    columns = {c["column_name"] for view in published for c in catalog.rows(f"from (describe {view})")}
    assert columns & (set(VIEWS) - published) == set()


def test_an_empty_workspace_answers_about_its_jobs(tmp_path: Path, spares: Spares) -> None:
    store = Store(str(tmp_path / "ws"))
    catalog = Catalog(store, tmp_path / "c.duckdb")
    try:
        assert rows(store, catalog, "select count(*) as n from jobs", spares) == [{"n": 0}]
        with pytest.raises(UsageError, match="no jobs there"):
            rows(store, catalog, "select count(*) as n from documents", spares)
    finally:
        catalog.close()


def test_documents_of_the_latest_job_stand_beside_all_jobs(sql_store: Store, tmp_path: Path, spares: Spares) -> None:
    catalog = Catalog(sql_store, tmp_path / "c.duckdb")
    try:
        sql = "select count(*) as n, (select count(*) from jobs) as jobs, (select count(*) from shards) as shards from documents"
        counts = catalog.counts()
        assert rows(sql_store, catalog, sql, spares) == [{"n": 240, "jobs": counts.jobs, "shards": counts.shards}]
    finally:
        catalog.close()


def test_a_copy_has_the_columns_of_the_views_over_files(sql_store: Store, tmp_path: Path) -> None:
    catalog = Catalog(sql_store, tmp_path / "c.duckdb")
    try:
        over_files = open_catalog(sql_store)
        for view in ("jobs", "stages", "shards"):
            wanted = dict(over_files.execute(f"select column_name, column_type from (describe {view})").fetchall())
            there = {r["column_name"]: r["column_type"] for r in catalog.rows(f"from (describe {view})")}
            assert wanted.items() <= there.items()
        sql = "select part, rows, bytes, sha256, path, seconds, worker, attempts, job from shards where table_key in ({}) order by path"
        keys = ", ".join(f"'{r[0]}'" for r in over_files.execute("select distinct table_key from shards").fetchall())
        assert catalog.rows(sql.format(keys)) == over_files.sql(sql.format(keys)).to_arrow_table().to_pylist()
    finally:
        catalog.close()


@pytest.mark.parametrize(
    "sql", ["select * from base.jobs", "select * from published.base.jobs", "from about", "from units"]
)
def test_what_lies_below_the_views_is_not_published(made_up: tuple[Store, Catalog], spares: Spares, sql: str) -> None:
    with pytest.raises(SqlRefused, match="refused: table"):
        rows(*made_up, sql, spares)


def test_calls_at_once_share_one_copy_and_old_ones_go(made_up: tuple[Store, Catalog]) -> None:
    store, catalog = made_up
    found: list[Path] = []
    callers = [threading.Thread(target=lambda: found.append(catalog.snapshot(0.0))) for _ in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(set(found)) == 1
    for n in range(4):
        store.put_json(f"{Store.job('job_later')}/job.json", {"id": "job_later", "state": "failed", "seconds": n})
        catalog.refresh("job_later")
        assert catalog.snapshot(60.0) == found[-1]  # young enough
        found.append(catalog.snapshot(0.0) if n == 0 else _next(catalog))
    there = list(found[0].parent.glob("*"))
    assert (len(there), found[-1] in there, found[0] in there) == (2, True, False)


def _next(catalog: Catalog) -> Path:
    catalog._snapshots._took_s = 0.0  # copying takes at most a part of the time; here it may take all
    return catalog.snapshot(0.0)


def test_a_copy_is_of_the_rows_of_its_moment(made_up: tuple[Store, Catalog], spares: Spares) -> None:
    store, catalog = made_up
    before = catalog.counts().jobs
    catalog._snapshots._took_s = 0.0
    path = catalog.snapshot(0.0)
    store.put_json(f"{Store.job('job_much_later')}/job.json", {"id": "job_much_later", "state": "failed"})
    catalog.refresh()
    assert catalog.counts().jobs == before + 1
    answer = ask(store, "select count(*) as n from jobs", None, "json", PATIENT, spares=spares, snapshot=str(path))
    assert json.loads(answer.body) == [{"n": before}]
