"""Questions in SQL."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints

from api.models.shape import JOB_ID, Answer, Body, example

SQL_CHARS_MAX = 32_768
ROWS_MAX = 100_000


class Question(Body):
    """One query over the views (see `GET /v1/schema`); docs/sql.md says what is taken."""

    query: Annotated[str, StringConstraints(min_length=1, max_length=SQL_CHARS_MAX)] = Field(
        description="One query: select, from, with, values, set operations, describe, summarize.",
        examples=["select reason, count(*) as documents from documents group by 1 order by 2 desc"],
    )
    job: Annotated[str, StringConstraints(pattern=JOB_ID)] | None = Field(
        None, description="The job whose documents are asked about. null: the latest that decided about any."
    )
    format: Literal["json", "csv", "arrow", "parquet"] | None = Field(
        None, description="Of the answer. null: what `Accept` names, else json."
    )
    timeout_seconds: float | None = Field(
        None, gt=0, le=3_600, allow_inf_nan=False, description="Seconds until it is ended; the service bounds them."
    )
    max_rows: int | None = Field(
        None, ge=1, le=ROWS_MAX, description="Rows of the answer; the rest is cut off and that is said."
    )

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"query": "select reason, count(*) as documents from documents group by 1 order by 2 desc"},
                {"query": "select * from stages", "format": "csv", "max_rows": 100},
            ]
        }
    )


class AnswerColumn(Answer):
    """A column of an answer."""

    name: str = Field(description="Made unique: a second `a` is `a_1`.")
    type: str = Field(description="DuckDB's name of the type.")


class SqlAnswer(Answer):
    """The rows, and whether these are all."""

    columns: list[AnswerColumn]
    rows: list[dict[str, Any]] = Field(
        description="Times as text, bytes as hex, NaN as null, whole numbers beyond 64 bits as text."
    )
    truncated: bool = Field(description="Whether there are more rows than these.")
    said: str = Field(description='That, in a sentence; "" if these are all.')
    seconds: float = Field(description="Seconds of the statement alone.")

    model_config = example({
        "columns": [{"name": "reason", "type": "VARCHAR"}, {"name": "documents", "type": "BIGINT"}],
        "rows": [{"reason": None, "documents": 30112}, {"reason": "word_count", "documents": 1204}],
        "truncated": False, "said": "", "seconds": 0.021,
    })  # fmt: skip
