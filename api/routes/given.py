"""What routes are given (the service, the caller, a job's id), and how they ask a clerk."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Path, Request

from api.access.roles import Caller, caller_of
from api.models.shape import JOB_ID
from api.service import Service, service_of

CLERK_SECONDS = 30.0


Served = Annotated[Service, Depends(service_of)]
Asking = Annotated[Caller, Depends(caller_of)]
JobId = Annotated[
    str,
    Path(
        pattern=JOB_ID,
        description="A job's id, whole.",
        openapi_examples={"a job": {"value": "job_019a5e7f3c41d2c9a1b4"}},
    ),
]


async def ask_clerk(
    service: Service, caller: Caller, verb: str, seconds: float = CLERK_SECONDS, **arguments: Any
) -> Any:
    """What a clerk says. Raises what its verb raises, TooManyQuestions, ClerkTimeout, ClerkLost."""
    return await service.lane.run(caller.owner, lambda: service.clerks.ask(verb, arguments, seconds))


def request_id_of(request: Request) -> str:
    """The id that this request is logged under."""
    return str(request.scope.get("state", {}).get("request_id", ""))
