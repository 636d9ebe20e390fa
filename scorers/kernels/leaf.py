"""Pieces of kernels that stay functions and take arrays, without reference counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from numba import njit

P = ParamSpec("P")
R = TypeVar("R")


def leaf(function: Callable[P, R]) -> Callable[P, R]:
    """Like jit.step, for what allocates nothing. A step counts references (two atomic operations for each array
    argument of each call), which made a chunk of English three times as slow."""
    options: dict[str, Any] = {
        "nogil": True,
        "cache": True,
        "boundscheck": False,
        "error_model": "numpy",
        "_nrt": False,
    }
    compiled: Callable[P, R] = njit(**options)(function)
    return compiled
