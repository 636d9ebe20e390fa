"""Dolma: taggers in Python, exact deduplication by a Bloom filter in Rust. JSONL.gz in, JSONL.gz out."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

from benchmarks.peers.peer import Offer, Peer

PEER = Peer(
    name="dolma",
    title="Dolma",
    package="dolma==1.2.1",
    requirements=("pyarrow<22", "fasttext-wheel==0.9.2"),
    offers={
        "exact": Offer(100, "dedupe of whole texts by a Bloom filter at 1e-6, then mix; JSONL.gz to JSONL.gz, made from the Parquet outside the time"),
        "rules": Offer(5, "taggers gopher_v2 and c4_v2: attributes, no decisions; FineWeb's rules are not there"),
        "language": Offer(10, "tagger of all fastText languages, lid.176.ftz instead of the lid.176.bin that it downloads, whole text in lower case"),
    },
    cannot={
        "signatures": "has no MinHash",
        "fuzzy": "has no MinHash: exact matches by Bloom filter alone",
    },
)  # fmt: skip


def _documents(texts: list[str]) -> list[Any]:
    from dolma.core.data_types import Document

    return [Document(source="bench", id=str(n), text=text) for n, text in enumerate(texts)]


def rules(documents: list[str]) -> None:
    from dolma.core.registry import TaggerRegistry

    taggers = [TaggerRegistry.get(name)() for name in ("gopher_v2", "c4_v2")]
    for document in _documents(documents):
        for tagger in taggers:
            tagger.predict(document)


_TAGGER: list[Any] = []
"""The tagger with its model, loaded once."""


def language(documents: list[str]) -> list[str]:
    from dolma.taggers.language import FastTextAllLanguagesDocumentTagger

    class Tagger(FastTextAllLanguagesDocumentTagger):  # type: ignore[misc]
        MODEL_PATH = os.environ["LID_MODEL"]

    if not _TAGGER:
        _TAGGER.append(Tagger())
    found = (_TAGGER[0].predict(document).spans for document in _documents(documents))
    return [max(spans, key=lambda s: s.score).type if spans else "" for spans in found]


def before_exact(source: Path, work: Path) -> None:
    """The Parquet as JSONL.gz, in a process of its own whose time is not counted."""
    import pyarrow.parquet as pq

    made = work / "corpus" / "documents"
    made.mkdir(parents=True)
    for path in sorted(source.glob("*.parquet")):
        with gzip.open(made / f"{path.stem}.json.gz", "wt", compresslevel=1) as out:
            for row in pq.read_table(path, columns=["id", "text"]).to_pylist():
                out.write(json.dumps({**row, "source": "bench"}) + "\n")


def exact(_: Path, output: Path) -> None:
    from dolma import deduper, mixer

    work = output.parent
    output.mkdir(parents=True)
    pattern = str(work / "corpus" / "documents" / "*.json.gz")
    deduper(_dedupe(pattern, work))
    mixer(_mix(pattern, output, work))


def _dedupe(pattern: str, work: Path) -> dict[str, Any]:
    return {
        "documents": [pattern],
        "work_dir": {"input": str(work / "in"), "output": str(work / "out")},
        "dedupe": {"name": "copies", "documents": {"attribute_name": "copy", "key": "$.text"}, "skip_empty": False, "min_length": 0, "min_words": 0,
                   "num_partitions": 1, "partition_index": 0, "file_partition": False, "document_dir": "documents"},
        "bloom_filter": {"file": str(work / "bloom"), "size_in_bytes": 0, "read_only": False, "estimated_doc_count": 1_000_000,
                         "desired_false_positive_rate": 1e-6},
        "processes": 1,
        "is_s3_volume": False,
        "compression": {"input": None, "output": None},
    }  # fmt: skip


def _mix(pattern: str, output: Path, work: Path) -> dict[str, Any]:
    stream = {
        "name": "kept", "documents": [pattern], "attributes": ["copies"],
        "output": {"path": str(output), "max_size_in_bytes": 4_000_000_000, "discard_fields": []},
        "filter": {"include": [], "exclude": [".attributes.copy | length > 0"], "syntax": "jq"},
    }  # fmt: skip
    return {
        "streams": [stream],
        "work_dir": {"input": str(work / "mix-in"), "output": str(work / "mix-out")},
        "processes": 1,
    }


def kept_ids(output: Path) -> list[str]:
    """The ids of what it wrote."""
    found = []
    for path in sorted(output.glob("*.gz")):
        with gzip.open(path, "rt") as lines:
            found += [json.loads(line)["id"] for line in lines]
    return found
