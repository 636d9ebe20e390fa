"""Bands from a budget, the measured S-curve of a run, and `winnow bands`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import winnow
from pipeline.catalog.chosen import choose_job, tables_of
from pipeline.cli.bands import bands as bands_command
from pipeline.errors import PlanError
from pipeline.plan import make_plan
from pipeline.recipe_file import validate
from pipeline.storage.store import Store
from tests.corpora import write_parquet

MINHASH = {"minhash": {"num_perm": 64}}


def recipe(**fuzzy: object) -> dict[str, Any]:
    return {
        "name": "small", "score": ["exact", MINHASH],
        "dedup": {"exact": "raw", "fuzzy": fuzzy, "guard": {"max_source_loss": 1.0}},
    }  # fmt: skip


def run(crawl: Path, workspace: Path, **fuzzy: object) -> winnow.Result:
    return winnow.run(recipe(**fuzzy), [str(crawl)], workspace=str(workspace), executor="local", workers=1)


@pytest.fixture(scope="module")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_parquet(tmp_path_factory.mktemp("bands") / "crawl")


def test_a_budget_chooses_bands_by_the_corpus_itself(crawl: Path, tmp_path: Path) -> None:
    run(crawl, tmp_path / "ws", max_false_candidates=0.2, recall=0.9)
    rows = winnow.sql("select * from banding order by rows", workspace=str(tmp_path / "ws")).to_pylist()
    chosen = [r for r in rows if r["chosen"]]
    assert len(chosen) == 1
    assert chosen[0]["false_per_doc"] <= 0.2
    assert chosen[0]["recall"] >= 0.9
    store = Store(str(tmp_path / "ws"))
    dedup = tables_of(store, choose_job(store)).dedup
    assert dedup is not None
    assert dedup.details["banding"] == [chosen[0]["bands"], chosen[0]["rows"]]


def test_shards_and_their_order_do_not_change_the_choice(crawl: Path, tmp_path: Path) -> None:
    turned = tmp_path / "turned" / "crawl"
    turned.mkdir(parents=True)
    for n, path in enumerate(sorted(crawl.glob("*.parquet"), reverse=True)):
        pq.write_table(pq.read_table(path), turned / f"part-{n}.parquet")
    found = []
    for n, folder in enumerate((crawl, turned)):
        run(folder, tmp_path / f"ws{n}", max_false_candidates=0.2, recall=0.9)
        found.append(winnow.sql("select * from banding order by rows, bands", workspace=str(tmp_path / f"ws{n}")))
    assert found[0].equals(found[1])


def test_a_budget_this_corpus_cannot_keep_stops_the_job_with_the_nearest(crawl: Path, tmp_path: Path) -> None:
    tree = recipe(max_false_candidates=1e-9, recall=0.999, jaccard=0.3)
    with pytest.raises(PlanError, match=r"1e-09 a document cannot be had with 64 minima.*the least is"):
        winnow.run(tree, [str(crawl)], workspace=str(tmp_path / "ws"), executor="local", workers=1)


def test_the_curve_counts_every_pair_that_was_verified(crawl: Path, tmp_path: Path) -> None:
    run(crawl, tmp_path / "ws", jaccard=0.8)
    rows = winnow.sql("select * from s_curve", workspace=str(tmp_path / "ws")).to_pylist()
    parts = sorted((tmp_path / "ws" / "corpora" / "crawl" / "pairs").rglob("*.parquet"))
    jaccard = [j for p in parts for j in pq.read_table(p).column("jaccard").to_pylist()]
    assert sum(r["pairs"] for r in rows) == len(jaccard) > 0
    assert sum(r["pairs_verified"] for r in rows) == sum(j >= 0.8 for j in jaccard) > 0
    assert [r["jaccard_low"] for r in rows] == [n / 20 for n in range(20)]
    similar = [r for r in rows if r["pairs"] and r["jaccard_low"] >= 0.8]
    assert all(r["expected_frac"] > 0.98 and r["measured_frac"] > 0.98 for r in similar)
    assert sum(r["missed"] for r in similar) < 1


def test_a_preset_runs_as_published(crawl: Path, tmp_path: Path) -> None:
    tree = recipe(preset="datatrove") | {"score": ["exact"]}
    winnow.run(tree, [str(crawl)], workspace=str(tmp_path / "ws"), executor="local", workers=1)
    scorers = winnow.sql(
        "select scorer, parameters from scorers order by 1", workspace=str(tmp_path / "ws")
    ).to_pylist()
    assert json.loads(scorers[1]["parameters"])["num_perm"] == 112
    store = Store(str(tmp_path / "ws"))
    dedup = tables_of(store, choose_job(store)).dedup
    assert dedup is not None
    assert dedup.details["banding"] == [14, 8]


def test_the_plan_tells_how_near_duplicates_are_looked_for(crawl: Path, tmp_path: Path) -> None:
    asked = validate(recipe(bands=8, rows=8) | {"input": {"paths": [str(crawl)]}}, "test")
    told = make_plan(Store(str(tmp_path / "ws")), asked).told(1)["fuzzy"]
    assert told[0].startswith("word 5-grams, 64 minima, 8 bands of 8: 76.99%")
    with pytest.raises(PlanError, match="9 bands of 8 rows need 72 minima, the scorer 'minhash' makes 64"):
        make_plan(
            Store(str(tmp_path / "ws")), validate(recipe(bands=9, rows=8) | {"input": {"paths": [str(crawl)]}}, "test")
        )


def test_winnow_bands_forecasts_a_scored_corpus_by_itself(
    crawl: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = ["dedup.guard.max_source_loss=1"]
    bands_command("minimal", [str(crawl)], str(tmp_path / "ws"), settings, as_json=True)
    before = json.loads(capsys.readouterr().out)
    assert before["about"].startswith("similarities of the reference corpus")
    tree = {"extends": "minimal", "dedup": {"guard": {"max_source_loss": 1.0}}}
    path = tmp_path / "mine.yaml"
    path.write_text(json.dumps(tree))
    winnow.run(str(path), [str(crawl)], workspace=str(tmp_path / "ws"), executor="local", workers=1)
    bands_command("minimal", [str(crawl)], str(tmp_path / "ws"), settings, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["documents"] == 193  # 240, less 24 exact copies and 23 of "Too short."
    chosen = next(w for w in told["ways"] if w["chosen"])
    pairs = winnow.sql("select sum(pairs)::bigint as n from s_curve", workspace=str(tmp_path / "ws")).to_pylist()[0][
        "n"
    ]
    assert round((chosen["false_per_doc"] + chosen["similar_per_doc"]) * told["documents"]) == pairs
    assert {p["preset"] for p in told["published"]} >= {"datatrove", "redpajama", "nemo", "slimpajama", "datasketch"}


def test_winnow_bands_shows_what_there_is_where_a_budget_cannot_be_had(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bands_command("minimal", None, str(tmp_path / "ws"), ["dedup.fuzzy.max_false_candidates=0.5"])
    shown = capsys.readouterr()
    assert "0.5 a document cannot be had with 128 minima" in shown.err
    assert "->" in shown.out
    assert "--set dedup.fuzzy.bands=21 --set dedup.fuzzy.rows=6" in shown.out


def test_winnow_bands_wants_a_recipe_with_near_duplicates(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"has no dedup\.fuzzy"):
        bands_command("gopher", None, str(tmp_path / "ws"))
