"""The account of an ingest for its manifest: shards, files, what was quarantined and why, what a user should know."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.sources.columns import MAX_ID_BYTES
from pipeline.sources.part import Run, read_account
from pipeline.sources.rows import EXAMPLES, Tally
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import UNREADABLE, Shard, Slice, part_key
from pipeline.storage.store import Store
from scorers.kernels.jit import MIX_1, MIX_2
from scorers.text import TextBatch

READ_THREADS = 8
MAX_COMPARED_IDS = 8_000_000
"""Ids compared at once when looking for duplicates (64 MB of hashes); above, one in k by hash stands for all."""


def accounts(store: Store, parts: Sequence[PartRecord]) -> list[tuple[list[Run], Tally]]:
    """What the parts' footers say, in order."""
    with ThreadPoolExecutor(READ_THREADS) as threads:
        return list(threads.map(lambda p: read_account(store, p.path), parts))


def shards(part: PartRecord, runs: Iterable[Run], files: Sequence[tuple[str, str]], column: str) -> list[Shard]:
    """A part's shards. files: (path, stamp) of those that the text stays in. Where it cannot be read, the shard's text is the part's own
    `quarantine` column: every row of it is quarantined, and readers need no special case."""
    made = []
    for run in runs:
        ids = Slice(part.path, run.first, run.last)
        key = part_key("shard", part.key, run.first, run.last)
        texts = tuple(Slice(files[n][0], first, last, files[n][1]) for n, first, last in run.sources)
        if run.readable:
            made.append(Shard(key, ids, texts or (ids,), column, run.rows, run.text_bytes))
        else:
            made.append(Shard(key, ids, (ids,), UNREADABLE, run.rows, run.text_bytes))
    return made


def quarantine_reasons(tallies: Iterable[Tally]) -> list[dict[str, Any]]:
    """Quarantined rows by reason, most first, each with the first files it was met in."""
    found: dict[str, dict[str, Any]] = {}
    for tally in tallies:
        for reason, rows in sorted(tally.reasons.items()):
            entry = found.setdefault(reason, {"reason": reason, "rows": 0, "files": []})
            entry["rows"] += rows
            entry["files"] = list(dict.fromkeys([*entry["files"], *tally.files_by_reason[reason]]))[:EXAMPLES]
    return sorted(found.values(), key=lambda e: (-e["rows"], e["reason"]))


def id_warnings(store: Store, parts: Sequence[PartRecord], tallies: Sequence[Tally]) -> list[str]:
    """Ids that were missing, too long, or there more than once."""
    warnings = []
    missing, long = sum(t.missing_ids for t in tallies), sum(t.long_ids for t in tallies)
    if missing:
        warnings.append(f"{missing} rows have no id (null or empty) in their id column: made from file and row")
    if long:
        warnings.append(f"{long} ids are longer than {MAX_ID_BYTES} bytes: replaced by their hash")
    own = sum(t.own_ids for t in tallies)
    with_own = [p for p, t in zip(parts, tallies, strict=True) if t.own_ids]
    every = 1 + own // MAX_COMPARED_IDS
    doubled, examples = duplicate_ids(store, with_own, every)
    if doubled:
        about = "about " if every > 1 else ""
        warnings.append(
            f"{about}{doubled} ids are there more than once, such as {', '.join(map(repr, examples))}: "
            "all are documents of their own"
        )
    return warnings


def duplicate_ids(store: Store, parts: Sequence[PartRecord], every: int) -> tuple[int, list[str]]:
    """(How many distinct ids several rows share, the first examples). every: look at one hash in so many."""
    hashed = [_sample(id_hashes(_ids(store, p)), every) for p in parts]
    # numpy's sort: loading numba in the driver takes longer than a kernel saves
    values = np.sort(np.concatenate([np.zeros(0, np.int64), *hashed]))
    doubled = np.unique(values[1:][values[1:] == values[:-1]])
    examples: list[str] = []
    for part in parts if len(doubled) else ():
        ids = _ids(store, part)
        examples += ids.filter(pa.array(np.isin(id_hashes(ids), doubled))).to_pylist()
        examples = list(dict.fromkeys(examples))[:EXAMPLES]
        if len(examples) == EXAMPLES:
            break
    return len(doubled) * every, examples


def _ids(store: Store, part: PartRecord) -> pa.LargeStringArray:
    return store.read_table(part.path, ["doc_id"]).column("doc_id").cast(pa.large_string()).combine_chunks()


def id_hashes(ids: pa.LargeStringArray) -> npt.NDArray[np.int64]:
    """63 bits of each id, eight bytes of all of them at a time: a tenth of the time that a call for each takes."""
    batch = TextBatch.from_arrow(ids)
    words = np.ndarray(len(batch.data) - 7, "<u8", batch.data, strides=(1,))  # those that begin at any byte
    left = np.diff(batch.offsets)
    found = left.astype(np.uint64) * MIX_1
    at, rows = batch.offsets[:-1].copy(), np.flatnonzero(left)
    while len(rows):
        unused_bits = 8 * np.maximum(8 - left[rows], 0).astype(np.uint64)
        mixed = (found[rows] ^ words[at[rows]] << unused_bits) * MIX_2
        found[rows] = mixed ^ mixed >> np.uint64(32)
        at += 8
        left -= 8
        rows = rows[left[rows] > 0]
    return (found >> np.uint64(1)).view(np.int64)


def _sample(hashes: npt.NDArray[np.int64], every: int) -> npt.NDArray[np.int64]:
    return hashes if every == 1 else hashes[hashes % every == 0]
