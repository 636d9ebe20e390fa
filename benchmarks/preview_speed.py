"""What would other rules keep, over a million documents: seconds of a preview in a clerk, from cold to warm.

python -m benchmarks.preview_speed [FOLDER]     FOLDER keeps the workspace for another time: making it takes some minutes
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.compute as pc

import winnow
from benchmarks.measuring import machine
from pipeline.catalog.chosen import choose_job
from pipeline.clerk.clerk import Clerks
from pipeline.storage.parquet import write_parquet
from pipeline.storage.store import Store
from tests.corpora import WORDS

DOCUMENTS = 1_000_000
FILES = 128
DOMAINS = 40_000
SOURCES = 60
MEAN_WORDS = 70
CHANGES = (
    ("one bound", ["rules.word_count.min=60"]),
    ("another bound of it", ["rules.word_count.min=61"]),
    ("a bound on another column", ["rules.mean_word_length.min=4"]),
    ("three bounds", ["rules.word_count.min=70", "rules.top_2gram.max=0.15", "rules.language_score.above=0.8"]),
    ("a predicate", ['rules.long={sql: "gopher.word_count * gopher.mean_word_chars > 300"}']),
    ("a column not read before", ["rules.stop={column: gopher.stop_words, min: 3}"]),
)


def documents(seed: int, rows: int) -> pa.Table:
    """Made-up prose of very different lengths, from domains and sources of very different sizes."""
    draw = np.random.default_rng(seed)
    lengths = np.clip(draw.lognormal(np.log(MEAN_WORDS), 0.6, rows), 3, 2_000).astype(np.int64)
    words = [w + end for w in WORDS for end in ("", "", "", "", "", "", ".", ".\n")]
    picked = pa.array(words).take(pa.array(draw.integers(0, len(words), int(lengths.sum()))))
    lists = pa.ListArray.from_arrays(pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)), picked)
    domain = np.minimum(draw.zipf(1.3, rows), DOMAINS)
    return pa.table({
        "id": [f"d{seed:03d}-{i:06d}" for i in range(rows)],
        "text": pc.binary_join(lists, " "),
        "url": [f"https://www.site{d}.example/{seed}/{i}" for i, d in enumerate(domain)],
        "source": [f"crawl-{s}" for s in np.minimum(draw.zipf(1.5, rows), SOURCES)],
    })  # fmt: skip


def workspace(folder: Path) -> Path:
    """A job of the recipe fineweb over a million documents, by the ordinary way; near-duplicates left out."""
    made = folder / "ws"
    if not (folder / "done").exists():
        (folder / "in").mkdir(parents=True, exist_ok=True)
        for n in range(FILES):
            rows = DOCUMENTS // FILES + (n < DOCUMENTS % FILES)
            write_parquet(folder / "in" / f"part-{n:03d}.parquet", documents(n, rows))
        changes = ["dedup.fuzzy=", "score=[{language: {model: lid.176}}, exact, {gopher: {definition: datatrove}}, "
                   "{repetition: {definition: datatrove}}, {lines: {c4: datatrove, terminal_punct: false, min_words_per_line: 3, "
                   "max_word_chars: 1000, fineweb_on: c4_edited}}]"]  # fmt: skip
        winnow.run("fineweb", [str(folder / "in")], workspace=str(made), changes=changes, until="mix")
        (folder / "done").touch()
    return made


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="winnow-preview-"))
    root = workspace(folder)
    job = choose_job(Store(str(root))).id
    print(machine())
    with Clerks(str(root), n=1) as clerks:
        clerks.ask(
            "check_recipe", {"recipe": "fineweb"}, 60
        )  # as before any job: the clerk is there, the scorers known
        for told, changes in CHANGES:
            wall_s, cpu_s, answer = _timed(clerks, job, changes)
            again_s, _, _ = _timed(clerks, job, changes)
            kept = f"{answer['proposed']['kept']['documents']:,} of {answer['documents']:,} kept"
            print(f"{told}: {wall_s:.2f} s (CPU {cpu_s:.2f} s), the same again {again_s:.2f} s; {kept}")
        resident = psutil.Process(clerks.pids()[0]).memory_info().rss
        print(f"resident memory of the clerk: {resident / 1e6:,.0f} MB")


def _timed(clerks: Clerks, job: str, changes: list[str]) -> tuple[float, float, dict[str, Any]]:
    """Wall seconds, CPU seconds of the clerk, the answer."""
    clerk = psutil.Process(clerks.pids()[0])
    start, cpu = time.perf_counter(), sum(clerk.cpu_times()[:2])
    answer: dict[str, Any] = clerks.ask("preview", {"job": job, "changes": changes}, 120)
    return time.perf_counter() - start, sum(clerk.cpu_times()[:2]) - cpu, answer


if __name__ == "__main__":
    main()
