"""Guards from recipe to report: a held job can be looked at and accepted, and what was found is used again."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import winnow
from pipeline.catalog.chosen import choose_job, tables_of
from pipeline.cli.bands import guards as guards_command
from pipeline.errors import GuardHeld, UsageError
from pipeline.recipe_file import apply_setting
from pipeline.report.page import render_report
from pipeline.stages.documents import effects
from pipeline.storage.manifest import recent
from pipeline.storage.store import Store
from tests.corpora import write_parquet

GUARD = {"max_source_loss": 0.1, "max_removed_frac": 0.1, "max_edge_frac": 0.5, "min_source_docs": 10, "edge": 0.2}


def recipe(**guard: object) -> dict[str, Any]:
    """24 exact and 24 near copies among the 216 documents that the rule keeps, of three sources."""
    return {
        "name": "small",
        "score": ["exact", "minhash"],
        "rules": {"long": {"column": "exact.text_chars", "min": 20}},
        "dedup": {"exact": "raw", "fuzzy": {"jaccard": 0.8}, "guard": guard},
    }


Held = tuple[Path, str, str]


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Held:
    """(workspace, the job's id, what was said)."""
    folder = tmp_path_factory.mktemp("held")
    crawl = write_parquet(folder / "crawl")
    with pytest.raises(GuardHeld) as caught:
        winnow.run(recipe(**GUARD), [str(crawl)], workspace=str(folder / "ws"), executor="local", workers=1)
    return folder / "ws", choose_job(Store(str(folder / "ws"))).id, str(caught.value)


def test_all_broken_budgets_are_named_and_nothing_else(held: Held) -> None:
    workspace, job, said = held
    assert "3 budgets are broken" in said
    assert "max_removed_frac is 0.1: 48 of 216 documents would go" in said
    assert re.search(r"max_source_loss is 0.1: site-\d loses \d+ of 72", said)
    assert "max_edge_frac is 0.5: 24 of 24 near-duplicates lie less than 0.2 above" in said
    record = Store(str(workspace)).read_json(f"jobs/{job}/job.json")
    assert (record["state"], record["code"]) == ("failed", "guard_held")
    assert "mix" not in record["tables"]
    assert "export" not in record["tables"]


def test_what_was_held_is_there_to_be_asked(held: Held) -> None:
    workspace, job, _ = held
    asked = winnow.sql(
        "select guard, name, value from guards where broken order by 1, 2", workspace=str(workspace), job=job
    )
    broken = asked.to_pylist()
    assert {b["guard"] for b in broken} == {"max_removed_frac", "max_source_loss", "max_edge_frac"}
    assert next(b["value"] for b in broken if b["guard"] == "max_removed_frac") == pytest.approx(48 / 216)
    counts = winnow.sql(
        "select method, count(*) as n from duplicates where not keep group by 1 order by 1",
        workspace=str(workspace),
        job=job,
    )
    assert counts.to_pylist() == [{"method": "exact", "n": 24}, {"method": "fuzzy", "n": 24}]


def test_the_command_and_the_page_show_documents_of_each(held: Held, capsys: pytest.CaptureFixture[str]) -> None:
    workspace, job, _ = held
    guards_command(str(workspace), job, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert (told["documents"], told["removed"], told["near"], told["edge"]) == (216, 48, 24, 24)
    shown = [g["about"] for g in told["samples"]]
    assert shown[0].startswith("at the edge of the threshold")
    assert sum(s.startswith("of source site-") for s in shown) == 3
    pair = told["samples"][0]["pairs"][0]
    assert pair["text"] is not None
    assert pair["keeper_text"] is not None
    assert pair["text"] != pair["keeper_text"] or pair["jaccard"] < 1
    guards_command(str(workspace), job)
    assert "HELD" in capsys.readouterr().out
    page = render_report(Store(str(workspace)), job)
    assert "held before the commit" in page
    assert "max_removed_frac" in page
    assert pair["doc_id"] in page
    assert "<script" not in page


def test_accepting_finds_nothing_again(held: Held) -> None:
    workspace, _, said = held
    tree = recipe(**GUARD)
    for setting in re.findall(r"--set (\S+)", said):
        apply_setting(tree, setting)
    crawl = str(workspace.parent / "crawl")
    result = winnow.run(tree, [crawl], workspace=str(workspace), executor="local", workers=1)
    assert result.funnel == {"kept": 168, "judge.long": 24, "dedup.exact": 24, "dedup.fuzzy": 24}
    events = choose_job(Store(str(workspace)), result.job_id).events
    assert {e["stage"] for e in events if e["verb"] == "unit_done"} == {"guards", "mix", "export"}
    assert "Guards" in render_report(Store(str(workspace)), result.job_id)


def test_a_job_without_deduplication_has_no_guards(tmp_path: Path) -> None:
    crawl = write_parquet(tmp_path / "crawl", count=10, files=1)
    result = winnow.run({"name": "n", "score": ["exact"]}, [str(crawl)], workspace=str(tmp_path / "ws"), workers=1)
    store = Store(str(tmp_path / "ws"))
    assert tables_of(store, choose_job(store, result.job_id)).guards is None
    with pytest.raises(UsageError, match="has no table `guards`"):
        guards_command(str(tmp_path / "ws"), result.job_id)


def counted(folder: Path, name: str) -> tuple[int, dict[str, Any], list[dict[str, Any]]]:
    """How many runs of shards were counted, their sums, and the rows of the table `guards`."""
    store = Store(str(folder / name))
    with pytest.raises(GuardHeld):
        winnow.run(recipe(**GUARD), [str(folder / "crawl")], workspace=store.root, executor="local", workers=1)
    corpus = tables_of(store, choose_job(store)).text.corpus
    (sums,), (made,) = (recent(store, corpus, kind) for kind in ("effects", "guards"))
    return len(sums.parts), sums.details, store.read_table(made.parts[0].path).to_pylist()


def test_however_many_runs_of_shards_are_counted_the_sums_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_parquet(tmp_path / "crawl")
    one, *whole = counted(tmp_path, "whole")
    monkeypatch.setattr(effects, "UNIT_ROWS", 1)
    several, *parts = counted(tmp_path, "parts")
    assert (one, several) == (1, 4)
    assert parts == whole
