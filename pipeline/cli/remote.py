"""winnow submit, jobs, cancel, pause, resume, retry, delete: what is asked of a service."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.connection import CHANGING_S, LOOKING_S, JobName, KeyFile, Server, service
from pipeline.cli.options import Json, Output, Set, examples, say

if TYPE_CHECKING:
    from winnow.client import Job

ServiceWorkers = Annotated[
    int | None, typer.Option("--workers", "-n", min=1, help="Worker processes; what the service chooses otherwise.")
]
COMING = {("running", "pause"), ("paused", "run")}
"""A state, and what is wanted of it and will come."""
STATES = (
    "queued", "running", "paused", "cancelling", "completed", "completed_with_quarantine", "failed", "cancelled",
)  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add these commands to the app."""
    app.command(epilog=examples(
        "winnow submit fineweb crawl/ --output curated/ --watch",
        "winnow submit my.yaml s3://bucket/dump/ --set rules.word_count.min=100 --label team=english",
        "WINNOW_KEY=... winnow submit fineweb /data/crawl --server https://winnow.example.org",
    ))(submit)  # fmt: skip
    app.command(epilog=examples("winnow jobs", "winnow jobs --state running --label team=english --json"))(jobs)
    app.command(epilog=examples("winnow cancel last", "winnow cancel job_0193"))(cancel)
    app.command(epilog=examples("winnow pause last"))(pause)
    app.command(epilog=examples("winnow resume last"))(resume)
    app.command(epilog=examples("winnow retry job_0193 --watch"))(retry)
    app.command(epilog=examples("winnow delete job_0193"))(delete)


def submit(
    recipe: Annotated[str, typer.Argument(help="A preset of the service, or a recipe file here.", metavar="RECIPE")],
    inputs: Annotated[
        list[str] | None,
        typer.Argument(help="Files, globs or folders, as the service sees them.", metavar="[INPUT]..."),
    ] = None,
    settings: Set = None,
    output: Output = None,
    label: Annotated[
        list[str] | None, typer.Option("--label", help="name=value, to find it again. May be repeated.")
    ] = None,
    corpus: Annotated[
        str | None, typer.Option("--corpus", help="Name of the corpus in the service's workspace.")
    ] = None,
    until: Annotated[
        str, typer.Option("--until", help="Stop after ingest, score, judge, dedup, mix or export.")
    ] = "export",
    workers: ServiceWorkers = None,
    executor: Annotated[
        str | None, typer.Option("--executor", help="auto, local or ray; as the service is set up.")
    ] = None,
    copy: Annotated[bool, typer.Option("--copy", help="Take a copy of Parquet input that may vanish.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace another Winnow export in the output folder.")
    ] = False,
    idempotency_key: Annotated[
        str | None, typer.Option("--idempotency-key", help="The same key twice is one job; made up otherwise.")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Watch it to its end; the exit code is the job's.")] = False,
    server: Server = None,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Submit a job to a service, once, whatever happens on the way. On this machine relative paths are those of this folder."""
    from pipeline.cli.watch import watch_to_end
    from winnow.client.submission import How, labels_of

    how: dict[str, Any] = {
        "changes": settings or [], "output": output, "labels": labels_of(label or []), "corpus": corpus,
        "until": _until(until), "workers": workers, "executor": _executor(executor), "copy": copy, "overwrite": overwrite,
    }  # fmt: skip
    with service(server, key_file, CHANGING_S) as client:
        job = client.submit(_recipe(recipe), inputs or [], idempotency_key=idempotency_key, **How(**how))  # type: ignore[typeddict-item]
        if watch:
            typer.echo(job.id, err=True)
            watch_to_end(job, as_json)
        else:
            _told(job, as_json)


def _recipe(name: str) -> str | Path:
    """A file of this folder, or the name of a preset of the service."""
    return Path(name) if Path(name).is_file() else name


def _until(value: str) -> str:
    from pipeline.cli.jobs import one_of

    return one_of("--until", value, ("ingest", "score", "judge", "dedup", "mix", "export"))


def _executor(value: str | None) -> str | None:
    from pipeline.cli.jobs import one_of

    return None if value is None else one_of("--executor", value, ("auto", "local", "ray"))


def _told(job: Job, as_json: bool) -> None:
    say(job.record if as_json else f"{job.id}  {_state(job.record)}  {job.name}", as_json)


def jobs(
    state: Annotated[str | None, typer.Option("--state", help="Only jobs in this state.")] = None,
    label: Annotated[
        list[str] | None, typer.Option("--label", help="Only jobs with name=value. May be repeated.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many, the newest first.")] = 20,
    server: Server = None,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """List a service's jobs, the newest first."""
    from pipeline.cli.jobs import one_of
    from winnow.client.operations.service import JobFilters
    from winnow.client.submission import labels_of

    filters = JobFilters()
    if state is not None:
        filters["state"] = one_of("--state", state, STATES)
    if label:
        filters["labels"] = labels_of(label)
    with service(server, key_file, LOOKING_S) as client:
        found = list(client.jobs(limit, **filters))
    if as_json:
        say([job.record for job in found], True)
        return
    rows = [_cells(job) for job in found]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    if not rows:
        typer.echo("no job like that" if filters else "no jobs yet; submit one: winnow submit RECIPE INPUT", err=True)


def _cells(job: Job) -> list[str]:
    """A job in one line, the id whole: lines are what one copies from, cuts and greps."""
    from pipeline.wording import printable

    told = job.record
    funnel, rows = told.get("funnel") or {}, told.get("rows")
    kept = "" if not rows else f"{funnel['kept']:,} of {rows:,}" if "kept" in funnel else f"{rows:,} rows"
    labels = " ".join(f"{name}={value}" for name, value in job.labels.items())
    cells = [job.id, _state(told), str(told["created_at"])[:19].replace("T", " "), job.name, kept, labels]
    return [printable(cell) for cell in cells]


def _state(record: dict[str, Any]) -> str:
    wanted = record.get("wanted")
    if record["state"] == "failed" and record.get("reason_code"):
        return f"failed: {record['reason_code']}"
    return f"{record['state']}, {wanted} wanted" if (record["state"], wanted) in COMING else str(record["state"])


def cancel(job: JobName, server: Server = None, key_file: KeyFile = None, as_json: Json = False) -> None:
    """Stop a job for good, within seconds. What it committed is used by the next one."""
    with service(server, key_file, CHANGING_S) as client:
        _told(client.job(job).cancel(), as_json)


def pause(job: JobName, server: Server = None, key_file: KeyFile = None, as_json: Json = False) -> None:
    """Stop a job until it is resumed."""
    with service(server, key_file, CHANGING_S) as client:
        _told(client.job(job).pause(), as_json)


def resume(job: JobName, server: Server = None, key_file: KeyFile = None, as_json: Json = False) -> None:
    """Let a paused job go on."""
    with service(server, key_file, CHANGING_S) as client:
        _told(client.job(job).resume(), as_json)


def retry(
    job: JobName,
    watch: Annotated[bool, typer.Option("--watch", help="Watch it to its end; the exit code is the job's.")] = False,
    server: Server = None,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Start a failed or cancelled job again, as a new job that goes on from what was committed."""
    from pipeline.cli.watch import watch_to_end

    with service(server, key_file, CHANGING_S) as client:
        made = client.job(job).retry()
        if watch:
            typer.echo(made.id, err=True)
            watch_to_end(made, as_json)
        else:
            _told(made, as_json)


def delete(job: JobName, server: Server = None, key_file: KeyFile = None) -> None:
    """Forget a job that is at its end. Its tables and output stay, for other jobs may stand on them."""
    with service(server, key_file, CHANGING_S) as client:
        ended = client.job(job)
        ended.delete()
        typer.echo(f"{ended.id}  deleted")
