"""Tables of the command line hold what a corpus holds, and a corpus may hold what drives a terminal."""

from __future__ import annotations

import pytest

from pipeline.cli.show import table


def test_a_cell_drives_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    table([{"doc\x1b[2J_id": "\x1b[31mred \x1b]0;title\x07 [bold]text"}])
    shown = capsys.readouterr().out
    assert not {"\x1b", "\x07"} & set(shown)
    assert "[bold]text" in shown
