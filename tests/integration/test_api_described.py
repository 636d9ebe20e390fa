"""The service described by itself: every operation with an id, an example and its errors; every error code documented."""

from __future__ import annotations

import html.parser
import json
import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

import api
import pipeline
from api.codes import BY_STATUS, CODES
from api.docs import errors_markdown
from api.problems import MEDIA_TYPE
from pipeline.errors import WinnowError, by_code
from tests.serving import bearer, make_keys, serving, settings_of

ROOT = Path(__file__).parents[2]
METHODS = ("get", "post", "put", "delete", "patch")
NOT_OF_A_SERVICE = {"training", "stopped_watching"}
"""Codes of commands that the service does not have."""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    settings = settings_of(tmp_path_factory.mktemp("described") / "ws")
    key = make_keys(settings)["admin"]
    with serving(settings) as found:
        found.headers.update(bearer(key))
        yield found


@pytest.fixture(scope="module")
def description(client: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").json()
    return found


def operations(description: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(m, path, op) for path, ops in description["paths"].items() for m, op in ops.items() if m in METHODS]


def test_it_is_openapi_3_1_with_a_key_scheme(description: dict[str, Any]) -> None:
    assert description["openapi"] == "3.1.0"
    assert description["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    assert "HTTPValidationError" not in description["components"]["schemas"]
    assert description["servers"] == [{"url": "/"}]


def test_no_operation_says_that_it_needs_a_key_as_long_as_none_was_made(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "ws")
    with serving(settings) as client:
        found = client.get("/openapi.json").json()
        assert [path for _, path, op in operations(found) if "security" in op] == []
        make_keys(settings)
        found = client.get("/openapi.json").json()
        assert {path for _, path, op in operations(found) if "security" not in op} == {"/healthz", "/readyz"}


def test_a_wrong_method_is_told_all_that_there_are(client: TestClient, description: dict[str, Any]) -> None:
    for path, ops in description["paths"].items():
        answer = client.request("OPTIONS", re.sub(r"\{[^}]*\}", "x", path))
        assert answer.status_code == 405
        assert answer.headers["allow"] == ", ".join(sorted(m.upper() for m in ops)), path


def test_every_operation_says_what_it_is(description: dict[str, Any]) -> None:
    ids = [op["operationId"] for _, _, op in operations(description)]
    assert len(ids) == len(set(ids))
    for method, path, op in operations(description):
        assert re.fullmatch(r"[a-z][a-z0-9_]*", op["operationId"]), (method, path)
        assert 5 <= len(op["summary"]) <= 80, (method, path)
        assert op["description"].strip(), (method, path)
        assert len(op["tags"]) == 1, (method, path)
        assert op["tags"][0] in {t["name"] for t in description["tags"]}, (method, path)


def test_every_operation_has_examples(description: dict[str, Any]) -> None:
    without = []
    for method, path, op in operations(description):
        contents = [
            c for status, r in op["responses"].items() if status.startswith("2") for c in r.get("content", {}).values()
        ]
        contents += list(op.get("requestBody", {}).get("content", {}).values())
        without += [(method, path, "body") for c in contents if not has_example(c, description)]
        without += [(method, path, p["name"]) for p in op.get("parameters", ()) if not has_example(p, description)]
    assert without == []


def has_example(content: dict[str, Any], description: dict[str, Any]) -> bool:
    """Whether it has an example itself, or its schema has: as a whole, of every field, or by being one of few values."""
    if "example" in content or content.get("examples"):
        return True
    return schema_has_example(content.get("schema", {}), description)


def schema_has_example(schema: dict[str, Any], description: dict[str, Any], depth: int = 0) -> bool:
    if "$ref" in schema:
        return schema_has_example(
            description["components"]["schemas"][schema["$ref"].rpartition("/")[2]], description, depth + 1
        )
    if schema.get("examples") or any(k in schema for k in ("example", "enum", "const", "default")):
        return True
    if schema.get("type") == "boolean":
        return True
    if "anyOf" in schema:
        return all(s.get("type") == "null" or schema_has_example(s, description, depth + 1) for s in schema["anyOf"])
    if "properties" in schema:
        return all(schema_has_example(s, description, depth + 1) for s in schema["properties"].values())
    return "items" in schema and schema_has_example(schema["items"], description, depth + 1)


def test_every_operation_documents_its_errors_as_problems(description: dict[str, Any]) -> None:
    for method, path, op in operations(description):
        statuses = set(op["responses"])
        assert {"400", "500", "503"} <= statuses, (method, path)
        if "x-winnow-role" in op:
            assert {"401", "403", "429"} <= statuses, (method, path)
            assert op["security"] == [{"key": []}], (method, path)
        if "requestBody" in op:
            assert {"413", "415", "422"} <= statuses, (method, path)
        if "{" in path:
            assert "404" in statuses, (method, path)
        for status, response in op["responses"].items():
            if int(status) >= 400:
                assert list(response["content"]) == [MEDIA_TYPE], (method, path, status)
                assert response["content"][MEDIA_TYPE]["schema"]["$ref"].endswith("/Problem"), (method, path, status)
                assert re.findall(r"`(\w+)`", response["description"]), (method, path, status)
                for code in re.findall(r"`(\w+)`", response["description"]):
                    assert CODES[code].status == int(status), (method, path, code)


def test_every_reference_leads_somewhere(description: dict[str, Any]) -> None:
    for reference in set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(description))):
        here: Any = description
        for piece in reference.removeprefix("#/").split("/"):
            here = here[piece]


def every_error_class() -> list[type[WinnowError]]:
    for package in (pipeline, api):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__") and not module.name.startswith("pipeline.sandbox.child"):
                import_module(module.name)
    return [e for e in by_code().values() if e.__module__.partition(".")[0] in ("api", "pipeline")]


def test_every_error_has_a_documented_code() -> None:
    codes = {error.code for error in every_error_class()} - NOT_OF_A_SERVICE
    assert codes - set(CODES) == set()
    assert set(BY_STATUS.values()) <= set(CODES)


def test_every_code_has_a_status_a_cause_and_a_remedy() -> None:
    for code, known in CODES.items():
        assert re.fullmatch(r"[a-z][a-z_]*", code)
        assert 400 <= known.status < 600
        assert known.cause.endswith(".")
        assert known.remedy.endswith(".")
        assert known.cause.count("`") % 2 == known.remedy.count("`") % 2 == 0
    for status, code in BY_STATUS.items():
        assert CODES[code].status == status


def test_the_document_of_errors_is_what_the_code_says() -> None:
    assert (ROOT / "docs/errors.md").read_text(encoding="utf-8") == errors_markdown(), (
        "run: python -m api.docs docs/errors.md"
    )


class Page(html.parser.HTMLParser):
    """What a page loads, where its parts are, and whether any script or style lies in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.inline: list[str] = []
        self.inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.links += [str(found[name]) for name in ("src", "href") if name in found]
        self.ids += [str(found["id"])] if "id" in found else []
        self.inline += [f"{tag} {name}" for name in found if name == "style" or name.startswith("on")]
        self.inside = tag

    def handle_data(self, data: str) -> None:
        if self.inside in ("script", "style") and data.strip():
            self.inline.append(data)

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""


@pytest.mark.parametrize("path", ["/docs", "/docs/errors"])
def test_pages_load_nothing_from_elsewhere_and_hold_no_script(path: str, client: TestClient) -> None:
    page = Page(client.get(path).text)
    assert page.inline == []
    for link in page.links:
        assert link.startswith("/"), link
        assert not link.startswith("//"), link
        assert client.get(link).status_code == 200, link


def test_the_type_of_every_problem_leads_to_its_place_on_the_page(client: TestClient) -> None:
    ids = Page(client.get("/docs/errors").text).ids
    assert [i for i in ids if i in CODES] == list(CODES)
    kind = client.get("/nowhere").json()["type"]
    path, _, fragment = kind.partition("#")
    assert client.get(path).status_code == 200
    assert fragment in ids


def test_swagger_ui_is_served_whole(client: TestClient) -> None:
    script = client.get("/docs/assets/swagger-ui-bundle.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert "SwaggerUIBundle" in script.text
    assert len(script.content) > 1_000_000
    assert "validatorUrl: null" in client.get("/docs/assets/start.js").text
