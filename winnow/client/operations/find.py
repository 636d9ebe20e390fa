"""A job by what people type of its id."""

from __future__ import annotations

from typing import Any

from pipeline.errors import did_you_mean
from winnow.client.errors import NotFound, Refused
from winnow.client.operations import service
from winnow.client.steps import Steps, first

LOOKED_THROUGH = 5_000
"""The newest jobs among which a beginning is looked for."""


def find_job(name: str) -> Steps[dict[str, Any]]:
    """The record of the job with this id, or the only one that begins so, or the newest for `last`. Raises NotFound."""
    if name == "last":
        newest = yield from first(service.jobs({}, 1), 1)
        if not newest:
            raise NotFound(
                "the service has no jobs yet", hint="Submit one: winnow submit RECIPE INPUT", code="job_not_found"
            )
        return newest[0]
    try:
        return (yield from service.job(name))
    except (NotFound, Refused, ValueError):
        records = yield from first(service.jobs({}, LOOKED_THROUGH), LOOKED_THROUGH)
    fits = [r for r in records if name and r["id"].startswith(name)]
    if len(fits) == 1:
        return fits[0]
    if fits:
        shown = ", ".join(r["id"] for r in fits[:5])
        raise NotFound(f"{len(fits)} jobs begin with {name!r}: {shown}", hint="Type more of the id.", code="ambiguous")
    near = did_you_mean(name, [r["id"] for r in records])
    raise NotFound(f"no job {name!r}.{near}", hint="winnow jobs lists them.", code="job_not_found")
