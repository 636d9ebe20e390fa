"""winnow takedown: documents that have to go, for good."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli.options import DEFAULT_WORKSPACE, Json, Workspace, examples, say
from pipeline.wording import many

Ids = Annotated[list[str] | None, typer.Argument(help="Ids of documents.", metavar="[DOC_ID]...")]


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command(epilog=examples(
        'winnow takedown page-000123 --why "request 2026-114 of the author"',
        'winnow takedown --ids ids.txt --why "court order 7 O 12/26" --copies',
        'winnow takedown --source example.org --why "robots.txt asks for it"',
        'winnow takedown --where "url like \'https://example.org/~jane/%\'" --why "erasure, ticket 88" --dry-run',
        'winnow takedown --undo td_0123456789abcdef --why "withdrawn by the author"',
        "winnow takedown --list",
    ))(takedown)  # fmt: skip


def takedown(
    doc_ids: Ids = None,
    why: Annotated[str, typer.Option("--why", help="The reason; it is kept with the record and in removed/.")] = "",
    ids: Annotated[Path | None, typer.Option("--ids", help="A file of ids, one a line.")] = None,
    source: Annotated[
        list[str] | None, typer.Option("--source", help="Every document of a source, later ones too. May be repeated.")
    ] = None,
    where: Annotated[
        str | None, typer.Option("--where", help="SQL over the view documents; asked once, now.", metavar="SQL")
    ] = None,
    copies: Annotated[
        bool, typer.Option("--copies", help="What shares a duplicate cluster with it goes, too.")
    ] = False,
    absent: Annotated[
        bool, typer.Option("--absent", help="Record ids and sources that are not there (yet), too.")
    ] = False,
    by: Annotated[str | None, typer.Option("--by", help="Who asked; your user name otherwise.")] = None,
    corpus: Annotated[
        str | None, typer.Option("--corpus", help="The corpus; that of the latest job otherwise.")
    ] = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go; record nothing.")] = False,
    undo: Annotated[
        str | None, typer.Option("--undo", help="Let a takedown hold no more, by its id.", metavar="ID")
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="Show the takedowns there are.")] = False,
    as_json: Json = False,
) -> None:
    """Take documents out of a corpus for good: every later job leaves them out, and nothing shows their text any more."""
    from pipeline.storage.store import Store
    from pipeline.takedown.making import Request, take_down

    if list_:
        _list(workspace, as_json)
        return
    if undo is not None:
        _only_undo(bool(doc_ids or ids or source or where or copies or absent or corpus or dry_run))
        _undo(workspace, undo, why, by, as_json)
        return
    named = (*(doc_ids or ()), *(_read(ids) if ids else ()))
    request = Request(why, named, tuple(source or ()), where, copies, absent, by)
    made = take_down(Store(workspace), request, corpus, dry_run)
    if as_json:
        say(made.as_dict() | {"dry_run": dry_run}, True)
        return
    for line in _told(made, dry_run):
        typer.echo(line)


def _only_undo(others: bool) -> None:
    from pipeline.errors import UsageError

    if others:
        raise UsageError("takedown --undo takes one takedown's id, --why and --by alone; all that it names comes back")


def _undo(workspace: str, takedown: str, why: str, by: str | None, as_json: bool) -> None:
    from pipeline.storage.store import Store
    from pipeline.takedown.undoing import undo_takedown

    undone = undo_takedown(Store(workspace), takedown, why, by)
    if as_json:
        say(undone.as_dict(), True)
        return
    undo, down = undone.undo, undone.takedown
    typer.echo(
        f"{down.id} ({many(down.documents, 'document')} of corpus {down.corpus}) holds no more, undone by {undo.by}: {undo.why}"
    )
    typer.echo(
        "The next run of a recipe judges them as before; what was emptied in the workspace is taken in again from the input."
    )
    for output in undone.outputs:
        typer.echo(f"without them still, until its recipe is run again: {output}")


def _read(path: Path) -> list[str]:
    from pipeline.errors import UsageError

    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--ids {path}: cannot be read ({error}); expected UTF-8, one id a line") from None
    return [line for line in lines if line]


def _told(made: Any, dry_run: bool) -> list[str]:
    down = made.takedown
    what = f"{many(down.documents, 'document')} ({down.text_bytes / 1e6:,.1f} MB of text) of corpus {down.corpus}"
    if dry_run:
        return [f"would take down {what}; nothing was recorded"]
    lines = [f"{down.id}: {what} taken down, by {down.by}: {down.why}"]
    if made.erased:
        lines.append(f"their text was emptied in {many(made.erased, 'file')} of the workspace")
    if made.reports:
        lines.append(
            f"{many(made.reports, 'report')} removed, because of what may be quoted there; winnow report makes them again"
        )
    lines += [
        f"still in {output}: run its recipe again, and the files that hold them are replaced" for output in made.outputs
    ]
    lines += [
        f"job {job}: its record is damaged; whether it wrote an output that holds them is not known"
        for job in made.unread
    ]
    return [*lines, "Input files that are yours still hold them."]


def _list(workspace: str, as_json: bool) -> None:
    from pipeline.cli.show import table
    from pipeline.storage.store import Store
    from pipeline.takedown.records import every_takedown, undos

    store, found = Store(workspace), []
    for corpus in store.names("corpora"):
        undone = undos(store, corpus)
        for t in every_takedown(store, corpus):
            found.append({**t.as_dict(), "undone": undone[t.id].as_dict() if t.id in undone else None})
    if as_json:
        say(found, True)
        return
    shown = ("id", "corpus", "at", "by", "documents", "why")
    rows = [{k: t[k] for k in shown} | {"undone": t["undone"]["at"][:10] if t["undone"] else ""} for t in found]
    table(rows, many(len(found), "takedown"), whole="id")
