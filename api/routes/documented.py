"""What OpenAPI says of an operation's errors, from the table of codes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

from api.codes import CODES
from api.problems import MEDIA_TYPE, Problem

ALWAYS = ("bad_host", "unauthorized", "forbidden", "rate_limited", "too_many_failures", "invalid", "internal", "not_ready")
OF_BODIES = ("bad_request", "cross_origin", "request_timeout", "body_too_large", "unsupported_media_type")
OF_JOBS = ("job_not_found",)
OF_CLERKS = ("too_many_questions", "timeout", "clerk_lost", "out_of_memory", "usage")

Responses = dict[int | str, dict[str, Any]]


def errors(*codes: str) -> Responses:
    """The responses for these codes and those that every operation can give, by status."""
    by_status: dict[int, list[str]] = {}
    for code in dict.fromkeys((*ALWAYS, *codes)):
        by_status.setdefault(CODES[code].status, []).append(code)
    return {status: _response(status, found) for status, found in sorted(by_status.items())}


def _response(status: int, codes: Iterable[str]) -> dict[str, Any]:
    told = "; ".join(f"`{code}`: {CODES[code].title}" for code in codes)
    examples = {code: {"summary": CODES[code].title, "value": _example(status, code)} for code in codes}
    schema = {"$ref": f"#/components/schemas/{Problem.__name__}"}
    return {"description": told, "content": {MEDIA_TYPE: {"schema": schema, "examples": examples}}}


def _example(status: int, code: str) -> dict[str, Any]:
    return {
        "type": f"/docs/errors#{code}",
        "title": CODES[code].title,
        "status": status,
        "detail": "what, where, what was expected, what to do",
        "instance": "/v1/jobs",
        "code": code,
        "request_id": "req_3f9c1e",
    }


def body_of(model: type[BaseModel], yaml: str | None = None) -> dict[str, Any]:
    """What an operation takes that reads its body itself. yaml: an example, where a recipe in YAML is taken, too."""
    schema = model.model_json_schema(by_alias=True)
    examples = {f"example {n}": {"value": value} for n, value in enumerate(schema.pop("examples"), 1)}
    content: dict[str, Any] = {"application/json": {"schema": schema, "examples": examples}}
    if yaml is not None:
        content["application/yaml"] = {
            "schema": {"type": "object", "description": "A recipe: docs/recipe.md."},
            "example": yaml,
        }
    return {"requestBody": {"required": True, "content": content}}


def header(description: str, example: str) -> dict[str, Any]:
    """A header of an answer."""
    return {"description": description, "schema": {"type": "string"}, "example": example}
