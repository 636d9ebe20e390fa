"""datatrove's NGramsDecontFilter beside our profile datatrove-12 on the same documents and evaluation sets.

    python -m benchmarks.decontamination_conformance [planted documents of each kind, 40 otherwise] [real ones, 600 otherwise]

datatrove's own index (label, and n-grams over query and label; lighteval, which only loads tasks, is left out) and filter, with
its defaults. Real documents are the first of the corpus and all that either side flags of it.
"""

from __future__ import annotations

import contextlib
import io
import sys
import time
from collections import Counter
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from benchmarks.decontamination import EVALS, SEED, corpus
from benchmarks.generator.contamination import planted
from benchmarks.measuring import machine
from pipeline.decontamination.eval_sets import index_of
from scorers.contamination import Contamination
from scorers.text import TextBatch


def datatrove_filter(items: list[dict[str, Any]]) -> Any:
    """Its filter with the hashes its indexer makes of these items."""
    from datatrove.pipeline.decont.n_grams import NGramsDecontConfig, NGramsDecontFilter, NGramsDecontIndexer
    from datatrove.utils.hashing import HashConfig

    config = NGramsDecontConfig(hash_config=HashConfig(hash_fc="sha1"))  # its xxhash does not work with xxhash 4
    NGramsDecontIndexer._requires_dependencies = []
    indexer = NGramsDecontIndexer("/tmp/unused", config=config)
    made = NGramsDecontFilter("/tmp/unused", config=config)
    made._index_hashes = {
        h: item["benchmark"] for item in items for h in indexer.compute_hashes(item["answer"] or "", item["question"])
    }
    return made


def theirs(filtering: Any, texts: list[str]) -> list[bool]:
    from datatrove.data import Document

    with contextlib.redirect_stderr(io.StringIO()):
        return [filtering.filter(Document(text=t, id="0")) is not True for t in texts]


def ours(texts: list[str]) -> list[bool]:
    scorer = Contamination(index=index_of([str(EVALS)]), profile="datatrove-12")
    return [bool(n > 0) for n in np.asarray(scorer.score(TextBatch.from_strings(texts))["ngrams_hit"])]


def main() -> None:
    each, real = (int(a) for a in (*sys.argv[1:3], *("40", "600")[len(sys.argv[1:3]) :]))
    items = pq.read_table(EVALS).to_pylist()
    rows, hosts = corpus()
    made = list(planted(items, hosts, each, SEED))
    flagged = [r["text"] for r, hit in zip(rows, ours([r["text"] for r in rows]), strict=True) if hit]
    texts = [*(p.text for p in made), *(r["text"] for r in rows[:real]), *flagged]
    names = [*(p.kind for p in made), *(["real"] * min(real, len(rows))), *(["real, flagged by us"] * len(flagged))]
    print(machine())
    filtering = datatrove_filter(items)
    start = time.process_time()
    said = theirs(filtering, texts)
    seconds = time.process_time() - start
    mine = ours(texts)
    size = sum(len(t.encode()) for t in texts) / 1e6
    print(f"{len(texts):,} documents, {size:.1f} MB; datatrove {size / seconds:.2f} MB/s")
    agreed, total, both = Counter[str](), Counter(names), Counter[str]()
    for name, a, b in zip(names, said, mine, strict=True):
        agreed[name] += a == b
        both[name] += a
    for name in total:
        print(
            f"  {name:28} {total[name]:5} documents, datatrove flags {both[name]:5}, the same decision on {agreed[name]:5}"
        )
    same = sum(agreed.values())
    print(f"the same decision on {same:,} of {len(texts):,}: {same / len(texts):.4f}")


if __name__ == "__main__":
    main()
