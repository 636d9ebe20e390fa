"""Which evaluation sets documents are held against, as shorthand for a scorer with a rule or spans."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from pipeline.decontamination.decontaminate import DEFAULT_PROFILE, profiles
from pipeline.recipe.tree import Strict


class Decontaminate(Strict):
    """Evaluation sets that documents are held against, by a profile of docs/decontamination.md: shorthand for the scorer
    `contamination`, with a rule (action remove) or with spans that the export cuts (action spans).

    max_docs, max_doc_frac: an n-gram in more documents, and in more of them, is common and does not count; the profile's
    where nothing is said, max_docs 0: no such limit.
    """

    against: Annotated[tuple[str | dict[str, Any], ...], Field(min_length=1)]
    profile: str = DEFAULT_PROFILE
    action: Literal["remove", "spans"] = "remove"
    max_docs: Annotated[int, Field(ge=0)] | None = None
    max_doc_frac: Annotated[float, Field(ge=0, le=1)] | None = None

    @field_validator("profile")
    @classmethod
    def _published(cls, value: str) -> str:
        if value not in profiles():
            raise ValueError(f"no profile {value!r}; there are {', '.join(profiles())}")
        return value
