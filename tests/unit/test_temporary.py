"""What is temporary goes at its end, or with the next that looks where its process is gone."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

from pipeline.storage.temporary import nameless_file, swept, temporary_file, temporary_folder


def test_files_and_folders_go_at_their_end(tmp_path: Path) -> None:
    folder = tmp_path / "not there yet"
    with (
        temporary_file(folder, ".parquet") as file,
        temporary_folder(folder) as inside,
        nameless_file(folder) as nameless,
    ):
        nameless.write(b"any")
        (inside / "spilled").write_bytes(b"any")
        assert file.suffix == ".parquet"
        assert sorted(folder.iterdir()) == sorted([file, inside])
    assert list(folder.iterdir()) == []


def test_what_dead_processes_left_is_swept_and_nothing_else(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    host = socket.gethostname()
    (tmp_path / f"{host}~{gone.pid}~1.parquet").touch()
    (tmp_path / f"{host}~{gone.pid}~2").mkdir()
    (tmp_path / f"{host}~{gone.pid}~2" / "spilled").touch()
    others = [f"{host}~{os.getpid()}~3", f"elsewhere~{gone.pid}~4", "no.name"]
    for name in others:
        (tmp_path / name).touch()
    assert swept(tmp_path) == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(others)
