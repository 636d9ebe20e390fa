"""Every error as problem details (RFC 9457): what, where, and what to do; never what the service looks like inside."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope

from api.codes import BY_STATUS, CODES
from api.errors import RequestError
from api.observe.redact import redacted
from pipeline.errors import UsageError, WinnowError
from pipeline.storage.files import is_remote, local_path

MEDIA_TYPE = "application/problem+json"
METHOD_NOT_ALLOWED = 405
DETAIL_CHARS_MAX, POINTER_CHARS_MAX = 4000, 500
ERRORS_MAX = 100
"""How many faults of one body are told; a hostile one has as many as it likes."""


class FieldError(BaseModel):
    """One fault of a body, query or header. pointer: an RFC 6901 pointer into the body, or `query/name`, `header/name`."""

    pointer: str = Field(examples=["/recipe/rules/long/min"])
    detail: str = Field(examples=["Input should be a valid number"])
    code: str = Field(examples=["float_type"])


class Problem(BaseModel):
    """An error. type: where it is described; code: for programs; hint: what to do."""

    type: str = Field(examples=["/docs/errors#wrong_state"])
    title: str
    status: int
    detail: str
    instance: str = Field(description="The request's path.", examples=["/v1/jobs/job_018f/pause"])
    code: str = Field(examples=["wrong_state"])
    request_id: str
    hint: str = Field(description="What to do.")
    errors: list[FieldError] | None = None


def problem_response(
    scope: Scope,
    code: str,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    errors: list[FieldError] | None = None,
) -> Response:
    """The answer for a code of CODES; an unknown code is a fault of the service and is told as one."""
    known = CODES.get(code) or CODES["internal"]
    body = Problem(
        type=f"/docs/errors#{code}",
        title=known.title,
        status=known.status,
        detail=redacted(detail[:DETAIL_CHARS_MAX]),
        instance=redacted(str(scope.get("path", ""))[:DETAIL_CHARS_MAX]),
        code=code,
        request_id=str(scope.get("state", {}).get("request_id", "")),
        hint=known.remedy.replace("`", ""),
        errors=errors,
    )
    return Response(orjson.dumps(body.model_dump(exclude_none=True)), known.status, dict(headers or {}), MEDIA_TYPE)


def _placeless(scope: Scope, text: str) -> str:
    """Without the place of the workspace on this machine, which is nobody's business but its owner's."""
    app = scope.get("app")
    if app is None:
        return text
    workspace: str = app.state.settings.workspace
    place = workspace.rstrip("/") if is_remote(workspace) else str(local_path(workspace).absolute())
    return text.replace(place, "<workspace>")


def response_of(scope: Scope, error: WinnowError) -> Response:
    """The answer that tells an error of ours. Its message is a sentence for the user already."""
    headers: dict[str, str] = {}
    if isinstance(error, RequestError):
        headers |= error.headers
    retry_after = getattr(error, "retry_after", None)
    if retry_after is not None:
        headers["Retry-After"] = str(max(1, math.ceil(retry_after)))
    places = error.places[:ERRORS_MAX] if isinstance(error, UsageError) else ()
    errors = [_field_error(p.pointer, p.detail, p.code) for p in places]
    return problem_response(scope, error.code, _placeless(scope, str(error)), headers=headers, errors=errors or None)


def add_handlers(app: FastAPI) -> None:
    """Tell all errors of the app and of the framework as problems."""
    app.add_exception_handler(WinnowError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _of_framework)


async def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, WinnowError)
    return response_of(request.scope, error)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(e["type"] == "json_invalid" for e in found):
        where = found[0]["loc"][-1]
        said = f"the body is not JSON: {found[0].get('ctx', {}).get('error', '')} at character {where}"
        return problem_response(request.scope, "bad_request", said)
    if any(e["loc"] == ("body",) and isinstance(e.get("input"), bytes) for e in found):
        return problem_response(
            request.scope, "unsupported_media_type",
            f"the body's media type is {request.headers.get('content-type', 'not given')!r}; send application/json",
        )  # fmt: skip
    errors = list(_field_errors(found[:ERRORS_MAX]))
    more = f" (and {len(found) - len(errors)} more)" if len(found) > len(errors) else ""
    told = "; ".join(f"{e.pointer}: {e.detail}" for e in errors[:3])
    return problem_response(request.scope, "invalid", f"{told}{more}", errors=errors)


def _field_errors(found: Iterable[Mapping[str, Any]]) -> Iterable[FieldError]:
    for error in found:
        place, *rest = error["loc"]
        pointer = "".join(f"/{str(p).replace('~', '~0').replace('/', '~1')}" for p in rest)
        yield _field_error(pointer if place == "body" else f"{place}{pointer}", str(error["msg"]), str(error["type"]))


def _field_error(pointer: str, detail: str, code: str) -> FieldError:
    return FieldError(
        pointer=redacted(pointer[:POINTER_CHARS_MAX]), detail=redacted(detail[:DETAIL_CHARS_MAX]), code=code
    )


async def _of_framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = BY_STATUS.get(error.status_code, "internal")
    detail = {
        404: f"{request.method} {request.url.path}: there is nothing at this path; /docs lists what there is",
        405: f"{request.url.path} has no method {request.method}",
    }.get(error.status_code, str(error.detail))
    headers = dict(error.headers or {})
    if error.status_code == METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_methods_at(request))
    return problem_response(request.scope, code, detail, headers=headers)


def _methods_at(request: Request) -> list[str]:
    """The methods of a path, of all routes there: the framework names those of the first alone."""
    found: set[str] = set()
    for included in request.app.routes:
        router = getattr(included, "original_router", None)  # the framework keeps routers as they were given
        for route in [included] if router is None else router.routes:
            matched, _ = route.matches(request.scope)
            if matched != Match.NONE:
                found |= getattr(route, "methods", None) or set()
    return sorted(found)
