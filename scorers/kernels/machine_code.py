"""Loading kernels that are compiled already, without what only compiling needs.

Before numba looks into its cache it imports all that it could compile (0.3 s; SciPy's linear algebra with it, where that is
installed), and all of it again serves nobody once machine code is there. A kernel that has to be compiled makes it import the same
before it begins.
"""

from __future__ import annotations

from typing import Any

from numba.core.caching import FunctionCache
from numba.core.registry import cpu_target
from numba.core.runtime.nrt import rtsys

numba_cache: Any = FunctionCache  # numba has no annotations that mypy could use
numba_runtime: Any = rtsys


class MachineCode(numba_cache):  # type: ignore[misc]
    """Numba's cache of one function."""

    def load_overload(self, signature: Any, target: Any) -> Any:
        """The function compiled for a signature; None where it has yet to be."""
        numba_runtime.initialize(target)
        return self._load_overload(signature, target)


def begin() -> None:
    """Import numba and compile its runtime: what the first kernel of a process waits for."""
    numba_runtime.initialize(cpu_target.target_context)
