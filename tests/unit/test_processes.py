"""How processes of ours see to what they spend."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import Any

import pyarrow as pa
import pytest

from pipeline.execution import processes


class Watching(MetaPathFinder):
    """Notes what is looked for, and finds nothing."""

    def __init__(self) -> None:
        self.looked_for: list[str] = []

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: Any = None) -> ModuleSpec | None:
        self.looked_for.append(fullname)
        return None


def test_pyarrow_does_not_look_for_dateutil_at_each_value(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in sys.modules if n.partition(".")[0] == "dateutil"]:
        monkeypatch.delitem(sys.modules, name)
    watching = Watching()
    monkeypatch.setattr(sys, "meta_path", [watching])  # nothing can be found: as where it is not installed
    pa.scalar(5)
    assert "dateutil" in watching.looked_for, "else `forgo_dateutil` is of no use any more"
    watching.looked_for.clear()
    monkeypatch.setitem(sys.modules, "dateutil", None)  # put back at the end
    monkeypatch.delitem(sys.modules, "dateutil")
    processes.forgo_dateutil()
    watching.looked_for.clear()
    pa.scalar(5)
    assert watching.looked_for == []


def test_dateutil_stays_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    dateutil = pytest.importorskip("dateutil")
    processes.forgo_dateutil()
    assert sys.modules["dateutil"] is dateutil
    monkeypatch.delitem(sys.modules, "dateutil")
    processes.forgo_dateutil()
    assert "dateutil" not in sys.modules
