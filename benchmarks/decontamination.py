"""Decontamination: speed of every profile against ten benchmarks and more, and what each finds of planted contamination.

python -m benchmarks.decontamination speed
python -m benchmarks.decontamination planted [documents of each kind, 200 otherwise]
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import winnow
from benchmarks.data import DATA, corpus_files
from benchmarks.generator.contamination import KINDS, Planted, planted
from benchmarks.measuring import batches, best_s, machine, texts
from pipeline.decontamination.eval_sets import index_of
from scorers.contamination import Contamination
from scorers.models.overlap_profiles import PROFILES
from scorers.text import TextBatch

EVALS = DATA / "decontam" / "benchmarks.parquet"
SEED = 7
"""winnow-8 was chosen on another."""
LEAST_HOST_CHARS, MOST_HOST_CHARS = 1_000, 10_000


def ten_benchmarks(folder: Path) -> list[Any]:
    """The evaluation sets, MMLU by subject: 30 benchmarks in files of their own."""
    table = pq.read_table(EVALS)
    names = pc.if_else(
        pc.equal(table["benchmark"], "mmlu"),
        pc.binary_join_element_wise("mmlu", table["subject"], "-"),
        table["benchmark"],
    )
    table = table.drop_columns(["benchmark"])
    for name in sorted(set(names.to_pylist())):
        pq.write_table(table.filter(pc.equal(names, name)), folder / f"{name}.parquet")
    return [str(folder)]


def speed() -> None:
    documents = list(batches(texts()))
    size = sum(b.text_bytes for b in documents) / 1e6
    with tempfile.TemporaryDirectory() as folder:
        index = index_of(ten_benchmarks(Path(folder)))
    print(f"{size:.1f} MB of text, {len(set(_items()['benchmark']))} evaluation sets, MMLU as 26: CPU time on one core")
    for name in PROFILES:
        scorer = Contamination(index=index, profile=name)
        made = scorer.loaded()
        assert made is not None

        def score(scorer: Contamination = scorer) -> None:
            for batch in documents:
                scorer.score(TextBatch(batch.data, batch.offsets))

        score()
        found = [np.asarray(scorer.score(b)["overlap_frac"]) for b in documents[:1]]
        assert len(found[0]) == len(documents[0])
        bytes_held = sum(a.nbytes for a in (*made.ngrams, *made.texts) if isinstance(a, np.ndarray))
        print(
            f"{name:14} {size / best_s(score):5.0f} MB/s   {len(made.ngrams.keys):9,} n-grams, {bytes_held / 1e6:5.1f} MB in memory"
        )


def _items() -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = pq.read_table(EVALS).to_pydict()
    return found


def corpus() -> tuple[list[dict[str, str]], list[str]]:
    """(every document by id, English ones that can hold an item)"""
    rows = [r for p in corpus_files() for r in pq.read_table(p, columns=["id", "text", "lang"]).to_pylist()]
    fits = [r["text"] for r in rows if r["lang"] == "en" and LEAST_HOST_CHARS < len(r["text"]) < MOST_HOST_CHARS]
    return [{"id": f"{i}-{r['id']}", "text": r["text"]} for i, r in enumerate(rows)], fits


def found_by(profile: str, folder: Path, **more: Any) -> dict[str, dict[str, Any]]:
    """Documents a recipe removes as contaminated, with what it says of them."""
    recipe = {"name": "planted", "decontaminate": {"against": [str(EVALS)], "profile": profile, **more}}
    winnow.run(recipe, [str(folder / "in")], workspace=str(folder / "ws"), until="mix", executor="local", workers=1)
    columns = "contamination.benchmark as benchmark, contamination.item as item, contamination.overlap_frac as overlap, contamination.matched as matched"
    rows = winnow.sql(
        f"select doc_id, {columns} from documents where reason = 'contamination'", workspace=str(folder / "ws")
    )
    return {row["doc_id"]: row for row in rows.to_pylist()}


def plant(each: int) -> None:
    rows, hosts = corpus()
    items = pq.read_table(EVALS).to_pylist()
    made = list(planted(items, hosts, each, SEED))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in").mkdir()
        pq.write_table(pa.Table.from_pylist(rows), folder / "in" / "real.parquet", row_group_size=5_000)
        pq.write_table(
            pa.table({"id": [p.id for p in made], "text": [p.text for p in made]}), folder / "in" / "planted.parquet"
        )
        print(f"{len(made):,} planted documents ({each} of each kind, seed {SEED}) among {len(rows):,} real ones")
        for profile in PROFILES:
            tell(profile, made, found_by(profile, folder))


def tell(profile: str, made: list[Planted], found: dict[str, dict[str, Any]]) -> None:
    """Recall by kind, all items and those of 13 words and more; precision with every real document taken for clean."""
    ids = {p.id for p in made}
    hits = [p for p in made if p.id in found]
    false = [row for doc_id, row in found.items() if doc_id not in ids]
    right = sum(found[p.id]["item"] == p.item for p in hits)
    print(f"\n{profile}: {len(hits):,} of {len(made):,} found, {len(false)} real documents flagged: precision "
          f"{len(hits) / max(1, len(found)):.4f}; the item named is the one planted in {right / max(1, len(hits)):.1%}")  # fmt: skip
    by_kind = defaultdict(list)
    for p in made:
        by_kind[p.kind].append(p)
    for kind in KINDS:
        own = by_kind[kind]
        long = [p for p in own if p.question_words >= 13]
        rates = (sum(p.id in found for p in group) / max(1, len(group)) for group in (own, long))
        print(f"  {kind:28} recall {next(rates):.3f}   of {len(long)} items of 13 words and more {next(rates):.3f}")
    for benchmark, n in Counter(row["benchmark"] for row in false).most_common():
        example = next(row["matched"] for row in false if row["benchmark"] == benchmark)
        print(f"  real documents flagged for {benchmark}: {n}, such as {example[:110]!r}")


def main() -> None:
    print(machine())
    what = sys.argv[1] if len(sys.argv) > 1 else "speed"
    if what == "planted":
        plant(int(sys.argv[2]) if len(sys.argv) > 2 else 200)
    else:
        speed()


if __name__ == "__main__":
    main()
