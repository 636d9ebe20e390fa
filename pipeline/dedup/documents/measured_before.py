"""Pairs that an earlier table of the same corpus has measured, in the rows of now: what is added to a corpus does not have
the similarity of what was there measured again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.dedup.documents.candidate_pairs import packs
from pipeline.dedup.documents.references import JOINED
from pipeline.dedup.documents.schema import PAIRS_TABLE
from pipeline.schema import arrow_schema
from pipeline.storage.manifest import Manifest, find, manifest_path, recent
from pipeline.storage.store import Store

Rows = npt.NDArray[np.int64]
Similarities = npt.NDArray[np.float64]
PAIRS = arrow_schema(PAIRS_TABLE)
GONE = -1


@dataclass(frozen=True)
class MeasuredBefore:
    """parts: of the earlier table; cuts: i64[parts+1], the rows of then that their first documents lie between; before: i64[S+1],
    the first row of each of its S shards; now: i64[S], where that row lies now, or GONE."""

    parts: tuple[str, ...]
    cuts: Rows
    before: Rows
    now: Rows

    def between(self, store: Store, low: int, high: int) -> tuple[Rows, Rows, Similarities]:
        """Pairs (a, b) with low <= a < high and a < b, ascending, and how similar they are. A pair whose documents have
        changed sides since is left out: it is measured again."""
        shards = np.flatnonzero((self.now != GONE) & (self.now < high) & (self.now + np.diff(self.before) > low))
        if len(shards) == 0:
            return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
        least, most = int(self.before[shards].min()), int(self.before[shards + 1].max())
        first, end = (
            int(n) for n in (np.searchsorted(self.cuts, least, side="right"), np.searchsorted(self.cuts, most))
        )
        parts = self.parts[max(0, first - 1) : end]
        tables = [store.rows_between(p, "a", least, most - 1, PAIRS.names) for p in parts]
        found = pa.concat_tables([PAIRS.empty_table(), *tables])
        a, b = (self._now(found.column(c).to_numpy()) for c in ("a", "b"))
        there = np.flatnonzero((a >= low) & (a < high) & (b > a))
        order = there[np.lexsort((b[there], a[there]))]
        return a[order], b[order], found.column("jaccard").to_numpy()[order]

    def _now(self, rows: Rows) -> Rows:
        shard = np.searchsorted(self.before, rows, side="right") - 1
        start = self.now[shard]
        return np.where(start == GONE, np.int64(GONE), start + rows - self.before[shard])


def measured_before(store: Store, text: Manifest, ngram: int) -> MeasuredBefore | None:
    """The latest table `pairs` of this corpus that shares any shard with `text` and was measured by the same shingles; None
    where there is none."""
    for table in recent(store, text.corpus, "pairs"):
        if table.parameters.get("ngram") == ngram and table.parts and "cuts" in table.details:
            places = (manifest_path(text.corpus, kind, str(table.inputs.get("text"))) for kind in ("text", JOINED))
            before = next((m for m in (find(store, p) for p in places) if m is not None), None)
            found = None if before is None else _shared(table, before, text)
            if found is not None:
                return found
    return None


def _shared(table: Manifest, before: Manifest, text: Manifest) -> MeasuredBefore | None:
    starts = dict(zip((s.key for s in text.shards), text.row_offsets().tolist(), strict=False))
    now = np.array([starts.get(s.key, GONE) for s in before.shards], np.int64)
    if (now == GONE).all():
        return None
    cuts = np.array(table.details["cuts"], np.int64)
    return MeasuredBefore(tuple(p.path for p in table.parts), cuts, before.row_offsets(), now)


def similarities_of(a: Rows, b: Rows, known: tuple[Rows, Rows, Similarities]) -> Similarities:
    """Of pairs (a, b), ascending: how similar they are where `known` (a, b, jaccard; ascending) has them, else NaN: f64[K]."""
    found = np.full(len(a), np.nan)
    known_a, known_b, jaccard = known
    if len(a) == 0 or len(known_a) == 0:
        return found
    wanted, there = _packed(a, b, known_a, known_b)
    at = np.minimum(np.searchsorted(there, wanted), len(there) - 1)
    same = there[at] == wanted
    found[same] = jaccard[at[same]]
    return found


def _packed(a: Rows, b: Rows, known_a: Rows, known_b: Rows) -> tuple[Rows, Rows]:
    """Pairs as one number each, in the same order: those of a and b, those that are known."""
    if packs(a, b) and packs(known_a, known_b):
        return a << 32 | b, known_a << 32 | known_b
    # both sides as dense numbers, so that a pair is one number however many rows there are
    at_a = np.unique(np.concatenate([a, known_a]), return_inverse=True)[1]
    seconds, at_b = np.unique(np.concatenate([b, known_b]), return_inverse=True)
    packed = at_a.astype(np.int64) * len(seconds) + at_b
    return packed[: len(a)], packed[len(a) :]
