"""What tests of the service's jobs share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.control.submission import Submission
from tests.corpora import write_parquet

RECIPE: dict[str, Any] = {
    "name": "small",
    "score": ["exact", "gopher", "repetition"],
    "rules": {
        "word_count": {"column": "gopher.word_count", "min": 50},
        "repeats": {"column": "repetition.dup_line_frac", "max": 0.3},
    },
    "dedup": {"exact": "raw", "guard": {"max_source_loss": 1.0}},
}


def submission(paths: list[str] | None = None, **others: Any) -> Submission:
    """The small recipe over some input."""
    return Submission(recipe={**RECIPE, "input": {"paths": paths or ["/nowhere/*.parquet"]}}, **others)


def crawl(folder: Path, count: int = 240) -> list[str]:
    """Paths of a made-up corpus of several files."""
    return [str(write_parquet(folder / "crawl", count))]
