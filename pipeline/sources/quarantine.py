"""Quarantine: rows and files that could not be taken in, counted against what the recipe allows."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.recipe import Budget
from pipeline.storage.manifest import Manifest
from pipeline.wording import many

TOLD_REASONS = 3


def over_budget(text: Manifest, budget: Budget) -> str | None:
    """A sentence when more of the input is in quarantine than the budget allows, else None: how much, why, where, and
    what to do."""
    rows, files = text.counts.get("quarantined", 0), text.details.get("quarantined_files", [])
    all_files = len(text.details.get("files", []))
    row_frac, file_frac = rows / max(1, text.rows), len(files) / max(1, all_files)
    said: list[str] = []
    found: Iterable[tuple[str, int, list[str]]]
    if row_frac > budget.max_row_frac:
        found = ((r["reason"], r["rows"], r["files"]) for r in text.details.get("quarantine_reasons", []))
        said.append(_told("rows", rows, text.rows, row_frac, budget.max_row_frac, found))
    if file_frac > budget.max_file_frac:
        by_reason: dict[str, list[str]] = {}
        for file in files:
            by_reason.setdefault(file["reason"], []).append(file["name"])
        found = sorted(((r, len(n), n) for r, n in by_reason.items()), key=lambda x: (-x[1], x[0]))
        said.append(_told("files", len(files), all_files, file_frac, budget.max_file_frac, found))
    return "\n".join(said) or None


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
