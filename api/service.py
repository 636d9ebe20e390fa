"""What a running service holds: the store, the supervisor of jobs, the catalog, clerks, SQL processes, keys."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from fastapi import Request

from api.access.keys import Keys
from api.access.paths import Confinement
from api.audit import Audit
from api.errors import TooManyQuestions, TooManyStreams
from api.lane import Lane
from api.limits import Slots
from api.lock import only_service
from api.observe.metrics import Metrics
from api.observe.readiness import Checks
from api.observe.work import work_counts
from api.parts import start_parts
from api.settings import Settings
from api.stopping import Stopping
from api.watch.tail import Tails
from pipeline.catalog.database import Catalog
from pipeline.clerk.clerk import Clerks
from pipeline.control.supervisor import Supervisor
from pipeline.sandbox.process import Spares
from pipeline.storage.store import Store

LANE_THREADS, LANE_PLACES, LANE_PLACES_PER_CALLER, LANE_PATIENCE_S = 8, 256, 128, 30.0


@dataclass(frozen=True)
class Service:
    """Made when the app starts, closed when it ends.

    questions: places for SQL questions; streams: places for streams of events; lane: where whoever needs a clerk waits;
    tails: the logs that streams are told from; stopping: set when the service is told to
    end; paths: which inputs and outputs a request may name.
    """

    settings: Settings
    store: Store
    keys: Keys
    metrics: Metrics
    audit: Audit
    paths: Confinement
    questions: Slots
    streams: Slots
    lane: Lane
    tails: Tails
    stopping: Stopping
    spares: Spares
    supervisor: Supervisor
    catalog: Catalog
    clerks: Clerks
    checks: Checks


@contextlib.contextmanager
def open_service(settings: Settings, keys: Keys, metrics: Metrics, stopping: Stopping) -> Iterator[Service]:
    """Take the workspace, finish what a service before this one accepted, and start what works in the background.

    Raises AlreadyServed, KeysDamaged, StorageError. Runners go on when it is closed.
    """
    store = Store(settings.workspace)
    with contextlib.ExitStack() as stack:
        stack.enter_context(only_service(settings.state_folder, settings.workspace))
        keys.required()  # a damaged file stops the start, not the first request
        spares = stack.enter_context(Spares(1, remote=store.remote))
        parts = start_parts(settings, store, stack)
        lane = Lane(LANE_THREADS, LANE_PLACES, LANE_PLACES_PER_CALLER, LANE_PATIENCE_S)
        stack.callback(lane.close)
        service = Service(
            settings, store, keys, metrics, Audit(settings.state_folder), Confinement.of(settings),
            Slots(settings.limits.sql_at_once, settings.limits.sql_at_once_per_key, TooManyQuestions, "SQL questions"),
            Slots(settings.limits.sse_streams, settings.limits.sse_streams_per_key, TooManyStreams, "streams of events"),
            lane, Tails(store, stopping),
            stopping, spares, parts.supervisor, parts.catalog, parts.clerks, Checks(),
        )  # fmt: skip
        metrics.count_work(lambda: work_counts(service))
        yield service


def service_of(request: Request) -> Service:
    """The service behind a request; also a dependency: `service: Annotated[Service, Depends(service_of)]`."""
    service: Service = request.app.state.service
    return service
