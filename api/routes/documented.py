"""What OpenAPI says of an operation: its own errors by code, bodies it reads itself, headers of its answers."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from api.codes import CODES
from api.problems import MEDIA_TYPE

COMMON = (
    "bad_host",
    "unauthorized",
    "forbidden",
    "rate_limited",
    "too_many_failures",
    "invalid",
    "internal",
    "not_ready",
)
"""What any operation can answer; told beside an operation's own codes of the same status (api/openapi.py adds the rest)."""
OF_BODIES = ("bad_request", "cross_origin", "request_timeout", "body_too_large", "unsupported_media_type")
OF_JOBS = ("job_not_found", "record_damaged")
OF_CLERKS = ("too_many_questions", "timeout", "clerk_lost", "out_of_memory", "usage")
OF_RESULTS = (*OF_JOBS, *OF_CLERKS, "not_ready_yet", "integrity", "storage")

Responses = dict[int | str, dict[str, Any]]


def errors(*codes: str) -> Responses:
    """The responses for an operation's own codes, by status."""
    statuses = {CODES[code].status for code in codes}
    return {status: _response(status, codes) for status in sorted(statuses)}


def _response(status: int, own: tuple[str, ...]) -> dict[str, Any]:
    codes = [c for c in dict.fromkeys((*own, *COMMON)) if CODES[c].status == status]
    examples = {code: {"summary": CODES[code].title, "value": _example(status, code)} for code in codes}
    return {
        "description": "Problem: " + ", ".join(f"`{code}`" for code in codes),
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}},
    }


def _example(status: int, code: str) -> dict[str, Any]:
    return {
        "type": f"/docs/errors#{code}", "title": CODES[code].title, "status": status, "detail": CODES[code].cause,
        "instance": "/v1/jobs", "code": code, "request_id": "5f0c6a2be1d54c0f9a3a7c1f0f6f0e1d",
    }  # fmt: skip


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


def content(description: str, media_types: dict[str, str], headers: dict[str, Any] | None = None) -> Responses:
    """A 200 whose body is no model: each media type with an example."""
    bodies = {kind: {"schema": {"type": "string"}, "example": example} for kind, example in media_types.items()}
    return {200: {"description": description, "content": bodies, **({"headers": headers} if headers else {})}}
