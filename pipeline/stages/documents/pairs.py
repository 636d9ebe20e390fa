"""pairs: how similar candidate pairs are, measured exactly and once, whatever is decided later."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.dedup.documents.pair_units import cut_points
from pipeline.dedup.documents.schema import ASKED_TABLE, PAIRS_TABLE
from pipeline.dedup.documents.shingle_blocks import Block, read_blocks, read_held, readers
from pipeline.dedup.layout import GROUP_ROWS
from pipeline.dedup.sorted_rows import distinct
from pipeline.errors import IntegrityError
from pipeline.schema import arrow_schema
from pipeline.stage import OfText, commit_part
from pipeline.storage.manifest import Manifest
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import part_key
from pipeline.storage.store import Store
from pipeline.unit import Unit
from scorers.kernels.jaccard import jaccard_between

FORMAT = 4

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Pairs(OfText):
    """The exact Jaccard similarity of every candidate pair. gather: gives the tables `asked` and `shingles` for units between
    these rows, called only where there is something to do; own_rows: rows from here on are of reference sets, which are not
    compared with one another."""

    candidates: Manifest
    ngram: int
    gather: Callable[[Rows], tuple[Manifest, Manifest]]
    own_rows: int | None = None
    kind = "pairs"

    @property
    def key(self) -> str:
        return part_key(self.kind, FORMAT, self.candidates.key, self.ngram)

    @cached_property
    def cuts(self) -> Rows:
        """The rows that units lie between."""
        return cut_points(self.store, self.candidates, self.text, self.own_rows)

    def units(self) -> list[Unit]:
        cuts = self.cuts
        if len(cuts) < 2:
            return []
        asked, shingles = self.gather(cuts)
        paths = tuple(p.path for p in shingles.parts)
        runs = np.searchsorted(asked.details["cuts"], cuts, side="right") - 1
        found = []
        for unit, (low, high) in enumerate(pairwise(cuts.tolist())):
            key = part_key(self.key, low, high)
            path = Store.part(self.corpus, self.kind, key)
            payload = (key, path, unit, low, high, asked.parts[runs[unit]].path, paths)
            found.append(Unit(key, path, f"pairs of rows {low}..{high}", shingles.bytes // (len(cuts) - 1), payload))
        return found

    def task(self) -> Callable[[Any], PartRecord]:
        return partial(_verify, self.store, self.text.row_offsets())

    def finish(self, parts: list[PartRecord]) -> Manifest:
        overflowed = self.candidates.details["overflowed_buckets"]
        warnings = [
            f"{overflowed} LSH buckets held more than {self.candidates.parameters['max_bucket']} distinct documents; "
            "only part of their pairs was compared"
        ]
        rows = sum(p.rows for p in parts)
        return Manifest(
            self.kind, self.key, self.corpus, tuple(parts), rows, {"pairs": rows},
            inputs={"text": self.text.key, "candidates": self.candidates.key},
            parameters=self.candidates.parameters | {"ngram": self.ngram},
            details={"overflowed_buckets": overflowed, "warnings": warnings if overflowed else [], "cuts": self.cuts.tolist()},
        )  # fmt: skip


def _verify(store: Store, offsets: Rows, payload: tuple[str, str, int, int, int, str, tuple[str, ...]]) -> PartRecord:
    key, path, unit, low, high, asked, shingles = payload
    rows = store.rows_between(asked, "document", low, high - 1, [c.name for c in ASKED_TABLE])
    rows = rows.filter(pc.less(rows.column("document"), rows.column("other")))
    a, b, known = (rows.column(c.name).to_numpy() for c in ASKED_TABLE)
    jaccard = known.copy()
    new = np.isnan(jaccard)
    jaccard[new] = _similarities(store, shingles, offsets, (unit, high), a[new], b[new])
    table = pa.table([pa.array(a), pa.array(b), pa.array(jaccard)], schema=arrow_schema(PAIRS_TABLE))
    return commit_part(store, key, path, table, {"pairs": len(a)}, row_group_rows=GROUP_ROWS)


def _similarities(
    store: Store, shingles: tuple[str, ...], offsets: Rows, place: tuple[int, int], a: Rows, b: Rows
) -> npt.NDArray[np.float64]:
    """Exact Jaccard of pairs with a < high: a, b: i64[K] -> f64[K]. place: (unit, high). The sets of rows below high are held, the
    others come by in shard order."""
    unit, high = place
    (reader,) = readers(store, np.array([unit])).tolist()
    own, others = distinct(np.concatenate([a, b[b < high]])), distinct(b[b >= high])
    held = read_held(store, reader, [(shingles[shard], first, rows) for shard, first, rows in _by_shard(own, offsets)])
    order = np.argsort(b, kind="stable")
    by_b, at_a = b[order], _places(held, a[order])
    jaccard = np.full(len(a), np.nan)
    _measure(held, held, at_a, by_b, jaccard)
    for shard, first, rows in _by_shard(others, offsets):
        start, end = np.searchsorted(by_b, [rows[0], rows[-1] + 1])
        for block in read_blocks(store, shingles[shard], first, reader, rows):
            _measure(held, block, at_a[start:end], by_b[start:end], jaccard[start:end])
    if np.isnan(jaccard).any():
        raise _missing(int(np.isnan(jaccard).sum()))
    jaccard[order] = jaccard.copy()
    return jaccard


def _by_shard(rows: Rows, offsets: Rows) -> Iterator[tuple[int, int, Rows]]:
    """(a shard, its first row, those of the rows (rising) that lie in it), in order."""
    ends = np.searchsorted(rows, offsets)
    for shard in np.flatnonzero(np.diff(ends)).tolist():
        yield shard, int(offsets[shard]), rows[ends[shard] : ends[shard + 1]]


def _measure(
    held: Block, block: Block, at_a: npt.NDArray[np.int32], by_b: Rows, jaccard: npt.NDArray[np.float64]
) -> None:
    """Fill in the pairs, in order of b, whose b lies among the rows of a block."""
    if len(block.rows) == 0:
        return
    start, end = (int(np.searchsorted(by_b, block.rows[n], side=s)) for n, s in ((0, "left"), (-1, "right")))  # type: ignore[call-overload]
    at_b = _places(block, by_b[start:end])
    jaccard[start:end] = jaccard_between(held.bounds, held.hashes, block.bounds, block.hashes, at_a[start:end], at_b)


def _places(block: Block, rows: Rows) -> npt.NDArray[np.int32]:
    """Where the rows are in a block."""
    at = np.searchsorted(block.rows, rows)
    there = at < len(block.rows)
    there[there] = block.rows[at[there]] == rows[there]
    if not there.all():
        raise _missing(int((~there).sum()))
    return at.astype(np.int32)


def _missing(pairs: int) -> IntegrityError:
    return IntegrityError(
        f"{pairs} candidate pairs have no shingle sets in the job's scratch folder; run the same command again, so that "
        "they are made anew"
    )
