"""winnow watch, logs: looking at a service's job while it runs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.connection import LOOKING_S, JobName, KeyFile, Server, service
from pipeline.cli.options import Json, examples
from pipeline.errors import WinnowError

if TYPE_CHECKING:
    from winnow.client import Job

INTERRUPTED = 130


class StoppedWatching(WinnowError):
    """The user looked away; the job goes on."""

    code = "stopped_watching"
    exit_code = INTERRUPTED


def register(app: typer.Typer) -> None:
    """Add these commands to the app."""
    app.command(epilog=examples("winnow watch last", "winnow watch job_0193 | jq .event"))(watch)
    app.command(epilog=examples("winnow logs last", "winnow logs last --follow"))(logs)


def watch(
    job: JobName,
    server: Server = None,
    key_file: KeyFile = None,
    reconnect: Annotated[
        float, typer.Option("--reconnect", min=0, help="Seconds to wait for a service that is away.")
    ] = 600.0,
    as_json: Json = False,
) -> None:
    """Watch a job to its end: bars on a terminal, JSON lines otherwise. Exit code: 0 completed, 1 failed, 3 quarantine over
    budget, 4 cancelled. Ctrl-C stops the watching, not the job."""
    with service(server, key_file, LOOKING_S) as client:
        watch_to_end(client.job(job), as_json, reconnect)


def watch_to_end(job: Job, as_json: bool, reconnect_s: float = 600.0) -> None:
    """Show a job's events until its end and then its account; raise what its end means to a shell."""
    from winnow.client.errors import raise_for_end
    from winnow.client.show import Bars, Lines

    for_people = sys.stderr.isatty() and not as_json
    try:
        show = Bars() if for_people else Lines(sys.stdout)
        try:
            for event in job.follow(reconnect_s=reconnect_s):
                show.tell(event)
        finally:
            show.close()
    except KeyboardInterrupt:
        raise StoppedWatching(
            f"stopped watching; {job.id} goes on. Watch it again: winnow watch {job.id}; stop it: winnow cancel {job.id}"
        ) from None
    if for_people and job.record.get("funnel"):
        _account(job.record)
    raise_for_end(job.record)


def _account(record: dict[str, Any]) -> None:
    """The same account as that of `winnow run`."""
    from pipeline.cli.show import show_result
    from pipeline.result import Result

    told = {name: record[name] for name in ("state", "corpus", "rows", "funnel", "tables", "output", "warnings")}
    show_result(Result(record["id"], **told), "the service's workspace", as_json=False)


def logs(
    job: JobName,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job is at its end.")] = False,
    tail_bytes: Annotated[int, typer.Option("--bytes", min=1, help="How much of its end.")] = 64 * 1024,
    server: Server = None,
    key_file: KeyFile = None,
) -> None:
    """Print the end of the log of a job's runner."""
    from pipeline.wording import printable

    with service(server, key_file, LOOKING_S) as client:
        found = client.job(job)
        for text in found.follow_logs(tail_bytes) if follow else [found.logs(tail_bytes)]:
            typer.echo(printable(text), nl=False)
