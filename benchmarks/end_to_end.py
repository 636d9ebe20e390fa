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

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.measuring import CORPUS, WINNOW, Watched, machine, texts, watch

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
    """The documents with every ASCII letter moved on: other words of the same shape, so that copies are no duplicates."""
    low, high = string.ascii_lowercase, string.ascii_uppercase
    table = str.maketrans(low + high, low[by:] + low[:by] + high[by:] + high[:by])
    return pa.array([t.translate(table) for t in documents.to_pylist()], pa.large_string())


def tenfold(folder: Path) -> Path:
    """Ten times the corpus in files of the same size."""
    made = folder / "tenfold"
    made.mkdir()
    for path in sorted(CORPUS.glob("*.parquet")):
        table = pq.read_table(path)
        for n in range(10):
            ids = pc.binary_join_element_wise(table.column("id"), pa.scalar(str(n)), "-")
            copy = table.set_column(0, "id", ids).set_column(
                1, "text", rotated(table.column("text").combine_chunks(), n)
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
