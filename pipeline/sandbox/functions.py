"""Which function may be called, from functions.tsv: every name of DuckDB is classified there, and no other is allowed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

REASONS = {
    "indirect": "it runs SQL or a function given as text",
    "files": "it reads or writes files, or tells of them",
    "python": "it reads memory of the process",
    "engine": "it tells of the engine, its settings, catalog or session",
    "state": "it changes the engine's state, or fails on purpose",
    "sleep": "it only waits",
    "unbounded": "a small argument makes a value of any size",
    "internal": "it is DuckDB's own, or of a type that the views do not have",
}


@dataclass(frozen=True)
class Use:
    """How a function may be used. argument: the one that must be written out, for counted, templated and named."""

    value: bool = False
    table: bool = False
    counted: bool = False
    templated: bool = False
    named: bool = False
    argument: int = 0
    refused: str = ""


@cache
def uses() -> dict[str, Use]:
    """Function name in lower case -> use."""
    lines = (Path(__file__).parent / "functions.tsv").read_text(encoding="utf-8").splitlines()
    return {
        name: _use(told)
        for name, told in (line.split("\t") for line in lines if not line.startswith("# ") and line != "#")
    }


def _use(told: str) -> Use:
    if told.startswith("-"):
        return Use(refused=REASONS[told[1:]])
    kind, _, argument = told.partition(":")
    match kind:
        case "counted":
            return Use(value=True, counted=True, argument=int(argument))
        case "templated":
            return Use(value=True, templated=True)
        case "named":
            return Use(value=True, named=True, argument=1)
    kinds = told.split()
    if not set(kinds) <= {"value", "table"}:
        raise ValueError(f"functions.tsv: {told!r} is no use; its head lists them")
    return Use(value="value" in kinds, table="table" in kinds)
