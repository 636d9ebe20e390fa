"""Operations on one job."""

from __future__ import annotations

import codecs
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

from winnow.client.errors import WrongState
from winnow.client.operations import service
from winnow.client.request import Request, name_path, query_of, segment
from winnow.client.rows import Rows
from winnow.client.steps import Flow, Item, Pause, Steps, ask, ask_json

Steering = Literal["cancel", "pause", "resume"]
THERE_ALREADY: Mapping[Steering, tuple[str, ...]] = {
    "cancel": ("cancelling", "cancelled"), "pause": ("paused",), "resume": ("running", "queued"),
}  # fmt: skip
TERMINAL = ("completed", "completed_with_quarantine", "failed", "cancelled")
LOG_BYTES = 64 * 1024
CLUSTERS_A_PAGE = 200
FILES_A_PAGE = 1_000


class HasId(Protocol):
    """A job, blocking or asynchronous."""

    @property
    def id(self) -> str: ...


def place(job_id: str, *rest: str) -> str:
    """The path of something of a job."""
    return "/".join(["/v1/jobs", segment(job_id), *rest])


def steer(job_id: str, what: Steering) -> Steps[dict[str, Any]]:
    """Ask for a state -> the job's record. Asking again for what is there already is fine: an answer may have been lost."""
    try:
        return (yield from ask_json(Request("POST", place(job_id, what))))  # type: ignore[no-any-return]
    except WrongState:
        record = yield from service.job(job_id)
        if record["state"] in THERE_ALREADY[what]:
            return record
        raise


def retry(job_id: str, key: str | None = None) -> Steps[dict[str, Any]]:
    """The record of a new job with the same submission, which goes on where this one stopped."""
    request = Request("POST", place(job_id, "retry"), headers=service.idempotency(key))
    return (yield from ask_json(request))  # type: ignore[no-any-return]


def delete(job_id: str) -> Steps[None]:
    """Forget a job that is at its end. Its tables stay; other jobs may stand on them."""
    yield from ask(Request("DELETE", place(job_id)))


def recipe(job_id: str) -> Steps[dict[str, Any]]:
    """The recipe as it runs, everything written out."""
    return (yield from ask_json(Request("GET", place(job_id, "recipe"))))  # type: ignore[no-any-return]


def stages(job_id: str) -> Steps[Rows]:
    """Stages with units, rows, bytes and seconds."""
    return service.listing(place(job_id, "stages"))


def shards(job_id: str, stage: str | None = None, limit: int | None = None) -> Flow[dict[str, Any]]:
    """Shards with rows, bytes, seconds, worker, attempts, digest and what was removed, page by page."""
    return service.pages(place(job_id, "shards"), {"stage": stage}, limit)


def shard(job_id: str, part: str) -> Steps[dict[str, Any]]:
    """One shard, with the statistics of its columns."""
    return (yield from ask_json(Request("GET", place(job_id, "shards", segment(part)))))  # type: ignore[no-any-return]


def funnel(job_id: str) -> Steps[Rows]:
    """What each step took away, and what went on, in documents and bytes."""
    told = yield from ask_json(Request("GET", place(job_id, "funnel")))
    return Rows(tuple(told["items"]), f"job {job_id}")


def histogram(job_id: str, column: str, bins: int | None = None) -> Steps[dict[str, Any]]:
    """How a measured column is distributed, kept and removed apart, and where rules cut it."""
    request = Request("GET", place(job_id, "histograms", segment(column)), query_of(bins=bins))
    return (yield from ask_json(request))  # type: ignore[no-any-return]


def samples(
    job_id: str,
    outcome: Literal["kept", "removed", "quarantined"] | None = None,
    reason: str | None = None,
    size: int | None = None,
    seed: int | None = None,
    text_chars: int | None = None,
) -> Steps[Rows]:
    """Documents picked by a seed: the same seed, the same documents."""
    asked = query_of(outcome=outcome, reason=reason, size=size, seed=seed, text_chars=text_chars)
    told = yield from ask_json(Request("GET", place(job_id, "samples"), asked))
    return Rows(tuple(told["items"]), " ".join(w for w in (outcome, reason) if w))


def clusters(job_id: str, limit: int | None = None) -> Flow[dict[str, Any]]:
    """Duplicate clusters, the largest first, page by page."""
    return service.pages(place(job_id, "clusters"), {}, limit, CLUSTERS_A_PAGE)


def cluster(job_id: str, cluster: int, text_chars: int | None = None) -> Steps[dict[str, Any]]:
    """One cluster and its members."""
    request = Request("GET", place(job_id, "clusters", str(cluster)), query_of(text_chars=text_chars))
    return (yield from ask_json(request))  # type: ignore[no-any-return]


def explain(job_id: str, doc_id: str) -> Steps[list[dict[str, Any]]]:
    """What became of a document, and why; one entry for each document with this id."""
    told = yield from ask_json(Request("GET", place(job_id, "documents", segment(doc_id))))
    found: list[dict[str, Any]] = told["items"]
    return found


def preview(job_id: str, rules: Mapping[str, Any] | None = None, changes: Sequence[str] = ()) -> Steps[dict[str, Any]]:
    """What these rules, or the job's own with changes, would keep; no text is read."""
    body: dict[str, Any] = {"rules": dict(rules)} if rules is not None else {"changes": list(changes)}
    return (yield from ask_json(Request("POST", place(job_id, "preview"), body=body)))  # type: ignore[no-any-return]


def compare(job_id: str, other: str | HasId) -> Steps[dict[str, Any]]:
    """This job beside another one, or its id, on the same corpus."""
    name = other if isinstance(other, str) else other.id
    return (yield from ask_json(Request("GET", place(job_id, "compare", segment(name)))))  # type: ignore[no-any-return]


def report(job_id: str, path: str | Path) -> Steps[Path]:
    """Write the job's report, one self-contained HTML page, to a file."""
    reply = yield from ask(Request("GET", place(job_id, "report"), accept="text/html"))
    from pipeline.storage.files import told

    with told(str(path)):
        Path(path).write_bytes(reply.body)
    return Path(path)


def artifacts(job_id: str) -> Steps[Rows]:
    """The files of the job's output."""
    return service.listing(place(job_id, "artifacts"), page_size=FILES_A_PAGE)


def artifact_request(job_id: str, name: str) -> Request:
    """The request for one file."""
    return Request("GET", place(job_id, "artifacts", name_path(name)), accept="*/*")


def logs(job_id: str, tail_bytes: int = LOG_BYTES) -> Steps[str]:
    """The end of the runner's log."""
    request = Request("GET", place(job_id, "logs"), query_of(bytes=tail_bytes), accept="text/plain")
    return (yield from ask(request)).body.decode("utf-8", "replace")


def follow_logs(job_id: str, tail_bytes: int = LOG_BYTES) -> Flow[str]:
    """The end of the runner's log, and what comes after it until the job is at its end."""
    after: str | None = None
    decoder = codecs.getincrementaldecoder("utf-8")("replace")  # a piece may end within a character
    while True:
        ended = (yield from service.job(job_id))["state"] in TERMINAL  # asked first: nothing is written after it
        request = Request("GET", place(job_id, "logs"), query_of(bytes=tail_bytes, after=after), accept="text/plain")
        reply = yield from ask(request)
        after = reply.headers["winnow-next"]
        if reply.body:
            yield Item(decoder.decode(reply.body))
        elif ended:
            return
        else:
            yield Pause(1, 1.0)
