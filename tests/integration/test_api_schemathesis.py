"""The service held against its own description, a little; `make fuzz` does it at length."""

from __future__ import annotations

from pathlib import Path

from tests.fuzzing import fuzz


def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    found = fuzz(tmp_path, examples=5)
    assert found.exit_code == 0, "\n".join(line[:500] for line in found.said.splitlines())
    for phase in ("Examples", "Coverage", "Fuzzing", "Stateful"):
        assert f"✅ {phase}" in found.said
