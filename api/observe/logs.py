"""Logs: a line of JSON for whatever happens, with the ids of its request and job, and without secrets."""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Any, TextIO

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from api.observe.redact import redacted, redacted_value

LEVELS = ("debug", "info", "warning", "error")
QUIET = {
    "uvicorn.error": logging.WARNING,
    "uvicorn.access": logging.CRITICAL,
    "asyncio": logging.WARNING,
    "botocore": logging.WARNING,
}
"""Others' loggers, and from which level on they are heard."""


def configure_logs(level: str = "info", to: TextIO | None = None) -> None:
    """Log JSON lines, to stderr; what libraries log with the standard library, too."""
    threshold = getattr(logging, level.upper())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _with_traceback,
        _without_secrets,
    ]
    stream = to or sys.stderr
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(serializer=_json)],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(serializer=_json),
            ],
        )
    )
    logging.root.handlers = [handler]
    logging.root.setLevel(max(threshold, logging.WARNING))
    for name, quiet in QUIET.items():
        logging.getLogger(name).setLevel(quiet)


def _with_traceback(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Where an error comes from: files, lines and functions, no local values, which may be anybody's."""
    found: Any = event.pop("exc_info", None)
    error = found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        event["error"] = f"{type(error).__name__}: {error}"
        event["at"] = [
            f"{f.filename.rpartition('/')[2]}:{f.lineno} {f.name}"
            for f in traceback.extract_tb(error.__traceback__)[-12:]
        ]
    return event


def _without_secrets(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {
        key: redacted_value(key, value) if key != "event" else redacted(str(value))
        for key, value in event.items()
        if value is not None or key == "event"
    }


def _json(event: EventDict, **_: Any) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
