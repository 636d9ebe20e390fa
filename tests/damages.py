"""Damages to a catalog's file, at random places; and to a Parquet file, at chosen ones."""

from __future__ import annotations

import os
import random
import shutil
import time
from pathlib import Path

from pipeline.catalog.database import Catalog
from pipeline.catalog.opening import wal
from pipeline.storage.store import Store
from tests.catalogs import Size, everything, make_workspace

KINDS = (
    "deleted",
    "cut short",
    "emptied",
    "bit flipped",
    "header flipped",
    "log torn",
    "log flipped",
    "other file",
    "old version",
)
FILE_KINDS = ("deleted", "cut short", "page flipped", "footer flipped", "writer's name flipped")
"""Of a Parquet file. What is flipped in the writer's name, which the footer has, no reader notices."""
MAGIC = b"PAR1"
FOOTER_END_BYTES = 4 + len(MAGIC)
"""The footer's length and the magic bytes."""


def prepared(folder: Path) -> tuple[Store, Path]:
    """A workspace, and its catalog's file with a log beside it, as a killed service leaves them."""
    store = Store(str(folder / "ws"))
    make_workspace(store, Size(shards=200))
    catalog = Catalog(store, folder / "live.duckdb")
    catalog.rows("from jobs")
    event = '{"at": "2026-11-21T02:00:00.000Z", "verb": "unit_done", "stage": "mix", "part": "p", "rows": 1}'
    for job in store.names("jobs"):
        for _ in range(50):
            store.append(f"{Store.job(job)}/events.jsonl", event)
    catalog.refresh()
    path = folder / "torn.duckdb"
    for one, other in ((catalog.path, path), (wal(catalog.path), wal(path))):
        shutil.copyfile(one, other)
    catalog.close()
    return store, path


def damage(path: Path, kind: str, pick: random.Random) -> None:
    """Do it."""
    log = wal(path)
    if kind == "deleted":
        path.unlink()
    elif kind in ("cut short", "emptied"):
        os.truncate(path, pick.randrange(path.stat().st_size) if kind == "cut short" else 0)
    elif kind in ("bit flipped", "header flipped"):
        _flip(path, pick, path.stat().st_size if kind == "bit flipped" else 3 * 4096)
    elif kind == "log torn":
        os.truncate(log, pick.randrange(log.stat().st_size))
    elif kind == "log flipped":
        _flip(log, pick, log.stat().st_size)
    elif kind == "other file":
        path.write_bytes(pick.randbytes(300_000))
    elif kind == "old version":
        _make_old(path)


def damage_file(path: Path, kind: str) -> None:
    """Do it to a Parquet file, under a new inode: copies that are links stay as they are. (A file without rows has no page: what
    is flipped is in its footer, then.)"""
    whole = bytearray(path.read_bytes())
    path.unlink()
    if kind == "deleted":
        return
    if kind == "cut short":
        del whole[len(whole) // 2 :]
    else:
        whole[_place(whole, kind)] ^= 1
    path.write_bytes(whole)


def _place(whole: bytearray, kind: str) -> int:
    """Where the byte lies that is to be flipped."""
    if kind == "writer's name flipped":
        return whole.rindex(b"parquet-cpp") + 3
    end = len(whole) - FOOTER_END_BYTES
    footer = end - int.from_bytes(whole[end : end + 4], "little")
    no_page = footer <= len(MAGIC)
    return footer + (end - footer) // 8 if kind == "footer flipped" or no_page else footer // 3


def _flip(path: Path, pick: random.Random, end: int) -> None:
    at = pick.randrange(end)
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ (1 << pick.randrange(8))]))


def _make_old(path: Path) -> None:
    import duckdb

    with duckdb.connect(str(path)) as found:
        found.execute("update base.about set version = 0")


def mended(store: Store, good: Path, folder: Path, kind: str, seed: int) -> tuple[bool, bool, float]:
    """Damage a copy and open it: (rows are those of the files, a file was set aside, seconds to open)."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    path = folder / "catalog.duckdb"
    shutil.copyfile(good, path)
    shutil.copyfile(wal(good), wal(path))
    damage(path, kind, random.Random(seed))
    start = time.monotonic()
    catalog = Catalog(store, path)
    seconds = time.monotonic() - start
    rows = everything(catalog)
    catalog.close()
    fresh = Catalog(store, folder / "fresh.duckdb")
    same = rows == everything(fresh)
    fresh.close()
    return same, bool(list(folder.glob("catalog.duckdb*.aside-*"))), seconds
