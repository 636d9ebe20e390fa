"""Kernels that are compiled already: what a process imports before it can call them."""

from __future__ import annotations

import subprocess
import sys

MEASURE = """
import sys
from pipeline.execution.warm import load
from pipeline.scoring import parse_spec

load([parse_spec(name) for name in ("exact", "gopher", "repetition", "lines", "minhash")])
print(sorted({"numba.np.arrayobj", "numba.np.arraymath", "numba.np.linalg", "scipy.linalg"} & set(sys.modules)))
"""


def test_kernels_that_are_compiled_are_loaded_without_what_compiles_them() -> None:
    for _ in range(2):  # the first may have to compile them
        said = subprocess.run([sys.executable, "-c", MEASURE], capture_output=True, text=True, check=True).stdout
    assert "numba.np.linalg" not in said
    assert "scipy.linalg" not in said
