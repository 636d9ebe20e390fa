"""How fast jobs of the slow scorer go on: slowly until a test has done what it had to do meanwhile, then at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.slow_scorer import PACE

SLOW_S = 1.0


@dataclass(frozen=True)
class Pace:
    """A file that says how long a batch takes."""

    path: Path

    def set(self, seconds: float) -> None:
        """From now on, also of a batch that is being scored."""
        beside = self.path.with_suffix(".new")
        beside.write_text(str(seconds), encoding="ascii")
        beside.replace(self.path)

    def free(self) -> None:
        """Nothing is waited for any more."""
        self.set(0.0)


@pytest.fixture
def pace(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Pace:
    """A second a batch, until the test says otherwise."""
    made = Pace(tmp_path_factory.mktemp("pace") / "seconds")
    made.set(SLOW_S)
    monkeypatch.setenv(PACE, str(made.path))
    return made
