"""What was asked of the service. An accepted submission is on the disk before anybody is told that it was accepted."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.errors import IntegrityError, KeyReused, RecipeError, RecordDamaged
from pipeline.job import new_id, now
from pipeline.recipe import Recipe
from pipeline.recipe_file import validate
from pipeline.storage.records import damaged, find_record
from pipeline.storage.store import Store

if TYPE_CHECKING:  # they bring kernels and Ray, which the service goes without
    from pipeline.execution.executors import Name
    from pipeline.run import Until

log = logging.getLogger(__name__)

CLAIMS = "requests"
OWN = ("job_id", "created_at", "request_id", "recipe")
"""What differs between two requests for the same work; recipes are compared in their canonical form."""
SHAPES = {"recipe": dict, "job_id": str, "labels": dict, "owner": str, "created_at": str}
CLAIM_SHAPES = {"job_id": str, "fingerprint": str, "submission": dict}
"""What a submission and a claim must be for anybody to go on with them."""


@dataclass(frozen=True, kw_only=True)
class Submission:
    """One request for work. recipe: its tree, whose order of keys counts; the rest is as in pipeline.run.Settings."""

    recipe: dict[str, Any]
    job_id: str = field(default_factory=new_id)
    corpus: str | None = None
    output: str | None = None
    until: Until = "export"
    workers: int | None = None
    executor: Name = "auto"
    copy: bool = False
    overwrite: bool = False
    labels: dict[str, str] = field(default_factory=dict)
    owner: str = ""
    created_at: str = field(default_factory=now)
    retry_of: str | None = None
    request_id: str = ""


@dataclass(frozen=True)
class Accepted:
    """replayed: the key had been used for this request before."""

    job_id: str
    replayed: bool


def accept(
    store: Store, submission: Submission, key: str | None = None, room: Callable[[], None] | None = None
) -> Accepted:
    """Take a submission in; on the disk when this returns. The same key from anywhere, however often: one job.

    room: called before a new job is made, never for a replay; it raises QueueFull where no more may wait. Raises
    RecipeError for a tree that is no recipe, KeyReused where the key stands for other work of the same owner.
    """
    recipe = validate(submission.recipe, "the recipe submitted")
    if key is None:
        if room is not None:
            room()
        _make(store, submission, recipe, None)
        return Accepted(submission.job_id, replayed=False)
    fingerprint = _fingerprint(submission, recipe)
    name = hashlib.sha256(json.dumps([submission.owner, key]).encode()).hexdigest()
    path = f"{CLAIMS}/{name}.json"
    if (claim := find_record(store, path, CLAIM_SHAPES)) is None:
        if room is not None:
            room()
        store.commit_json(path, {
            "job_id": submission.job_id, "fingerprint": fingerprint, "at": now(),
            "submission": dataclasses.asdict(submission),
        }, sort_keys=False)  # fmt: skip
        claim = store.read_json(path)
    if claim.get("fingerprint") != fingerprint:
        raise KeyReused(
            f"idempotency key {key[:40]!r} stands for another request (job {claim['job_id']}): send a new key with new work"
        )
    if not _is_made(store, claim, name):
        if find_record(store, path, CLAIM_SHAPES) != claim:  # the job was deleted this moment: the key is free again
            return accept(store, submission, key, room)
        _finish(store, claim, name)
    return Accepted(claim["job_id"], replayed=claim["job_id"] != submission.job_id)


def finish_claims(store: Store) -> int:
    """Make the jobs of claims whose folder is missing, because the service ended between the two; returns how many. A
    claim that is damaged, or that this version cannot read, keeps no other from being finished: it is logged."""
    finished = 0
    for file in store.names(CLAIMS):
        try:
            claim = find_record(store, f"{CLAIMS}/{file}", CLAIM_SHAPES)
            finished += claim is not None and _finish(store, claim, file.removesuffix(".json"))
        except (IntegrityError, RecipeError) as error:
            log.error("a claim is passed over: %s/%s: %s", CLAIMS, file, error)
    return finished


def read_submission(store: Store, job_id: str) -> Submission | None:
    """What was asked for a job; None where it is not one of a service."""
    found = find_record(store, submission_path(job_id), SHAPES)
    return None if found is None else _submission(store, found, submission_path(job_id))


def submission_path(job_id: str) -> str:
    return f"{Store.job(job_id)}/submission.json"


def forget_claim(store: Store, job_id: str) -> None:
    """Free the key that a job was asked for with, so that no start of the service makes the job again."""
    try:
        found = find_record(store, submission_path(job_id)) or {}
        claims = [f"{found['claim']}.json"] if found.get("claim") else []
    except RecordDamaged:
        claims = store.names(CLAIMS)  # one of them, if any
    for name in claims:
        with contextlib.suppress(RecordDamaged):
            if (find_record(store, f"{CLAIMS}/{name}") or {}).get("job_id") == job_id:
                store.remove(f"{CLAIMS}/{name}")


def _fingerprint(submission: Submission, recipe: Recipe) -> str:
    """Of the work alone: equal for a request that is sent again."""
    work = {k: v for k, v in dataclasses.asdict(submission).items() if k not in OWN}
    return hashlib.sha256(json.dumps([work, recipe.canonical()], sort_keys=True).encode()).hexdigest()


def complete(store: Store, job_id: str) -> None:
    """Make the rest of a job's folder, where whoever accepted it ended in between."""
    found = store.read_json(submission_path(job_id))
    asked = read_submission(store, job_id)
    assert asked is not None
    _make(store, asked, validate(asked.recipe, "the recipe submitted"), found.get("claim"))


def _is_made(store: Store, claim: dict[str, Any], name: str) -> bool:
    if "job_id" not in claim or "submission" not in claim:
        damaged(store, f"{CLAIMS}/{name}.json", "no job_id, or no submission")
    return store.exists(f"{Store.job(claim['job_id'])}/job.json")


def _finish(store: Store, claim: dict[str, Any], name: str) -> bool:
    if _is_made(store, claim, name):
        return False
    submission = _submission(store, claim["submission"], f"{CLAIMS}/{name}.json")
    _make(store, submission, validate(submission.recipe, "the recipe submitted"), name)
    return True


def _submission(store: Store, found: dict[str, Any], path: str) -> Submission:
    """Of a file; what a later version wrote beside is passed over."""
    if "recipe" not in found:
        damaged(store, path, "no recipe")
    names = {f.name for f in dataclasses.fields(Submission)}
    return Submission(**{k: v for k, v in found.items() if k in names})


def _make(store: Store, submission: Submission, recipe: Recipe, claim: str | None) -> None:
    """The job's folder; job.json is last, so that a folder which has it is whole. Whoever makes it a second time changes
    nothing."""
    folder = Store.job(submission.job_id)
    tree = json.loads(recipe.canonical())
    asked = dataclasses.asdict(submission) | {"recipe": tree, "claim": claim}
    store.commit_json(submission_path(submission.job_id), asked, sort_keys=False)
    store.commit_json(f"{folder}/recipe.json", tree, sort_keys=False)
    store.commit_json(f"{folder}/job.json", {
        "id": submission.job_id, "name": recipe.name, "recipe_digest": recipe.digest(), "supervised": True,
        "state": "queued", "created_at": submission.created_at, "at": submission.created_at,
        "tables": {}, "warnings": [], "attempt": 0, "attempts_failed": 0,
    })  # fmt: skip
