"""A unit: what is attempted, retried and resumed as one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Unit:
    """One independent piece of a stage. key and path are its part's; name is for people; bytes for progress."""

    key: str
    path: str
    name: str
    bytes: int
    payload: Any
