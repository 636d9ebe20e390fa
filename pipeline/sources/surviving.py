"""Which files of a unit can be read without the death of what reads them, where a unit of several was lost: lots of them are read in
processes of their own, and halved where one dies. Run as a module it is such a process."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator

from pipeline.sources import jsonl, parquet, textfile
from pipeline.sources.jsonl import JsonlUnit
from pipeline.sources.parquet import ParquetUnit
from pipeline.sources.textfile import TextUnit

LIMIT_S = 60.0
SLOWEST_BYTES_PER_S = 1_000_000
"""A lot that takes longer is taken for stuck."""

Payload = ParquetUnit | JsonlUnit | TextUnit


def survivors(unit: Payload) -> frozenset[int]:
    """The places of those of its files that can be read; of a single file none, as the unit was lost for it."""
    return frozenset(_of(unit, range(len(unit.files)), dead=True))


def _of(unit: Payload, lot: range, dead: bool = False) -> Iterator[int]:
    if not dead and _survives(_part_of(unit, lot)):
        yield from lot
    elif len(lot) > 1:
        middle = len(lot) // 2
        yield from _of(unit, lot[:middle])
        yield from _of(unit, lot[middle:])


def _part_of(unit: Payload, lot: range) -> Payload:
    chosen = slice(lot.start, lot.stop)
    if isinstance(unit, TextUnit):
        return dataclasses.replace(unit, files=unit.files[chosen])
    if isinstance(unit, JsonlUnit):
        return dataclasses.replace(unit, pieces=unit.pieces[chosen])
    return dataclasses.replace(unit, pieces=unit.pieces[chosen])


def _survives(unit: Payload) -> bool:
    limit_s = LIMIT_S + unit.bytes / SLOWEST_BYTES_PER_S
    try:
        ended = subprocess.run(
            [sys.executable, "-P", "-m", "pipeline.sources.surviving"], input=pickle.dumps(unit), timeout=limit_s,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(os.path.abspath(p or ".") for p in sys.path)},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return False
    return ended.returncode == 0


def _read(unit: Payload) -> None:
    """What can be told of a file is told when it is taken in."""
    for n in range(len(unit.files)):
        with contextlib.suppress(Exception):
            match _part_of(unit, range(n, n + 1)):
                case ParquetUnit() as one:
                    parquet.read_through(one)
                case JsonlUnit() as one:
                    jsonl.read_through(one)
                case TextUnit() as one:
                    textfile.read_through(one)


if __name__ == "__main__":
    _read(pickle.load(sys.stdin.buffer))  # noqa: S301 - of the process that started this one
