"""Submissions that are refused: each is told what is wrong, and where."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fixtures_jobs import finished, root, service
from tests.fixtures_sql import RECIPE
from tests.hosting import Hosted, problem

__all__ = ["finished", "root", "service"]  # fixtures


def test_what_is_wrong_with_a_recipe_is_told_with_its_place(service: Hosted, root: Path) -> None:
    recipe = RECIPE | {"rules": {"long": {"column": "gopher.word_cuont", "min": 50}}}
    said = problem(service.post("/v1/jobs", {"recipe": recipe, "inputs": [str(root / "in")]}), 422, "plan")
    assert said["errors"][0]["pointer"] == "/recipe/rules/long"
    assert "gopher.word_count" in said["detail"]
    said = problem(service.post("/v1/jobs", {"recipe": "finewep", "inputs": [str(root / "in")]}), 422, "recipe")
    assert "Did you mean 'fineweb'?" in said["detail"]


def test_input_that_is_not_there_or_not_allowed_is_refused(service: Hosted, root: Path) -> None:
    missing = service.post("/v1/jobs", {"recipe": "minimal", "inputs": [str(root / "nothing")]})
    assert str(root / "nothing") in problem(missing, 422, "plan")["detail"]
    for body in (
        {"recipe": "minimal", "inputs": ["/etc"]},
        {"recipe": "minimal", "inputs": [f"{root}/in/../../../etc"]},
        {"recipe": RECIPE | {"input": {"paths": ["/etc/passwd"]}}},
        {"recipe": "minimal", "inputs": [str(root / "in")], "output": "/tmp/elsewhere"},
        {"recipe": "minimal", "inputs": ["s3://bucket/x"]},
    ):
        problem(service.post("/v1/jobs", body), 422, "path_outside")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"recipe": "minimal", "input": ["x"]}, "/input"),
        ({"recipe": "minimal", "workers": 0}, "/workers"),
        ({"recipe": "minimal", "corpus": "../x"}, "/corpus"),
        ({"recipe": "minimal", "labels": {"a b": "x"}}, "/labels/a b/[key]"),
        ({}, "/recipe"),
    ],
)
def test_a_body_that_does_not_fit_the_schema_is_told_where(service: Hosted, body: Any, pointer: str) -> None:
    said = problem(service.post("/v1/jobs", body), 422, "invalid")
    assert pointer in [e["pointer"] for e in said["errors"]]


def test_bodies_that_are_no_bodies_are_refused(service: Hosted) -> None:
    def send(content: bytes, kind: str) -> Any:
        return service.client.post("/v1/jobs", content=content, headers={"Content-Type": kind})

    problem(send(b"{", "application/json"), 400, "bad_request")
    problem(send(b"\xff", "application/yaml"), 422, "invalid")
    problem(send(b"<x/>", "application/xml"), 415, "unsupported_media_type")
    problem(send(b"[" * 100_000, "application/yaml"), 422, "recipe")


def test_unknown_query_parameters_are_refused(service: Hosted) -> None:
    said = problem(service.get("/v1/jobs", params={"stat": "running"}), 422, "invalid")
    assert said["errors"][0]["pointer"] == "query/stat"
    problem(service.get("/v1/scorers", params={"page": "1"}), 422, "invalid")
