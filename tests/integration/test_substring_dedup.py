"""Substring deduplication from Parquet to Parquet: what is left, what is told of the rest, the same for any worker and shard."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import winnow
from pipeline.dedup import layout, ranges
from pipeline.errors import PlanError, RecipeError
from pipeline.explain_sentences import sentences
from pipeline.report.page import render_report
from pipeline.stages.substrings import contexts as substring_contexts
from pipeline.storage.store import Store
from pipeline.takedown.making import Request, take_down
from tests import oracle_substrings as oracle
from tests.corpora import prose
from tests.line_runs import bytes_of, exported, run, write

SIZE = 60


def articles(count: int = 60) -> list[str]:
    """Texts that quote one another in passages of any length, across lines; two are the same, one is quotes alone, some are
    one letter or one phrase over and over."""
    made = [prose(i, 5) + f" É{i}🙂" for i in range(count)]
    pick = random.Random(4)
    for i in range(5, count):
        source = made[pick.randrange(i)]
        start = pick.randrange(max(1, len(source) - 200))
        at = pick.randrange(len(made[i]))
        made[i] = made[i][:at] + source[start : start + pick.randrange(20, 200)] + made[i][at:]
    made[9], made[10] = made[8], ""
    made[11] = made[2][:150] + made[3][30:200]
    made[12], made[13], made[14] = "a" * 500, "ab c" * 100, " " * 300
    return made


def recipe(substrings: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    dedup = {"exact": False, "guard": {"max_source_loss": 1.0}, "substrings": {"min_bytes": SIZE} | (substrings or {})}
    return {"name": "passages", "score": ["exact", "gopher"], "dedup": dedup | more.pop("dedup", {}), **more}


def expected(texts: list[str], later: bool = False) -> dict[str, str]:
    left = oracle.without_repeats(texts, SIZE, later)
    return {f"d{i}": t for i, (t, p) in enumerate(zip(left, texts, strict=True)) if t or not p}


@pytest.fixture(scope="module")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("crawl") / "crawl", articles())


@pytest.fixture(scope="module")
def done(crawl: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, winnow.Result]:
    folder = tmp_path_factory.mktemp("done")
    rules = {"long": {"column": "gopher.word_count", "min": 30}}
    return folder, run(recipe(rules=rules, dedup={"exact": "raw"}), crawl, folder)


def test_what_is_exported_is_what_a_dictionary_leaves_of_the_documents_that_were_kept(
    done: tuple[Path, winnow.Result],
) -> None:
    folder, result = done
    said = "select doc_id from documents where stage is null or (stage = 'dedup' and reason = 'substrings') order by shard, row"
    ids = winnow.sql(said, workspace=str(folder / "ws")).column("doc_id").to_pylist()
    texts = {f"d{i}": t for i, t in enumerate(articles())}
    left = dict(zip(ids, oracle.without_repeats([texts[i] for i in ids], SIZE), strict=True))
    assert exported(folder) == {i: t for i, t in left.items() if t}
    emptied = [i for i, t in left.items() if not t]
    assert emptied == ["d11"]
    assert result.funnel == {
        "kept": len(ids) - 1, "dedup.exact": 1, "dedup.substrings": 1, "judge.long": len(texts) - 1 - len(ids)
    }  # fmt: skip
    removed = pq.read_table(folder / "out" / "removed").to_pylist()
    assert [(r["id"], r["stage"], r["threshold"]) for r in removed if r["rule"] == "substrings"] == [
        ("d11", "dedup", "substrings")
    ]


def test_why_says_which_passages_went_and_where_else_they_lie(done: tuple[Path, winnow.Result]) -> None:
    folder, _ = done
    gone = winnow.sql(
        "select d.doc_id, o.doc_id as other, p.* from removed_substrings p join documents d using (shard, row) "
        "join documents o on o.shard = p.other_shard and o.row = p.other_row order by p.shard, p.row, p.start_byte",
        workspace=str(folder / "ws"),
    ).to_pylist()
    texts = {f"d{i}": t.encode() for i, t in enumerate(articles())}
    assert len(gone) > 20
    for row in gone:
        passage = texts[row["doc_id"]][row["start_byte"] : row["end_byte"]]
        assert passage[: SIZE - 6] in texts[row["other"]]
        assert int(row["other"][1:]) <= int(row["doc_id"][1:])
    told = winnow.why("d11", workspace=str(folder / "ws"))
    shown = told[0]["removed_substrings"][0]
    assert shown["text"] == articles()[11]
    assert f"also in {shown['other']['doc_id']} (shard 0" in "\n".join(sentences(told))


def test_report_and_card_tell_how_much_was_taken_out(done: tuple[Path, winnow.Result]) -> None:
    folder, _ = done
    gone = winnow.sql(
        "select count(*) as passages, count(distinct (shard, row)) as documents from removed_substrings",
        workspace=str(folder / "ws"),
    ).to_pylist()[0]
    card, page = (folder / "out" / "README.md").read_text(), render_report(Store(str(folder / "ws")))
    for said in (card, page):
        assert f"{gone['passages']} passages of at least {SIZE} bytes" in said
        assert f"taken out of {gone['documents']} documents; nothing was left of 1 of these" in said


def test_any_worker_count_and_a_second_run_give_the_same_bytes(crawl: Path, tmp_path: Path) -> None:
    made = recipe({"action": "both"})
    run(made, crawl, tmp_path / "one")
    run(made, crawl, tmp_path / "two", workers=2)
    assert bytes_of(tmp_path / "one" / "ws") == bytes_of(tmp_path / "two" / "ws")
    assert bytes_of(tmp_path / "one" / "out") == bytes_of(tmp_path / "two" / "out")
    before = bytes_of(tmp_path / "one" / "ws")
    again = run(made, crawl, tmp_path / "one")
    said = (tmp_path / "one" / "ws" / "jobs" / again.job_id / "events.jsonl").read_text()
    assert "unit_done" not in said
    assert bytes_of(tmp_path / "one" / "ws") == before


def test_a_lost_part_is_the_only_one_that_is_made_again(crawl: Path, tmp_path: Path) -> None:
    run(recipe(), crawl, tmp_path)
    before = bytes_of(tmp_path / "ws")
    (corpus,) = (tmp_path / "ws" / "corpora").iterdir()
    (lost, *_) = sorted((corpus / "substring_matches" / "parts").rglob("*.parquet"))
    lost.unlink()
    again = run(recipe(), crawl, tmp_path)
    said = (tmp_path / "ws" / "jobs" / again.job_id / "events.jsonl").read_text()
    assert said.count('"stage": "substring_matches"') > 0
    assert {e["stage"] for e in map(json.loads, said.splitlines()) if e["verb"] == "unit_done"} == {
        "substring_contexts",
        "substring_matches",
    }
    assert bytes_of(tmp_path / "ws") == before


@pytest.mark.parametrize(
    ("files", "row_groups", "keep"), [(1, 1, "first"), (4, 3, "none"), (7, 1, "first"), (2, 1, "none")]
)
def test_any_cut_into_shards_and_ranges_leaves_the_same(
    tmp_path: Path, files: int, row_groups: int, keep: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranges, "RANGE_BYTES", 18_000)
    monkeypatch.setattr(layout, "HASH_ROWS", 16)
    monkeypatch.setattr(substring_contexts, "CONTEXT_BYTES", 2000)
    source = write(tmp_path / "crawl", articles(), files, row_groups)
    run(recipe({"keep": keep}), source, tmp_path)
    assert exported(tmp_path) == expected(articles(), keep == "none")


def test_without_a_first_copy_the_order_of_shards_says_nothing(tmp_path: Path) -> None:
    texts = articles()
    run(recipe({"keep": "none"}), write(tmp_path / "forward" / "in", texts), tmp_path / "forward")
    run(recipe({"keep": "none"}), write(tmp_path / "back" / "in", texts[::-1]), tmp_path / "back")
    back = {f"d{len(texts) - 1 - int(i[1:])}": t for i, t in exported(tmp_path / "back").items()}
    assert exported(tmp_path / "forward") == back


def test_the_share_of_repeated_passages_is_a_measurement_that_rules_can_bound(crawl: Path, tmp_path: Path) -> None:
    rules = {"copied": {"column": "corpus_substrings.repeated_byte_frac", "max": 0.5},
             "quoted": {"sql": "corpus_substrings.longest_bytes < 150"}}  # fmt: skip
    result = run(recipe({"action": "measure"}, rules=rules), crawl, tmp_path)
    texts = [t.encode() for t in articles()]
    failed: dict[str, list[str]] = {"copied": [], "quoted": []}
    for i, (text, numbers) in enumerate(zip(texts, oracle.repeated_elements(texts, SIZE, True), strict=True)):
        spans = [oracle.whole_characters(text, *s) for s in oracle.runs_of_numbers(numbers)]
        if sum(e - s for s, e in spans) > 0.5 * len(text):
            failed["copied"].append(f"d{i}")
        elif max((e - s for s, e in spans), default=0) >= 150:
            failed["quoted"].append(f"d{i}")
    assert all(failed.values())
    assert result.funnel == {
        **{f"judge.{r}": len(ids) for r, ids in failed.items()},
        "kept": len(texts) - sum(map(len, failed.values())),
    }
    column = "select any_value(unit) as unit from columns where name = 'corpus_substrings.longest_bytes'"
    assert winnow.sql(column, workspace=str(tmp_path / "ws")).to_pylist() == [{"unit": "bytes"}]


@pytest.mark.parametrize("keep", ["first", "none"])
def test_the_surplus_is_the_share_that_goes(crawl: Path, tmp_path: Path, keep: str) -> None:
    run(recipe({"action": "both", "keep": keep}), crawl, tmp_path)
    told = winnow.sql(
        "select doc_id, corpus_substrings.surplus_byte_frac as n from documents", workspace=str(tmp_path / "ws")
    )
    texts = [t.encode() for t in articles()]
    said = {}
    for i, (text, numbers) in enumerate(zip(texts, oracle.repeated_elements(texts, SIZE, keep == "none"), strict=True)):
        spans = [oracle.whole_characters(text, *s) for s in oracle.runs_of_numbers(numbers)]
        said[f"d{i}"] = pytest.approx(sum(e - s for s, e in spans) / max(1, len(text)))
    assert {r["doc_id"]: r["n"] for r in told.to_pylist()} == said


def test_lines_and_passages_go_together(tmp_path: Path) -> None:
    """Of the last document each takes a half, and both together leave nothing."""
    first, second = prose(1, 2)[:120].replace("\n", " "), prose(2, 2)[:120].replace("\n", " ")
    texts = [f"{first}\nhere", f"there {second} and on", f"{first}\n{second}", "alone"]
    source = write(tmp_path / "in", texts, 1, 1)
    result = run(recipe(dedup={"lines": {}}), source, tmp_path)
    assert exported(tmp_path) == {"d0": texts[0], "d1": texts[1], "d3": "alone"}
    assert result.funnel == {"dedup.substrings": 1, "kept": 3}


def test_a_document_that_lines_left_empty_has_that_reason(tmp_path: Path) -> None:
    line = prose(1, 2)[:120].replace("\n", " ")
    source = write(tmp_path / "in", [f"{line}\nhere", line], 1, 1)
    assert run(recipe(dedup={"lines": {}}), source, tmp_path).funnel == {"dedup.lines": 1, "kept": 1}


def test_tokens_are_compared_whatever_lies_between_them(tmp_path: Path) -> None:
    said = "one two three four five six seven eight"
    texts = [f"Before: {said}. After.", f"Else, {said.replace(' ', ',  ')}; more", f"no {said[:-6]}"]
    source = write(tmp_path / "in", texts, 2, 1)
    run(recipe({"min_bytes": None, "min_tokens": 8}), source, tmp_path)
    assert exported(tmp_path) == {"d0": texts[0], "d1": "Else, ; more", "d2": texts[2]}


@pytest.mark.parametrize("texts", [[""] * 40, ["x" * 70] * 200 + ["é" * 3000, "short"]])
def test_empty_identical_and_periodic_documents_are_normal(tmp_path: Path, texts: list[str]) -> None:
    source = write(tmp_path / "in", texts, min(3, len(texts)), 1)
    result = run(recipe({"action": "both"}), source, tmp_path)
    assert exported(tmp_path) == expected(texts)
    assert result.rows == len(texts)


def test_real_passages_go_as_a_dictionary_says(real_data: Path, tmp_path: Path) -> None:
    table = pq.read_table(real_data / "corpus" / "part-02.parquet", columns=["text"])
    texts = [t[:1500] for t in table.column("text").to_pylist()[:250]]
    source = write(tmp_path / "in", texts, 3, 2)
    run(recipe(), source, tmp_path)
    assert exported(tmp_path) == expected(texts)


def test_the_plan_tells_what_goes_and_what_it_costs(crawl: Path, tmp_path: Path) -> None:
    told = winnow.plan(recipe({"keep": "none"}), [str(crawl)], workspace=str(tmp_path / "ws"))
    assert told["substrings"][0] == "of passages of at least 60 bytes that the corpus holds elsewhere, no copy stays"
    assert "substrings" in told["stages"]


@pytest.mark.parametrize(("substrings", "said"), [
    ({"min_bytes": 100, "min_tokens": 50}, "give min_bytes or min_tokens, not both"),
    ({"min_bytes": 3}, "greater than or equal to 16"),
    ({"keep": "last"}, "'first' or 'none'"),
])  # fmt: skip
def test_settings_that_make_no_sense_say_so(substrings: dict[str, Any], said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        winnow.recipe(recipe(substrings))


def test_a_rule_on_what_is_not_measured_stops_the_plan(crawl: Path, tmp_path: Path) -> None:
    rules = {"copied": {"column": "corpus_substrings.repeated_byte_frac", "max": 0.5}}
    with pytest.raises(PlanError, match=r"dedup\.substrings\.action: measure"):
        winnow.plan(recipe(rules=rules), [str(crawl)], workspace=str(tmp_path / "ws"))


def test_a_recipe_without_the_key_keeps_its_digest() -> None:
    assert "substrings" not in winnow.recipe("fineweb").canonical()


def test_what_is_taken_down_is_no_first_copy_any_more_and_its_text_is_not_asked_for(tmp_path: Path) -> None:
    """Also where its text, converted here, is emptied, and other passages are asked for than before."""
    texts = articles(24)
    source = tmp_path / "in" / "articles.jsonl"
    source.parent.mkdir()
    source.write_text("".join(json.dumps({"id": f"d{i}", "text": t}) + "\n" for i, t in enumerate(texts)))
    run(recipe(), source, tmp_path)
    take_down(Store(str(tmp_path / "ws")), Request("ticket 7", ids=("d2", "d8"), by="jane"))
    for keep in ("first", "none"):
        made = recipe({"action": "both", "keep": keep}) | {"name": keep}
        winnow.run(made, [str(source)], workspace=str(tmp_path / "ws"), output=str(tmp_path / keep / "out"), workers=1)
        left = [t for i, t in enumerate(texts) if i not in (2, 8)]
        ids = [f"d{i}" for i in range(len(texts)) if i not in (2, 8)]
        without = oracle.without_repeats(left, SIZE, keep == "none")
        assert exported(tmp_path / keep) == {i: t for i, t, p in zip(ids, without, left, strict=True) if t or not p}
    measured = winnow.sql(
        "select doc_id, corpus_substrings.passages as n from documents", workspace=str(tmp_path / "ws")
    )
    encoded = [t.encode() for t in left]
    spans = [oracle.runs_of_numbers(numbers) for numbers in oracle.repeated_elements(encoded, SIZE, True)]
    expected_passages = {i: len(found) for i, found in zip(ids, spans, strict=True)}
    assert {r["doc_id"]: r["n"] for r in measured.to_pylist() if r["doc_id"] in ids} == expected_passages
    assert not list((tmp_path / "ws").rglob("substring_contexts/parts/**/*.parquet"))
