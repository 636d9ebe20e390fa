"""Options that several commands share, each said once."""

from __future__ import annotations

import json
import os
from typing import Annotated, Any

import typer

Workspace = Annotated[
    str,
    typer.Option("--workspace", "-w", envvar="WINNOW_WORKSPACE", help="Folder or bucket that holds tables and jobs."),
]
DEFAULT_WORKSPACE = "winnow-workspace"
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
JobId = Annotated[str | None, typer.Option("--job", help="A job's id or its beginning; the latest otherwise.")]
Set = Annotated[list[str] | None, typer.Option("--set", help="Change one value of the recipe: a.b=c. May be repeated.")]
Workers = Annotated[int | None, typer.Option("--workers", "-n", min=1, help="Worker processes; all cores otherwise.")]
Executor = Annotated[str, typer.Option("--executor", help="auto, local or ray.")]
RayAddress = Annotated[
    str | None,
    typer.Option(
        "--ray-address", envvar="RAY_ADDRESS", help="A running Ray cluster; its nodes must see the same paths."
    ),
]
Output = Annotated[
    str | None, typer.Option("--output", "-o", help="Where the curated corpus goes; in the workspace otherwise.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]


def say(value: Any, as_json: bool) -> None:
    """Print JSON for programs, text as it is for people."""
    typer.echo(
        json.dumps(value, indent=1, ensure_ascii=False, default=str) if as_json or not isinstance(value, str) else value
    )


def examples(*lines: str) -> str:
    """A help epilog with examples."""
    return "Examples:\n\n" + "\n\n".join(f"  {line}" for line in lines)


def cores() -> int:
    """Cores of this machine."""
    return os.cpu_count() or 1
