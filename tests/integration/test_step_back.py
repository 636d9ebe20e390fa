"""Work in the background gives way to the service."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.sandbox.process import environment

SAID = """
import os
from pathlib import Path
from pipeline.execution.processes import step_back
step_back(5)
print(os.nice(0), Path("/proc/self/autogroup").read_text().split()[-1])
"""


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="this kernel does not share cores out by session")
@pytest.mark.parametrize(("leads", "of_session"), [(True, 5), (False, 0)])
def test_a_process_steps_back_with_its_session_where_it_leads_one(leads: bool, of_session: int) -> None:
    before = os.nice(0)
    outer = [sys.executable, "-c", "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))"]
    command = [sys.executable, "-c", SAID] if leads else [*outer, sys.executable, "-c", SAID]
    said = subprocess.run(command, capture_output=True, check=True, start_new_session=True, env=environment(False))
    assert [int(word) for word in said.stdout.split()] == [min(before + 5, 19), of_session]
