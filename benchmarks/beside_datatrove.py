"""datatrove and Winnow on the same documents in the same run: MinHash signatures, and all four rule sets.

    python -m benchmarks.beside_datatrove [MB of English text, 3 otherwise]

datatrove's four filters run on every document without short-circuit between them, as ours do.
"""

from __future__ import annotations

import contextlib
import io
import sys
import time

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.measuring import CORPUS, batches, machine
from scorers.gopher import Gopher
from scorers.lines import Lines
from scorers.minhash import MinHash
from scorers.repetition import Repetition
from scorers.text import TextBatch


def english(megabytes: float) -> list[str]:
    """The first English documents over 500 characters, by size."""
    found, size = [], 0
    for path in sorted(CORPUS.glob("*.parquet")):
        table = pq.read_table(path, columns=["text", "lang"])
        table = table.filter(
            pc.and_(pc.equal(table.column("lang"), "en"), pc.greater(pc.utf8_length(table.column("text")), 500))
        )
        for text in table.column("text").to_pylist():
            if size >= megabytes * 1e6:
                return found
            found.append(text)
            size += len(text.encode())
    return found


def datatrove_rules(documents: list[str]) -> float:
    """CPU seconds of the four filters on every document."""
    from datatrove.data import Document
    from datatrove.pipeline.filters import (
        C4QualityFilter,
        FineWebQualityFilter,
        GopherQualityFilter,
        GopherRepetitionFilter,
    )

    filters = [
        GopherQualityFilter(),
        GopherRepetitionFilter(),
        C4QualityFilter(filter_no_terminal_punct=False),
        FineWebQualityFilter(),
    ]
    for one in filters:
        one.filter(Document(text="A first sentence, to load the tokenizer.\n" * 60, id="0"))
    start = time.process_time()
    for text in documents:
        for one in filters:
            with contextlib.suppress(ZeroDivisionError):
                one.filter(Document(text=text, id="0"))
    return time.process_time() - start


def datatrove_signatures(documents: list[str]) -> float:
    """CPU seconds of the signatures of datatrove's MinHash stage 1 (14 x 8, word 5-grams)."""
    from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupSignature
    from datatrove.utils.hashing import HashConfig

    # sha1 as in FineWeb; datatrove's xxhash does not work with xxhash 4
    config = MinhashConfig(n_grams=5, num_buckets=14, hashes_per_bucket=8, hash_config=HashConfig(hash_fc="sha1"))
    step = MinhashDedupSignature(output_folder="/tmp/unused", config=config)
    step.get_signature(step.get_shingles("a few words to load the tokenizer with"))
    start = time.process_time()
    for text in documents:
        step.get_signature(step.get_shingles(text))
    return time.process_time() - start


def winnow_s(documents: list[str], scorers: list[object]) -> float:
    made = list(batches(pa.array(documents, pa.large_string())))
    found = []
    for _ in range(4):
        start = time.process_time()
        for batch in made:
            fresh = TextBatch(batch.data, batch.offsets)
            for scorer in scorers:
                scorer.score(fresh)  # type: ignore[attr-defined]
        found.append(time.process_time() - start)
    return min(found[1:])


def main() -> None:
    documents = english(float(sys.argv[1]) if len(sys.argv) > 1 else 3.0)
    size = sum(len(t.encode()) for t in documents) / 1e6
    print(machine())
    print(f"{len(documents):,} English documents, {size:.1f} MB; MB/s of process time on one core")
    with contextlib.redirect_stderr(io.StringIO()):
        rows = [
            ("MinHash signatures (112)", datatrove_signatures(documents), winnow_s(documents, [MinHash(num_perm=112)])),
            (
                "Gopher + repetition + C4 + FineWeb",
                datatrove_rules(documents),
                winnow_s(documents, [Gopher(), Repetition(), Lines()]),
            ),
        ]
    for name, theirs, ours in rows:
        print(f"{name:40} datatrove {size / theirs:7.3f}   winnow {size / ours:7.1f}   ratio {theirs / ours:7.0f}")


if __name__ == "__main__":
    main()
