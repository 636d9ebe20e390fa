"""N-gram models: training time and memory, scoring speed from text to columns, agreement with lmplz where it is on PATH.

python -m benchmarks.ngram_speed [MILLION_TOKENS]
"""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.measuring import BATCH_BYTES, best_s, machine, texts
from pipeline.train.ngram import Engine, Plan, train_ngram
from scorers.models.ngram_file import TextSettings
from scorers.models.ngram_model import Model, read, score
from scorers.models.ngram_text import tokens_of
from scorers.text import TextBatch

HELD_OUT = 10
"""Every tenth document is not trained on."""
WINDOW = 100
PRUNED = (0, 0, 1)


def documents(held_out: bool) -> pa.Array:
    """One part of the corpus."""
    whole = texts()
    chosen = np.arange(len(whole)) % HELD_OUT == 0
    return whole.filter(pa.array(chosen if held_out else ~chosen))


def batches(documents: pa.Array) -> Iterator[pa.Array]:
    """In pieces of some 8 MB."""
    rows = max(1, BATCH_BYTES * len(documents) // max(1, TextBatch.from_arrow(documents).text_bytes))
    return (documents.slice(i, rows) for i in range(0, len(documents), rows))


def up_to(million_tokens: int) -> Iterator[pa.Array]:
    """The training part until it has so many tokens."""
    left = million_tokens * 1_000_000
    for batch in batches(documents(False)):
        there = tokens_of(TextBatch.from_arrow(batch), TextSettings())
        upto = there.line_tokens[np.maximum(there.document_lines[1:] - 1, 0)]
        yield batch.slice(0, int(np.searchsorted(upto, left)) + 1)
        left -= len(there.ends)
        if left <= 0:
            return


def train(order: int, prune: tuple[int, ...], engine: Engine, million_tokens: int, path: Path) -> None:
    """In a process of its own: print what it took, as JSON."""
    tiny = [pa.array(["a b c\nb c a\n" * 40], pa.large_string())]
    with tempfile.TemporaryDirectory() as folder:  # loads the kernels
        train_ngram(tiny, Plan(order, prune, fallback=True, engine="own"), Path(folder) / "m")
    here = resource.RUSAGE_CHILDREN if engine == "lmplz" else resource.RUSAGE_SELF
    before, start = resource.getrusage(here), time.monotonic()
    made = train_ngram(up_to(million_tokens), Plan(order, prune, engine=engine), path)
    after = resource.getrusage(here)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    told = {
        "tokens": made.tokens, "ngrams": sum(made.header.counts), "cpu_s": round(cpu_s, 1),
        "wall_s": round(time.monotonic() - start, 1), "peak_mb": after.ru_maxrss // 1024,
    }  # fmt: skip
    print(json.dumps(told))


def trained(order: int, prune: tuple[int, ...], engine: Engine, million_tokens: int, path: Path) -> dict[str, float]:
    """What `train` told."""
    arguments = [str(order), ",".join(map(str, prune)), engine, str(million_tokens), str(path)]
    command = [sys.executable, "-m", "benchmarks.ngram_speed", "train", *arguments]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def perplexity(model: Model, made: list[TextBatch]) -> float:
    """Over all documents together."""
    found = [score(model, TextBatch(b.data, b.offsets), WINDOW) for b in made]
    return float(10 ** (-sum(f.log10.sum() for f in found) / sum((f.tokens + f.lines).sum() for f in found)))


def speed(model: Model, made: list[TextBatch]) -> tuple[float, float]:
    """MB/s from text to columns, and of normalising and cutting alone."""

    def everything() -> None:
        for batch in made:
            score(model, TextBatch(batch.data, batch.offsets), WINDOW)

    def tokens() -> None:
        for batch in made:
            tokens_of(batch, model.settings)

    everything()
    size_mb = sum(b.text_bytes for b in made) / 1e6
    return size_mb / best_s(everything), size_mb / best_s(tokens)


def main(million_tokens: int) -> None:
    print(machine())
    made = [TextBatch.from_arrow(b) for b in batches(documents(True))]
    engines: list[Engine] = ["own", "lmplz"] if shutil.which("lmplz") else ["own"]
    for order, prune in ((3, ()), (3, PRUNED), (5, ()), (5, PRUNED)):
        seen: list[float] = []
        for engine in engines:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "model"
                told = trained(order, prune, engine, million_tokens, path)
                model = read(path, TextSettings())
                seen.append(perplexity(model, made))
                line = f"order {order} prune {prune or 'none'} {engine}: {told}, perplexity {seen[-1]:.4f}"
                if engine == "own":
                    whole, alone = speed(model, made)
                    line += f", scores {whole:.1f} MB/s (tokens alone {alone:.1f})"
                print(line, flush=True)
        if len(seen) == 2:
            print(f"  perplexity differs by {abs(seen[0] / seen[1] - 1):.2e}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["train"]:
        order, prune, engine, millions, path = sys.argv[2:]
        train(int(order), tuple(int(p) for p in prune.split(",") if p), engine, int(millions), Path(path))  # type: ignore[arg-type]
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
