"""A virtual environment a peer, from a lock file, kept in a cache folder under the digest of what is in it."""

from __future__ import annotations

import hashlib
import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.peers.peer import Peer

NAMES = ("winnow", "datatrove", "datasketch", "rensa", "gaoya", "text_dedup", "dolma", "data_juicer", "nemo_curator")
"""Files in adapters, in the order of the table."""
LOCKS = Path(__file__).parent / "locks"
INSTALL_LIMIT_S = 600


class NotInstalled(Exception):
    """Why a peer is not there, in one line."""


def peers() -> list[Peer]:
    return [importlib.import_module(f"benchmarks.peers.adapters.{name}").PEER for name in NAMES]


def cache() -> Path:
    """Where environments lie: WINNOW_PEERS, else the user's cache."""
    given = os.environ.get("WINNOW_PEERS")
    return (
        Path(given) if given else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "winnow" / "peers"
    )


def python_of(peer: Peer) -> Path:
    """The peer's interpreter; its environment is made where it is not there yet. Raises NotInstalled."""
    if not peer.package:
        return Path(sys.executable)
    lock = LOCKS / f"{peer.name}.txt"
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    name = hashlib.sha256(lock.read_bytes() + version.encode()).hexdigest()[:12]
    folder = cache() / f"{peer.name}-{name}"
    if not (folder / "ready").exists():
        _make(folder, lock)
    return folder / "bin" / "python"


def _make(folder: Path, lock: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    python = str(folder / "bin" / "python")
    _uv("venv", "--python", sys.executable, str(folder))
    # the lock holds everything: what it leaves out of a package's own dependencies is left out on purpose
    _uv("pip", "install", "--no-deps", "--python", python, "-r", str(lock))
    (folder / "ready").touch()


def write_lock(peer: Peer) -> None:
    """Resolve the peer's requirements again, for every Python that Winnow runs on."""
    asked = [p for p in (peer.package, *peer.requirements) if p not in peer.bare]
    source = LOCKS / f"{peer.name}.in"
    source.write_text("\n".join(asked) + "\n")
    try:
        _uv(
            "pip",
            "compile",
            "--universal",
            "--python-version",
            "3.11",
            "--no-header",
            "--no-annotate",
            "-o",
            str(LOCKS / f"{peer.name}.txt"),
            str(source),
        )
    finally:
        source.unlink()
    with (LOCKS / f"{peer.name}.txt").open("a") as lock:
        lock.writelines(f"{package}\n" for package in peer.bare)


def _uv(*arguments: str) -> None:
    found = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if found is None:
        raise NotInstalled("uv is not there: pip install uv")
    try:
        done = subprocess.run([found, "--quiet", *arguments], capture_output=True, text=True, timeout=INSTALL_LIMIT_S)
    except subprocess.TimeoutExpired:
        raise NotInstalled(f"not installed within {INSTALL_LIMIT_S} s") from None
    if done.returncode:
        lines = [x.strip() for x in done.stderr.splitlines() if x.strip()]
        raise NotInstalled(f"uv {arguments[0]}: {' '.join(lines)[:300]}")
