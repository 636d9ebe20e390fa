"""Operations on the service as a whole: submitting, listing, planning, SQL, and what there is."""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from pipeline.errors import UsageError
from winnow.client.answer import Answer
from winnow.client.request import Request, query_of, segment
from winnow.client.rows import Rows
from winnow.client.steps import Flow, Item, Steps, ask, ask_json

PAGE_SIZE = 500
ANSWER_SLACK_S = 30.0
"""What an answer may take beyond the statement itself: waiting for a place, sending it."""
KEY_CHARS_MAX = 255
SQL_SECONDS = 60.0
"""The longest the service lets a statement run."""

Time = str | datetime.datetime


class JobFilters(TypedDict, total=False):
    """Which jobs, in which order. state: any of these; labels: all of them must be there; order_by: created_at, or -created_at (usual)."""

    state: str | Sequence[str]
    name: str
    labels: Mapping[str, str]
    owner: str
    created_after: Time
    created_before: Time
    order_by: str


def submit(body: Mapping[str, Any], key: str | None = None) -> Steps[dict[str, Any]]:
    """The job's record. key: the same for every attempt, also over a restart of the service, so that there is one job."""
    request = Request("POST", "/v1/jobs", body=body, headers=idempotency(key))
    return (yield from ask_json(request))  # type: ignore[no-any-return]


def idempotency(key: str | None) -> tuple[tuple[str, str], ...]:
    """The header that makes two requests one. Raises UsageError for a key that is none."""
    if key is not None and not (1 <= len(key) <= KEY_CHARS_MAX and all(" " <= c <= "~" for c in key)):
        raise UsageError(f"idempotency key {key!r}: expected 1 to {KEY_CHARS_MAX} printable ASCII characters")
    return (("idempotency-key", key or secrets.token_hex(16)),)


def plan(body: Mapping[str, Any]) -> Steps[dict[str, Any]]:
    """Stages, passes over the text, rules and a forecast."""
    return (yield from ask_json(Request("POST", "/v1/plans", body=body)))  # type: ignore[no-any-return]


def job(job_id: str) -> Steps[dict[str, Any]]:
    """A job's record."""
    return (yield from ask_json(Request("GET", f"/v1/jobs/{segment(job_id)}")))  # type: ignore[no-any-return]


def jobs(filters: JobFilters, limit: int | None = None) -> Flow[dict[str, Any]]:
    """Records of jobs, the newest first unless ordered otherwise."""
    asked: dict[str, Any] = {"order_by": "-created_at", **filters}
    asked["label"] = [f"{k}:{v}" for k, v in asked.pop("labels", {}).items()]
    return pages("/v1/jobs", asked, limit)


def pages(
    path: str, asked: Mapping[str, Any], limit: int | None = None, page_size: int = PAGE_SIZE
) -> Flow[dict[str, Any]]:
    """The items of all pages, in order, page by page as they are used; at most `limit`."""
    token: str | None = None
    left = limit
    while left is None or left > 0:
        size = page_size if left is None else min(page_size, left)
        page = yield from ask_json(Request("GET", path, query_of(**asked, page_size=size, page_token=token)))
        for item in page["items"]:
            yield Item(item)
        token = page["next_page_token"]
        if token is None:
            return
        left = None if left is None else left - len(page["items"])


def sql(
    query: str, job: str | None = None, timeout_seconds: float | None = None, max_rows: int | None = None
) -> Steps[Answer]:
    """The answer to one statement over the views of a job (the latest without one). Raises Refused."""
    given = {"query": query, "job": job, "timeout_seconds": timeout_seconds, "max_rows": max_rows, "format": "arrow"}
    body = {name: value for name, value in given.items() if value is not None}
    read_s = (timeout_seconds or SQL_SECONDS) + ANSWER_SLACK_S
    reply = yield from ask(Request("POST", "/v1/sql", body=body, accept="*/*", read_s=read_s))
    said = reply.headers.get("winnow-said", "")
    return Answer(reply.body, truncated=reply.headers.get("winnow-truncated") == "true", said=said)


def scorers() -> Steps[Rows]:
    """Scorers with their parameters and columns."""
    return listing("/v1/scorers")


def recipes() -> Steps[Rows]:
    """The presets."""
    return listing("/v1/recipes")


def recipe(name: str) -> Steps[dict[str, Any]]:
    """One preset: as YAML and as a tree."""
    return (yield from ask_json(Request("GET", f"/v1/recipes/{segment(name)}")))  # type: ignore[no-any-return]


def models() -> Steps[Rows]:
    """Models that scorers can be given."""
    return listing("/v1/models")


def corpora() -> Steps[Rows]:
    """Corpora and their tables."""
    return listing("/v1/corpora")


def schema(job: str | None = None) -> Steps[dict[str, Any]]:
    """The views that SQL can ask, with type, unit and meaning of every column."""
    return (yield from ask_json(Request("GET", "/v1/schema", query_of(job=job))))  # type: ignore[no-any-return]


def limits() -> Steps[dict[str, Any]]:
    """What the service allows."""
    return (yield from ask_json(Request("GET", "/v1/limits")))  # type: ignore[no-any-return]


def version() -> Steps[dict[str, Any]]:
    """Versions of the service and of what it stands on."""
    return (yield from ask_json(Request("GET", "/v1/version")))  # type: ignore[no-any-return]


def listing(path: str, **asked: Any) -> Steps[Rows]:
    """All items of a short list, which may or may not be in pages."""
    found: list[dict[str, Any]] = []
    token: str | None = None
    while True:
        page = yield from ask_json(Request("GET", path, query_of(**asked, page_token=token)))
        found += page["items"]
        token = page.get("next_page_token")
        if token is None:
            return Rows(tuple(found))
