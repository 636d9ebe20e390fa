"""The parts of the service that work in the background: catalog, supervisor of jobs, clerks."""

from __future__ import annotations

import contextlib
import importlib
from typing import Any

from api.settings import Settings
from pipeline.store import Store


def start_parts(settings: Settings, store: Store, stack: contextlib.ExitStack) -> tuple[Any, Any, Any]:
    """(catalog, supervisor, clerks), started; the stack closes them, the last first."""
    state = settings.state_folder
    catalog = supervisor = clerks = None
    with contextlib.suppress(ModuleNotFoundError):
        catalog = importlib.import_module("pipeline.catalog.database").Catalog(store, state / "catalog.duckdb")
        stack.callback(catalog.close)
    with contextlib.suppress(ModuleNotFoundError):
        clerks = importlib.import_module("pipeline.clerk.clerk").Clerks(settings.workspace, settings.clerks)
        stack.callback(clerks.close)
    with contextlib.suppress(ModuleNotFoundError):
        importlib.import_module("pipeline.control.submission").finish_claims(store)
        module = importlib.import_module("pipeline.control.supervisor")
        limits = module.Limits(jobs_at_once=settings.jobs_at_once, queue=settings.queue)
        supervisor = module.Supervisor(
            store, limits, executor=settings.executor, ray_address=settings.ray_address, log_folder=state / "runners",
            on_change=catalog.refresh if catalog is not None else lambda job_id: None,
        )  # fmt: skip
        supervisor.start()
        stack.callback(supervisor.stop, 5.0)
    return catalog, supervisor, clerks
