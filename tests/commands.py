"""The command line as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

WINNOW = [sys.executable, "-m", "pipeline.cli"]


def winnow(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*WINNOW, *arguments], cwd=cwd, capture_output=True, text=True, timeout=300, env={**os.environ, **environment}
    )
