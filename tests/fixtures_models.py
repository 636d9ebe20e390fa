"""Models that tests need, obtained the way a user obtains them; a test is skipped when no origin answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from scorers.models.card import ModelError
from scorers.models.published import pull


@pytest.fixture(scope="session")
def lid_model() -> Path:
    """Path of lid.176 in the models folder, pulled there if it was not yet."""
    try:
        return pull("lid.176").path
    except ModelError as error:
        pytest.skip(f"needs the model lid.176, and no origin gave it: {error}")
