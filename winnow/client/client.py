"""The blocking client."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, Unpack

import httpx

from winnow.client.address import address
from winnow.client.errors import raise_for_end
from winnow.client.faces import Handle, does, flow_of_job, of_job
from winnow.client.operations import download, find, service, watch
from winnow.client.operations import job as on_job
from winnow.client.retry import Patience
from winnow.client.sender import Sender
from winnow.client.show import shown
from winnow.client.submission import How, Recipe, body_of


class Client:
    """A service by its address.

    url: WINNOW_SERVER, or http://127.0.0.1:8765, unless given; key: WINNOW_KEY unless given. timeout_s: silence after which
    a connection counts as lost; patience_s: how long a request is tried again. Raises UsageError, and ServiceError later.
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        timeout_s: float = 30.0,
        patience_s: float = 60.0,
        *,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._sender = Sender(address(url, key), Patience(patience_s), timeout_s, transport)

    def submit(
        self,
        recipe: Recipe,
        inputs: Sequence[str | Path] | str | Path = (),
        *,
        idempotency_key: str | None = None,
        **how: Unpack[How],
    ) -> Job:
        """Start a job. It is sent until the service says that it has it, under one key: there is one job, not two."""
        body = body_of(recipe, inputs, how, self._sender.at.is_loopback)
        return Job(self._sender, self._sender.run(service.submit(body, idempotency_key)))

    def plan(
        self, recipe: Recipe, inputs: Sequence[str | Path] | str | Path = (), **how: Unpack[How]
    ) -> dict[str, Any]:
        """What a job would do: stages, passes over the text, rules, a forecast. Does no work."""
        return self._sender.run(service.plan(body_of(recipe, inputs, how, self._sender.at.is_loopback)))

    def job(self, name: str) -> Job:
        """A job by its id, a beginning of it that only one has, or `last`. Raises NotFound."""
        return Job(self._sender, self._sender.run(find.find_job(name)))

    def jobs(self, limit: int | None = None, **filters: Unpack[service.JobFilters]) -> Iterator[Job]:
        """Jobs, the newest first unless `order_by` says otherwise; pages are asked for as they are used."""
        for record in self._sender.items(service.jobs(filters, limit)):
            yield Job(self._sender, record)

    sql = does(service.sql)
    scorers = does(service.scorers)
    recipes = does(service.recipes)
    recipe = does(service.recipe)
    models = does(service.models)
    corpora = does(service.corpora)
    schema = does(service.schema)
    limits = does(service.limits)
    version = does(service.version)

    def close(self) -> None:
        """Close connections; jobs are not touched."""
        self._sender.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Client {self._sender.at.url}>"


class Job(Handle):
    """A job of a service."""

    def __init__(self, sender: Sender, record: dict[str, Any]) -> None:
        super().__init__(record)
        self._sender = sender

    def refresh(self) -> Self:
        """Ask how it is now."""
        self.record = self._sender.run(service.job(self.id))
        return self

    def follow(self, timeout_s: float | None = None, reconnect_s: float = watch.RECONNECT_S) -> Iterator[watch.Event]:
        """Its events to its end, the last being `done`; for a job at its end only that. Keeps `record` up to date."""
        for event in self._sender.items(watch.until_end(self.id, timeout_s, reconnect_s)):
            if event.kind == "done":
                self.record = event.fields
            yield event

    def wait(
        self,
        timeout_s: float | None = None,
        progress: bool = False,
        *,
        check: bool = True,
        reconnect_s: float = watch.RECONNECT_S,
    ) -> Self:
        """Until the job is at its end. progress: bars on a terminal or in a notebook, JSON lines otherwise; check: raise
        JobFailed, JobOverBudget or JobCancelled where it did not complete. Raises WaitTimeout; the job goes on then."""
        with shown(progress) as show:
            for event in self.follow(timeout_s, reconnect_s):
                show.tell(event)
        if check:
            raise_for_end(self.record)
        return self

    def cancel(self) -> Self:
        """Stop it for good, within seconds."""
        self.record = self._sender.run(on_job.steer(self.id, "cancel"))
        return self

    def pause(self) -> Self:
        """Stop it until it is resumed; what is committed stays."""
        self.record = self._sender.run(on_job.steer(self.id, "pause"))
        return self

    def resume(self) -> Self:
        """Let a paused job go on."""
        self.record = self._sender.run(on_job.steer(self.id, "resume"))
        return self

    def retry(self, idempotency_key: str | None = None) -> Job:
        """A new job with the same submission, which goes on from what this one committed."""
        return Job(self._sender, self._sender.run(on_job.retry(self.id, idempotency_key)))

    events = flow_of_job(watch.events)
    shards = flow_of_job(on_job.shards)
    clusters = flow_of_job(on_job.clusters)
    follow_logs = flow_of_job(on_job.follow_logs)
    delete = of_job(on_job.delete)
    recipe = of_job(on_job.recipe)
    stages = of_job(on_job.stages)
    shard = of_job(on_job.shard)
    funnel = of_job(on_job.funnel)
    histogram = of_job(on_job.histogram)
    samples = of_job(on_job.samples)
    cluster = of_job(on_job.cluster)
    explain = of_job(on_job.explain)
    preview = of_job(on_job.preview)
    compare = of_job(on_job.compare)
    report = of_job(on_job.report)
    artifacts = of_job(on_job.artifacts)
    download = of_job(download.download)
    logs = of_job(on_job.logs)
