"""The parts of the service that work in the background: catalog, clerks, supervisor of jobs."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from api.freshness import Freshness
from api.settings import Settings
from pipeline.catalog.database import Catalog
from pipeline.clerk.clerk import Clerks
from pipeline.control.submission import finish_claims
from pipeline.control.supervisor import Limits, Supervisor
from pipeline.storage.store import Store

STOP_S = 10.0


@dataclass(frozen=True)
class Parts:
    """What was started."""

    catalog: Catalog
    clerks: Clerks
    supervisor: Supervisor


def start_parts(settings: Settings, store: Store, stack: contextlib.ExitStack) -> Parts:
    """Finish what was accepted and not yet made, then start the parts; the stack closes them, the last first."""
    state = settings.state_folder
    finish_claims(store)
    catalog = Catalog(store, state / "catalog.duckdb")
    stack.callback(catalog.close)
    clerks = Clerks(store.root, settings.clerks)  # whole: a clerk works in no folder of ours
    stack.callback(clerks.close)
    freshness = Freshness(catalog, lambda: supervisor.running())
    supervisor = Supervisor(
        store, Limits(jobs_at_once=settings.jobs_at_once, queue=settings.queue), executor=settings.executor,
        ray_address=settings.ray_address, log_folder=settings.runner_logs, on_change=freshness.changed,
    )  # fmt: skip
    freshness.start()
    stack.callback(freshness.close)
    supervisor.start()
    stack.callback(supervisor.stop, STOP_S)
    return Parts(catalog, clerks, supervisor)
