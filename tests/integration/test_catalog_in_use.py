"""The catalog while it is asked, and while it is not: memory, and who waits for whom."""

from __future__ import annotations

import json
import threading
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.catalog import opening, read, schema
from pipeline.catalog.database import Catalog
from pipeline.storage.store import Store
from tests.catalogs import Size, make_workspace


def test_a_catalog_that_nobody_reads_gives_its_memory_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "RESTING_MEMORY", "2MB")
    store = Store(str(tmp_path / "ws"))
    make_workspace(store, Size(corpora=2, jobs=3, shards=600, columns=36))

    def held_bytes() -> int:
        held: int = catalog.rows("select sum(memory_usage_bytes)::bigint as n from duckdb_memory()")[0]["n"]
        return held

    with closing(Catalog(store, tmp_path / "catalog.duckdb")) as catalog:
        for table in ("shards", "shard_columns"):
            catalog.rows(f"select bit_xor(hash(t)) as h from base.{table} t")
        read = held_bytes()
        catalog.rest()
        assert held_bytes() == read > 4_000_000  # somebody asked since the last time
        catalog.rest()
        catalog.rest()
        assert held_bytes() < 3_000_000


def test_following_a_job_takes_in_what_is_new_and_waits_for_nobody_where_nothing_is(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "ws"))
    old, new = make_workspace(store, Size(corpora=1, jobs=2))
    with closing(Catalog(store, tmp_path / "catalog.duckdb")) as catalog:
        with (tmp_path / "ws" / "jobs" / new / "events.jsonl").open("a") as log:
            log.write(
                json.dumps({"at": "2026-11-21T01:00:00.000Z", "verb": "stage_started", "stage": "export", "table": "t"})
                + "\n"
            )
        with catalog._writing:  # somebody takes in something large
            following = threading.Thread(target=catalog.follow, args=(old,))
            following.start()
            following.join(30)
            assert not following.is_alive()
        catalog.follow(new)
        assert read.stages(catalog, new)[-1]["stage"] == "export"


def test_a_catalog_with_other_views_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(str(tmp_path / "ws"))
    ids = make_workspace(store, Size(corpora=1, jobs=2))
    with monkeypatch.context() as patched:
        patched.setitem(schema.VIEWS, "jobs", "select id from base.jobs")
        with closing(Catalog(store, tmp_path / "catalog.duckdb")) as catalog:
            assert set(catalog.rows("from jobs")[0]) == {"id"}
    with closing(Catalog(store, tmp_path / "catalog.duckdb")) as catalog:
        assert sorted(row["id"] for row in catalog.rows("from jobs where state is not null")) == sorted(ids)
    assert len(list(tmp_path.glob("catalog.duckdb.aside-*"))) == 1
