"""A corpus of any size with planted duplicates, contamination, boilerplate, toxicity and personal data, and a ledger of truth.

    python -m benchmarks.generator OUT --size 1GB [--shards 8] [--seed 1] [--source FOLDER ...] [--languages en,de]

OUT/text/*.parquet is the corpus, OUT/ledger.parquet what was planted where, OUT/evaluation.parquet the items that contaminate,
OUT/generated.json how it was made. Without --source it learns from the text of this Python environment.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from pathlib import Path

from benchmarks.generator import items, sources
from benchmarks.generator.chain import learn
from benchmarks.generator.corpus import corpus
from benchmarks.generator.kinds import Shares
from benchmarks.generator.shards import write_corpus

UNITS = {"kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
LEARNT_BYTES = 20_000_000


def size_bytes(said: str) -> int:
    """'250MB' -> 250_000_000. Raises argparse.ArgumentTypeError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(kB|MB|GB|TB)", said)
    if not found:
        raise argparse.ArgumentTypeError(f"{said!r} is no size; write a number and one of {', '.join(UNITS)}: 250MB")
    return int(float(found[1]) * UNITS[found[2]])


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.generator", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("output", type=Path)
    parser.add_argument("--size", type=size_bytes, required=True, help="bytes of text: 10MB, 1.5GB, 2TB")
    parser.add_argument("--shards", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--order", type=int, default=2, help="words that the next one depends on")
    parser.add_argument(
        "--source", type=Path, nargs="*", default=[], help="Parquet files or folders with a column text, and lang"
    )
    parser.add_argument(
        "--languages", type=lambda s: frozenset(s.split(",")), default=frozenset(), help="only these of the source"
    )
    parser.add_argument("--learn", type=size_bytes, default=LEARNT_BYTES, help="how much of the source is learnt from")
    parser.add_argument("--items", type=Path, help="evaluation items (Parquet or JSONL) instead of made-up ones")
    for kind, share in json.loads(json.dumps(Shares.__dataclass_fields__, default=lambda f: f.default)).items():
        parser.add_argument(
            f"--{kind}", type=int, default=share, metavar="N", help=f"{kind} documents among 10,000 ({share})"
        )
    return parser.parse_args()


def main() -> None:
    asked = arguments()
    start, cpu = time.monotonic(), time.process_time()
    learnt = (
        sources.parquet(asked.source, asked.learn, asked.languages)
        if asked.source
        else sources.environment(asked.learn)
    )
    chain = learn(learnt, asked.order)
    print(
        f"learnt {len(chain.token):,} words in {len(chain.languages)} languages, {time.process_time() - cpu:.1f} s of CPU",
        flush=True,
    )
    start, cpu = time.monotonic(), time.process_time()
    shares = Shares(**{name: getattr(asked, name) for name in Shares.__dataclass_fields__})
    made = corpus(chain, asked.seed, shares, items.read(asked.items) if asked.items else items.made_up(asked.seed))
    about = {"source_sha256": sources.digest(learnt), "order": asked.order, "languages": chain.languages}
    told = write_corpus(made, asked.output, asked.size, asked.shards, about)
    used = time.process_time() - cpu
    print(f"{told.documents:,} documents, {told.text_bytes / 1e6:.1f} MB in {asked.shards} shards: {used:.1f} s of CPU, "
          f"{told.text_bytes / 1e6 / used:.0f} MB/s ({time.monotonic() - start:.1f} s); by kind {told.by_kind}")  # fmt: skip


if __name__ == "__main__":
    main()
