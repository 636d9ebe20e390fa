"""The same client for event loops: every method that asks the service is a coroutine or an asynchronous iterator."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, Unpack

import httpx

from winnow.client.address import address
from winnow.client.async_sender import AsyncSender
from winnow.client.errors import raise_for_end
from winnow.client.faces import Handle, does_async, flow_of_job_async, of_job_async
from winnow.client.operations import download, find, service, watch
from winnow.client.operations import job as on_job
from winnow.client.retry import Patience
from winnow.client.show import shown
from winnow.client.submission import How, Recipe, body_of


class AsyncClient:
    """A service by its address, for one event loop. Arguments as of Client."""

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        timeout_s: float = 30.0,
        patience_s: float = 60.0,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._sender = AsyncSender(address(url, key), Patience(patience_s), timeout_s, transport)

    async def submit(
        self,
        recipe: Recipe,
        inputs: Sequence[str | Path] | str | Path = (),
        *,
        idempotency_key: str | None = None,
        **how: Unpack[How],
    ) -> AsyncJob:
        """Start a job; as Client.submit."""
        body = body_of(recipe, inputs, how, self._sender.at.is_loopback)
        return AsyncJob(self._sender, await self._sender.run(service.submit(body, idempotency_key)))

    async def plan(
        self, recipe: Recipe, inputs: Sequence[str | Path] | str | Path = (), **how: Unpack[How]
    ) -> dict[str, Any]:
        """What a job would do; as Client.plan."""
        return await self._sender.run(service.plan(body_of(recipe, inputs, how, self._sender.at.is_loopback)))

    async def job(self, name: str) -> AsyncJob:
        """A job by its id, a beginning of it that only one has, or `last`. Raises NotFound."""
        return AsyncJob(self._sender, await self._sender.run(find.find_job(name)))

    async def jobs(self, limit: int | None = None, **filters: Unpack[service.JobFilters]) -> AsyncIterator[AsyncJob]:
        """Jobs, the newest first unless `order_by` says otherwise; pages are asked for as they are used."""
        async for record in self._sender.items(service.jobs(filters, limit)):
            yield AsyncJob(self._sender, record)

    sql = does_async(service.sql)
    scorers = does_async(service.scorers)
    recipes = does_async(service.recipes)
    recipe = does_async(service.recipe)
    models = does_async(service.models)
    corpora = does_async(service.corpora)
    schema = does_async(service.schema)
    limits = does_async(service.limits)
    version = does_async(service.version)

    async def close(self) -> None:
        """Close connections; jobs are not touched."""
        await self._sender.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<AsyncClient {self._sender.at.url}>"


class AsyncJob(Handle):
    """A job of a service."""

    def __init__(self, sender: AsyncSender, record: dict[str, Any]) -> None:
        super().__init__(record)
        self._sender = sender

    async def refresh(self) -> Self:
        """Ask how it is now."""
        self.record = await self._sender.run(service.job(self.id))
        return self

    async def follow(
        self, timeout_s: float | None = None, reconnect_s: float = watch.RECONNECT_S
    ) -> AsyncIterator[watch.Event]:
        """Its events to its end; as Job.follow."""
        async for event in self._sender.items(watch.until_end(self.id, timeout_s, reconnect_s)):
            if event.kind == "done":
                self.record = event.fields
            yield event

    async def wait(
        self,
        timeout_s: float | None = None,
        progress: bool = False,
        *,
        check: bool = True,
        reconnect_s: float = watch.RECONNECT_S,
    ) -> Self:
        """Until the job is at its end; as Job.wait."""
        with shown(progress) as show:
            async for event in self.follow(timeout_s, reconnect_s):
                show.tell(event)
        if check:
            raise_for_end(self.record)
        return self

    async def cancel(self) -> Self:
        """Stop it for good, within seconds."""
        self.record = await self._sender.run(on_job.steer(self.id, "cancel"))
        return self

    async def pause(self) -> Self:
        """Stop it until it is resumed; what is committed stays."""
        self.record = await self._sender.run(on_job.steer(self.id, "pause"))
        return self

    async def resume(self) -> Self:
        """Let a paused job go on."""
        self.record = await self._sender.run(on_job.steer(self.id, "resume"))
        return self

    async def retry(self, idempotency_key: str | None = None) -> AsyncJob:
        """A new job with the same submission, which goes on from what this one committed."""
        return AsyncJob(self._sender, await self._sender.run(on_job.retry(self.id, idempotency_key)))

    events = flow_of_job_async(watch.events)
    shards = flow_of_job_async(on_job.shards)
    clusters = flow_of_job_async(on_job.clusters)
    follow_logs = flow_of_job_async(on_job.follow_logs)
    delete = of_job_async(on_job.delete)
    recipe = of_job_async(on_job.recipe)
    stages = of_job_async(on_job.stages)
    shard = of_job_async(on_job.shard)
    funnel = of_job_async(on_job.funnel)
    histogram = of_job_async(on_job.histogram)
    samples = of_job_async(on_job.samples)
    cluster = of_job_async(on_job.cluster)
    explain = of_job_async(on_job.explain)
    preview = of_job_async(on_job.preview)
    compare = of_job_async(on_job.compare)
    report = of_job_async(on_job.report)
    artifacts = of_job_async(on_job.artifacts)
    download = of_job_async(download.download)
    logs = of_job_async(on_job.logs)
