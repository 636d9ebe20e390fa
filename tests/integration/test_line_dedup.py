"""Line deduplication from Parquet to Parquet: what is left, what is told of the rest, the same for any worker and shard."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import winnow
from pipeline.dedup import layout, ranges
from pipeline.errors import PlanError, RecipeError
from pipeline.explain_sentences import sentences
from pipeline.recipe.dedup import Lines
from pipeline.report.page import render_report
from pipeline.stages.lines import filter as line_filter
from pipeline.storage.store import Store
from pipeline.wording import size
from tests import oracle_lines as oracle
from tests.line_runs import BOILERPLATE, bytes_of, exported, pages, recipe, run, write


@pytest.fixture(scope="module")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("crawl") / "crawl", pages())


@pytest.fixture(scope="module")
def done(crawl: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, winnow.Result]:
    folder = tmp_path_factory.mktemp("done")
    rules = {"long": {"column": "gopher.word_count", "min": 5}}
    return folder, run(recipe({}, rules=rules), crawl, folder)


def survivors(folder: Path) -> list[str]:
    """Ids that rules and document deduplication kept, in the corpus's order."""
    said = (
        "select doc_id from documents where stage is null or (stage = 'dedup' and reason = 'lines') order by shard, row"
    )
    return winnow.sql(said, workspace=str(folder / "ws")).column("doc_id").to_pylist()


def test_what_is_exported_is_what_a_dictionary_leaves_of_the_documents_that_were_kept(
    done: tuple[Path, winnow.Result],
) -> None:
    folder, result = done
    texts = {f"d{i}": t for i, t in enumerate(pages())}
    ids = survivors(folder)
    left = oracle.without_repeated_lines([texts[i] for i in ids], Lines())
    expected = {i: t for i, t in zip(ids, left, strict=True) if t}
    assert exported(folder) == expected
    assert result.funnel == {
        "kept": len(expected), "dedup.exact": 1, "dedup.lines": len(ids) - len(expected), "judge.long": 90 - 1 - len(ids)
    }  # fmt: skip
    assert len(ids) - len(expected) > 0


def test_the_copy_that_stays_is_in_a_document_that_stays(done: tuple[Path, winnow.Result]) -> None:
    """d6 and d7 are the same: whichever goes, the other keeps its own lines."""
    folder, _ = done
    kept = exported(folder)
    (one,) = [kept[i] for i in ("d6", "d7") if i in kept]
    own = [line for line in pages()[6].split("\n") if line and line not in BOILERPLATE]
    assert [line for line in one.split("\n") if line in own] == own


def test_a_document_without_anything_left_is_removed_with_its_reason(done: tuple[Path, winnow.Result]) -> None:
    folder, result = done
    removed = [r for r in pq.read_table(folder / "out" / "removed").to_pylist() if r["rule"] == "lines"]
    assert len(removed) == result.funnel["dedup.lines"]
    assert {(r["stage"], r["threshold"]) for r in removed} == {("dedup", "lines")}
    texts = pages()
    assert all(set(texts[int(r["id"][1:])].split("\n")) <= set(BOILERPLATE) for r in removed)


def test_report_and_card_tell_how_much_was_taken_out(done: tuple[Path, winnow.Result]) -> None:
    folder, result = done
    gone = winnow.sql(
        "select count(*) as lines, count(distinct (shard, row)) as documents, count(distinct (shard, row)) filter (empties) "
        "as emptied from removed_lines",
        workspace=str(folder / "ws"),
    ).to_pylist()[0]
    card = (folder / "out" / "README.md").read_text()
    page = render_report(Store(str(folder / "ws")))
    for said in (card, page):
        assert f"{gone['lines']} repeated lines" in said
        assert f"taken out of {gone['documents']} documents; nothing was left of {gone['emptied']} of these" in said
    assert gone["emptied"] == result.funnel["dedup.lines"]


def test_report_and_card_tell_how_much_text_is_written_not_only_what_was_kept(done: tuple[Path, winnow.Result]) -> None:
    folder, result = done
    asked = (
        "select sum(text_bytes) filter (copies > 0)::bigint as kept, sum(text_bytes)::bigint as whole from documents"
    )
    (told,) = winnow.sql(asked, workspace=str(folder / "ws")).to_pylist()
    written = sum(len(t.encode()) for t in exported(folder).values())
    assert written < told["kept"]
    manifest = json.loads((folder / "out" / "manifest.json").read_text())
    assert manifest["details"]["text_bytes_out"] == written
    card = (folder / "out" / "README.md").read_text()
    assert f"with {size(written)} of text of {size(told['whole'])}." in card
    assert f"As they are written, cut, the kept ones have {written:,}." in card
    page = render_report(Store(str(folder / "ws")))
    assert f"{size(told['kept'])} of {size(told['whole'])} of text, of which {size(written)} were written, cut." in page
    assert result.output is not None


def test_why_says_which_lines_went_and_where_the_first_copy_lies(done: tuple[Path, winnow.Result]) -> None:
    folder, _ = done
    gone = winnow.sql(
        "select d.doc_id, f.doc_id as first, l.* from removed_lines l join documents d using (shard, row) "
        "join documents f on f.shard = l.first_shard and f.row = l.first_row",
        workspace=str(folder / "ws"),
    ).to_pylist()
    texts = {f"d{i}": t for i, t in enumerate(pages())}
    ids = survivors(folder)
    counts = Counter(line for i in ids for line in texts[i].split("\n"))
    for row in gone[:40]:
        said = texts[row["doc_id"]].encode()[row["start_byte"] : row["end_byte"]].decode().strip("\n")
        first = next(i for i in ids if said in texts[i].split("\n"))
        assert (row["first"], row["occurrences"]) == (first, counts[said])
    told = winnow.why(gone[0]["doc_id"], workspace=str(folder / "ws"))
    shown = told[0]["removed_lines"][0]
    assert shown["text"] in BOILERPLATE
    assert f"first in {shown['first']['doc_id']} (shard 0" in "\n".join(sentences(told))


def test_any_worker_count_and_a_second_run_give_the_same_bytes(crawl: Path, tmp_path: Path) -> None:
    made = recipe({"action": "both", "bloom": {"mode": "prefilter"}})
    run(made, crawl, tmp_path / "one")
    run(made, crawl, tmp_path / "two", workers=2)
    assert bytes_of(tmp_path / "one" / "ws") == bytes_of(tmp_path / "two" / "ws")
    assert bytes_of(tmp_path / "one" / "out") == bytes_of(tmp_path / "two" / "out")
    before = bytes_of(tmp_path / "one" / "ws")
    again = run(made, crawl, tmp_path / "one")
    said = (tmp_path / "one" / "ws" / "jobs" / again.job_id / "events.jsonl").read_text()
    assert "unit_done" not in said
    assert bytes_of(tmp_path / "one" / "ws") == before


def test_other_bounds_read_hashes_and_no_text(crawl: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(recipe({"max_count": 1}), crawl, tmp_path, until="mix")

    def no_text(*_: object) -> None:
        raise AssertionError("text was opened")

    monkeypatch.setattr("pipeline.storage.shard.open_source", no_text)
    rules = {"long": {"column": "gopher.word_count", "min": 60}}
    again = run(recipe({"max_count": 3, "keep": 0}, rules=rules), crawl, tmp_path, until="mix")
    assert again.funnel["judge.long"] > 0


def test_real_boilerplate_goes_as_a_dictionary_says(real_data: Path, tmp_path: Path) -> None:
    texts = pq.read_table(real_data / "corpus" / "part-02.parquet", columns=["text"]).column("text").to_pylist()[:1500]
    source = write(tmp_path / "in", texts, 3, 2)
    made = {"normalise": "ccnet", "skip_blank": False, "count": "documents", "keep": 0}
    run(recipe(made, dedup={"exact": False}), source, tmp_path)
    left = oracle.without_repeated_lines(texts, Lines(**made))  # type: ignore[arg-type]
    assert exported(tmp_path) == {f"d{i}": t for i, (t, p) in enumerate(zip(left, texts, strict=True)) if t or not p}


@pytest.mark.parametrize(("files", "row_groups"), [(1, 1), (5, 3), (9, 1)])
@pytest.mark.parametrize("bloom", [None, {"mode": "prefilter", "false_positive": 0.3}])
def test_any_cut_into_shards_and_ranges_leaves_the_same(
    tmp_path: Path, files: int, row_groups: int, bloom: dict[str, Any] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranges, "RANGE_BYTES", 1_500)
    monkeypatch.setattr(layout, "HASH_ROWS", 16)
    monkeypatch.setattr(line_filter, "FILTER_BYTES", 100)
    lines = {"normalise": "ccnet", "max_count": 2, "keep": 1, "bloom": bloom}
    source = write(tmp_path / "crawl", pages(), files, row_groups)
    run(recipe(lines, dedup={"exact": False}), source, tmp_path)
    left = oracle.without_repeated_lines(pages(), Lines(normalise="ccnet", max_count=2))
    assert exported(tmp_path) == {f"d{i}": t for i, (t, p) in enumerate(zip(left, pages(), strict=True)) if t or not p}


def test_without_a_first_copy_the_order_of_shards_says_nothing(tmp_path: Path) -> None:
    texts = pages()
    made = recipe({"keep": 0, "count": "documents", "normalise": "ccnet", "skip_blank": False}, dedup={"exact": False})
    run(made, write(tmp_path / "forward" / "in", texts), tmp_path / "forward")
    run(made, write(tmp_path / "back" / "in", texts[::-1]), tmp_path / "back")
    forward = exported(tmp_path / "forward")
    assert forward == {f"d{len(texts) - 1 - int(i[1:])}": t for i, t in exported(tmp_path / "back").items()}
    lines = Counter(line for t in forward.values() for line in t.split("\n"))
    assert max(lines.values()) == 1


def test_a_lossy_filter_takes_at_least_the_repeated_lines_and_says_how_many_more(crawl: Path, tmp_path: Path) -> None:
    exact = oracle.without_repeated_lines(pages(), Lines())
    expected = {f"d{i}": t for i, (t, p) in enumerate(zip(exact, pages(), strict=True)) if t or not p}
    careful = {"bloom": {"mode": "lossy", "false_positive": 1e-9}}
    said = run(recipe(careful, dedup={"exact": False}), crawl, tmp_path / "careful")
    assert exported(tmp_path / "careful") == expected
    assert "took about" in said.warnings[-1]
    careless = {"bloom": {"mode": "lossy", "false_positive": 0.4}}
    run(recipe(careless, dedup={"exact": False}), crawl, tmp_path / "careless")
    left = exported(tmp_path / "careless")
    assert sum(map(len, left.values())) < sum(map(len, expected.values()))
    assert all(set(t.split("\n")) <= set(expected[i].split("\n")) for i, t in left.items())


def test_the_plan_tells_what_a_lossy_filter_would_cost(crawl: Path, tmp_path: Path) -> None:
    made = recipe({"bloom": {"mode": "lossy", "false_positive": 0.01}})
    told = winnow.plan(made, [str(crawl)], workspace=str(tmp_path / "ws"))
    assert "LOSSY" in told["lines"][-1]
    assert "probability up to 0.01" in told["lines"][-1]


def test_the_share_of_repeated_lines_is_a_measurement_that_rules_can_bound(crawl: Path, tmp_path: Path) -> None:
    rules = {"boilerplate": {"column": "corpus_lines.repeated_byte_frac", "max": 0.5},
             "sql": {"sql": "corpus_lines.most_repeated < 1000"}}  # fmt: skip
    made = recipe({"action": "measure"}, rules=rules, dedup={"exact": False})
    result = run(made, crawl, tmp_path)
    texts = pages()
    counts = Counter(line for t in texts for line in t.split("\n") if line.strip())
    gone = []
    for i, text in enumerate(texts):
        ends = text.split("\n")
        sizes = [len(line) + (k + 1 < len(ends)) for k, line in enumerate(ends)]
        again = sum(n for line, n in zip(ends, sizes, strict=True) if counts[line] > 1)
        if text and again / len(text) > 0.5:
            gone.append(f"d{i}")
    assert result.funnel == {"judge.boilerplate": len(gone), "kept": 90 - len(gone)}
    assert exported(tmp_path) == {f"d{i}": t for i, t in enumerate(texts) if f"d{i}" not in gone}
    column = "select any_value(unit) as unit from columns where name = 'corpus_lines.repeated_byte_frac'"
    assert winnow.sql(column, workspace=str(tmp_path / "ws")).to_pylist() == [{"unit": "fraction"}]


def test_the_surplus_is_what_export_cuts_line_breaks_and_all(tmp_path: Path) -> None:
    texts = ["shared\nfirst", "second\nshared", "third\nshared\nshared\n", "fourth\n\nshared\nshared"]
    run(recipe({"action": "both"}, dedup={"exact": False}), write(tmp_path / "crawl", texts, 2), tmp_path)
    asked = winnow.sql(
        "select doc_id, corpus_lines.surplus_byte_frac as n from documents", workspace=str(tmp_path / "ws")
    )
    surplus = {r["doc_id"]: r["n"] for r in asked.to_pylist()}
    left = exported(tmp_path)
    assert left == {"d0": texts[0], "d1": "second", "d2": "third\n", "d3": "fourth\n"}
    assert surplus == {f"d{i}": (len(t) - len(left[f"d{i}"])) / len(t) for i, t in enumerate(texts)}


def test_line_cuts_and_other_edits_go_together(tmp_path: Path) -> None:
    texts = [
        "A line of four words.\nno end\nShared line that ends well.",
        "Shared line that ends well.\nAnother one of words.",
    ]
    source = write(tmp_path / "in", texts, 1, 1)
    made = recipe({}, dedup={"exact": False}) | {
        "score": [{"lines": {"c4": "datatrove"}}],
        "export": {"edits": ["lines.c4_removed"]},
    }
    run(made, source, tmp_path)
    assert exported(tmp_path) == {
        "d0": "A line of four words.\nShared line that ends well.",
        "d1": "Another one of words.",
    }


@pytest.mark.parametrize(("lines", "said"), [
    ({"keep": 2}, "keep: 2 is more than max_count: 1"),
    ({"max_count": 3, "bloom": {"mode": "lossy"}}, "bloom.mode: lossy knows only"),
    ({"normalise": "ccnett"}, "ccnet"),
])  # fmt: skip
def test_settings_that_contradict_one_another_say_so(lines: dict[str, Any], said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        winnow.recipe(recipe(lines))


def test_a_rule_on_what_is_not_measured_stops_the_plan(crawl: Path, tmp_path: Path) -> None:
    rules = {"boilerplate": {"column": "corpus_lines.repeated_byte_frac", "max": 0.5}}
    with pytest.raises(PlanError, match=r"dedup\.lines\.action: measure"):
        winnow.plan(recipe({}, rules=rules), [str(crawl)], workspace=str(tmp_path / "ws"))
