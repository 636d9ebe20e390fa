"""What the catalog and the supervisor count of jobs, for /metrics."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from api.observe.metrics import WorkCounts
from pipeline.errors import WinnowError

if TYPE_CHECKING:
    from api.service import Service

STATES = (
    "queued", "running", "paused", "cancelling", "completed", "completed_with_quarantine", "failed", "cancelled",
)  # fmt: skip


def work_counts(service: Service) -> WorkCounts:
    """Jobs by state, the queue, units and bytes done. Every state has a value, so that a rate of it can be taken."""
    counts = {
        "winnow_queue_length": {"": float(service.supervisor.queued())},
        "winnow_jobs_running": {"": float(len(service.supervisor.running()))},
        "winnow_clerk_processes": {"": float(len(service.clerks.pids()))},
    }
    # on a full disk, say; /readyz names it, and the rest is wanted most then
    with contextlib.suppress(WinnowError, OSError):
        counts |= _of_catalog(service)
    return counts


def _of_catalog(service: Service) -> WorkCounts:
    states = {
        row["state"]: float(row["jobs"])
        for row in service.catalog.rows("select state, count(*) as jobs from jobs group by state")
    }
    done = service.catalog.rows("select count(*) as units, coalesce(sum(bytes), 0) as bytes from base.units")[0]
    return {
        "winnow_jobs": {state: states.get(state, 0.0) for state in STATES},
        "winnow_units_done": {"": float(done["units"])},
        "winnow_work_bytes": {"": float(done["bytes"])},
    }
