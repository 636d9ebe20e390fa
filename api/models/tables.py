"""Stages and shards of a job: what was made, how fast, by whom, and what its columns hold."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from api.models.shape import Answer, PageToken


class Stage(Answer):
    """One stage of a job."""

    stage: str = Field(description="The kind of table it makes: text, notes, verdict, candidates, pairs, dedup ...")
    table_key: str | None = Field(None, description="Key of that table; null while it is not complete.")
    state: str = Field(description="running, finished, or reused: its table was there already.")
    units: int | None = Field(None, description="Units of this job's work on it.")
    units_done: int | None = Field(None, description="How many of these are done.")
    rows: int | None = Field(None, description="Rows of the table.")
    bytes: int | None = Field(None, description="Bytes of its parts.")
    seconds: float | None = Field(None, description="Seconds from its start to its commit.")
    counts: dict[str, int] = Field(default={}, description="Its rows by what became of them.")


class Stages(Answer):
    """Every stage so far, in order."""

    items: list[Stage]


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
    seconds: float | None = Field(None, description="Seconds of the unit that made it; null: made by another job.")
    mb_per_s: float | None = Field(None, description="MB of input a second.")
    worker: str | None = Field(None, description="Who made it.")
    attempts: int | None = Field(None, description="Attempts it took.")


class ShardsPage(Answer):
    """Shards in the order of tables and numbers."""

    items: list[Shard]
    next_page_token: PageToken = None


class ShardColumn(Answer):
    """What one column holds in one shard, measured once, when the notes were written."""

    column: str = Field(description="scorer.column")
    rows: int
    nulls: int = Field(description="Rows where it is not measured.")
    min: float | None = None
    max: float | None = None
    mean: float | None = None
    histogram: Any = Field(None, description="Rows a bin, between the bounds that the catalog keeps for the column.")


class ShardDetail(Shard):
    """A shard with its columns."""

    columns: list[ShardColumn] = Field(default=[], description="Of notes: every measured column.")
