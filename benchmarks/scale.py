"""Curves over the size of the input: time, memory per process, bytes on disk and exchanged; one and two workers; Ray nodes.

    python -m benchmarks.scale [--sizes 10MB,100MB,1GB,10GB] [--workers 1,2] [--nodes 2] [--recipe dedup] [--output bench/scale.json]

The text is generated, each size the beginning of the next. What was measured before is kept, so that a larger size can be added later.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.data import DATA
from benchmarks.generator import items, sources
from benchmarks.generator.__main__ import size_bytes
from benchmarks.generator.chain import Chain, learn
from benchmarks.generator.corpus import corpus
from benchmarks.generator.kinds import Shares
from benchmarks.generator.shards import TEXT, write_corpus
from benchmarks.measuring import Watched, bytes_in, machine, watch
from tests.ray_nodes import nodes

SEED = 23
LEARNT_BYTES = 20_000_000
FILE_BYTES = 50_000_000
DEDUP = {
    "version": 1,
    "name": "scale",
    "score": ["exact", "minhash"],
    "dedup": {"exact": "raw", "fuzzy": {"jaccard": 0.8}},
}
KEPT_TABLES = frozenset({"text", "notes", "common", "cuts", "verdict", "mix", "export"})
"""Tables that are row by row what was said of documents; all others are what units exchange."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Who works: worker processes of one machine, or Ray nodes of one core each (0: none)."""

    workers: int
    nodes: int = 0

    @property
    def told(self) -> str:
        return (
            f"{self.nodes} Ray nodes" if self.nodes else "1 worker" if self.workers == 1 else f"{self.workers} workers"
        )


def point(setting: Setting, text: Path, about: dict[str, Any], recipe: str, folder: Path) -> dict[str, Any]:
    """One run, from nothing to the corpus exported."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    workspace, output = folder / "workspace", folder / "out"
    arguments = ["run", recipe, str(text), "--workspace", str(workspace), "--output", str(output), "-q"]
    if setting.nodes:
        with nodes(setting.nodes) as cluster:
            more = ["--executor", "ray", "--ray-address", cluster.address]
            watched = watch([*arguments, *more], folder, cluster.pids, **cluster.environment)
    else:
        more = ["--executor", "local", "-n", str(setting.workers)]
        watched = watch([*arguments, *more], folder, NUMBA_NUM_THREADS="1")
    stages = stages_of(workspace)
    exchanged = sum(s["bytes"] for s in stages if s["stage"] not in KEPT_TABLES)
    sizes = {"workspace_bytes": bytes_in(workspace), "output_bytes": bytes_in(output), "exchanged_bytes": exchanged}
    return {"setting": setting.told, **asdict(setting), **about, **figures(watched), **sizes, "stages": stages}


def figures(watched: Watched) -> dict[str, Any]:
    """Seconds to a thousandth."""
    return {k: round(v, 3) if isinstance(v, float) else v for k, v in asdict(watched).items()}


def stages_of(workspace: Path) -> list[dict[str, Any]]:
    """Every stage of the one job, in order: its units, what it wrote, and the seconds of its units put together."""
    (log,) = workspace.glob("jobs/*/events.jsonl")
    events = [json.loads(x) for x in log.read_text().splitlines()]
    units: dict[str, list[float]] = {}
    for event in events:
        if event["verb"] == "unit_done":
            units.setdefault(event["stage"], []).append(event["seconds"])
    found = []
    for event in (e for e in events if e["verb"] == "stage_finished"):
        own = units.get(event["stage"], [])
        told = {"units": len(own), "unit_s": round(sum(own), 3), "longest_unit_s": round(max(own, default=0.0), 3)}
        found.append({k: event[k] for k in ("stage", "rows", "bytes", "seconds")} | told)
    return found


def texts(folder: Path, sizes: list[int]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The generated corpora, one after the other."""
    made = corpus(_chain(), SEED, Shares(), items.made_up(SEED))
    for size in sizes:
        place = folder / f"text-{size}"
        told = write_corpus(made, place, size, max(2, size // FILE_BYTES), {})
        yield place / TEXT, {"text_bytes": told.text_bytes, "documents": told.documents}
        shutil.rmtree(place)


def _chain() -> Chain:
    folder = DATA / "corpus"
    return learn(sources.parquet([folder], LEARNT_BYTES) if folder.is_dir() else sources.environment(LEARNT_BYTES))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scale", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", default="10MB,100MB")
    parser.add_argument("--workers", default="1,2")
    parser.add_argument("--nodes", default="", help="numbers of Ray nodes, such as 2")
    parser.add_argument("--recipe", default="dedup", help="dedup (exact and near-duplicates alone), a preset or a file")
    parser.add_argument(
        "--folder", type=Path, default=Path(tempfile.gettempdir()), help="where text and workspaces go for the time"
    )
    parser.add_argument("--output", type=Path, default=Path("bench/scale.json"))
    return parser.parse_args()


def main() -> None:
    asked = arguments()
    settings = [Setting(int(n)) for n in asked.workers.split(",") if n] + [
        Setting(1, int(n)) for n in asked.nodes.split(",") if n
    ]
    told = json.loads(asked.output.read_text()) if asked.output.exists() else {"points": []}
    told |= {"machine": machine(), "recipe": asked.recipe}
    folder = Path(tempfile.mkdtemp(prefix="winnow-scale-", dir=asked.folder))
    try:
        recipe = asked.recipe
        if recipe == "dedup":
            recipe = str(folder / "dedup.yaml")
            Path(recipe).write_text(json.dumps(DEDUP))
        for text, about in texts(folder, sorted(size_bytes(s) for s in asked.sizes.split(","))):
            for setting in settings:
                found = point(setting, text, about, recipe, folder / "run")
                same = (found["setting"], found["text_bytes"])
                told["points"] = [p for p in told["points"] if (p["setting"], p["text_bytes"]) != same] + [found]
                asked.output.parent.mkdir(parents=True, exist_ok=True)
                asked.output.write_text(json.dumps(told, indent=1) + "\n")
                print(line(found), flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def line(point: dict[str, Any]) -> str:
    """A point in a line."""
    mb = point["text_bytes"] / 1e6
    return (
        f"{point['setting']:12} {mb:8.0f} MB  {point['wall_s']:7.1f} s  CPU {point['cpu_s']:7.1f} s ({mb / point['cpu_s']:5.1f} MB/s)  "
        f"driver {point['driver_bytes'] / 1e6:5.0f} MB  worker {point['worker_bytes'] / 1e6:5.0f} MB  "
        f"disk {point['disk_bytes'] / 1e6:7.1f} MB  exchanged {point['exchanged_bytes'] / 1e6:7.1f} MB"
    )


if __name__ == "__main__":
    main()
