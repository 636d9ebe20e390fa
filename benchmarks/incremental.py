"""What adding 1 % of text to a corpus costs beside the full run, and a takedown: CPU time of whole processes, in one run.

python -m benchmarks.incremental [--copies 10] [--recipe fineweb] [--folder DIR]

Copies of the corpus after the first have the words of each line in another order: of the same language, size and shape, and
near-duplicates of nothing.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.data import corpus_files
from benchmarks.measuring import Watched, machine, watch

ADDED_FRAC = 0.01


def shuffled(text: str, pick: random.Random) -> str:
    """The last word of each line stays where it is: rules ask how a line ends."""
    made = []
    for line in text.split("\n"):
        *words, last = line.split(" ")
        pick.shuffle(words)
        made.append(" ".join([*words, last]))
    return "\n".join(made)


def make(folder: Path, copies: int) -> tuple[Path, Path, float, float]:
    """(input folder, the file to add, MB of text without it, MB of it)."""
    source, added = folder / "input", folder / "added.parquet"
    source.mkdir(parents=True)
    held: list[pa.Table] = []
    for n in range(copies):
        pick = random.Random(n)
        for path in corpus_files():
            table = pq.read_table(path)
            if n:
                texts = [shuffled(t, pick) for t in table.column("text").to_pylist()]
                ids = pc.binary_join_element_wise(table.column("id"), pa.scalar(str(n)), "-")
                table = table.set_column(0, "id", ids).set_column(
                    1, "text", pa.array(texts, table.schema.field(1).type)
                )
            cut = round(table.num_rows * ADDED_FRAC)
            held.append(table.slice(0, cut))
            pq.write_table(table.slice(cut), source / f"{n:02d}-{path.name}", compression="zstd")
    pq.write_table(pa.concat_tables(held), added, compression="zstd")
    sizes = [sum(_text_mb(p) for p in source.glob("*.parquet")), _text_mb(added)]
    return source, added, sizes[0], sizes[1]


def _text_mb(path: Path) -> float:
    return float(pc.sum(pc.binary_length(pq.read_table(path, columns=["text"]).column("text"))).as_py()) / 1e6


def run(recipe: str, folder: Path, name: str, source: Path) -> Watched:
    places = ["--workspace", str(folder / f"ws-{name}"), "--output", str(folder / f"out-{name}")]
    return watch(["run", recipe, str(source), *places, "-q", "--executor", "local", "-n", "1"])


def stage_seconds(workspace: Path) -> dict[str, float]:
    """Of the latest job: seconds of each stage that had something to do."""
    events = sorted((workspace / "jobs").iterdir())[-1] / "events.jsonl"
    told = [json.loads(line) for line in events.read_text().splitlines()]
    return {e["stage"]: round(e["seconds"], 2) for e in told if e["verb"] == "stage_finished"}


def files(folder: Path) -> dict[str, int]:
    return {p.name: p.stat().st_ino for p in folder.glob("data/*.parquet")}


def same(left: Path, right: Path) -> bool:
    names = [sorted(p.relative_to(f).as_posix() for p in f.rglob("*.parquet")) for f in (left, right)]
    return names[0] == names[1] and all((left / n).read_bytes() == (right / n).read_bytes() for n in names[0])


def told(what: str, watched: Watched, full: Watched, workspace: Path) -> None:
    share = 100 * watched.cpu_s / full.cpu_s
    print(
        f"{what:34} CPU {watched.cpu_s:7.2f} s  wall {watched.wall_s:7.2f} s  {share:6.2f} % of the full run's CPU",
        flush=True,
    )
    print("   ", {k: v for k, v in stage_seconds(workspace).items() if v >= 0.05}, flush=True)


def measure(folder: Path, copies: int, recipe: str) -> None:
    source, added, old_mb, new_mb = make(folder, copies)
    print(f"{recipe}: {old_mb:.1f} MB of text, then {new_mb:.1f} MB more ({100 * new_mb / old_mb:.2f} %)", flush=True)
    workspace, output = folder / "ws-grown", folder / "out-grown"
    few = folder / "few"
    few.mkdir()
    pq.write_table(pq.read_table(added).slice(0, 200), few / "few.parquet")
    run(recipe, folder, "warm", few)  # kernels are compiled once
    full = run(recipe, folder, "grown", source)
    told("the full run", full, full, workspace)
    again = run(recipe, folder, "grown", source)
    told("the same again: nothing to do", again, full, workspace)
    pq.write_table(pq.read_table(added).slice(200, 10), source / "98-ten.parquet")
    ten = run(recipe, folder, "grown", source)
    told("10 documents added", ten, full, workspace)
    before = files(output)
    shutil.copy2(added, source / "99-added.parquet")
    grown = run(recipe, folder, "grown", source)
    told("1 % added", grown, full, workspace)
    after = files(output)
    print(f"    output files written: {len(set(after.values()) - set(before.values()))} of {len(after)}")
    print(f"    beyond what 10 documents cost: {100 * (grown.cpu_s - ten.cpu_s) / full.cpu_s:.2f} %", flush=True)
    whole = run(recipe, folder, "whole", source)
    told("all at once, for comparison", whole, full, folder / "ws-whole")
    print("    the same bytes:", same(output, folder / "out-whole"), flush=True)
    keeper = pq.read_table(sorted(output.glob("data/*.parquet"))[0], columns=["id"]).column("id")[0].as_py()
    down = watch(["takedown", keeper, "--why", "benchmark", "--workspace", str(workspace)])
    told(f"takedown of {keeper[:20]}", down, full, workspace)
    gone = run(recipe, folder, "grown", source)
    told("the run after it", gone, full, workspace)
    print(
        f"    output files written: {len(set(files(output).values()) - set(after.values()))} of {len(after)}",
        flush=True,
    )


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--copies", type=int, default=10)
    asked.add_argument("--recipe", default="fineweb")
    asked.add_argument("--folder", type=Path)
    given = asked.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory(dir=given.folder) as made:
        measure(Path(made), given.copies, given.recipe)


if __name__ == "__main__":
    main()
