"""Evaluation sets as files: the shapes that are understood, their index by content, and files that cannot be read."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.decontamination.eval_sets import index_of, with_index
from pipeline.errors import PlanError, RecipeError
from pipeline.plan import make_plan
from pipeline.recipe_file import validate
from pipeline.storage.store import Store
from scorers import models
from scorers.models.evaluations import field_texts
from tests.fixtures_evaluations import crawl, evals, models_folder, recipe

__all__ = ["crawl", "evals", "models_folder"]  # fixtures


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


def test_a_question_may_be_a_struct_and_times_of_any_year_do_not_matter(tmp_path: Path) -> None:
    arc = {"id": "a", "question": {"stem": "Which one?", "choices": [{"text": "x", "label": "A"}]}, "answerKey": "A"}
    assert read([arc], tmp_path)["question"] == ["Which one?"]
    table = pa.table({"question": ["Q"], "at": pa.array([2**62], pa.timestamp("us"))})
    pq.write_table(table, tmp_path / "times.parquet")
    assert models.known(index_of([str(tmp_path / "times.parquet")])).card.data[0]["items"] == 1


def test_answers_that_name_a_choice_are_that_choice(tmp_path: Path) -> None:
    hellaswag = {"ctx": "Q", "endings": ["w", "x", "y", "z"], "label": "3"}
    assert read([hellaswag], tmp_path)["answer"] == ["z"]
    arc = {"question": "Q", "choices": {"text": ["one", "two"], "label": ["1", "2"]}, "answerKey": "2"}
    assert read([arc], tmp_path)["answer"] == ["two"]
    counted = {"question": "Q", "choices": ["3", "2", "1"], "answer": "2"}
    assert read([counted], tmp_path)["answer"] == ["2"]
    gaps = {"question": "Q", "options": {"A": "", "B": None, "C": "z"}, "answer": "C"}
    assert read([gaps], tmp_path)["answer"] == ["z"]
    assert read([{"question": "Q", "choices": ["", "x", "y"], "answer": 1}], tmp_path)["answer"] == ["x"]


def test_files_of_one_name_are_benchmarks_of_their_own(tmp_path: Path) -> None:
    for folder, question in (("law/en", "Q"), ("law/de", "F"), ("art/en", "Q")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "test.jsonl").write_text(json.dumps({"question": f"{question} of {folder[:3]}"}))
    table = pq.read_table(models.find(index_of([str(tmp_path)])).path)
    found = dict(zip(table["question"].to_pylist(), table["benchmark"].to_pylist(), strict=True))
    assert found == {"Q of law": "law/en/test", "F of law": "law/de/test", "Q of art": "art/en/test"}
    named = pq.read_table(models.find(index_of([{"path": str(tmp_path), "name": "all"}])).path)
    assert set(named["benchmark"].to_pylist()) == {"all"}


def test_several_columns_make_one_id(tmp_path: Path) -> None:
    rows = [{"subject": "law", "n": n, "question": f"Q {n}"} for n in (1, 2)]
    assert read(rows, tmp_path, id=["subject", "n"])["item"] == ["law/1", "law/2"]


WRONG: dict[str, tuple[str, bytes, str]] = {
    "empty": ("e.jsonl", b"", "the file is empty"),
    "blank": ("e.jsonl", b"\n\n", "it has no rows"),
    "latin_1": ("e.jsonl", b'{"question": "ok"}\n{"question": "caf\xe9"}', "line 2: not UTF-8 at byte 17"),
    "no_json": ("e.jsonl", b'{"question": "ok"}\n{"question": ', "line 2: not JSON"),
    "nested_too_deep": ("e.jsonl", b'{"question": ' + b"[" * 99_999, "line 1: not JSON"),
    "half_a_character": ("e.jsonl", b'{"question": "ok"}\n{"question": "\\ud83d"}', "line 2: half a character"),
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
