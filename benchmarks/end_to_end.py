"""A recipe from Parquet to Parquet as a user starts it: one worker and two, a changed threshold, memory at 1x and 10x.

python -m benchmarks.end_to_end [--tenfold]
"""

from __future__ import annotations

import shutil
import string
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.data import CORPUS, corpus_files
from benchmarks.measuring import WINNOW, Watched, machine, texts, watch

RUNS = 3
QUIET = ("-q", "--executor", "local")


def run_once(folder: Path, source: Path, workers: int, name: str) -> Watched:
    workspace, output = folder / f"ws-{name}", folder / f"out-{name}"
    for old in (workspace, output):
        shutil.rmtree(old, ignore_errors=True)
    return watch(
        [
            "run",
            "fineweb",
            str(source),
            "--workspace",
            str(workspace),
            "--output",
            str(output),
            "-n",
            str(workers),
            *QUIET,
        ]
    )


def median(found: list[Watched]) -> Watched:
    return sorted(found, key=lambda w: w.wall_s)[len(found) // 2]


def told(name: str, watched: Watched, megabytes: float) -> None:
    print(
        f"{name:44} {watched.wall_s:7.2f} s  {megabytes / watched.wall_s:6.1f} MB/s  CPU {watched.cpu_s:6.1f} s  "
        f"driver {watched.driver_bytes / 1e6:6.0f} MB  worker {watched.worker_bytes / 1e6:6.0f} MB",
        flush=True,
    )


def rotated(documents: pa.Array, by: int) -> pa.Array:
    """The documents (large_string) with every letter and digit of ASCII moved on, and of every other character the last of its
    bytes: other words of the same shape, so that copies are no duplicates, of passages either."""
    table = np.arange(256, dtype=np.uint8)
    for alphabet in (string.ascii_lowercase, string.ascii_uppercase, string.digits):
        codes = np.frombuffer(alphabet.encode(), np.uint8)
        table[codes] = np.roll(codes, -by)
    _, offsets, data = documents.buffers()
    moved = table[np.frombuffer(data, np.uint8)]
    follows = (moved & 0xC0) == 0x80
    last = np.flatnonzero(follows & ~np.append(follows[1:], False))
    moved[last] = 0x80 | (moved[last] + by) & 0x3F
    return pa.LargeStringArray.from_buffers(len(documents), offsets, pa.py_buffer(moved))


def tenfold(folder: Path) -> Path:
    """Ten times the corpus in files of the same size."""
    made = folder / "tenfold"
    made.mkdir()
    for path in corpus_files():
        table = pq.read_table(path)
        for n in range(10):
            ids = pc.binary_join_element_wise(table.column("id"), pa.scalar(str(n)), "-")
            copy = table.set_column(0, "id", ids).set_column(
                1, "text", rotated(pa.concat_arrays(table.column("text").cast(pa.large_string()).chunks), n)
            )
            pq.write_table(copy, made / f"{path.stem}-{n}.parquet", compression="zstd")
    return made


def main() -> None:
    megabytes = pc.sum(pc.binary_length(texts())).as_py() / 1e6
    print(machine())
    print(f"recipe fineweb over {megabytes:.1f} MB of text; wall time of the whole process, median of {RUNS}")
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        run_once(folder, CORPUS, 1, "warm")
        pairs = [(run_once(folder, CORPUS, 1, "one"), run_once(folder, CORPUS, 2, "two")) for _ in range(RUNS)]
        told("one worker", median([one for one, _ in pairs]), megabytes)
        told("two workers", median([two for _, two in pairs]), megabytes)
        ratios = sorted(one.wall_s / two.wall_s for one, two in pairs)
        print(f"two workers against one: {', '.join(f'{r:.2f}' for r in ratios)}")
        changed = ["run", "fineweb", str(CORPUS), "--workspace", str(folder / "ws-one"), "--until", "mix", "-q"]
        again = [watch([*changed, "--set", f"rules.word_count.min={100 + n}"]) for n in range(RUNS)]
        told("a changed threshold (to the final decision)", median(again), megabytes)
        exported = watch(
            [
                "run",
                "fineweb",
                str(CORPUS),
                "--workspace",
                str(folder / "ws-one"),
                "-q",
                "--set",
                "rules.word_count.min=200",
            ]
        )
        told("a changed threshold, exported", exported, megabytes)
        helps = []
        for _ in range(RUNS):
            start = time.monotonic()
            subprocess.run([*WINNOW, "--help"], stdout=subprocess.DEVNULL, check=True)
            helps.append(time.monotonic() - start)
        print(f"winnow --help {sorted(helps)[1]:.2f} s")
        if "--tenfold" in sys.argv:
            told("ten times the input, two workers", run_once(folder, tenfold(folder), 2, "ten"), 10 * megabytes)


if __name__ == "__main__":
    main()
