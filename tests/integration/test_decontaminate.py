"""Decontamination from a recipe to the corpus: what is removed, cut, explained, reported and guarded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import winnow
from pipeline.errors import PlanError
from pipeline.explain import explain
from pipeline.explain_sentences import sentences
from pipeline.plan import make_plan
from pipeline.recipe_file import validate
from pipeline.report.page import render_report
from pipeline.run import Settings
from pipeline.stages.common import Limit
from pipeline.storage.store import Store
from tests.fixtures_evaluations import EGGS, crawl, evals, models_folder, recipe, texts

__all__ = ["crawl", "evals", "models_folder"]  # fixtures


def ran(tmp_path: Path, crawl: Path, tree: dict[str, Any], **settings: Any) -> tuple[Store, winnow.Result, set[str]]:
    result = winnow.run(
        tree, [str(crawl)], workspace=str(tmp_path / "ws"), output=str(tmp_path / "out"), overwrite=True, **settings
    )
    kept = {row["id"] for row in pq.read_table(tmp_path / "out" / "data", columns=["id"]).to_pylist()}
    return Store(str(tmp_path / "ws")), result, set(texts()) - kept


def test_documents_with_most_of_an_item_go(tmp_path: Path, evals: Path, crawl: Path) -> None:
    _, result, gone = ran(tmp_path, crawl, recipe(evals))
    assert gone == {"whole", "markup", "reordered"}
    assert result.funnel == {"kept": 51, "judge.contamination": 3}
    removed = {r["id"]: r for r in pq.read_table(tmp_path / "out" / "removed").to_pylist()}
    assert (removed["whole"]["rule"], removed["whole"]["value"], removed["whole"]["threshold"]) == (
        "contamination", "1.0", "max 0.5",
    )  # fmt: skip


def test_boilerplate_that_is_an_item_goes_only_without_the_guard(tmp_path: Path, evals: Path, crawl: Path) -> None:
    _, result, gone = ran(tmp_path, crawl, recipe(evals))
    said = next(w for w in result.warnings if "do not count" in w)
    assert "more than 10 of 54 documents" in said
    assert "of 1 items nothing else is left, so that they are not looked for: farm licence" in said
    assert not any(name.startswith("licensed") for name in gone)
    _, result, gone = ran(tmp_path, crawl, recipe(evals, max_docs=0))
    assert {name for name in gone if name.startswith("licensed")} == {f"licensed-{i:02}" for i in range(20)}
    assert not any("do not count" in w for w in result.warnings)


def test_a_share_of_documents_is_what_the_recipe_says() -> None:
    assert [Limit(1, 0.29).most(n) for n in (99, 100, 200)] == [28, 29, 58]
    assert (Limit(10, 0.001).most(9_999), Limit(10, 0.001).most(12_000)) == (10, 12)


def test_short_items_are_named_aloud(tmp_path: Path, evals: Path, crawl: Path) -> None:
    _, result, _ = ran(tmp_path, crawl, recipe(evals))
    assert (
        "contamination: 1 of 4 items of farm have no text of 8 words or more and are not looked for" in result.warnings
    )
    store, tree = Store(str(tmp_path / "other")), validate({**recipe(evals), "input": {"paths": [str(crawl)]}}, "here")
    assert any("1 of 4 items of farm" in w for w in make_plan(store, tree).told(1)["warnings"])


def test_why_names_benchmark_item_field_words_and_overlap(tmp_path: Path, evals: Path, crawl: Path) -> None:
    store, _, _ = ran(tmp_path, crawl, recipe(evals))
    said = "\n".join(sentences(explain(store, "whole")))
    assert "failed contamination: is 1.0, wanted max 0.5" in said
    assert f'holds 100 % of farm, item eggs, question: "{EGGS[:-1]}"' in said
    part = "\n".join(sentences(explain(store, "part")))
    assert "kept" in part
    assert 'of farm, item eggs, question: "' not in part  # one 13-gram would be needed


def test_the_report_shows_documents_beside_items(tmp_path: Path, evals: Path, crawl: Path) -> None:
    store, _, _ = ran(tmp_path, crawl, recipe(evals))
    page = render_report(store)
    assert '<h2 id="h-contamination">Contamination</h2>' in page
    assert "farm" in page.split('id="h-contamination"')[1]
    assert EGGS[:60] in page.split('id="h-contamination"')[1]


def test_the_report_shows_the_item_that_was_found_where_several_have_its_id(
    tmp_path: Path, evals: Path, crawl: Path
) -> None:
    other = {"id": "eggs", "question": "Another question altogether that nobody ever asks of anybody in this crawl"}
    evals.write_text(json.dumps(other) + "\n" + evals.read_text())
    store, _, _ = ran(tmp_path, crawl, recipe(evals))
    shown = render_report(store).split('id="h-contamination"')[1]
    assert EGGS[-30:-1] in shown
    assert "Another question altogether" not in shown


def test_spans_are_cut_and_nothing_else(tmp_path: Path, evals: Path, crawl: Path) -> None:
    _, result, gone = ran(tmp_path, crawl, recipe(evals, action="spans"))
    assert (gone, result.funnel) == (set(), {"kept": 54})
    data = pq.read_table(tmp_path / "out" / "data", columns=["id", "text"]).to_pylist()
    written = {r["id"]: r["text"] for r in data}
    assert written["whole"] == texts()["whole"].replace(EGGS[:-1], "")
    assert written["clean-03"] == texts()["clean-03"]
    assert written["licensed-04"] == texts()["licensed-04"]


def test_gpt3_cuts_200_characters_on_both_sides_and_what_is_left_small(
    tmp_path: Path, evals: Path, crawl: Path
) -> None:
    _, _, gone = ran(tmp_path, crawl, recipe(evals, action="spans", profile="gpt3-13"))
    assert gone == set()
    data = pq.read_table(tmp_path / "out" / "data", columns=["id", "text"]).to_pylist()
    written, whole = {r["id"]: r["text"] for r in data}["whole"], texts()["whole"]
    at = whole.index(EGGS)
    assert written == whole[: at - 200] + whole[at + len(EGGS) - 1 + 200 :]


@pytest.mark.parametrize(("profile", "text"), [("winnow-13", EGGS[:-1]), ("gpt3-13", f"Asked at the fair: {EGGS}\n")])
def test_a_document_of_which_no_byte_is_left_is_removed(profile: str, text: str, tmp_path: Path, evals: Path) -> None:
    pq.write_table(
        pa.table({"id": ["item", "empty", "own"], "text": [text, "", "words of its own"]}), tmp_path / "c.parquet"
    )
    tree = recipe(evals, action="spans", profile=profile)
    _, result, _ = ran(tmp_path, tmp_path / "c.parquet", tree)
    assert result.funnel == {"kept": 2, "judge.contamination_whole": 1}
    (removed,) = pq.read_table(tmp_path / "out" / "removed").to_pylist()
    assert (removed["id"], removed["rule"], removed["threshold"]) == ("item", "contamination_whole", "below 1")


def test_one_pass_over_the_text_serves_any_threshold(tmp_path: Path, evals: Path, crawl: Path) -> None:
    ran(tmp_path, crawl, recipe(evals))
    tree = {**recipe(evals), "rules": {"contamination": {"column": "contamination.overlap_frac", "max": 0.99}}}
    store, result, gone = ran(tmp_path, crawl, tree)
    assert gone == {"whole", "markup", "reordered"}
    events = (Path(store.root) / "jobs" / result.job_id / "events.jsonl").read_text().splitlines()
    assert not any(e["verb"] == "unit_done" and e["stage"] == "notes" for e in map(json.loads, events))


def test_workers_and_order_change_nothing(tmp_path: Path, evals: Path, crawl: Path) -> None:
    tree = recipe(evals, profile="palm-8")
    _, _, gone = ran(tmp_path, crawl, tree, executor="local", workers=1)
    first = {p.name: p.read_bytes() for p in (tmp_path / "out" / "data").iterdir()}
    second = winnow.run(
        tree, [str(crawl)], workspace=str(tmp_path / "ws2"), output=str(tmp_path / "out2"), executor="local", workers=2
    )
    assert second.funnel["judge.contamination"] == len(gone)
    assert {p.name: p.read_bytes() for p in (tmp_path / "out2" / "data").iterdir()} == first


def test_shards_change_nothing_and_an_added_one_is_all_that_is_read(tmp_path: Path, evals: Path, crawl: Path) -> None:
    _, whole, gone = ran(tmp_path, crawl, recipe(evals))
    folder, rows = tmp_path / "sharded", list(texts().items())
    folder.mkdir()
    for n in range(5):
        own = rows[n::6]
        pq.write_table(pa.table({"id": [i for i, _ in own], "text": [t for _, t in own]}), folder / f"{n}.parquet")
    workspace = str(tmp_path / "ws2")
    winnow.run(recipe(evals), [str(folder)], workspace=workspace, until="mix")
    last = rows[5::6]
    pq.write_table(pa.table({"id": [i for i, _ in last], "text": [t for _, t in last]}), folder / "5.parquet")
    again = winnow.run(recipe(evals), [str(folder)], workspace=workspace, until="mix")
    assert again.funnel == whole.funnel
    assert [w for w in again.warnings if "do not count" in w] == [w for w in whole.warnings if "do not count" in w]
    removed = winnow.sql("select doc_id from documents where reason = 'contamination'", workspace=workspace)
    assert set(removed.column(0).to_pylist()) == gone
    passes = "select count(*) from shards where stage = 'notes' and job = (select max(id) from jobs)"
    assert winnow.sql(passes, workspace=workspace).column(0).to_pylist() == [2]  # the new shard: scored, and guarded


def test_a_locked_recipe_runs_again_and_refuses_other_evaluation_sets(tmp_path: Path, evals: Path, crawl: Path) -> None:
    _, result, _ = ran(tmp_path, crawl, recipe(evals))
    lock = tmp_path / "recipe.lock.yaml"
    lock.write_text((tmp_path / "out" / "recipe.lock.yaml").read_text())
    again = winnow.run(str(lock), [str(crawl)], workspace=str(tmp_path / "ws3"), output=str(tmp_path / "out3"))
    assert again.funnel == result.funnel
    kept = evals.read_text()
    evals.unlink()
    without = winnow.run(str(lock), [str(crawl)], workspace=str(tmp_path / "ws3"), output=str(tmp_path / "out4"))
    assert without.funnel == result.funnel
    evals.write_text(kept.replace("ducks", "geese"))
    with pytest.raises(PlanError, match="not those this recipe was locked with: expected evals-"):
        winnow.run(str(lock), [str(crawl)], workspace=str(tmp_path / "ws3"))


def test_a_recipe_says_the_same_after_it_was_written_down(evals: Path) -> None:
    first = validate(recipe(evals, action="spans", profile="gpt3-13"), "here")
    assert first.export.edits == ("contamination.spans",)
    assert first.rules["contamination"].column == "contamination.span_count"
    assert validate(json.loads(first.canonical()), "there") == first


def test_winnow_score_takes_evaluation_sets(tmp_path: Path, evals: Path, crawl: Path) -> None:
    tree = {"name": "score", "score": [{"contamination": {"against": str(evals), "profile": "tulu3-8"}}]}
    from pipeline.run import run

    run(validate({**tree, "input": {"paths": [str(crawl)]}}, "here"), str(tmp_path / "ws"), Settings(until="score"))
    found = winnow.sql(
        "select doc_id, contamination.benchmark as b, contamination.overlap_frac as o from documents where contamination.overlap_frac > 0.5 order by 1",
        workspace=str(tmp_path / "ws"),
    ).to_pylist()
    assert [r["doc_id"] for r in found if not r["doc_id"].startswith("licensed")] == ["markup", "reordered", "whole"]
