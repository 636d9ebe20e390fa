"""The service described by itself (OpenAPI 3.1): keys, roles, and every error as a problem."""

from __future__ import annotations

import copy
from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.codes import CODES
from api.problems import MEDIA_TYPE, FieldError, Problem

TAGS = (
    ("jobs", "Submit, watch and steer jobs."),
    ("results", "What a job did: stages, shards, funnel, samples, duplicates, documents."),
    ("sql", "Questions in SQL over what was measured and decided."),
    ("events", "What happens in a job, as it happens."),
    ("lists", "What there is: scorers, recipes, models, corpora."),
    ("operations", "Health, metrics, limits, version."),
)
SECURITY = "key"
METHODS = ("get", "put", "post", "delete", "patch", "head", "options")
ALWAYS = (400, 500, 503)
GUARDED = (401, 403, 429)
WITH_BODY = (408, 413, 415)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route for the errors it has beside those that all routes have."""
    return {status: _documented(status) for status in statuses}


def install(app: FastAPI) -> None:
    """Make app.openapi() tell all of this. It is put together once, when first asked for."""

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _describe(app)
        return app.openapi_schema

    app.state.descriptions = {}
    app.openapi = described  # type: ignore[method-assign]


def as_json(app: FastAPI, keys_needed: bool) -> bytes:
    """The description as it is sent. As long as no key was ever made, no operation says that it needs one."""
    made: dict[bool, bytes] = app.state.descriptions
    if keys_needed not in made:
        found = app.openapi() if keys_needed else copy.deepcopy(app.openapi())
        for path in found["paths"].values():
            for operation in path.values():
                if not keys_needed:
                    operation.pop("security", None)
        made[keys_needed] = orjson.dumps(found)
    return made[keys_needed]


def _describe(app: FastAPI) -> dict[str, Any]:
    found = get_openapi(
        title=app.title, version=app.version, openapi_version="3.1.0", description=app.description, routes=app.routes,
        tags=[{"name": name, "description": about} for name, about in TAGS], servers=[{"url": "/"}],
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )  # fmt: skip
    parts = found.setdefault("components", {})
    schemas = parts.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["FieldError"] = FieldError.model_json_schema(ref_template="#/components/schemas/{model}")
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    problem.pop("$defs", None)
    schemas["Problem"] = problem
    parts["securitySchemes"] = {
        SECURITY: {
            "type": "http",
            "scheme": "bearer",
            "description": "A key: `winnow keys create`. Needed once one was made.",
        }
    }
    for path in found["paths"].values():
        for method, operation in path.items():
            if method in METHODS:
                _complete(operation)
    return found


def _complete(operation: dict[str, Any]) -> None:
    """Errors that every operation has, by what it needs and takes."""
    statuses = set(ALWAYS)
    if "x-winnow-role" in operation:
        operation["security"] = [{SECURITY: []}]
        statuses.update(GUARDED)
    if "requestBody" in operation:
        statuses.update(WITH_BODY)
    if operation.get("parameters") or "requestBody" in operation:
        statuses.add(422)
    if any(p["in"] == "path" for p in operation.get("parameters", ())):
        statuses.add(404)
    responses = operation["responses"]
    for status in statuses:
        written = responses.get(str(status))
        if written is None or MEDIA_TYPE not in written.get("content", {}):
            responses[str(status)] = _documented(status)
    operation["responses"] = dict(sorted(responses.items()))


def _documented(status: int) -> dict[str, Any]:
    codes = [code for code, known in CODES.items() if known.status == status]
    first = codes[0] if codes else "internal"
    example = {
        "type": f"/docs/errors#{first}", "title": CODES[first].title, "status": status, "detail": CODES[first].cause,
        "instance": "/v1/jobs", "code": first, "request_id": "5f0c6a2be1d54c0f9a3a7c1f0f6f0e1d",
    }  # fmt: skip
    return {
        "description": f"Problem: {', '.join(f'`{code}`' for code in codes)}",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}},
    }
