"""From a request's body to a submission: read, confined, checked."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from api.access.roles import Caller
from api.errors import WrongMediaType
from api.models.jobs import YAML_CHARS_MAX, NewJob
from api.service import Service
from pipeline.control.submission import Submission
from pipeline.errors import PlanError, QueueFull, UsageError
from pipeline.storage.files import is_remote

JSON_TYPES = ("application/json",)
YAML_TYPES = ("application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml")
CHECK_SECONDS = 60.0
GLOB_MARKS = "*?["


async def new_job(request: Request) -> NewJob:
    """The body of a request for a job: JSON, or a recipe in YAML."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    try:
        if media_type in JSON_TYPES:
            return NewJob.model_validate_json(body)
        if media_type in YAML_TYPES:
            return NewJob.model_validate({"recipe": _text(body)})
    except ValidationError as error:
        found = [e | {"loc": ("body", *(e["loc"] or (0,)))} for e in error.errors(include_url=False)]
        raise RequestValidationError(found) from None
    raise WrongMediaType(
        f"the body's media type is {media_type or 'not given'!r}; send application/json, or a recipe as application/yaml"
    )


def _text(body: bytes) -> str:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        fault = {"type": "string_unicode", "loc": ("body",), "msg": f"not UTF-8 at byte {error.start}", "input": None}
        raise RequestValidationError([fault]) from None
    return text if "\n" in text or len(text) > YAML_CHARS_MAX else text + "\n"  # one line of YAML is no preset's name


def have_room(service: Service) -> None:
    """Raises QueueFull, with when to try again, where as many jobs wait as may."""
    waiting, most = service.supervisor.queued(), service.settings.queue
    if waiting >= most:
        raise QueueFull(f"{waiting} jobs wait, of at most {most}; try again when some have ended")


def checked_recipe(service: Service, body: NewJob) -> dict[str, Any]:
    """The canonical tree of what the body asks for, its input confined to the roots and buckets and there. Raises
    RecipeError, PlanError, PathOutside."""
    given = None if body.inputs is None else [service.paths.input(path) for path in body.inputs]
    asked = {"recipe": body.recipe, "inputs": given, "changes": list(body.changes)}
    with _in_the_body():
        told = service.clerks.ask("check_recipe", asked, CHECK_SECONDS)
    tree: dict[str, Any] = told["recipe"]
    paths = [service.paths.input(path) for path in tree["input"]["paths"]]
    if not paths:
        raise PlanError(f"recipe {tree['name']!r} names no input; give `inputs`, or input.paths in the recipe")
    check_there(paths)
    tree["input"]["paths"] = paths
    return tree


@contextlib.contextmanager
def _in_the_body() -> Iterator[None]:
    """Places in a recipe as places in the body that holds it."""
    try:
        yield
    except UsageError as error:
        error.places = tuple(place._replace(pointer=f"/recipe{place.pointer}") for place in error.places)
        raise


def check_there(paths: Sequence[str]) -> None:
    """Local paths without a pattern exist; what is in a bucket, and what a pattern finds, the job's plan finds out."""
    for path in paths:
        if is_remote(path) or any(mark in path for mark in GLOB_MARKS) or os.path.exists(path):
            continue
        raise PlanError(
            f"input {path!r}: there is no such file or folder on the service's machine; inputs are read there, not sent"
        )


def submission(service: Service, caller: Caller, body: NewJob, request_id: str) -> Submission:
    """What is asked for, as it is kept."""
    executor = body.executor or service.settings.executor
    output = None if body.output is None else service.paths.output(body.output)
    return Submission(
        recipe=checked_recipe(service, body),
        corpus=body.corpus,
        output=output,
        until=body.until,
        workers=_bounded(body.workers, executor),
        executor=executor,
        copy=body.copy_input,
        overwrite=body.overwrite,
        labels=dict(body.labels),
        owner=caller.owner,
        request_id=request_id,
    )


def _bounded(workers: int | None, executor: str) -> int | None:
    """On this machine not more workers than cores; a cluster bounds them itself."""
    return workers if workers is None or executor == "ray" else min(workers, os.cpu_count() or 1)
