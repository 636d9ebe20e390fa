"""What clerks say of jobs as a whole, of recipes, and of what there is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import winnow
from pipeline.clerk.answers import documents as answers
from pipeline.clerk.desk import Desk
from pipeline.clerk.verbs import VERBS, answer
from pipeline.errors import UsageError
from tests.fixtures_clerk import JOB_RECIPE

Asked = tuple[Path, winnow.Result]


def sql(asked: Asked, query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = winnow.sql(query, workspace=str(asked[0] / "ws"), job=asked[1].job_id).to_pylist()
    return found


def test_the_report_is_the_page(asked: Asked, desk: Desk) -> None:
    page = answer(desk, "report", {"job": asked[1].job_id})["html"]
    assert page.startswith("<!doctype html>")
    assert "<script" not in page


def test_the_schema_names_every_view_and_measured_column(asked: Asked, desk: Desk) -> None:
    told = {v["view"]: v for v in answer(desk, "schema", {"job": asked[1].job_id})["views"]}
    assert list(told) == [
        "documents",
        "verdicts",
        "duplicates",
        "banding",
        "s_curve",
        "guards",
        "removed_lines",
        "takedowns",
        "removed_substrings",
        "quarantine",
        "shards",
        "stages",
        "jobs",
        "scorers",
        "columns",
    ]
    assert all(v["columns"] and v["meaning"] for v in told.values())
    columns = {c["name"]: c for c in told["documents"]["columns"]}
    assert (columns["gopher.word_count"]["unit"], columns["copies"]["type"]) == ("words", "INTEGER")
    for view, columns_there in ((v, {r["column_name"] for r in sql(asked, f"describe {v}")}) for v in told):
        assert {c["name"] for c in told[view]["columns"]} >= columns_there
    without = {v["view"] for v in answer(desk, "schema", {})["views"]}
    assert without == set(told)


def test_lists_of_what_there_is(asked: Asked, desk: Desk) -> None:
    scorers = {s["scorer"]: s for s in answer(desk, "scorers", {})["items"]}
    assert scorers["gopher"]["parameters"] == {"definition": "datatrove"}
    assert scorers["gopher"]["columns"][0] == {
        "name": "gopher.word_count", "type": "int64", "unit": "words", "low": 0, "high": None,
        "meaning": "words, as the definition splits and counts them",
    }  # fmt: skip
    assert [s["scorer"] for s in answer(desk, "scorers", {"name": "exact"})["items"]] == ["exact"]
    models = {m["model"]: m for m in answer(desk, "models", {})["items"]}
    assert models["quality-en"]["here"] is True
    assert "path" not in models["quality-en"]
    recipes = {r["recipe"]: r for r in answer(desk, "recipes", {})["items"]}
    assert recipes["fineweb"]["dedup"] == ["exact", "fuzzy"]
    assert answer(desk, "recipe", {"name": "fineweb"})["digest"] == recipes["fineweb"]["digest"]
    (corpus,) = [c for c in answer(desk, "corpora", {})["items"] if c["corpus"] == "in"]
    assert {"text", "notes", "verdict", "dedup", "mix"} <= {t["kind"] for t in corpus["tables"]}


def test_a_plan_is_what_the_command_line_plans(asked: Asked, desk: Desk) -> None:
    folder, _ = asked
    told = answer(
        desk,
        "plan",
        {
            "recipe": {**JOB_RECIPE, "input": {"quarantine": {"max_row_frac": 1.0}}},
            "inputs": [str(folder / "in")],
            "workers": 1,
        },
    )
    assert told["measured"] == [True]
    assert told["input"]["files"] == 5
    assert (
        told["recipe_digest"]
        == answer(
            desk,
            "check_recipe",
            {"recipe": {**JOB_RECIPE, "input": {"quarantine": {"max_row_frac": 1.0}}}, "inputs": [str(folder / "in")]},
        )["digest"]
    )


def test_a_checked_recipe_says_what_it_reads(desk: Desk) -> None:
    told = answer(desk, "check_recipe", {"recipe": JOB_RECIPE, "inputs": ["s3://nowhere/*.parquet"]})
    assert told["inputs"] == told["recipe"]["input"]["paths"] == ["s3://nowhere/*.parquet"]
    assert {"gopher.word_count", "source"} <= {c["column"] for c in told["columns"]}
    assert answer(desk, "check_recipe", {"recipe": told["recipe"]})["digest"] == told["digest"]


def test_a_recipe_comes_as_a_name_a_tree_or_yaml(desk: Desk) -> None:
    yaml = "extends: fineweb\nname: mine\nrules:\n  word_count: {min: 100}\n"
    tree = {"extends": "fineweb", "name": "mine", "rules": {"word_count": {"min": 100}}}
    named = answer(desk, "check_recipe", {"recipe": "fineweb", "changes": ["name=mine", "rules.word_count.min=100"]})
    assert answer(desk, "check_recipe", {"recipe": yaml}) == answer(desk, "check_recipe", {"recipe": tree}) == named
    with pytest.raises(UsageError, match=r"sent:3: unknown key 'rules\.a\.colum'"):
        answer(desk, "check_recipe", {"recipe": "name: x\nrules:\n  a: {colum: 1}\n"})
    with pytest.raises(UsageError, match=r"sent: unknown key 'rules\.word_count\.mn'"):
        answer(desk, "check_recipe", {"recipe": yaml, "changes": ["rules.word_count.mn=1"]})


def test_every_verb_has_words_of_its_own() -> None:
    assert all((function.__doc__ or "").strip().endswith((".", ").")) for function in VERBS.values())
    assert answers.OUTCOMES.keys() == {"kept", "removed", "quarantined"}
