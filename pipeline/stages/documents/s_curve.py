"""s_curve: of each range of similarities, how many pairs the bands found, what share that should be and was, and how many are
missed. A small table for the report and SQL; nothing depends on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.dedup.documents import curves
from pipeline.dedup.documents.schema import S_CURVE_TABLE
from pipeline.dedup.sorted_rows import distinct
from pipeline.schema import arrow_schema
from pipeline.stage import OfNotes, commit_part
from pipeline.storage.manifest import Manifest
from pipeline.storage.notes import binary_rows, read_fields
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import part_key
from pipeline.storage.store import Store
from pipeline.unit import Unit
from scorers.kernels.lsh import band_keys

FORMAT = 2
SHARDS_READ = 32
"""Shards whose signatures are read, so that a large corpus costs no more."""

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SCurve(OfNotes):
    """Over the pairs that were found. on: the alias of the minhash scorer; jaccard: the threshold."""

    pairs: Manifest
    on: str
    jaccard: float
    kind = "s_curve"
    in_driver = True

    @property
    def bands(self) -> int:
        return int(self.pairs.parameters["bands"])

    @property
    def rows(self) -> int:
        """Minima in each band."""
        return int(self.pairs.parameters["rows"])

    @property
    def key(self) -> str:
        return part_key(self.kind, FORMAT, self.pairs.key, self.jaccard)

    def units(self) -> list[Unit]:
        path = Store.part(self.corpus, self.kind, self.key)
        return [Unit(self.key, path, "all pairs", self.pairs.bytes, self)]

    def task(self) -> Callable[[Any], PartRecord]:
        return partial(_measure, self.store)

    def finish(self, parts: list[PartRecord]) -> Manifest:
        parameters = {"bands": self.bands, "rows": self.rows, "jaccard": self.jaccard}
        return Manifest(
            self.kind, self.key, self.corpus, tuple(parts), parts[0].rows, {"bins": parts[0].rows},
            inputs={"text": self.notes.text.key, "pairs": self.pairs.key}, parameters=parameters, details=dict(parts[0].counts),
        )  # fmt: skip


def _measure(store: Store, stage: SCurve) -> PartRecord:
    """Part by part: what is held is a tally, and a sample of pairs."""
    offsets, read = stage.notes.text.row_offsets(), _shards_read(stage.notes.text)
    tally, chosen = curves.Tally(), _Sample()
    for part in stage.pairs.parts:
        table = store.read_table(part.path, columns=["a", "b", "jaccard"])
        a, b, jaccard = (table.column(name).to_numpy() for name in ("a", "b", "jaccard"))
        tally.add(jaccard, stage.jaccard)
        in_a, in_b = (np.searchsorted(offsets, rows, side="right") - 1 for rows in (a, b))
        chosen = chosen.joined(_Sample(a, b, jaccard).thinned(read[in_a] & read[in_b]))
    agreeing = _agreeing(store, stage, chosen.a, chosen.b)
    made = curves.s_curve(tally, stage.bands, stage.rows, chosen.jaccard, agreeing)
    counts = {"pairs": int(made.pairs.sum()), "verified": int(made.verified.sum())}
    return commit_part(store, stage.key, Store.part(stage.corpus, stage.kind, stage.key), _table(made), counts)


@dataclass(frozen=True)
class _Sample:
    """Some pairs: global rows a, b: i64[S]; jaccard: f64[S]."""

    a: Rows = field(default_factory=lambda: np.zeros(0, np.int64))
    b: Rows = field(default_factory=lambda: np.zeros(0, np.int64))
    jaccard: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    def thinned(self, allowed: npt.NDArray[np.bool_]) -> _Sample:
        at = curves.sample(self.jaccard, allowed)
        return _Sample(self.a[at], self.b[at], self.jaccard[at])

    def joined(self, other: _Sample) -> _Sample:
        """Both, no larger than one may be."""
        a, b, jaccard = (np.concatenate([getattr(x, n) for x in (self, other)]) for n in ("a", "b", "jaccard"))
        return _Sample(a, b, jaccard).thinned(np.ones(len(a), dtype=np.bool_))


def _shards_read(text: Manifest) -> npt.NDArray[np.bool_]:
    """bool[shards]: those with the least keys, which are hashes of what is in them."""
    keys = [shard.key for shard in text.shards]
    least = set(sorted(keys)[:SHARDS_READ])
    return np.array([k in least for k in keys], dtype=np.bool_)


def _agreeing(store: Store, stage: SCurve, a: Rows, b: Rows) -> Rows:
    """In how many bands the signatures of these pairs agree: global rows i64[S] twice -> i64[S]."""
    rows = distinct(np.concatenate([a, b]))
    offsets = stage.notes.text.row_offsets()
    cuts = np.searchsorted(rows, offsets)
    keys = np.empty((len(rows), stage.bands), np.uint64)
    for i, start in enumerate(offsets[:-1].tolist()):
        here = slice(cuts[i], cuts[i + 1])
        if here.start < here.stop:
            signatures = _signatures(store, stage, i)[rows[here] - start]
            keys[here] = band_keys(signatures, stage.bands, stage.rows).T  # a third of their bytes
    return curves.agreeing_bands(keys[np.searchsorted(rows, a)], keys[np.searchsorted(rows, b)])


def _signatures(store: Store, stage: SCurve, shard: int) -> npt.NDArray[np.uint32]:
    (signature,) = read_fields(store, stage.notes.of(shard), [f"{stage.on}.signature"])
    return binary_rows(signature, 0xFF).view("<u4")


def _table(made: curves.Curve) -> pa.Table:
    arrays = [
        pa.array(curves.EDGES[:-1]), pa.array(curves.EDGES[1:]), pa.array(made.pairs), pa.array(made.verified),
        _known(made.expected), pa.array(made.sampled), _known(made.measured), pa.array(made.missed), pa.array(made.error),
    ]  # fmt: skip
    return pa.table(arrays, schema=arrow_schema(S_CURVE_TABLE))


def _known(values: npt.NDArray[np.float64]) -> pa.Array:
    return pa.array(values, mask=np.isnan(values))
