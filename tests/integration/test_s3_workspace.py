"""A whole job in a bucket: workspace and output on a real S3 protocol server, and SQL over it."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import winnow
from pipeline.catalog import read
from pipeline.catalog.chosen import choose_job
from pipeline.catalog.database import Catalog, rebuild
from pipeline.clerk.clerk import Clerks
from pipeline.dedup.documents import pair_units
from pipeline.errors import UsageError
from pipeline.sandbox.ask import ask
from pipeline.sandbox.limits import Limits
from pipeline.storage.manifest import load, manifest_path
from pipeline.storage.store import Store
from tests.catalogs import everything
from tests.corpora import documents, prose, write_parquet
from tests.integration.test_ingest_s3 import bucket, server
from tests.integration.test_run import RECIPE

__all__ = ["bucket", "server"]


def test_a_job_in_a_bucket(bucket: str, tmp_path: Path) -> None:
    crawl = write_parquet(tmp_path / "crawl")
    workspace, output = f"{bucket}/ws", f"{bucket}/out"
    here = winnow.run(RECIPE, [str(crawl)], workspace=str(tmp_path / "ws"), executor="local", workers=1)
    result = winnow.run(RECIPE, [str(crawl)], workspace=workspace, output=output, executor="local", workers=1)
    assert result.funnel == here.funnel
    assert winnow.sql("select count(*) as n from documents where copies > 0", workspace=workspace).column(
        "n"
    ).to_pylist() == [168]
    confined = ask(Store(workspace), "select count(*) as n from documents where copies > 0", limits=Limits(seconds=60))
    assert confined.table().to_pylist() == [{"n": 168}]
    with Clerks(workspace, n=1) as clerks:
        changes = ["rules.word_count.min=150", "rules.repeats="]
        told = clerks.ask("preview", {"job": result.job_id, "changes": changes}, 60)
        (sample,) = clerks.ask("samples", {"job": result.job_id, "outcome": "kept", "size": 1}, 60)["items"]
        assert sample["text"] == {d["id"]: d["text"] for d in documents()}[sample["doc_id"]]
    stricter = RECIPE | {"rules": {"word_count": {"column": "gopher.word_count", "min": 150}}}
    with pytest.raises(UsageError, match="holds another Winnow export"):
        winnow.run(stricter, [str(crawl)], workspace=workspace, output=output, executor="local", workers=1)
    replaced = winnow.run(
        stricter, [str(crawl)], workspace=workspace, output=output, executor="local", workers=1, overwrite=True
    )
    firsts = {f"judge.{r['rule']}": r["first"] for r in told["proposed"]["rules"] if r["first"]}
    assert firsts == {k: n for k, n in replaced.funnel.items() if k.startswith("judge.")}
    there = Store(output)
    written = sum(there.read_table(f"data/{n}").num_rows for n in there.names("data"))
    assert written == replaced.funnel["kept"] != 168


def test_units_of_pairs_find_their_sets_in_a_bucket(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pair_units, "HELD_BYTES", 5_000)
    monkeypatch.setattr("pipeline.stages.documents.shingles.SPOOL_BYTES", 4_000)
    monkeypatch.setattr("pipeline.storage.sections.NEAR_BYTES_REMOTE", 500)
    monkeypatch.setattr("pipeline.storage.sections.READ_BYTES", 2_000)
    texts = {f"{i:02d}-{n}": f"{prose(i)} Copy {n} of it." for n in range(8) for i in range(12)}
    rows = [{"id": one, "text": text} for one, text in texts.items()]
    (tmp_path / "crawl").mkdir()
    for n in range(4):
        pq.write_table(pa.Table.from_pylist(rows[n * 24 : (n + 1) * 24]), tmp_path / "crawl" / f"part-{n}.parquet")
    asked = {"name": "pairs", "score": ["exact", "minhash"], "dedup": {"fuzzy": {"jaccard": 0.8}}}
    results = [
        winnow.run(asked, [str(tmp_path / "crawl")], workspace=ws, executor="local", workers=1)
        for ws in (str(tmp_path / "ws"), f"{bucket}/pairs")
    ]
    assert results[0].tables == results[1].tables
    found = []
    for root, result in zip((str(tmp_path / "ws"), f"{bucket}/pairs"), results, strict=True):
        store = Store(root)
        (key,) = result.tables["pairs"]
        table = load(store, manifest_path(choose_job(store).record["corpus"], "pairs", key))
        assert table is not None
        assert len(table.parts) > 3, "several units"
        found.append([store.read_table(p.path).to_pylist() for p in table.parts])
    assert found[0] == found[1]
    assert sum(len(part) for part in found[0]) >= 12 * 28, "all pairs of eight copies"


def test_a_foreign_prefix_is_refused(bucket: str, tmp_path: Path) -> None:
    crawl = write_parquet(tmp_path / "crawl")
    Store(f"{bucket}/mine").put("precious.txt", "mine")
    with pytest.raises(UsageError, match=r"holds 1 other file \(precious.txt\)"):
        winnow.run(
            RECIPE, [str(crawl)], workspace=str(tmp_path / "ws"), output=f"{bucket}/mine", executor="local", workers=1
        )


def test_a_catalog_of_a_bucket_follows_its_files(bucket: str, tmp_path: Path) -> None:
    crawl = write_parquet(tmp_path / "crawl")
    store = Store(f"{bucket}/catalogued")
    winnow.run(RECIPE, [str(crawl)], workspace=store.root, executor="local", workers=1)
    catalog = Catalog(store, tmp_path / "live.duckdb")
    try:
        assert catalog.counts().jobs == 1
        later = winnow.run(RECIPE, [str(crawl)], workspace=store.root, executor="local", workers=1)
        store.append(f"{Store.job(later.job_id)}/events.jsonl", '{"at": "2026-11-21T00:00:00.000Z", "verb": "note"}')
        catalog.refresh(later.job_id)
        assert read.job(catalog, later.job_id)["funnel"] == later.funnel
        assert read.column_statistics(catalog, later.job_id, ["gopher.word_count"])[0]["rows"] == 240
        store.remove(Store.job(later.job_id))
        catalog.refresh()
        rebuild(store, tmp_path / "fresh.duckdb")
        fresh = Catalog(store, tmp_path / "fresh.duckdb")
        try:
            assert everything(catalog) == everything(fresh)
            assert fresh.counts().jobs == 1
        finally:
            fresh.close()
    finally:
        catalog.close()
