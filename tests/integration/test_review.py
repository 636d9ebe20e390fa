"""Faults that reviews found, held so that they do not come back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xxhash

import winnow
from pipeline.errors import PlanError, WinnowError
from pipeline.storage.integrity import check_workspace, repair
from pipeline.storage.shard import Shard, Slice, read_source
from pipeline.storage.store import Store
from tests.corpora import write_parquet
from tests.integration.test_run import RECIPE, digests

DEDUP: dict[str, Any] = {"exact": "raw", "fuzzy": {"on": "minhash", "jaccard": 0.8}, "guard": {"max_source_loss": 1.0}}


@pytest.fixture(scope="module")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_parquet(tmp_path_factory.mktemp("crawl") / "crawl")


@pytest.mark.parametrize(
    "sql",
    [
        "row_number() over (order by text_bytes) < 3",
        "text_bytes > (select avg(text_bytes) from rows)",
        "random() < 0.5",
        "unnest([true, false])",
        "avg(text_bytes) > 1",
        "current_date > date",
        "true) from rows where (true",
        "true; drop table rows",
    ],
)
def test_a_predicate_sees_one_document_and_is_the_same_on_every_run(crawl: Path, tmp_path: Path, sql: str) -> None:
    with pytest.raises(PlanError, match="rule 'r'"):
        winnow.plan(RECIPE | {"rules": {"r": {"sql": sql}}}, [str(crawl)], workspace=str(tmp_path / "ws"))


@pytest.mark.parametrize("keep", ["random()", "text_bytes desc limit 1", "rank() over (order by text_bytes)"])
def test_the_keeper_order_is_an_order_of_rows(crawl: Path, tmp_path: Path, keep: str) -> None:
    with pytest.raises(PlanError, match=r"dedup.keep"):
        winnow.plan(RECIPE | {"dedup": DEDUP | {"keep": keep}}, [str(crawl)], workspace=str(tmp_path / "ws"))


def test_sql_names_have_no_case(crawl: Path, tmp_path: Path) -> None:
    recipe = RECIPE | {"rules": {"r": {"sql": "Gopher.Word_Count > 20"}}, "dedup": DEDUP | {"keep": "TEXT_BYTES desc"}}
    result = winnow.run(recipe, [str(crawl)], workspace=str(tmp_path / "ws"), executor="local", workers=1)
    assert result.funnel["kept"] == 168


SCORER = """
from dataclasses import dataclass
import numpy as np
from scorers.base import count

@dataclass(frozen=True)
class Own:
    name = 'own'
    version = 1
    def columns(self): return (count('n', 'ones', 'always the same'),)
    def score(self, batch): return {'n': VALUES}

SCORER = Own
"""


def test_an_edited_scorer_is_another_scorer(crawl: Path, tmp_path: Path) -> None:
    scorer, workspace, found = tmp_path / "own.py", str(tmp_path / "ws"), []
    for number in ("1", "2"):
        scorer.write_text(SCORER.replace("VALUES", f"np.full(len(batch), {number})"))
        winnow.run(
            {"name": "c", "score": [str(scorer)]}, [str(crawl)], workspace=workspace, executor="local", workers=2
        )
        found += winnow.sql("select distinct own.n as n from documents", workspace=workspace).column("n").to_pylist()
    assert found == [1, 2]


def test_a_fault_of_a_scorer_says_file_and_line(crawl: Path, tmp_path: Path) -> None:
    scorer = tmp_path / "own.py"
    scorer.write_text(SCORER.replace("VALUES", "batch.nothing"))
    recipe = {"name": "f", "score": [str(scorer)]}
    with pytest.raises(WinnowError, match=r"own.py:11: AttributeError"):
        winnow.run(recipe, [str(crawl)], workspace=str(tmp_path / "ws"), executor="local", workers=1)
    scorer.write_text("def (")
    with pytest.raises(PlanError, match=r"own.py:1"):
        winnow.plan(recipe, [str(crawl)])


def test_two_files_of_one_name_size_and_time_are_two_files(tmp_path: Path) -> None:
    workspace = str(tmp_path / "ws")
    for folder, word in (("a", "alpha"), ("b", "omega")):
        (tmp_path / folder).mkdir()
        pq.write_table(pa.table({"id": ["1"], "text": [f"{word} text"]}), tmp_path / folder / "x.parquet")
        os.utime(tmp_path / folder / "x.parquet", (1_700_000_000, 1_700_000_000))
        recipe = {"name": "s", "score": ["exact"]}
        winnow.run(recipe, [str(tmp_path / folder)], workspace=workspace, corpus="c", executor="local", workers=1)
        raw = winnow.sql("select hex(exact.raw) as raw from documents", workspace=workspace).column("raw").to_pylist()
        assert raw == [xxhash.xxh3_128_hexdigest(f"{word} text".encode()).upper()]


def test_a_workspace_below_the_input_is_not_input(tmp_path: Path) -> None:
    folder = write_parquet(tmp_path / "crawl")
    for _ in range(2):
        where = {"workspace": str(folder / "ws"), "output": str(folder / "out")}
        assert winnow.run(RECIPE, [str(folder)], executor="local", workers=1, **where).rows == 240


def test_what_is_damaged_is_set_aside_and_made_again(tmp_path: Path) -> None:
    folder, store = write_parquet(tmp_path / "crawl"), Store(str(tmp_path / "ws"))
    first = winnow.run(RECIPE, [str(folder)], workspace=store.root, executor="local", workers=1)
    whole = digests(tmp_path / "ws" / "corpora")
    parts = sorted((tmp_path / "ws" / "corpora" / "crawl" / "notes" / "parts").rglob("*.parquet"))
    data = bytearray(parts[0].read_bytes())
    data[len(data) // 3] ^= 4
    parts[0].write_bytes(data)
    parts[1].unlink()
    report = check_workspace(store)
    assert {f.path for f in report.faults} == {str(parts[0]), str(parts[1])}
    repair(store, report)
    again = winnow.run(RECIPE, [str(folder)], workspace=store.root, executor="local", workers=1)
    assert again.funnel == first.funnel
    assert check_workspace(store).faults == []
    assert {p: d for p, d in digests(tmp_path / "ws" / "corpora").items() if "damaged" not in p} == whole


def test_a_part_that_is_gone_is_made_again_without_being_asked(tmp_path: Path) -> None:
    folder = write_parquet(tmp_path / "crawl")
    winnow.run(
        RECIPE, [str(folder)], workspace=str(tmp_path / "ws"), output=str(tmp_path / "out"), executor="local", workers=1
    )
    whole = digests(tmp_path / "out")
    next((tmp_path / "out" / "data").glob("part-00000-*.parquet")).unlink()
    next((tmp_path / "ws" / "corpora" / "crawl" / "verdict" / "parts").rglob("*.parquet")).unlink()
    winnow.run(
        RECIPE, [str(folder)], workspace=str(tmp_path / "ws"), output=str(tmp_path / "out"), executor="local", workers=1
    )
    assert {p: d for p, d in digests(tmp_path / "out").items() if "damaged" not in p} == whole


def test_a_wide_column_beside_the_text_is_read_in_small_batches(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["short"] * 4_000, "html": ["<p>" * 20_000] * 4_000}), tmp_path / "wide.parquet")
    rows = Slice(str(tmp_path / "wide.parquet"), 0, 1)
    shard = Shard("k", rows, (rows,), "text", 4_000, 20_000)
    assert max(b.nbytes for b in read_source(Store(str(tmp_path)), shard, None)) < 40_000_000


def test_input_columns_whose_names_are_taken_are_kept(tmp_path: Path) -> None:
    rows = {"content": ["the text"], "text": ["another"], "file_path": ["warc/1"], "id": ["own"], "key": ["k1"]}
    pq.write_table(pa.table(rows), tmp_path / "x.parquet")
    recipe = {"name": "n", "score": ["exact"], "input": {"text": "content", "id": "key"}}
    winnow.run(recipe, [str(tmp_path / "x.parquet")], workspace=str(tmp_path / "ws"), output=str(tmp_path / "out"))
    row = pq.read_table(tmp_path / "out" / "data").to_pylist()[0]
    assert (row["text"], row["id"], row["file_path"]) == ("the text", "k1", "x.parquet")
    assert (row["source_text"], row["source_id"], row["source_file_path"]) == ("another", "own", "warc/1")


def test_a_file_that_cannot_be_read_is_told_everywhere(tmp_path: Path) -> None:
    folder = write_parquet(tmp_path / "crawl")
    (folder / "torn.parquet").write_bytes((folder / "part-0.parquet").read_bytes()[:-100])
    recipe = RECIPE | {"input": {"quarantine": {"max_file_frac": 0.5}}}
    where = {"workspace": str(tmp_path / "ws"), "output": str(tmp_path / "out")}
    result = winnow.run(recipe, [str(folder)], executor="local", workers=1, **where)
    assert result.state == "completed_with_quarantine"
    assert [f["path"].rsplit("/", 1)[-1] for f in result.quarantined_files] == ["torn.parquet"]
    told = pq.read_table(tmp_path / "out" / "quarantine").to_pylist()
    assert [(r["id"], r["file_path"].rsplit("/", 1)[-1]) for r in told] == [(None, "torn.parquet")]
