"""What the nodes of a recipe share: strictness, and the values they hold."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kKMGT]?)B?")
SIZE_FACTORS = {"": 1, "k": 1_000, "K": 1_000, "M": 1_000_000, "G": 1_000_000_000, "T": 1_000_000_000_000}

Scalar = str | bool | int | float
Bound = Annotated[float, Field(allow_inf_nan=False)]


class Strict(BaseModel):
    """A node of the tree: unknown keys are errors, values never change after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def parse_size(value: object) -> object:
    """'256MB' as bytes; numbers pass through."""
    if isinstance(value, str):
        match = SIZE.fullmatch(value.strip())
        if match is None:
            raise ValueError(f"{value!r} is not a size; write bytes as a number, or like '256MB'")
        return int(float(match[1]) * SIZE_FACTORS[match[2]])
    return value
