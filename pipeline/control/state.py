"""The states of a job: which there are, which may follow which, and the one a job is in, put together from its files."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from typing import Any, Literal, get_args

from pipeline.control.submission import Submission, forget_claim, read_submission, submission_path
from pipeline.errors import IntegrityError, JobMissing, RecordDamaged, WrongState
from pipeline.execution import attempts
from pipeline.execution.processes import started
from pipeline.storage.records import JOB_SHAPES, damaged, find_record
from pipeline.storage.store import Store

State = Literal[
    "queued", "running", "paused", "cancelling", "completed", "completed_with_quarantine", "failed", "cancelled"
]
STATES: tuple[str, ...] = get_args(State)
TERMINAL = frozenset({"completed", "completed_with_quarantine", "failed", "cancelled"})
"""What never changes again."""
RECORDED = frozenset({"queued", "running", "paused"}) | TERMINAL
"""What job.json says; `cancelling` is a recorded state together with a wish."""

TRANSITIONS: Mapping[str, frozenset[str]] = {
    "queued": frozenset({"running", "paused", "cancelling", "failed"}),
    "running": frozenset({"paused", "cancelling", "completed", "completed_with_quarantine", "failed"}),
    "paused": frozenset({"queued", "cancelling"}),
    "cancelling": frozenset({"cancelled", "completed", "completed_with_quarantine", "failed"}),
    **{state: frozenset() for state in TERMINAL},
}
"""What may be seen to follow what. A job that is tried again after a crash stays `running`."""

SHOWN: Mapping[tuple[str, str], str] = {
    ("queued", "pause"): "paused",
    ("queued", "cancel"): "cancelling",
    ("running", "cancel"): "cancelling",
    ("paused", "run"): "queued",
    ("paused", "cancel"): "cancelling",
}
"""(recorded, wanted) -> what a job is in; any other pair is as recorded. So no second writer of job.json is needed."""

JOB_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def shown(recorded: str, wanted: str) -> str:
    """The state that a recorded state and a wish make."""
    return SHOWN.get((recorded, wanted), recorded)


def job_state(store: Store, job_id: str) -> dict[str, Any]:
    """A job's record, from three small files. Raises JobMissing, RecordDamaged."""
    if not JOB_ID.fullmatch(job_id):
        raise JobMissing(f"no job {job_id[:80]!r}: an id is letters, digits, '_' and '-'")
    folder = Store.job(job_id)
    record = find_record(store, f"{folder}/job.json", JOB_SHAPES)
    if record is not None and record.get("state", "queued") not in RECORDED:
        damaged(store, f"{folder}/job.json", f"its state is {str(record['state'])[:40]!r}")
    asked = read_submission(store, job_id)
    if record is None and asked is None:
        raise JobMissing(f"no job {job_id!r} in {store.root}; winnow jobs lists those there are")
    wish = find_record(store, f"{folder}/wish.json") or {}
    return _record(job_id, record or {}, asked, wish)


def _record(job_id: str, found: dict[str, Any], asked: Submission | None, wish: dict[str, Any]) -> dict[str, Any]:
    recorded, wanted = str(found.get("state", "queued")), str(wish.get("want", "run"))
    state = shown(recorded, wanted)
    since = found.get("at") or (asked.created_at if asked else "")
    recipe = asked.recipe if asked else {}
    return {
        "id": job_id,
        "name": found.get("name", recipe.get("name", "")),
        "state": state,
        "reason_code": found.get("code", ""),
        "message": found.get("error", ""),
        "created_at": found.get("created_at") or (asked.created_at if asked else ""),
        "since": since if state == recorded else wish.get("at", since),
        "attempt": found.get("attempt", 0 if asked else 1),
        "attempts_failed": found.get("attempts_failed", 0),
        "wanted": wanted,
        "recipe_digest": found.get("recipe_digest", ""),
        "corpus": found.get("corpus") or (asked.corpus if asked else None),
        "output": found.get("output") or (asked.output if asked else None),
        **{k: found.get(k) for k in ("rows", "funnel", "seconds")},
        **{k: found.get(k, {}) for k in ("tables", "scorers")},
        "warnings": found.get("warnings", []),
        "owner": asked.owner if asked else "",
        "labels": asked.labels if asked else {},
        "retry_of": asked.retry_of if asked else None,
        "supervised": asked is not None,
    }


def retry(store: Store, job_id: str, *, owner: str = "", request_id: str = "") -> Submission:
    """The submission of a new job that does what a failed or cancelled one was to do; it finds all committed parts.
    Raises JobMissing, WrongState."""
    record = job_state(store, job_id)
    asked = read_submission(store, job_id)
    if asked is None or record["state"] not in ("failed", "cancelled"):
        raise WrongState(
            f"job {job_id} is {record['state']}: only a failed or cancelled job of the service can be retried"
        )
    return Submission(
        recipe=asked.recipe, corpus=asked.corpus, output=asked.output, until=asked.until, workers=asked.workers,
        executor=asked.executor, copy=asked.copy, overwrite=asked.overwrite, labels=asked.labels,
        owner=owner or asked.owner, retry_of=job_id, request_id=request_id,
    )  # fmt: skip


def delete_job(store: Store, job_id: str) -> None:
    """Remove what is known of an ended job, or of one whose record is damaged; its tables stay, others may stand on them.
    Raises JobMissing, WrongState."""
    try:
        state = job_state(store, job_id)["state"]
    except RecordDamaged:
        state = "running" if _is_worked_on(store, job_id) else "failed"
    if state not in TERMINAL:
        raise WrongState(f"job {job_id} is {state}: cancel it first, then delete it")
    forget_claim(store, job_id)
    # first what would make a half-removed folder a job that waits
    store.remove(submission_path(job_id))
    store.remove(f"{Store.job(job_id)}/job.json")
    store.remove(Store.job(job_id))


def _is_worked_on(store: Store, job_id: str) -> bool:
    """Whether a runner of this host holds the job, by its latest claim: the record does not say."""
    try:
        claim = attempts.read(store, job_id, attempts.highest(store, job_id))
    except (IntegrityError, TypeError, ValueError):
        return False  # as damaged as the record
    here = claim is not None and claim.role == "runner" and claim.host == socket.gethostname()
    return claim is not None and here and started(claim.pid) == claim.pid_started
