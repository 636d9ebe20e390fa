"""Decontamination from a recipe to the corpus: what is removed, cut, explained and guarded, and files that cannot be read."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import winnow
from pipeline.decontamination.eval_sets import index_of, with_index
from pipeline.errors import PlanError, RecipeError
from pipeline.explain import explain
from pipeline.explain_sentences import sentences
from pipeline.plan import make_plan
from pipeline.recipe_file import validate
from pipeline.report.page import render_report
from pipeline.run import Settings
from pipeline.storage.store import Store
from scorers import models
from scorers.models.evaluations import field_texts

BOILERPLATE = "This program comes with absolutely no warranty to the extent permitted by applicable law whatsoever"
EGGS = (
    "A farmer has seventeen ducks that lay three eggs each every single morning before dawn, "
    "how many eggs are there at noon?"
)
ITEMS = [
    {"id": "eggs", "question": EGGS, "choices": None, "answer": "51"},
    {
        "id": "moons",
        "question": "Which of these moons was the first one that anybody saw through a telescope made of brass?",
        "choices": ["Io, the volcanic one close to Jupiter", "Titan with its thick orange air", "The Moon", "Phobos"],
        "answer": 0,
    },
    {"id": "licence", "question": BOILERPLATE, "choices": None, "answer": "no"},
    {"id": "short", "question": "Why is the sky blue?", "choices": None, "answer": "Rayleigh"},
]
WORDS = [
    "river",
    "stone",
    "lamp",
    "garden",
    "window",
    "letter",
    "music",
    "bridge",
    "salt",
    "morning",
    "paper",
    "cloud",
    "silver",
    "horse",
    "winter",
    "market",
]


def filler(seed: int, words: int = 90) -> str:
    return " ".join(WORDS[(seed * 7 + i * i + i * seed) % len(WORDS)] for i in range(words)) + "."


def texts() -> dict[str, str]:
    """Thirty clean documents, one with an item, one with half of one, one in capitals and markup, one in another order; and
    twenty with boilerplate that is an item, too."""
    made = {f"clean-{i:02}": filler(i) for i in range(30)}
    made["whole"] = f"{filler(31)}\nÄrger mit Enten: {EGGS} {filler(32)}"
    made["part"] = (
        filler(33) + " a farmer has seventeen ducks that lay three eggs each every morning but one " + filler(34)
    )
    made["markup"] = f"{filler(35)} <p>{EGGS.upper().replace(' ', '  *')}</p>"
    made["reordered"] = f"{ITEMS[1]['question']} Phobos. The Moon. Titan with its thick orange air. {filler(36)}"
    made |= {f"licensed-{i:02}": f"{filler(40 + i)} {BOILERPLATE}. {filler(60 + i)}" for i in range(20)}
    return made


@pytest.fixture(autouse=True)
def models_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WINNOW_MODELS", str(tmp_path_factory.mktemp("models")))
        yield


@pytest.fixture
def evals(tmp_path: Path) -> Path:
    path = tmp_path / "evals" / "farm.jsonl"
    path.parent.mkdir()
    path.write_text("".join(json.dumps(i) + "\n" for i in ITEMS), encoding="utf-8")
    return path


@pytest.fixture
def crawl(tmp_path: Path) -> Path:
    path = tmp_path / "crawl.parquet"
    pq.write_table(pa.table({"id": list(texts()), "text": list(texts().values())}), path, row_group_size=20)
    return path


def recipe(evals: Path, **more: Any) -> dict[str, Any]:
    return {"name": "clean", "decontaminate": {"against": [str(evals)], **more}}


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


def test_the_same_content_is_the_same_index_wherever_it_lies(tmp_path: Path, evals: Path) -> None:
    first = index_of([str(evals)])
    (tmp_path / "elsewhere").mkdir()
    moved = evals.rename(tmp_path / "elsewhere" / "farm.jsonl")
    assert index_of([str(tmp_path / "elsewhere")]) == first == index_of([str(moved), str(moved)])
    assert index_of([{"path": str(moved), "name": "other"}]) != first
    card = models.known(first).card
    assert (card.kind, card.data[0]["name"], card.data[0]["items"]) == ("evaluations", "farm", 4)


def read(rows: list[dict[str, Any]] | bytes, tmp_path: Path, name: str = "e.jsonl", **columns: Any) -> dict[str, Any]:
    path = tmp_path / name
    content = rows if isinstance(rows, bytes) else "\n".join(map(json.dumps, rows)).encode()
    path.write_bytes(content)
    found = models.find(index_of([{"path": str(path), **columns}]))
    table = pq.read_table(found.path)
    return {**table.to_pydict(), **field_texts(table)}


def test_usual_shapes_of_evaluation_sets_are_understood(tmp_path: Path) -> None:
    arc = {"id": "a1", "question": "Q", "choices": {"text": ["one", "two"], "label": ["A", "B"]}, "answerKey": "B"}
    found = read([arc], tmp_path)
    assert (found["item"], found["choices"], found["answer"], found["benchmark"]) == (
        ["a1"],
        ["one\ntwo"],
        ["two"],
        ["e"],
    )
    medqa = {"question": "Q", "options": {"A": "x", "B": "y"}, "answer": "y"}
    assert read([medqa], tmp_path)["choices"] == ["x\ny"]
    mmlu = {"question": "Q", "choices": ["w", "x", "y", "z"], "answer": 3}
    assert (read([mmlu], tmp_path)["answer"], read([mmlu], tmp_path)["item"]) == (["z"], ["0"])
    code = {"task_id": "HumanEval/0", "prompt": "def f():", "canonical_solution": "return 1", "test": "assert f()"}
    assert (read([code], tmp_path)["question"], read([code], tmp_path)["answer"]) == (["def f():"], ["return 1"])
    boolq = {"passage": "A long page.", "question": "Q", "label": 1}
    assert (read([boolq], tmp_path)["question"], read([boolq], tmp_path)["answer"]) == (["Q"], [""])
    assert read([boolq], tmp_path, question=["passage", "question"])["question"] == ["A long page.\nQ"]
    zipped = read(gzip.compress(json.dumps(mmlu).encode()), tmp_path, "z.jsonl.gz", benchmark=None)
    assert (zipped["benchmark"], zipped["question"]) == (["z"], ["Q"])


WRONG: dict[str, tuple[str, bytes, str]] = {
    "empty": ("e.jsonl", b"", "the file is empty"),
    "blank": ("e.jsonl", b"\n\n", "it has no rows"),
    "latin_1": ("e.jsonl", b'{"question": "ok"}\n{"question": "caf\xe9"}', "line 2: not UTF-8 at byte 17"),
    "no_json": ("e.jsonl", b'{"question": "ok"}\n{"question": ', "line 2: not JSON"),
    "no_object": ("e.jsonl", b'["question"]', "line 1: expected an object, found list"),
    "no_text": ("e.jsonl", b'{"score": 1}', r"none of its columns \(score\) is known to hold a question"),
    "no_words": ("e.jsonl", b'{"question": ""}', "no row has any text"),
    "cut_gzip": ("e.jsonl.gz", gzip.compress(b'{"question": "a"}' * 99)[:-9], "damaged gzip"),
    "no_parquet": ("e.parquet", b"PAR1 and then nothing", "damaged, or no Parquet"),
    "text": ("e.txt", b"a question", "expected Parquet or JSONL"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_file_that_cannot_be_read_stops_the_plan_and_says_why(case: str, tmp_path: Path, crawl: Path) -> None:
    name, content, said = WRONG[case]
    (tmp_path / name).write_bytes(content)
    tree = validate({**recipe(tmp_path / name), "input": {"paths": [str(crawl)]}}, "here")
    with pytest.raises(PlanError, match=said) as caught:
        make_plan(Store(str(tmp_path / "ws")), tree)
    assert name in str(caught.value)


def test_parquet_that_is_not_utf8_stops_the_plan(tmp_path: Path) -> None:
    bad = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"a\xff")])
    pq.write_table(pa.table({"question": bad}), tmp_path / "e.parquet")
    with pytest.raises(PlanError, match="text that is not UTF-8"):
        index_of([str(tmp_path / "e.parquet")])


def test_a_flipped_bit_in_parquet_stops_the_plan(tmp_path: Path) -> None:
    path = tmp_path / "e.parquet"
    pq.write_table(
        pa.table({"question": ["what is it?"] * 9}),
        path,
        write_page_checksum=True,
        compression="none",
        use_dictionary=False,
    )
    content = bytearray(path.read_bytes())
    content[content.index(b"it?\x0b\0\0\0what") + 1] ^= 1
    path.write_bytes(content)
    with pytest.raises(PlanError, match="damaged"):
        index_of([str(path)])


def test_slips_of_the_pen_are_named(tmp_path: Path, evals: Path, crawl: Path) -> None:
    with pytest.raises(PlanError, match=r"no column 'qestion'.*Did you mean 'question'"):
        index_of([{"path": str(evals), "question": "qestion"}])
    with pytest.raises(PlanError, match="names no evaluation sets"):
        with_index("contamination")
    with pytest.raises(PlanError, match=r"nothing there|no file|does not exist"):
        index_of([str(tmp_path / "missing.jsonl")])
    with pytest.raises(RecipeError, match="no profile 'gpt-3'; there are winnow-13"):
        validate(recipe(evals, profile="gpt-3"), "here")
    with pytest.raises(RecipeError, match="other `against` or `profile`"):
        validate({**recipe(evals), "score": [{"contamination": {"against": ["other.jsonl"]}}]}, "here")


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
