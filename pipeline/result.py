"""What a job made, as the command line and the Python face return it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Result:
    """What a job made. funnel: rows by what became of them, summing to rows."""

    job_id: str
    state: str
    corpus: str
    rows: int = 0
    funnel: dict[str, int] = field(default_factory=dict)
    tables: dict[str, list[str]] = field(default_factory=dict)
    output: str | None = None
    quarantined_files: list[dict[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
