"""Loading kernels that are compiled already, without what only compiling needs.

Before numba looks into its cache it imports all that it could compile (0.3 s; SciPy's linear algebra with it, where that is
installed), and all of it again serves nobody once machine code is there. A kernel that has to be compiled makes it import the same
before it begins.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba.core.caching import FunctionCache
from numba.core.registry import cpu_target
from numba.core.runtime.nrt import rtsys

# numba has no annotations that mypy could use
numba_cache: Any = FunctionCache
numba_runtime: Any = rtsys


def machine_code(function: Callable[..., Any]) -> Any:
    """Numba's cache of one function, which asks for no more than machine code that is there."""
    cache = numba_cache(function)

    def load(signature: Any, target: Any) -> Any:
        """The function compiled for a signature; None where it has yet to be."""
        numba_runtime.initialize(target)
        return cache._load_overload(signature, target)

    cache.load_overload = load
    return cache


def begin() -> None:
    """Import numba and compile its runtime: what the first kernel of a process waits for."""
    numba_runtime.initialize(cpu_target.target_context)
