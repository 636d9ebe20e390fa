"""What commands print for people: tables and sentences, drawn with rich."""

from __future__ import annotations

import dataclasses
import shutil
import sys
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from pipeline.cli.options import say

if TYPE_CHECKING:
    from pipeline.result import Result
    from pipeline.sweep import Made


def console() -> Console:
    return Console(highlight=False, soft_wrap=True)


def table(rows: Sequence[dict[str, Any]], title: str | None = None, whole: str | None = None) -> None:
    """Rows as a table; every row has the same keys. whole: a column that is not broken, so that it can be copied."""
    shown = Table(title=title, title_justify="left", header_style="bold")
    if not rows:
        console().print(f"{title or 'nothing'}: none")
        return
    for name, value in rows[0].items():
        shown.add_column(
            _cell(name),
            justify="right" if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else "left",
            overflow="fold",
            no_wrap=name == whole,
        )
    for row in rows:
        shown.add_row(*(_cell(v) for v in row.values()))
    console().print(shown)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.4g}"
    if isinstance(value, Decimal):  # sums of whole numbers are wider than 64 bits to DuckDB
        return f"{value:,f}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    from rich.markup import escape

    from pipeline.wording import printable

    return escape(printable(str(value)))


def show_plan(told: dict[str, Any]) -> None:
    from pipeline.wording import printable

    out = console()
    out.print(f"[bold]{told['recipe']}[/] on corpus {told['corpus']!r}: {told['input']['files']} files, "
              f"{told['input']['text_bytes'] / 1e6:,.1f} MB of text, {told['input']['units']} units")  # fmt: skip
    out.print("stages: " + " -> ".join(told["stages"]))
    for number, aliases in enumerate(told["passes"], 1):
        there = " (there already: no text is read)" if told["measured"][number - 1] else ""
        out.print(f"pass {number} over the text: {', '.join(aliases)}{there}")
    for sentence in told["rules"]:
        out.print(f"  keep when {sentence}", markup=False)
    for warning in told["warnings"]:
        out.print(f"note: {printable(warning)}", markup=False)
    for sentence in told["fuzzy"]:
        out.print(f"  near-duplicates: {sentence}", markup=False)
    for sentence in told["lines"]:
        out.print(f"  lines: {sentence}", markup=False)
    for sentence in told["substrings"]:
        out.print(f"  substrings: {sentence}", markup=False)
    for known in told["against"]:
        size = f"{known['text_bytes'] / 1e6:,.1f} MB"
        there = f"{known['files']:,} files" if "files" in known else f"{known['documents']:,} documents"
        out.print(f"  reference set {known['name']}: {there}, {size}; what it has is removed here", markup=False)
    out.print(f"forecast: about {told['forecast']['seconds']:,} s on {told['forecast']['workers']} workers")


def show_result(result: Result, workspace: str, as_json: bool) -> None:
    """The funnel, and where everything is."""
    if as_json:
        say(dataclasses.asdict(result), True)
        return
    rows = result.rows
    kept = result.funnel.get("kept", 0) or result.funnel.get("documents", 0)
    table([
        {"what": name, "documents": n, "of input": f"{100 * n / max(1, rows):.2f} %"}
        for name, n in sorted(result.funnel.items(), key=lambda item: (item[0] not in ("kept", "documents"), -item[1]))
    ], f"{result.state}: {rows:,} rows in = {_account(result.funnel)}")  # fmt: skip
    out = console()
    for file in result.quarantined_files[:5]:
        out.print(f"not read, in quarantine: {file['path']} ({file['reason']})", markup=False)
    if len(result.quarantined_files) > 5:
        out.print(f"... and {len(result.quarantined_files) - 5} more files")
    if result.output:
        out.print(f"curated corpus: {result.output} ({kept:,} documents)", markup=False)
    out.print(f"job {result.job_id} in {workspace}", markup=False)


def show_sweep(made: Sequence[Made], workspace: str, as_json: bool) -> None:
    """One row a corpus: what it keeps, and what it cost beyond the first."""
    if as_json:
        say([dataclasses.asdict(m) for m in made], True)
        return
    rows = []
    for one in made:
        kept = one.result.funnel.get("kept", 0)
        rows.append(
            {
                "corpus": one.variant,
                "changes": "; ".join(f"{k}: {v}" for k, v in one.changes.items()),
                "documents": kept,
                "of input": f"{100 * kept / max(1, one.result.rows):.2f} %",
                "shards scored": one.units_scored,
                "output": one.result.output or "",
            }
        )
    table(rows, f"{len(made)} corpora of one scoring pass, workspace {workspace}")


def _account(funnel: dict[str, int]) -> str:
    names = ("kept", "removed", "quarantined")
    return " + ".join(f"{n:,} {name}" for n, name in zip(_ends(funnel), names, strict=True))


def _ends(funnel: dict[str, int]) -> list[int]:
    """Kept, removed, quarantined."""
    kept = funnel.get("kept", 0) + funnel.get("documents", 0)
    quarantined = funnel.get("quarantined", 0) + sum(n for c, n in funnel.items() if c.startswith("quarantine."))
    return [kept, sum(funnel.values()) - kept - quarantined, quarantined]


def show_demo(corpus: Any, clusters: Sequence[Any], commands: Sequence[str]) -> None:
    out = console()
    out.print(
        f"\ninput: {corpus.documents:,} documents, {corpus.text_bytes / 1e6:,.1f} MB, from this Python environment"
    )
    rows = [
        dataclasses.asdict(c) if dataclasses.is_dataclass(c) and not isinstance(c, type) else dict(c) for c in clusters
    ]
    table(rows, "the largest duplicate clusters")
    out.print("try next:")
    for command in commands:
        out.print(f"  {_as_called(command)}", markup=False)


def _as_called(command: str) -> str:
    """The command as this shell finds it: by path where `winnow` is not on PATH."""
    return command if shutil.which("winnow") else command.replace("winnow", sys.argv[0], 1)
