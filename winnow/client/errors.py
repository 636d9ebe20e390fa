"""What a service, or the way to it, can say no with. Every message says what, and what to do; none holds a key."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pipeline.errors import WinnowError
from pipeline.wording import printable

if TYPE_CHECKING:
    from winnow.client.request import Reply

PROBLEM = "application/problem+json"
ADVICE: Mapping[str, str] = {
    "unauthorized": "The clients take a key from WINNOW_KEY, from --key-file, or as Client(key=...).",
    "forbidden": "",
    "path_outside": "Whoever runs the service allows more with winnow serve --root FOLDER or --bucket s3://BUCKET/PREFIX.",
    "job_not_found": "winnow jobs lists them.",
    "wrong_state": "",
    "not_ready_yet": "winnow jobs says how each job is, winnow watch JOB waits for its end.",
    "recipe": "", "plan": "", "usage": "", "column_not_found": "",
    "sql_refused": "The views and their columns: docs/sql.md, or select * from columns.",
    "sql_timeout": "",
}  # fmt: skip
"""By code, what to do in the words of these clients, in place of the service's hint, which is in those of REST. Nothing where
the detail has said all."""


class ServiceError(WinnowError):
    """The service answered with a problem (RFC 9457).

    status: of HTTP; code: what to tell errors apart by (docs/errors.md); errors: pointer, detail and code of each fault.
    """

    code = "service"

    def __init__(
        self,
        detail: str,
        *,
        status: int = 0,
        code: str | None = None,
        hint: str | None = None,
        request_id: str | None = None,
        errors: Sequence[Mapping[str, Any]] = (),
        retry_after_s: float | None = None,
    ) -> None:
        self.detail, self.status, self.hint, self.request_id = detail, status, hint, request_id
        self.code = code or type(self).code  # type: ignore[misc] # the service says which of its codes it is
        self.errors = tuple(dict(e) for e in errors)
        self.retry_after_s = retry_after_s
        super().__init__(self._sentence())

    def _sentence(self) -> str:
        said = [self.detail]
        pointed = [f"  {e.get('pointer') or '/'}: {e.get('detail', '')}" for e in self.errors]
        said += [line for line in pointed if line.partition(": ")[2] not in self.detail]
        advice = ADVICE.get(self.code, self.hint)
        if advice and advice not in self.detail:
            said.append(advice)
        if self.status >= 500 and self.request_id:
            said.append(f"(request {self.request_id}: the service's log says more)")
        return printable("\n".join(said))


class Unauthorized(ServiceError):
    """No key, or one that the service does not know (any more)."""


class Forbidden(ServiceError):
    """The key's role does not allow this."""


class NotFound(ServiceError):
    """No such job, document, column, artifact."""

    exit_code = 2


class WrongState(ServiceError):
    """The job's state does not allow this, or what is asked for is not there yet."""


class Refused(ServiceError):
    """The request is wrong: a recipe, a plan, a statement, a parameter. Nothing was started."""

    exit_code = 2


class Busy(ServiceError):
    """Queue full, or too many requests, for longer than the client was willing to wait."""


class ServiceUnavailable(ServiceError):
    """The service is there and cannot answer now."""

    exit_code = 5


class ServiceFault(ServiceError):
    """A fault of the service."""


class ServiceUnreachable(ServiceError):
    """No answer from the address for longer than the client was willing to wait."""

    code = "unreachable"
    exit_code = 5


class WaitTimeout(WinnowError):
    """A job was not at its end in the time given. It goes on."""

    code = "wait_timeout"


class JobFailed(WinnowError):
    """The job ended as failed. record: the job as the service tells it."""

    code = "job_failed"

    def __init__(self, record: Mapping[str, Any]) -> None:
        self.record = dict(record)
        reason = record.get("reason_code")
        said = f": {record['message']}" if record.get("message") else ""
        super().__init__(printable(f"job {record['id']} {record['state']}{f' ({reason})' if reason else ''}{said}"))


class JobOverBudget(JobFailed):
    """More rows or files could not be read than the recipe allows."""

    code = "job_over_budget"
    exit_code = 3


class JobCancelled(JobFailed):
    """Somebody cancelled the job."""

    code = "job_cancelled"
    exit_code = 4


KINDS: Mapping[int, type[ServiceError]] = {
    401: Unauthorized, 403: Forbidden, 404: NotFound, 409: WrongState, 410: NotFound, 429: Busy, 503: ServiceUnavailable, 504: ServiceUnavailable,
}  # fmt: skip


def error_of(reply: Reply) -> ServiceError:
    """The error that a reply above 399, or a redirect, stands for."""
    told = _problem(reply)
    if 300 <= reply.status < 400:
        where = reply.headers.get("location", "elsewhere")
        return Refused(f"the service answered with a redirect to {where}: name that address if you trust it; "
                       "keys are not sent along", status=reply.status, code="redirected")  # fmt: skip
    kind = KINDS.get(reply.status) or (ServiceFault if reply.status >= 500 else Refused)
    detail = told.get("detail") or told.get("title") or f"the service answered with status {reply.status}"
    return kind(
        str(detail),
        status=reply.status,
        code=told.get("code"),
        hint=told.get("hint"),
        request_id=told.get("request_id") or reply.headers.get("x-request-id"),
        errors=[e for e in told.get("errors") or [] if isinstance(e, dict)],
        retry_after_s=reply.retry_after_s(),
    )


def problem_code(reply: Reply) -> str:
    """The code of a problem answer; '' where something between us and the service answered."""
    return str(_problem(reply).get("code") or "")


def _problem(reply: Reply) -> dict[str, Any]:
    if PROBLEM not in reply.headers.get("content-type", ""):
        return {}
    try:
        told = json.loads(reply.body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def raise_for_end(record: Mapping[str, Any]) -> None:
    """Nothing for a job that completed; JobFailed, JobOverBudget or JobCancelled for others at their end."""
    if record["state"] == "cancelled":
        raise JobCancelled(record)
    if record["state"] == "failed":
        raise (JobOverBudget if record.get("reason_code") == "quarantine_over_budget" else JobFailed)(record)
