"""What a command imports before it works: nothing that it does not use."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("numba", "llvmlite", "httpx", "jinja2", "ray", "fastapi")


@pytest.mark.parametrize("module", ["pipeline.cli", "pipeline.cli.show", "pipeline.run", "scorers.gopher"])
def test_heavy_packages_are_imported_when_they_are_used(module: str) -> None:
    code = f"import sys, {module}; print([m for m in {HEAVY} if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
