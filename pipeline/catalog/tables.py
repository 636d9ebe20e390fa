"""Committed tables as the catalog takes them in: a manifest's parts and the statistics beside it, as rows."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.catalog.batch import Batch, tree
from pipeline.errors import WinnowError
from pipeline.storage.files import remote_stamp
from pipeline.storage.quick_json import parse
from pipeline.storage.store import Store

log = logging.getLogger(__name__)

Json = dict[str, Any]
"""A manifest, or a part of one, as it is written: a million parts need not become objects first."""


def table_id(path: str) -> int:
    """64 bits that name a table in the catalog, by the path of its manifest: the same in every catalog of a workspace."""
    return int.from_bytes(hashlib.sha256(path.encode()).digest()[:8], "big")


def part_id(key: str) -> int:
    """64 bits to find a part by its key among a million: comparing texts took 28 ms of 32."""
    try:
        return int(key[:16], 16)
    except ValueError:  # files beside exported ones are named by their kind
        return 0


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
        with store.open(path) as file:
            made = parse(file.read())
        number = table_id(path)
        shards, text_bytes = _shards(number, made), _text_bytes(made)
        row = (
            number, path, stamp, made["corpus"], made["kind"], made["key"], made["rows"],
            sum(p["bytes"] for p in made["parts"]), len(made["parts"]), tree(made["counts"]), tree(made["inputs"]),
            tree(text_bytes), text_bytes.get("documents"), text_bytes.get("kept"),
        )  # fmt: skip
    except (OSError, KeyError, TypeError, ValueError, AttributeError, pa.ArrowException) as error:
        log.warning("table %s is left out of the catalog: %s: %s", path, type(error).__name__, error)
        return
    batch.rows["tables"].append(row)
    batch.arrow.append(("shards", shards))
    if "statistics" in made["details"]:
        _take_statistics(store, number, made["details"]["statistics"]["path"], batch)


def _take_statistics(store: Store, table: int, path: str, batch: Batch) -> None:
    try:
        told = store.read_table(path)
    except WinnowError as error:
        log.warning("statistics are left out of the catalog: %s", error)
        return
    rows = told.add_column(0, "table_id", pa.array(np.full(told.num_rows, table, np.uint64)))
    of_shards = told.num_rows - told.column("shard").null_count  # the whole table's rows come last
    batch.arrow.append(("shard_columns", rows.slice(0, of_shards).drop_columns(["shards"])))
    batch.arrow.append(("table_columns", rows.slice(of_shards).drop_columns(["shard"])))


def _text_bytes(made: Json) -> dict[str, int]:
    """Bytes of text by what became of documents; of a text table all of them."""
    if made["shards"]:
        return {"documents": sum(s["text_bytes"] for s in made["shards"])}
    told = made["details"].get("text_bytes")
    return told if isinstance(told, dict) else {}


def _shards(table: int, made: Json) -> pa.Table:
    """The columns of the table `shards` up to those that tell of the unit that made a part."""
    parts: list[Json] = made["parts"]
    rows, kind = len(parts), made["kind"]
    usual = Store.part(made["corpus"], kind, "")
    paths = [p["path"] if _is_elsewhere(p, usual) else None for p in parts]
    sizes = [s["text_bytes"] for s in made["shards"]] or [None] * rows
    counts, kept, removed, quarantined = _counts([p["counts"] for p in parts])
    fixed = [pa.array([said] * rows, pa.string()) for said in (made["corpus"], kind, made["key"])]
    return pa.table({
        "table_id": pa.array(np.full(rows, table, np.uint64)), "number": pa.array(np.arange(rows, dtype=np.int32)),
        **dict(zip(("corpus", "stage", "table_key"), fixed, strict=True)),
        "part": pa.array([p["key"] for p in parts], pa.string()), "path": pa.array(paths, pa.string()),
        "part_id": pa.array([part_id(p["key"]) for p in parts], pa.uint64()),
        "rows": pa.array([p["rows"] for p in parts], pa.int64()), "bytes": pa.array([p["bytes"] for p in parts], pa.int64()),
        "sha256": pa.array([p["sha256"] for p in parts], pa.string()), "text_bytes": pa.array(sizes[:rows], pa.int64()),
        "kept": kept, "removed": removed, "quarantined": quarantined, "counts": counts,
        "counts_bytes": _counts([p.get("text_bytes", {}) for p in parts])[0],
    })  # fmt: skip


def _is_elsewhere(part: Json, usual: str) -> bool:
    """Whether a part does not lie where its key says; `usual` is the path of a part with an empty key."""
    key, folder = part["key"], usual.removesuffix("/.parquet")
    return bool(part["path"] != f"{folder}/{key[:2]}/{key}.parquet")


def _counts(told: Sequence[dict[str, int]]) -> tuple[pa.Array, pa.Array, pa.Array, pa.Array]:
    """Maps of counts, and of each what was kept, removed and quarantined, null where its kind does not say that."""
    names = [name for one in told for name in one]
    numbers = pa.array([number for one in told for number in one.values()], pa.int64())
    ends = np.cumsum([0, *map(len, told)])
    maps = pa.MapArray.from_arrays(pa.array(ends, pa.int32()), pa.array(names, pa.string()), numbers)
    ends_of = {name: _end(name) for name in dict.fromkeys(names)}
    which = np.array([ends_of[name] for name in names], dtype=np.int8)
    sums = [_add_up(ends, np.where(which == end, numbers.to_numpy(), 0)) for end in range(3)]
    there = [_add_up(ends, (which == end).astype(np.int64)) > 0 for end in (0, 2)]
    unsaid = (~there[0], ~there[0], ~there[0] & ~there[1])
    kept, removed, quarantined = (pa.array(s, mask=mask) for s, mask in zip(sums, unsaid, strict=True))
    return maps, kept, removed, quarantined


def _end(name: str) -> int:
    """0 kept, 1 removed, 2 quarantined, 3 none of these."""
    if name == "kept":
        return 0
    if name == "removed" or name.startswith(("takedown.", "judge.", "dedup.")):
        return 1
    return 2 if name.startswith("quarantine") else 3


def _add_up(ends: npt.NDArray[np.int64], values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Sums of values[ends[i] : ends[i + 1]]."""
    total = np.concatenate([[0], np.cumsum(values)])
    added: npt.NDArray[np.int64] = total[ends[1:]] - total[ends[:-1]]
    return added
