"""winnow verify, doctor: the health of a workspace and of this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import DEFAULT_WORKSPACE, Json, Workspace, examples, say
from pipeline.wording import many

if TYPE_CHECKING:
    from pipeline.storage.integrity import Report


def register(app: typer.Typer) -> None:
    """Add these commands to the app."""
    app.command(epilog=examples("winnow verify", "winnow verify --folder curated/"))(verify)
    app.command(epilog=examples("winnow doctor"))(doctor)


def verify(
    workspace: Workspace = DEFAULT_WORKSPACE,
    folder: Annotated[str | None, typer.Option("--folder", help="Check an exported corpus instead.")] = None,
    mend: Annotated[
        bool, typer.Option("--repair", help="Set damaged parts aside: the next run makes just these anew.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Read every committed part again: digest, page checksums, row count, and the conservation law of each table; and every
    takedown."""
    from pipeline.errors import IntegrityError, UsageError
    from pipeline.storage.integrity import check_export, check_workspace, repair
    from pipeline.storage.store import Store

    if not Store(folder or workspace).names(""):
        raise UsageError(f"{folder or workspace}: nothing there; name a workspace or an exported corpus")
    report = check_export(Store(folder)) if folder else check_workspace(Store(workspace))
    _show(report, as_json)
    others = [f for f in report.faults if f.remedy is None]
    told = [f"{f.path}: {f.fault}. {f.remedy}" for f in report.faults if f.remedy is not None]
    if others and mend and not folder:
        aside = repair(Store(workspace), report)
        typer.echo(f"{len(aside)} files set aside; run the job again: only what they held is made anew")
    elif others:
        mending = (
            "run the command again that made it: only what is damaged is made anew"
            if folder
            else "set the damaged parts aside with --repair, then run the job again"
        )
        told.append(f"{len(others)} faults; {mending}")
    if told:
        raise IntegrityError("\n".join(told))


def _show(report: Report, as_json: bool) -> None:
    from pipeline.cli.show import table

    if as_json:
        counts = {k: getattr(report, k) for k in ("tables", "parts", "takedowns", "bytes")}
        say({**counts, "faults": [f.as_dict() for f in report.faults]}, True)
        return
    down = f"{many(report.takedowns, 'takedown')}, " if report.takedowns else ""
    typer.echo(
        f"{report.tables} tables, {report.parts:,} parts, {down}{report.bytes / 1e6:,.1f} MB read, {len(report.faults)} faults"
    )
    if report.faults:
        table([{k: v for k, v in f.as_dict().items() if k != "remedy"} for f in report.faults])


def doctor(workspace: Workspace = DEFAULT_WORKSPACE, as_json: Json = False) -> None:
    """Check this machine: versions, cores, memory, disk, compiler cache, models, Ray."""
    from pipeline.cli.show import table
    from pipeline.doctor import examine

    checks = examine(workspace)
    rows = [c.as_dict() for c in checks]
    say(rows, True) if as_json else table(rows)
    if any(c.state == "bad" for c in checks):
        raise typer.Exit(1)
