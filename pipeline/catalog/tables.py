"""Committed tables as the catalog takes them in: a manifest's parts and the statistics beside it, as rows."""

from __future__ import annotations

import hashlib
import logging
import os
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline import manifest
from pipeline.catalog.batch import Batch, entries, tree
from pipeline.errors import WinnowError
from pipeline.files import remote_stamp
from pipeline.manifest import Manifest
from pipeline.store import PartRecord, Store

log = logging.getLogger(__name__)


def table_id(path: str) -> int:
    """64 bits that name a table in the catalog, by the path of its manifest: the same in every catalog of a workspace."""
    return int.from_bytes(hashlib.sha256(path.encode()).digest()[:8], "big")


def manifest_stamp(store: Store, path: str) -> str | None:
    """What tells a manifest from another at the same path, without reading it; None where there is none."""
    try:
        if store.remote:
            return remote_stamp(store.fs.info(store.full(path)))
        told = os.stat(store.full(path))
    except (FileNotFoundError, NotADirectoryError):
        return None
    return f"{told.st_size}-{told.st_mtime_ns}-{told.st_ino}"


def take_table(store: Store, path: str, stamp: str, batch: Batch) -> None:
    """Add a table's rows to the batch; one whose manifest cannot be read has none (`winnow verify` tells of it)."""
    try:
        made = manifest.load(store, path)
    except (WinnowError, KeyError, TypeError, ValueError, OSError):
        return
    if made is None:
        return
    number = table_id(path)
    batch.rows["tables"].append((
        number, path, stamp, made.corpus, made.kind, made.key, made.rows, made.bytes, len(made.parts), tree(made.counts),
        tree(made.inputs), tree(_text_bytes(made)),
    ))  # fmt: skip
    if "statistics" in made.details:
        _take_statistics(store, number, made.details["statistics"]["path"], batch)
    sizes = [s.text_bytes for s in made.shards]
    batch.rows["shards"] += [
        _shard(number, n, made, part, sizes[n] if n < len(sizes) else None) for n, part in enumerate(made.parts)
    ]


def _take_statistics(store: Store, table: int, path: str, batch: Batch) -> None:
    try:
        told = store.read_table(path)
    except WinnowError as error:
        log.warning("statistics are left out of the catalog: %s", error)
        return
    id_ = pa.array([table] * told.num_rows, pa.uint64())
    whole = pc.is_null(told.column("shard"))
    rows = told.add_column(0, "table_id", id_)
    batch.arrow.append(("shard_columns", rows.filter(pc.invert(whole)).drop_columns(["shards"])))
    batch.arrow.append(("table_columns", rows.filter(whole).drop_columns(["shard"])))


def _text_bytes(made: Manifest) -> dict[str, int] | None:
    """Bytes of text by what became of documents; of a text table all of them."""
    if made.shards:
        return {"documents": sum(s.text_bytes for s in made.shards)}
    told = made.details.get("text_bytes")
    return told if isinstance(told, dict) else None


def _shard(table: int, number: int, made: Manifest, part: PartRecord, text_bytes: int | None) -> tuple[Any, ...]:
    counts = part.counts
    kept = counts.get("kept")
    quarantined = sum(n for name, n in counts.items() if name.startswith("quarantine"))
    removed = sum(n for name, n in counts.items() if name == "removed" or name.startswith(("judge.", "dedup.")))
    usual = part.path == Store.part(made.corpus, made.kind, part.key)
    return (
        table, number, made.corpus, made.kind, made.key, part.key, None if usual else part.path, part.rows, part.bytes,
        part.sha256, text_bytes, kept, removed if kept is not None else None,
        quarantined if kept is not None or "quarantined" in counts else None, entries(counts),
        entries(part.text_bytes) if part.text_bytes else None,
        None, None, None, None, None, None,
    )  # fmt: skip
