"""What the catalog and the supervisor count of jobs, for /metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.observe.metrics import WorkCounts

if TYPE_CHECKING:
    from api.service import Service

STATES = (
    "queued", "running", "paused", "cancelling", "completed", "completed_with_quarantine", "failed", "cancelled",
)  # fmt: skip


def work_counts(service: Service) -> WorkCounts:
    """Jobs by state, the queue, units and bytes done. Every state has a value, so that a rate of it can be taken."""
    states = {
        row["state"]: float(row["jobs"])
        for row in service.catalog.rows("select state, count(*) as jobs from jobs group by state")
    }
    done = service.catalog.rows("select count(*) as units, coalesce(sum(bytes), 0) as bytes from base.units")[0]
    return {
        "winnow_jobs": {state: states.get(state, 0.0) for state in STATES},
        "winnow_queue_length": {"": float(service.supervisor.queued())},
        "winnow_jobs_running": {"": float(len(service.supervisor.running()))},
        "winnow_units_done": {"": float(done["units"])},
        "winnow_work_bytes": {"": float(done["bytes"])},
        "winnow_clerk_processes": {"": float(len(service.clerks.pids()))},
    }
