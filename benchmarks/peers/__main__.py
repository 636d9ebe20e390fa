"""Winnow beside datatrove, datasketch, rensa, gaoya, text-dedup, Dolma, Data-Juicer and NeMo Curator: make bench

    python -m benchmarks.peers [--output bench] [--only winnow,rensa] [--tasks fuzzy,rules] [--limit 180]
    python -m benchmarks.peers --draw FILE/peers.json       the tables and pictures of figures that are there
    python -m benchmarks.peers --lock                       every peer's lock file anew

Writes peers.json, peers.md, speed.svg and found.svg. Environments lie in a cache folder (WINNOW_PEERS says which).
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from dataclasses import fields
from pathlib import Path

from benchmarks.measuring import machine
from benchmarks.peers import charts, corpora, environments, table
from benchmarks.peers.comparing import Bench, Row, rows
from benchmarks.peers.peer import TASKS
from benchmarks.peers.truth import truth_of

FOOT = """MB of UTF-8 text a CPU second (of the process and all it starts), pinned to one core, one thread. From files to files: the whole process,
Python's start and imports with it. From texts in memory: the work alone, after a first small call. ¹ With the texts as Python strings.
*Found*: pairs of at least Jaccard {jaccard} (word 5-grams, all pairs by brute force) of which one goes. *With a kept copy*: removed documents to
which one that stays is as similar. *Lost*: removed documents that nothing which stays is even half like. A fifth of the near-duplicates
that were made differ in white space, capitals and marks alone: alike to those that cut words out, others to those that split at white space;
the error of estimates is told without them. The load is the machine's, when the run ended; CPU seconds grow by a half and more on a busy one."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=Path("bench"))
    parser.add_argument("--only", default=",".join(environments.NAMES))
    parser.add_argument("--tasks", default=",".join(TASKS))
    parser.add_argument("--limit", type=float, default=180, help="seconds of CPU for one task of one peer")
    parser.add_argument("--draw", type=Path)
    parser.add_argument("--lock", action="store_true")
    return parser.parse_args()


def language_model() -> Path | None:
    from scorers.models import find

    try:
        return find("lid.176").path
    except Exception as missing:
        print(f"no language task: {missing}")
        return None


def bench_of(folder: Path, limit_s: float) -> tuple[Bench, str]:
    """The corpora and what is true of them."""
    made, source = corpora.generated(folder)
    real, languages = corpora.neardup(folder), corpora.languages(folder)
    told = f"Generated text ({', '.join(f'{t.text_bytes / 1e6:.0f} MB' for t in made)}, {made[0].documents:,} documents in the first), learnt from {source}"
    if real:
        told += f"; real text: {real.documents:,} documents, {real.text_bytes / 1e6:.1f} MB, {real.name}"
    real_truth = truth_of(real.folder) if real else None
    reformatted, model = corpora.reformatted(made[0]), language_model()
    known = truth_of(made[0].folder)
    return Bench(made, known, reformatted, real, real_truth, languages, model, folder / "work", limit_s), told


def write(output: Path, about: str, found: list[Row]) -> None:
    """Figures, tables and pictures."""
    output.mkdir(parents=True, exist_ok=True)
    (output / "peers.json").write_text(json.dumps({"about": about, "rows": [r.told() for r in found]}, indent=1) + "\n")
    (output / "peers.md").write_text(f"{about}\n\n{table.markdown(found)}\n\n{FOOT.format(jaccard=0.8)}\n")
    (output / "speed.svg").write_text(charts.speeds_svg(found))
    if any(r.task == "fuzzy" and not r.reason for r in found):
        (output / "found.svg").write_text(charts.found_svg(found))
    print((output / "peers.md").read_text())


def main() -> None:
    asked = arguments()
    chosen = [p for p in environments.peers() if p.name in asked.only.split(",")]
    if asked.lock:
        for peer in chosen:
            if peer.package:
                environments.write_lock(peer)
        return
    if asked.draw:
        told = json.loads(asked.draw.read_text())
        known = {f.name for f in fields(Row)}
        write(asked.output, told["about"], [Row(**{k: v for k, v in r.items() if k in known}) for r in told["rows"]])
        return
    folder = Path(tempfile.mkdtemp(prefix="winnow-bench-"))
    try:
        bench, source = bench_of(folder, asked.limit)
        found = list(rows(bench, chosen, [t for t in TASKS if t in asked.tasks.split(",")]))
        write(asked.output, f"{machine()}. {source}.", found)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
