"""What every body and every answer has in common."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

DOC_ID_CHARS_MAX = 2_000
LABEL_CHARS_MAX = 63
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
JOB_ID = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"

PageToken = Annotated[
    str | None, Field(description="Where the next page begins: give it as `page_token`. null: this was the last page.")
]


def example(*values: Any) -> ConfigDict:
    """What a model looks like, for its readers."""
    return ConfigDict(json_schema_extra={"examples": list(values)})


class Body(BaseModel):
    """What a client sends: an unknown field is an error, not a typo that is passed over."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Answer(BaseModel):
    """What a client gets. Fields may be added within a version, none is taken away."""

    model_config = ConfigDict(frozen=True)


class OpenAnswer(Answer):
    """An answer that is passed on with all that a clerk says, so that it may say more."""

    model_config = ConfigDict(frozen=True, extra="allow")
