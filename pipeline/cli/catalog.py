"""winnow catalog: the cache of a workspace that the service reads, looked at and made anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import DEFAULT_WORKSPACE, Json, Workspace, examples, say

if TYPE_CHECKING:
    from pipeline.storage.store import Store

State = Annotated[
    str | None, typer.Option("--state", help="The service's folder; <workspace>/service, or as `winnow serve` has it.")
]

app = typer.Typer(
    help="The catalog: what the service reads of jobs and shards. A cache; the workspace's files are the truth."
)


def register(parent: typer.Typer) -> None:
    """Add these commands to the app."""
    app.command(epilog=examples("winnow catalog rebuild", "winnow catalog rebuild --workspace s3://bucket/ws"))(rebuild)
    app.command(epilog=examples("winnow catalog show", "winnow catalog show --json"))(show)
    parent.add_typer(app, name="catalog", no_args_is_help=True)


def rebuild(workspace: Workspace = DEFAULT_WORKSPACE, state: State = None, as_json: Json = False) -> None:
    """Make the catalog anew from the workspace's files; a running service has to be stopped first."""
    import dataclasses
    import time

    from pipeline.catalog import database

    path = _path(workspace, state)
    start = time.monotonic()
    counts = database.rebuild(_store(workspace), path)
    told = {"path": str(path), **dataclasses.asdict(counts), "seconds": round(time.monotonic() - start, 2)}
    say(told if as_json else f"{path}: {_counted(dataclasses.asdict(counts))}, in {told['seconds']} s", as_json)


def show(workspace: Workspace = DEFAULT_WORKSPACE, state: State = None, as_json: Json = False) -> None:
    """What is in the catalog: rows, bytes, version, when it was last written."""
    import dataclasses

    from pipeline.catalog import opening
    from pipeline.catalog.database import count
    from pipeline.catalog.schema import version
    from pipeline.errors import IntegrityError, UsageError

    path, store = _path(workspace, state), _store(workspace)
    if not path.exists():
        raise UsageError(f"{path}: no catalog is there; a service makes one, and so does: winnow catalog rebuild")
    try:
        connection = opening.open_file(path, store.root)
    except opening.Damaged as error:
        raise IntegrityError(
            f"{path}: {error}; make it anew: winnow catalog rebuild --workspace {workspace}"
        ) from error
    counts = dataclasses.asdict(count(connection))
    connection.close()
    told = {
        "path": str(path),
        **counts,
        "bytes": path.stat().st_size,
        "version": version(),
        "written_at": _written(path),
    }
    text = f"{path}: {_counted(counts)}; {told['bytes'] / 1e6:,.1f} MB, version {told['version']}, written {told['written_at']}"
    say(told if as_json else text, as_json)


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{n:,} {name.replace('_', ' ')}" for name, n in counts.items())


def _written(path: Path) -> str:
    import datetime

    return datetime.datetime.fromtimestamp(path.stat().st_mtime, datetime.UTC).isoformat(timespec="seconds")


def _store(workspace: str) -> Store:
    from pipeline.errors import UsageError
    from pipeline.storage.store import Store

    store = Store(workspace)
    if not store.names(""):
        raise UsageError(f"{workspace}: nothing there; name a workspace")
    return store


def _path(workspace: str, state: str | None) -> Path:
    from api.settings import Settings

    return Settings(workspace=workspace, state=state).state_folder / "catalog.duckdb"
