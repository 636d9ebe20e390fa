"""Stages and shards of a job: what was made, how fast, by whom, and what its columns hold."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from api.models.shape import Answer, PageToken, example

STAGE = {
    "stage": "notes", "table": "4f1c2a90d3e7b6585c1d0e9f8a7b6c5d", "verb": "stage_finished", "state": "finished", "units": 16,
    "units_done": 16, "rows": 33960, "bytes": 9120345, "seconds": 4.21, "counts": {"scored": 33960}, "executor": "pool",
    "workers": 2, "started_at": "2026-11-21T09:30:01.250Z", "finished_at": "2026-11-21T09:30:05.460Z",
}  # fmt: skip
SHARD = {
    "part": "0a1b2c3d4e5f60718293a4b5c6d7e8f9", "stage": "notes", "table_key": "4f1c2a90d3e7b6585c1d0e9f8a7b6c5d", "number": 3,
    "rows": 2122, "bytes": 570123, "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "counts": {"scored": 2122}, "seconds": 0.31, "mb_per_s": 27.4, "worker": "pool-1", "attempts": 1,
}  # fmt: skip
COLUMN = {
    "name": "gopher.word_count", "kind": "count", "rows": 2122, "nulls": 0, "min": 3, "max": 48211, "mean": 512.7,
    "histogram": [[0, 64, 310], [64, 128, 402]], "names": [], "others": 0,
}  # fmt: skip


class Stage(Answer):
    """One stage of a job."""

    stage: str = Field(description="The kind of table it makes: text, notes, verdict, candidates, pairs, dedup ...")
    table: str | None = Field(None, description="Key of that table; null while it is not complete.")
    verb: str | None = Field(None, description="The last word of the log on it.")
    state: str | None = Field(None, description="running, finished, or reused: its table was there already.")
    units: int | None = Field(None, description="Units of this job's work on it.")
    units_done: int | None = Field(None, description="How many of these are done.")
    rows: int | None = Field(None, description="Rows of the table.")
    bytes: int | None = Field(None, description="Bytes of its parts.")
    seconds: float | None = Field(None, description="Seconds from its start to its commit.")
    counts: dict[str, int] = Field(default={}, description="Its rows by what became of them.")
    executor: str | None = Field(None, description="What its units ran on.")
    workers: int | None = Field(None, description="On how many workers.")
    started_at: str | None = Field(None, description="RFC 3339, UTC.")
    finished_at: str | None = Field(None, description="RFC 3339, UTC.")

    model_config = example(STAGE)


class Stages(Answer):
    """Every stage so far, in order."""

    items: list[Stage]

    model_config = example({"items": [STAGE]})


class Shard(Answer):
    """One part of one of the job's tables."""

    part: str = Field(description="Key of the part: a hash of all that determines its content.")
    stage: str = Field(description="Kind of its table.")
    number: int = Field(description="Its place in the table, from 0.")
    table_key: str = Field(description="Key of its table.")
    rows: int
    bytes: int
    sha256: str = Field(description="Of the file.")
    counts: dict[str, int] = Field(default={}, description="Its rows by what became of them.")
    kept: int | None = Field(None, description="Rows kept, where the stage decides.")
    removed: int | None = Field(None, description="Rows removed, where the stage decides.")
    quarantined: int | None = Field(None, description="Rows in quarantine.")
    text_bytes: int | None = Field(None, description="Bytes of text; null where it was not measured.")
    tokens_estimate: int | None = Field(None, description="Tokens, a guess from bytes of text.")
    seconds: float | None = Field(None, description="Seconds of the unit that made it; null: made by another job.")
    mb_per_s: float | None = Field(None, description="MB of input a second.")
    worker: str | None = Field(None, description="Who made it.")
    attempts: int | None = Field(None, description="Attempts it took.")

    model_config = example(SHARD)


class ShardsPage(Answer):
    """Shards in the order of tables and numbers."""

    items: list[Shard]
    next_page_token: PageToken = None

    model_config = example({"items": [SHARD], "next_page_token": None})


class ShardColumn(Answer):
    """What one column holds in one shard, measured once, when the notes were written."""

    name: str = Field(description="scorer.column")
    kind: str = Field(description="What is counted: numbers in bins, or names.")
    rows: int
    nulls: int = Field(description="Rows where it is not measured.")
    min: float | None = None
    max: float | None = None
    mean: float | None = None
    histogram: list[list[float | None]] = Field(
        default=[], description="Of numbers: [from, to, rows] of every bin that has any."
    )
    names: list[tuple[Any, int]] = Field(default=[], description="Of names: [name, rows] of the most frequent.")
    others: int | None = Field(None, description="Of names: rows of all others.")

    model_config = example(COLUMN)


class ShardDetail(Shard):
    """A shard with its columns."""

    columns: list[ShardColumn] = Field(default=[], description="Of notes: every measured column.")

    model_config = example(SHARD | {"columns": [COLUMN]})
