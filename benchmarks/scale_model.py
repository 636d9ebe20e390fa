"""What a corpus of 1 TB or 100 TB costs on a named cluster, from the curves of benchmarks/scale.py: docs/scale.md has the formulas.

    python -m benchmarks.scale_model bench/scale.json [--nodes 32 --cores 32 --memory-gb 128 --disk-mb-s 1000 --net-mb-s 1250] [--text 1TB,100TB]

Prints constants, how well they fit the curves, and for each size every part of the time and memory, largest first.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.generator.__main__ import size_bytes
from pipeline.dedup.documents.graph import DOCUMENT_BYTES, PAIR_BYTES
from pipeline.dedup.documents.shard_runs import RANGE_ROWS
from pipeline.dedup.layout import HASH_ROWS
from pipeline.dedup.ranges import ranges_for, row_bytes
from pipeline.dedup.room import HELD_BYTES
from pipeline.stages.documents.bands import Bands

Point = dict[str, Any]
MOVES = {
    "compute": "more cores: scoring and export are independent units",
    "one unit": "cutting the stages of one unit by key, so that they are many",
    "exchange": "faster network between nodes, or a prefilter that sends fewer keys",
    "openings": "sorted parts merged once more, so that a unit of candidates opens few",
    "storage": "storage that reads faster, or shards in zstd at a higher level",
    "driver": "units larger than they are, so that there are fewer records",
    "driver memory": "a driver with more memory: what it holds is a record a unit, not a document",
    "memory of the unit": "smaller units",
}


LEAST_TOLD_BYTES = 1e9
"""Of text: how memory grows is not told by less."""
OPEN_S, READ_S_PER_BYTE = 1.5e-4, 1.1e-9
"""CPU seconds: of opening a part of `bands` and reading its footer; of a byte of a row group, its checksum verified."""
CLUSTERED_BYTES = {"dedup": DOCUMENT_BYTES, "pairs": PAIR_BYTES}
"""What the unit that clusters needs of a row of these stages: in memory up to HELD_BYTES, else in files of one node."""
RECORD_BYTES = 13_000
"""What the driver holds of a unit of text: a record in each table that has a part of it. Of deduplication of 120 MB in 1,000 and 3,000
files, whose drivers took 184 and 209 MB."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Of each node: cores, memory in bytes, bytes a second of storage and network."""

    nodes: int
    cores: int
    memory_bytes: float
    disk_bytes_s: float
    net_bytes_s: float


@dataclass(frozen=True, slots=True)
class Constants:
    """Read off the curves, of one worker where not said otherwise. CPU seconds and bytes are of a byte of text.

    start_s: paid once; parallel_s, serial_s: CPU seconds a byte in stages of many units, and of one; entries: rows of `bands` a byte, of
    a shard shard_entries of them; exchanged, stored, output: bytes a
    byte; unit_bytes: resident memory of a worker that does not depend on the input; unit_slope: bytes of memory more a document, of the
    worker that takes most, None where the curves are too short to tell; driver_bytes: of the driver, whose units are few yet; units: of
    text, a byte of it; clustered: bytes that the unit that clusters needs a byte of text, taken for the driver's (a worker's, where workers scored).
    """

    document_bytes: float
    start_s: float
    parallel_s: float
    serial_s: float
    entries: float
    shard_entries: float
    exchanged: float
    stored: float
    output: float
    unit_bytes: float
    unit_slope: float | None
    driver_bytes: float
    units: float
    clustered: float


def line_of(points: list[Point], of: str, per: str) -> tuple[float, float]:
    """(where it begins, what it grows by), by least squares of relative errors; a falling line is a level one."""
    x, y = (np.array([p[k] for p in points], float) for k in (per, of))
    if len(points) == 1:
        return 0.0, float(y[0] / x[0])
    slope, start = np.polyfit(x, y, 1, w=1 / np.maximum(y, 1e-9))
    return (float(start), float(slope)) if slope > 0 else (float(y.mean()), 0.0)


def memory_line(points: list[Point], of: str) -> tuple[float, float | None]:
    """(where it begins, what it grows by a document), by the two largest sizes: below LEAST_TOLD_BYTES it is buffers that fill up."""
    if points[-1]["text_bytes"] < LEAST_TOLD_BYTES:
        return float(points[-1][of]), None
    return line_of(points[-2:], of, "documents")


def constants(points: list[Point]) -> Constants:
    """Raises ValueError where there are fewer than two sizes of one worker, from which no line can be drawn."""
    one = sorted((p for p in points if p["setting"] == "1 worker"), key=lambda p: p["text_bytes"])
    if len(one) < 2:
        raise ValueError(
            "the curves need one worker at two sizes or more: python -m benchmarks.scale --sizes 10MB,100MB,1GB --workers 1"
        )
    several = sorted((p for p in points if p["workers"] > 1), key=lambda p: p["text_bytes"]) or one
    start_s, slope_s = line_of(one, "cpu_s", "text_bytes")
    largest = one[-1]
    single = {s["stage"] for s in largest["stages"] if s["units"] <= 1}
    _, serial_s = line_of(
        [{**p, "serial_s": sum(s["unit_s"] for s in p["stages"] if s["stage"] in single)} for p in one],
        "serial_s",
        "text_bytes",
    )
    of_worker = "worker_bytes" if several is not one else "driver_bytes"
    unit_bytes, unit_slope = memory_line(several, of_worker)
    size = largest["text_bytes"]
    stages = {s["stage"]: s for s in largest["stages"]}
    entries, shards = (stages.get(stage, {}).get(of, 0) for stage, of in (("bands", "rows"), ("text", "units")))
    driver_bytes = max(p["driver_bytes"] for p in several)
    clustered = sum(held * stages.get(stage, {}).get("rows", 0) for stage, held in CLUSTERED_BYTES.items())
    return Constants(
        size / largest["documents"], max(0.0, start_s), max(0.0, slope_s - serial_s), serial_s,
        entries / size, entries / max(1, shards), largest["exchanged_bytes"] / size,
        largest["workspace_bytes"] / size, largest["output_bytes"] / size, unit_bytes, unit_slope, driver_bytes, shards / size,
        clustered / size,
    )  # fmt: skip


def seconds(made: Constants, cluster: Cluster, text_bytes: float) -> dict[str, float]:
    """The parts of the time; they follow one another, so that their sum is the time."""
    cores = cluster.nodes * cluster.cores
    moved = made.exchanged * text_bytes
    return {
        "compute": made.start_s + made.parallel_s * text_bytes / cores,
        "one unit": made.serial_s * text_bytes,
        # written once and read once; all but a node's own share crosses the network
        "exchange": 2 * moved * (1 - 1 / cluster.nodes) / (cluster.nodes * cluster.net_bytes_s),
        "openings": openings_s(made, text_bytes) / cores,
        # text is read packed by scoring, by shingling and by export, and written once
        "storage": (4 * made.output + 2 * made.stored) * text_bytes / (cluster.nodes * cluster.disk_bytes_s),
    }


def openings_s(made: Constants, text_bytes: float) -> float:
    """CPU seconds in which units of `candidates` open every part of `bands`, and read of each what is more than their range: that
    grows with the square of the text once parts are as large as they may be (pipeline/dedup/documents/shard_runs.py)."""
    rows = made.entries * text_bytes
    row = row_bytes(Bands.schema)
    ranges = ranges_for(int(rows), row)
    if ranges == 1:
        return 0.0
    part_rows = max(made.shard_entries, min(Bands.most_rows / 2, ranges * RANGE_ROWS))
    more_rows = max(0.0, 1.5 * HASH_ROWS - part_rows / ranges)
    return ranges * rows / part_rows * (OPEN_S + more_rows * row * READ_S_PER_BYTE)


def memory(made: Constants, text_bytes: float) -> dict[str, float]:
    """Bytes of the two processes that could grow, as far as the curves tell."""
    if made.unit_slope is None:
        return {}
    clusters = min(made.clustered * text_bytes, HELD_BYTES)
    return {
        "memory of the unit": made.unit_bytes + made.unit_slope * text_bytes / made.document_bytes,
        "driver memory": made.driver_bytes + RECORD_BYTES * made.units * text_bytes + clusters,
    }


def bottleneck(made: Constants, cluster: Cluster, text_bytes: float) -> str:
    """What is first in the way: memory that no node has, else the longest part of the time."""
    over = {k: v for k, v in memory(made, text_bytes).items() if v > cluster.memory_bytes}
    parts = over or seconds(made, cluster, text_bytes)
    return max(parts, key=lambda k: parts[k])


def told(made: Constants, cluster: Cluster, sizes: list[float]) -> str:
    """The forecast as Markdown."""
    heads = [f"{s / 1e12:g} TB" for s in sizes]
    lines = [
        f"| on {cluster.nodes} nodes of {cluster.cores} cores | {' | '.join(heads)} |",
        "|---" * (1 + len(heads)) + "|",
    ]
    parts = [seconds(made, cluster, s) for s in sizes]
    lines += [f"| {k}, hours | {' | '.join(f'{p[k] / 3600:,.2f}' for p in parts)} |" for k in parts[0]]
    lines.append(f"| **all, hours** | {' | '.join(f'**{sum(p.values()) / 3600:,.1f}**' for p in parts)} |")
    held = [memory(made, s) for s in sizes]
    lines += [f"| {k}, GB | {' | '.join(f'{h[k] / 1e9:,.1f}' for h in held)} |" for k in held[0]]
    spilled = [needed if (needed := made.clustered * s) > HELD_BYTES else 0.0 for s in sizes]
    lines.append(f"| spilled by the unit that clusters, GB | {' | '.join(f'{n / 1e9:,.1f}' for n in spilled)} |")
    cores = [made.parallel_s * s / 3600 for s in sizes]
    lines.append(f"| core hours | {' | '.join(f'{c:,.0f}' for c in cores)} |")
    for name, part in (("exchanged", made.exchanged), ("workspace", made.stored), ("output", made.output)):
        lines.append(f"| {name}, TB | {' | '.join(f'{part * s / 1e12:,.2f}' for s in sizes)} |")
    first = [bottleneck(made, cluster, s) for s in sizes]
    lines.append(f"| first in the way | {' | '.join(first)} |")
    lines.append(f"| what moves it | {' | '.join(MOVES[f] for f in first)} |")
    return "\n".join(lines)


def fit(made: Constants, points: list[Point]) -> str:
    """The model at the sizes that were measured, beside what was."""
    lines = ["| | text, MB | CPU s, measured | model of one worker | off by |", "|---|---|---|---|---|"]
    for p in sorted(points, key=lambda p: (p["setting"], p["text_bytes"])):
        model = made.start_s + (made.parallel_s + made.serial_s) * p["text_bytes"]
        lines.append(
            f"| {p['setting']} | {p['text_bytes'] / 1e6:,.0f} | {p['cpu_s']:.1f} | {model:.1f} | {100 * (p['cpu_s'] / model - 1):+.0f} % |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scale_model",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("curves", type=Path)
    for name, default in (("nodes", 32), ("cores", 32), ("memory-gb", 128), ("disk-mb-s", 1000), ("net-mb-s", 1250)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--text", default="1TB,100TB")
    asked = parser.parse_args()
    curves = json.loads(asked.curves.read_text())
    made = constants(curves["points"])
    cluster = Cluster(asked.nodes, asked.cores, asked.memory_gb * 1e9, asked.disk_mb_s * 1e6, asked.net_mb_s * 1e6)
    print(curves["machine"], f"; recipe {curves['recipe']}\n")
    for name in made.__dataclass_fields__:
        value = getattr(made, name)
        print(f"{name:15} {'not told below 1 GB of text' if value is None else f'{value:.4g}'}")
    print(
        f"\n{fit(made, curves['points'])}\n\n{told(made, cluster, [float(size_bytes(s)) for s in asked.text.split(',')])}"
    )


if __name__ == "__main__":
    main()
