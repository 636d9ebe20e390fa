"""The app: middleware from the outside in, routes, errors as problems, and the service that lives as long as it does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from importlib.metadata import version

import structlog
from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware

from api import about, docs, openapi
from api.access.gatekeeper import Gatekeeper
from api.access.keys import Keys
from api.headers import OwnNames, SafeHeaders
from api.limits import BoundedBody
from api.observe import health
from api.observe.context import RequestContext
from api.observe.logs import configure_logs
from api.observe.metrics import Metrics
from api.problems import add_handlers
from api.routes import artifacts, decisions, documents, events, jobs, lists, sql, steering, tables
from api.service import open_service
from api.settings import Settings
from api.stopping import Stopping

DESCRIPTION = (
    "Curate corpora for language models: submit recipes as jobs, watch and steer them, ask what came out. "
    "Errors are problem details (RFC 9457) with a code that [/docs/errors](/docs/errors) explains."
)


def routers() -> Sequence[APIRouter]:
    """All routers; what is not listed here is not served."""
    subjects = (jobs, steering, events, tables, decisions, documents, artifacts, sql, lists)
    return (health.router, health.guarded, about.router, docs.router, *(subject.router for subject in subjects))


def create_app(settings: Settings) -> FastAPI:
    """The service as an ASGI app. Its workspace is taken when the app starts (lifespan), not here.

    app.state.service is the Service; app.state.startup_error what kept it from starting.
    """
    keys, metrics, stopping = Keys(settings.state_folder), Metrics(), Stopping()
    app = FastAPI(
        title="Winnow", version=version("winnow-curation"), description=DESCRIPTION, lifespan=_lifespan,
        docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False,
        middleware=[
            Middleware(SafeHeaders),
            Middleware(RequestContext, metrics=metrics),
            Middleware(OwnNames, names=settings.host_names),
            Middleware(Gatekeeper, keys=keys, limits=settings.limits),
            Middleware(BoundedBody, limits=settings.limits),
        ],
    )  # fmt: skip
    app.state.settings, app.state.keys, app.state.metrics, app.state.stopping = settings, keys, metrics, stopping
    app.state.startup_error = None
    add_handlers(app)
    for router in routers():
        app.include_router(router)
    openapi.install(app)
    return app


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    state = app.state
    if not structlog.is_configured():
        configure_logs()  # the default would print local values, which may be anybody's
    state.stopping.attach()
    opened = open_service(state.settings, state.keys, state.metrics, state.stopping)
    try:
        state.service = await asyncio.to_thread(opened.__enter__)
    except Exception as error:
        state.startup_error = error
        raise
    try:
        yield
    finally:
        state.stopping.set()
        await asyncio.to_thread(opened.__exit__, None, None, None)
