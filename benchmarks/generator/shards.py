"""A corpus written to disk as it is made: shards, ledger, evaluation items and a note on how they came about."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.generator import items, ledger
from benchmarks.generator.corpus import Batch, Corpus, batch
from benchmarks.generator.kinds import KINDS

BATCH_DOCUMENTS = 2_048
LEDGER, EVALUATION, ABOUT = "ledger.parquet", "evaluation.parquet", "generated.json"
TEXT = "text"
"""Folder of the shards: nothing else lies in it, so that it can be given as input."""


@dataclass(slots=True)
class Written:
    """What was made. by_kind: documents."""

    documents: int = 0
    text_bytes: int = 0
    ledger_rows: int = 0
    by_kind: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))


def write_corpus(made: Corpus, folder: Path, size_bytes: int, shards: int, about: dict[str, Any]) -> Written:
    """Documents from number 0 on until their text has `size_bytes`, in shards of equal size.

    The documents and the ledger are the same for any number of shards; only the cuts between files differ. Raises FileExistsError
    where the folder has a corpus.
    """
    if (folder / ABOUT).exists():
        raise FileExistsError(f"{folder} has a corpus; name another folder or remove it")
    (folder / TEXT).mkdir(parents=True, exist_ok=True)
    told = Written()
    with pq.ParquetWriter(folder / LEDGER, ledger.SCHEMA, compression="zstd") as truth:
        for n in range(shards):
            _write_shard(made, folder / TEXT / f"part-{n:05}.parquet", size_bytes * (n + 1) // shards, told, truth)
    items.write(list(made.items), folder / EVALUATION)
    note = {**about, "seed": made.seed, "shares": asdict(made.shares), "shards": shards, **asdict(told)}
    (folder / ABOUT).write_text(json.dumps(note, indent=1) + "\n")
    return told


def _write_shard(made: Corpus, path: Path, until_bytes: int, told: Written, truth: pq.ParquetWriter) -> None:
    """Batches until the corpus has `until_bytes`; the last one is cut where it has."""
    writer: pq.ParquetWriter | None = None
    while told.text_bytes < until_bytes or writer is None:
        one = _cut(batch(made, told.documents, BATCH_DOCUMENTS), until_bytes - told.text_bytes)
        writer = writer or pq.ParquetWriter(path, one.documents.schema, compression="zstd", compression_level=1)
        writer.write_table(one.documents, row_group_size=BATCH_DOCUMENTS)
        truth.write_table(pa.Table.from_pylist(one.ledger, schema=ledger.SCHEMA))
        told.documents += len(one.documents)
        told.text_bytes += int(one.text_bytes.sum())
        told.ledger_rows += len(one.ledger)
        planted = {r["doc_id"]: r["kind"] for r in one.ledger}
        told.by_kind[KINDS[0]] += len(one.documents) - len(planted)
        for kind in planted.values():
            told.by_kind[kind] += 1
    writer.close()


def _cut(one: Batch, room_bytes: int) -> Batch:
    """The batch up to the document that fills the room, at least one."""
    kept = int((one.text_bytes.cumsum() < room_bytes).sum()) + 1
    if kept >= len(one.documents):
        return one
    last = one.documents["id"][kept - 1].as_py()
    return Batch(one.documents.slice(0, kept), [r for r in one.ledger if r["doc_id"] <= last], one.text_bytes[:kept])
