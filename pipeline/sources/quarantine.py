"""Quarantine: rows and files that could not be taken in, counted against what the recipe allows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pipeline.recipe import Budget
from pipeline.storage.manifest import Manifest
from pipeline.wording import many

TOLD_FILES = 5
TOLD_REASONS = 3


def over_budget(text: Manifest, budget: Budget) -> str | None:
    """A sentence when more of the input is in quarantine than the budget allows, else None: how much, why, where, and
    what to do."""
    files, all_files = text.details.get("quarantined_files", []), len(text.details.get("files", []))
    said = [_rows_over(text, budget), files_over(files, all_files, budget)]
    return "\n".join(s for s in said if s) or None


def _rows_over(text: Manifest, budget: Budget) -> str | None:
    rows = text.counts.get("quarantined", 0)
    frac = rows / max(1, text.rows)
    found = ((r["reason"], r["rows"], r["files"]) for r in text.details.get("quarantine_reasons", []))
    return _told("rows", rows, text.rows, frac, budget.max_row_frac, found) if frac > budget.max_row_frac else None


def files_over(files: Sequence[Mapping[str, str]], all_files: int, budget: Budget) -> str | None:
    """As over_budget, of files (each with name, path, reason) alone: what is known of them before they are read."""
    frac = len(files) / max(1, all_files)
    by_reason: dict[str, list[str]] = {}
    for file in files:
        by_reason.setdefault(file["reason"], []).append(file["name"])
    found = sorted(((r, len(n), n) for r, n in by_reason.items()), key=lambda x: (-x[1], x[0]))
    return (
        _told("files", len(files), all_files, frac, budget.max_file_frac, found)
        if frac > budget.max_file_frac
        else None
    )


def file_sentences(files: Sequence[Mapping[str, str]], where_all: str = "") -> list[str]:
    """One about each of the first files, then how many there are and where all can be seen."""
    said = [f"{file['path']} goes to quarantine: {file['reason']}" for file in files[:TOLD_FILES]]
    return said + ([f"{len(files)} files go to quarantine{where_all}"] if len(files) > TOLD_FILES else [])


def _told(
    what: str, bad: int, all_: int, frac: float, allowed: float, found: Iterable[tuple[str, int, list[str]]]
) -> str:
    told = [f"{reason}: {count} ({', '.join(names[:TOLD_REASONS])})" for reason, count, names in found]
    reasons = "; ".join(told[:TOLD_REASONS])
    if len(told) > TOLD_REASONS:
        reasons += f"; {many(len(told) - TOLD_REASONS, 'more reason')}"
    option = f"input.quarantine.max_{what.removesuffix('s')}_frac"
    return (
        f"{bad} of {all_} {what} ({frac:.2%}) are in quarantine, allowed are {allowed:.2%}. {reasons}. "
        f"Fix or leave out these files, or allow more: --set {option}={_above(frac)}"
    )


def _above(frac: float) -> str:
    """A fraction a little above, in few digits."""
    return f"{min(1.0, frac * 1.1 + 0.001):.3f}"
