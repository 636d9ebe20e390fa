"""Substring deduplication: each stage from table to table, the whole run, memory at once and ten times the text, and texts
that are made to be hard.

python -m benchmarks.substring_dedup [stages|whole|hard] [--tenfold]

Process time; the corpus is read from Parquet and every table written, synced and read back, as in a run of one worker.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.data import CORPUS
from benchmarks.end_to_end import tenfold, told
from benchmarks.line_dedup import Timed
from benchmarks.measuring import machine, texts, watch
from pipeline.recipe import Input
from pipeline.recipe.dedup import Substrings
from pipeline.stages.ingest import plan_ingest
from pipeline.stages.judge import Judge
from pipeline.steps.substrings import SubstringDedup
from pipeline.storage.notes import Notes
from pipeline.storage.store import Store

STYLES = {
    "200 bytes": Substrings(),
    "100 bytes": Substrings.model_validate({"min_bytes": 100}),
    "50 tokens": Substrings.model_validate({"min_tokens": 50}),
}
PHRASE = (
    "By using this site you agree to the use of cookies, to our terms and to the transfer of data to our partners. "
)
DOCUMENT_BYTES = 100_000_000


def stages(style: Substrings, source: Path, megabytes: float) -> None:
    """Each stage, one after the other in this process."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(folder)
        do = Timed(store)
        text = do(plan_ingest(store, "corpus", Input(paths=(str(source),)), copy=False))
        verdict = do(Judge(store, Notes(text, (), {}), {}, ()))
        gone = SubstringDedup(store, style, do, do, "scratch").cuts(text, verdict, None, None)
        for kind, made in do.tables.items():
            if kind.startswith("substring"):
                print(
                    f"  {kind:18} {do.seconds[kind]:6.2f} s {megabytes / do.seconds[kind]:7.1f} MB/s of text  "
                    f"{made.bytes / 1e6:6.1f} MB  {made.rows:8} rows  peak resident {do.peak_mb[kind]:5.0f} MB"
                )
        total = sum(s for kind, s in do.seconds.items() if kind.startswith("substring"))
        assert gone is not None
        print(
            f"  all                {total:6.2f} s {megabytes / total:7.1f} MB/s; {gone.rows} passages, "
            f"{gone.details['bytes'] / 1e6:.2f} MB ({gone.details['bytes'] / 1e4 / megabytes:.1f} %) of {gone.details['documents']} documents",
            flush=True,
        )


def stages_alone(name: str, style: str, source: Path, megabytes: float) -> None:
    """The stages in a process of their own, for what they hold at most."""
    print(f"{name}: {style}, {megabytes:.1f} MB of text", flush=True)
    code = "import sys; from benchmarks.substring_dedup import *; stages(STYLES[sys.argv[1]], Path(sys.argv[2]), float(sys.argv[3]))"
    subprocess.run([sys.executable, "-c", code, style, str(source), str(megabytes)], check=True)


def whole(name: str, source: Path, megabytes: float, folder: Path) -> None:
    """`winnow run` with substring deduplication alone, Parquet to Parquet."""
    recipe = {"version": 1, "name": "passages", "dedup": {"exact": False, "substrings": {}}}
    (folder / "recipe.yaml").write_text(json.dumps(recipe))
    for workers in (1, 2):
        place = folder / f"{name}-{workers}"
        out = [
            "--workspace",
            f"{place}-ws",
            "--output",
            f"{place}-out",
            "-n",
            str(workers),
            "-q",
            "--executor",
            "local",
        ]
        told(f"{name}, {workers} worker(s)", watch(["run", str(folder / "recipe.yaml"), str(source), *out]), megabytes)


def _noise(seed: int, size: int) -> str:
    return random.Random(seed).randbytes(size // 2).hex()


def _thue_morse(size: int) -> str:
    """Text on which polynomial hashes modulo 2^64 are known to fail."""
    made = "a"
    while len(made) < size:
        made += made.translate(str.maketrans("ab", "ba"))
    return made[:size]


HARD: dict[str, Callable[[], list[str]]] = {
    "one document of one letter, 100 MB": lambda: ["a" * DOCUMENT_BYTES],
    "one document of a phrase over and over, 100 MB": lambda: [PHRASE * (DOCUMENT_BYTES // len(PHRASE))],
    "one document of noise, 100 MB": lambda: [_noise(0, DOCUMENT_BYTES)],
    "one document of the Thue-Morse word, 20 MB": lambda: [_thue_morse(DOCUMENT_BYTES // 5)],
    "100,000 times the same document of 1 kB": lambda: [_noise(0, 1000)] * 100_000,
    "a phrase of 111 bytes in 100,000 different documents": lambda: [_noise(2 * i, 400) + PHRASE + _noise(2 * i + 1, 400) for i in range(100_000)],
    "100,000 empty documents": lambda: [""] * 100_000,
}  # fmt: skip


def hard(folder: Path) -> None:
    """Texts made to be hard, each in a process of its own."""
    for n, (name, make) in enumerate(HARD.items()):
        source = folder / f"hard-{n}"
        source.mkdir()
        documents = pa.array(make(), pa.large_string())
        pq.write_table(pa.table({"text": documents}), source / "part.parquet", row_group_size=20_000)
        stages_alone(name, "200 bytes", source, max(0.1, pc.sum(pc.binary_length(documents)).as_py() / 1e6))


def main() -> None:
    wanted = {a for a in sys.argv[1:] if not a.startswith("-")} or {"stages", "whole", "hard"}
    megabytes = pc.sum(pc.binary_length(texts())).as_py() / 1e6
    print(machine())
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        sources = [("corpus", CORPUS, megabytes)]
        if "--tenfold" in sys.argv:
            sources.append(("tenfold", tenfold(folder), 10 * megabytes))
        for name, source, size in sources:
            if "stages" in wanted:
                for style in STYLES if name == "corpus" else ["200 bytes"]:
                    stages_alone(name, style, source, size)
            if "whole" in wanted:
                whole(name, source, size, folder)
        if "hard" in wanted:
            hard(folder)


if __name__ == "__main__":
    main()
