"""Questions in SQL, from people who may be hostile: each in a confined process of its own."""

from __future__ import annotations

import hashlib
import threading
import time
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request, Response

from api.access.roles import Caller, GuardedRoute, needs
from api.attended import while_attended
from api.models.lists import Schema
from api.models.shape import JOB_ID
from api.models.sql import Question, SqlAnswer
from api.negotiation import preferred
from api.observe.context import LOST_CLIENT
from api.observe.metrics import SqlOutcome
from api.routes.documented import OF_BODIES, OF_CLERKS, OF_JOBS, Responses, errors, header
from api.routes.given import Asking, Served, ask_clerk
from api.service import Service
from pipeline.control.state import job_state
from pipeline.errors import SqlAbandoned, WinnowError
from pipeline.sandbox.ask import ask
from pipeline.sandbox.limits import Answer, Format, Limits

router = APIRouter(prefix="/v1", tags=["sql"], route_class=GuardedRoute, dependencies=[needs("viewer")])

MEDIA_TYPES: dict[str, Format] = {
    "application/json": "json",
    "text/csv": "csv",
    "application/vnd.apache.arrow.stream": "arrow",
    "application/vnd.apache.parquet": "parquet",
}
OUTCOMES: dict[str, SqlOutcome] = {
    "ok": "answered", "sql_refused": "refused", "sql_timeout": "timeout", "sql_out_of_memory": "out_of_memory",
    "sql_too_large": "too_large", "abandoned": "abandoned",
}  # fmt: skip
OF_SQL = (
    "sql_error", "sql_refused", "sql_timeout", "sql_out_of_memory", "sql_too_large", "usage", "too_many_questions", "storage",
    "not_acceptable",
)  # fmt: skip
BINARY = {"schema": {"type": "string", "format": "binary"}, "example": "bytes of the table"}
ANSWERED: Responses = {
    200: {
        "model": SqlAnswer,
        "description": "The rows. In other formats than JSON, what is beside them is told in headers.",
        "content": {
            "text/csv": {"schema": {"type": "string"}, "example": "reason,documents\nword_count,1204\n"},
            "application/vnd.apache.arrow.stream": BINARY,
            "application/vnd.apache.parquet": BINARY,
        },
        "headers": {
            "Winnow-Rows": header("Rows of the answer.", "25"),
            "Winnow-Truncated": header("`true` if there are more.", "false"),
            "Winnow-Said": header("That, in a sentence.", "10,000 of more rows"),
        },
    }
}


@router.post(
    "/sql", operation_id="ask_sql", summary="Ask in SQL", response_model=None,
    responses=errors(*OF_SQL, *OF_BODIES, *OF_JOBS) | ANSWERED,
)  # fmt: skip
async def ask_sql(request: Request, service: Served, caller: Asking, question: Question) -> Response:
    """Answer one query over the views of a job and of all jobs, within limits of time, memory, rows and bytes. What was cut
    off is said (`truncated`, `Winnow-Truncated`). The format is that of `format`, else of `Accept`. A question whose client
    goes away is ended."""
    wanted: Format = question.format or MEDIA_TYPES[preferred(request.headers.get("accept"), tuple(MEDIA_TYPES))]
    try:
        return await while_attended(request, lambda gone: _asked(service, caller, question, wanted, gone))
    except SqlAbandoned:
        return Response(status_code=LOST_CLIENT)  # for the log


@router.get(
    "/schema", operation_id="get_schema", summary="What can be asked in SQL", response_model=Schema,
    responses=errors(*OF_JOBS, *OF_CLERKS, "not_ready_yet"),
)  # fmt: skip
async def get_schema(
    service: Served, caller: Asking,
    job: Annotated[str | None, Query(pattern=JOB_ID, description="With the columns of this job's scorers.", examples=["job_019a5e7f3c41d2c9a1b4"])] = None,
) -> Any:  # fmt: skip
    """The views with their columns: type, unit and meaning of each."""
    return await ask_clerk(service, caller, "schema", job=job)


def _asked(service: Service, caller: Caller, question: Question, wanted: Format, gone: threading.Event) -> Response:
    began = time.monotonic()
    code, answer = "ok", None
    with service.questions.take(caller.owner):
        try:
            answer = _answer(service, question, wanted, gone)
        except WinnowError as error:
            code = "abandoned" if isinstance(error, SqlAbandoned) else error.code
            raise
        finally:
            _note(service, caller, question, answer, code, time.monotonic() - began)
    return _told(answer)


def _answer(service: Service, question: Question, wanted: Format, gone: threading.Event) -> Answer:
    if question.job is not None:
        job_state(service.store, question.job)  # 404 rather than a sentence
    bounds = service.settings.limits
    limits = Limits(
        seconds=min(question.timeout_seconds or bounds.sql_seconds, bounds.sql_seconds_max),
        rows=min(question.max_rows or bounds.sql_rows, bounds.sql_rows),
        answer_bytes=bounds.sql_bytes,
    )
    snapshot = str(service.catalog.snapshot())
    return ask(
        service.store, question.query, question.job, wanted, limits, spares=service.spares, snapshot=snapshot, given_up=gone
    )  # fmt: skip


def _note(
    service: Service, caller: Caller, question: Question, answer: Answer | None, code: str, seconds: float
) -> None:
    """What was asked, by whom, and what it cost; the query itself only as its digest: it may hold what is private."""
    digest = hashlib.sha256(question.query.encode("utf-8", "surrogatepass")).hexdigest()
    rows = answer.rows if answer is not None else 0
    service.audit.note("sql", caller.owner, sha256=digest, ms=round(seconds * 1e3), rows=rows, code=code)
    service.metrics.sql(OUTCOMES.get(code, "error"), seconds)


def _told(answer: Answer) -> Response:
    headers = {"Winnow-Rows": str(answer.rows), "Winnow-Truncated": str(answer.truncated).lower()}
    if answer.said:
        headers["Winnow-Said"] = " ".join(answer.said.encode("ascii", "replace").decode().split())
    media_type = next(kind for kind, name in MEDIA_TYPES.items() if name == answer.format)
    return Response(_json(answer) if answer.format == "json" else answer.body, 200, headers, media_type)


def _json(answer: Answer) -> bytes:
    """The rows are JSON already: they are put between the rest as they are."""
    columns = [{"name": name, "type": kind} for name, kind in answer.columns]
    rest = {"truncated": answer.truncated, "said": answer.said, "seconds": answer.seconds}
    return b'{"columns":%b,"rows":%b,%b' % (orjson.dumps(columns), answer.body.strip() or b"[]", orjson.dumps(rest)[1:])
