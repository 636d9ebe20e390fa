"""One service a workspace, wherever its state lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.errors import AlreadyServed
from api.lock import only_service


def test_a_second_service_is_refused_wherever_its_state_lies(tmp_path: Path) -> None:
    workspace, own, elsewhere = tmp_path / "ws", tmp_path / "ws" / "service", tmp_path / "elsewhere"
    for first, second in ((own, elsewhere), (elsewhere, own), (elsewhere, tmp_path / "third")):
        with (
            only_service(first, str(workspace)),
            pytest.raises(AlreadyServed),
            only_service(second, str(workspace)),
        ):
            pass
    with only_service(own, str(workspace)):
        pass


def test_services_of_two_workspaces_do_not_meet(tmp_path: Path) -> None:
    with only_service(tmp_path / "a", str(tmp_path / "ws-a")), only_service(tmp_path / "b", str(tmp_path / "ws-b")):
        pass
