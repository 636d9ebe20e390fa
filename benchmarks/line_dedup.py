"""Line deduplication: the kernels, each stage from table to table, the whole run, memory at once and ten times the text.

python -m benchmarks.line_dedup [--tenfold]

Process time; the corpus is read from Parquet and every table written, synced and read back, as in a run of one worker.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.data import CORPUS
from benchmarks.end_to_end import tenfold, told
from benchmarks.measuring import batches, best_s, machine, texts, watch
from pipeline.dedup.documents.urls import normalised
from pipeline.dedup.lines.bloom import Bloom
from pipeline.dedup.lines.lines import find_lines
from pipeline.recipe import Input
from pipeline.recipe.dedup import Bloom as BloomSettings
from pipeline.recipe.dedup import Lines
from pipeline.stages.ingest import plan_ingest
from pipeline.stages.judge import Judge
from pipeline.steps.lines import line_cuts
from pipeline.storage import manifest
from pipeline.storage.manifest import Manifest
from pipeline.storage.notes import Notes
from pipeline.storage.store import Store
from scorers.kernels.bloom import holds, remember

STYLES = {
    "exact lines": Lines(),
    "cc_net's lines, blank ones too": Lines(normalise="ccnet", skip_blank=False, count="documents", keep=0),
    "exact paragraphs": Lines(unit="paragraph"),
    "exact lines of 3 words": Lines(min_words=3),
}


def kernels() -> None:
    """Lines and hashes of text in memory; filters."""
    found = list(batches(texts()))
    megabytes = sum(b.text_bytes for b in found) / 1e6
    for name, style in STYLES.items():
        find_lines(found[0], style)
        seconds = best_s(lambda style=style: [find_lines(b, style) for b in found])  # type: ignore[misc]
        n = sum(len(find_lines(b, style).row) for b in found)
        print(f"{name:44} {megabytes / seconds:8.0f} MB/s   {n} units")
    hashes = np.random.default_rng(0).integers(1, 1 << 63, 5_000_000, dtype=np.uint64)
    for rate in (0.01, 1e-6):
        bloom = Bloom.of(len(hashes), rate)
        bits, known = np.zeros(bloom.words, np.uint64), np.empty(len(hashes), np.bool_)
        put, ask = (best_s(partial(f, hashes, bits, bloom.probes, known), 1) / len(hashes) for f in (remember, holds))
        megabytes = bits.nbytes / 1e6
        print(
            f"filter at {rate:g}: {megabytes:.0f} MB for 5 M lines, {put * 1e9:.0f} ns to put, {ask * 1e9:.0f} to ask"
        )
    tails = pc.utf8_slice_codeunits(texts(), 0, 40).cast(pa.string())
    urls = pc.binary_join_element_wise("https://www.example.org/", tails, "?utm_source=x", "")
    speed = pc.sum(pc.binary_length(urls)).as_py() / 1e6 / best_s(lambda: normalised(urls))
    print(f"addresses: {speed:.0f} MB/s")


class Timed:
    """Runs stages in this process, and tells of each kind its process time, its table and the peak of resident memory."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.seconds: dict[str, float] = {}
        self.peak_mb: dict[str, float] = {}
        self.tables: dict[str, Manifest] = {}

    def __call__(self, stage: Any) -> Manifest:
        pa.default_memory_pool().release_unused()
        Path("/proc/self/clear_refs").write_text("5")  # the peak counts anew
        start, told = time.process_time(), sum(self.seconds.values())
        task = stage.task()
        made = stage.finish([task(u.payload) for u in stage.units()])
        manifest.commit(self.store, made, manifest.manifest_path(made.corpus, made.kind, made.key))
        within = sum(self.seconds.values()) - told  # a stage may ask for another's table on its way
        self.seconds[made.kind] = time.process_time() - start - within
        self.tables[made.kind] = made
        peak_kb = Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]
        self.peak_mb[made.kind] = int(peak_kb) / 1e3
        return made


def stages(style: Lines, source: Path, megabytes: float) -> None:
    """Each stage, one after the other in this process."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(folder)
        do = Timed(store)
        text = do(plan_ingest(store, "corpus", Input(paths=(str(source),)), copy=False))
        verdict = do(Judge(store, Notes(text, (), {}), {}, ()))
        line_cuts(store, text, style, verdict, None, do)
        for kind in ("lines", "line_filter", "line_keys", "line_counts", "line_cuts"):
            if kind in do.seconds:
                made = do.tables[kind]
                print(
                    f"  {kind:12} {do.seconds[kind]:6.2f} s {megabytes / do.seconds[kind]:7.0f} MB/s of text  "
                    f"{made.bytes / 1e6:6.1f} MB  {made.rows:8} rows  peak resident {do.peak_mb[kind]:4.0f} MB"
                )
        total = sum(do.seconds[k] for k in do.seconds if k.startswith("line"))
        print(f"  all          {total:6.2f} s {megabytes / total:7.0f} MB/s")


def stages_alone(source: Path, megabytes: float) -> None:
    """The stages in a process of their own, for what they hold at most."""
    print(f"cc_net's lines, {megabytes:.0f} MB of text, a process of its own", flush=True)
    code = "import sys; from benchmarks.line_dedup import *; stages(Lines(normalise='ccnet'), Path(sys.argv[1]), float(sys.argv[2]))"
    subprocess.run([sys.executable, "-c", code, str(source), str(megabytes)], check=True)


def whole(megabytes: float) -> None:
    """`winnow run` with line deduplication alone, Parquet to Parquet, one worker; ten times the text on demand."""
    recipe = {"version": 1, "name": "lines", "dedup": {"exact": False, "lines": {"normalise": "ccnet"}}}
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "recipe.yaml").write_text(json.dumps(recipe))
        sources = [("once", CORPUS, megabytes)]
        if "--tenfold" in sys.argv:
            sources.append(("ten times", tenfold(folder), 10 * megabytes))
            stages_alone(sources[-1][1], sources[-1][2])
        for workers in (1, 2):
            for name, source, size in sources:
                place = folder / f"{name}-{workers}".replace(" ", "-")
                arguments = [
                    "run",
                    str(folder / "recipe.yaml"),
                    str(source),
                    "--workspace",
                    f"{place}-ws",
                    "--output",
                    f"{place}-out",
                ]
                told(
                    f"{name}, {workers} worker(s)",
                    watch([*arguments, "-n", str(workers), "-q", "--executor", "local"]),
                    size,
                )


def main() -> None:
    megabytes = pc.sum(pc.binary_length(texts())).as_py() / 1e6
    print(machine())
    kernels()
    prefilter = Lines(normalise="ccnet", bloom=BloomSettings())
    lossy = Lines(normalise="ccnet", bloom=BloomSettings(mode="lossy", false_positive=1e-6))
    for name, style in (
        {**STYLES, "cc_net's lines, prefilter": prefilter, "cc_net's lines, lossy at 1e-6": lossy}
    ).items():
        print(name)
        stages(style, CORPUS, megabytes)
    stages_alone(CORPUS, megabytes)
    whole(megabytes)


if __name__ == "__main__":
    main()
