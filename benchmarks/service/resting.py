"""What the service takes while nobody asks, and how long it takes to be there."""

from __future__ import annotations

import contextlib
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from benchmarks.service.figures import Figure
from benchmarks.service.reading import million, reads_of
from benchmarks.service.serving import Options, empty_service, service

REST_S = 35.0
"""Twice from one look of the service at everything to the next, when it gives memory back."""
GOAL_BYTES = 300_000_000
STARTS = 5


def memory(options: Options) -> Iterator[Figure]:
    """After a start over an empty workspace; over a million shard rows; and there after reads."""
    with empty_service() as (found, _):
        time.sleep(REST_S)
        yield _told("an empty workspace", found.process.pid)
    with million(options) as (found, client):
        time.sleep(REST_S)
        yield _told("a million shard rows", found.process.pid)
        for read in list(reads_of(client).values()) * 20:
            read()
        time.sleep(REST_S)
        yield _told("the same after reads", found.process.pid)


def _told(what: str, pid: int) -> Figure:
    process = psutil.Process(pid)
    alone = process.memory_full_info()
    tree = [alone]
    for child in process.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            tree.append(child.memory_full_info())
    pss, rss = sum(m.pss for m in tree), sum(m.rss for m in tree)
    said = (
        f"process PSS {alone.pss / 1e6:.0f}, RSS {alone.rss / 1e6:.0f} MB; "
        f"with its {len(tree) - 1} children PSS {pss / 1e6:.0f}, RSS {rss / 1e6:.0f} MB"
    )
    return Figure(f"memory at rest, {what}", said, "< 300 MB", pss < GOAL_BYTES)


def start(options: Options) -> Iterator[Figure]:
    """From the command to /readyz, over an empty workspace and over a million shard rows."""
    for what, times in (("an empty workspace", STARTS), ("a million shard rows", 2)):
        seconds = []
        for _ in range(options.times(times) if options.quick else times):
            with tempfile.TemporaryDirectory(prefix="winnow-start-") as folder:
                workspace = options.million / "ws" if "million" in what else Path(folder) / "ws"
                began = time.perf_counter()
                with service(workspace):
                    seconds.append(time.perf_counter() - began)
        yield Figure(f"start to ready, {what}", f"{statistics.median(seconds):.1f} s (most {max(seconds):.1f})")
