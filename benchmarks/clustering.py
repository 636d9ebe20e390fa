"""Signatures to clusters by the stages of a run, without text: CPU of one core and peak memory of one process; a poisoned
corpus and one that is all the same beside it.

    python -m benchmarks.clustering [millions of signatures] [revisions | same | poisoned]
"""

from __future__ import annotations

import multiprocessing
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from benchmarks.measuring import machine
from pipeline.dedup.documents.candidate_pairs import pairs_from
from pipeline.dedup.documents.pair_units import cut_points
from pipeline.dedup.documents.schema import PAIRS_TABLE
from pipeline.recipe.dedup import Dedup, Guard
from pipeline.schema import TEXT_TABLE, VERDICT_TABLE, arrow_schema
from pipeline.scoring import parse_spec
from pipeline.stage import Stage, commit_part
from pipeline.stages.documents.bands import Bands
from pipeline.stages.documents.candidates import Candidates
from pipeline.stages.documents.dedup import Dedup as Clusters
from pipeline.stages.documents.digests import Equality
from pipeline.steps.documents import DocumentDedup
from pipeline.storage.manifest import Manifest
from pipeline.storage.notes import Notes
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import Shard, Slice
from pipeline.storage.store import Store

SHARD_ROWS = 100_000
PERMUTATIONS = 128
CHANGED = 0.06
"""Share of minima that a revision does not share with its original: a Jaccard of 0.94."""
CORPUS = "made"
SPECS = (parse_spec("exact"), parse_spec("minhash"))

Words = npt.NDArray[np.uint32]


def signatures(kind: str, shard: int, rows: int) -> Words:
    """A fifth are revisions of documents of the shard before (or all alike; or all sharing a band and nothing else)."""
    if kind == "same":
        return np.full((rows, PERMUTATIONS), 12345, np.uint32)
    made = np.random.default_rng(shard).integers(0, 1 << 32, (rows, PERMUTATIONS), dtype=np.uint32)
    if kind == "poisoned":
        made[:, :6] = 7
        return made
    pick = np.random.default_rng(1000 + shard)
    before = np.random.default_rng(max(0, shard - 1)).integers(0, 1 << 32, (rows, PERMUTATIONS), dtype=np.uint32)
    chosen = pick.choice(rows, rows // 5, replace=False)
    revised = before[pick.integers(0, rows // 2, len(chosen))]
    made[chosen] = np.where(pick.random(revised.shape) < CHANGED, made[chosen], revised)
    return made


def notes_part(store: Store, kind: str, index: int, rows: int) -> tuple[Shard, PartRecord, PartRecord]:
    """What ingest, score and judge would have left of one shard."""
    words = signatures(kind, index, rows)
    ids = pa.array([f"{index:04d}-{n:07d}" for n in range(rows)])
    given: dict[str, Any] = {"doc_id": ids, "text_bytes": pa.array(np.arange(rows) % 9_000 + 100)}
    columns = [given.get(c.name, pa.nulls(rows, c.type)) for c in TEXT_TABLE]
    columns[[c.name for c in TEXT_TABLE].index("file_path")] = pa.array(["made.parquet"] * rows)
    text = store.part(CORPUS, "text", f"{index:032x}")
    commit_part(store, "", text, pa.table(columns, schema=arrow_schema(TEXT_TABLE)), {})
    digest = words[:, :4].copy() if kind == "same" else np.random.default_rng(5000 + index).bytes(16 * rows)
    digests = pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), rows, [None, pa.py_buffer(digest)])
    signature = pa.FixedSizeBinaryArray.from_buffers(pa.binary(4 * PERMUTATIONS), rows, [None, pa.py_buffer(words)])
    exact = pa.StructArray.from_arrays([digests, digests, given["text_bytes"]], ["raw", "normalised", "text_bytes"])
    minhash = pa.StructArray.from_arrays([signature, pa.array(np.full(rows, 900))], ["signature", "shingles"])
    made = pa.table([ids, exact, minhash], names=["doc_id", "exact", "minhash"])
    notes = commit_part(store, f"{index:032x}", store.part(CORPUS, "notes", f"{index:032x}"), made, {})
    kept = [ids, pa.array(np.ones(rows, bool)), pa.nulls(rows, VERDICT_TABLE[2].type)]
    verdict = pa.table(kept, schema=arrow_schema(VERDICT_TABLE))
    judged = commit_part(store, f"{index:032x}", store.part(CORPUS, "verdict", f"{index:032x}"), verdict, {})
    whole = Slice(text, 0, store.parquet(text).metadata.num_row_groups)
    return Shard(f"{index:032x}", whole, whole, "text", rows, 5_000 * rows), notes, judged


def make(folder: Path, kind: str, documents: int) -> None:
    """Writes the tables, in a process of its own so that its memory is not counted."""
    store = Store(str(folder))
    made = [notes_part(store, kind, i, SHARD_ROWS) for i in range(-(-documents // SHARD_ROWS))]
    rows = sum(s.rows for s, _, _ in made)
    scorers = {s.alias: {"fingerprint": s.fingerprint()} for s in SPECS}
    shards, notes, judged = (tuple(x) for x in zip(*made, strict=True))
    for manifest in (
        Manifest("text", "t", CORPUS, (), rows, {"documents": rows}, shards=shards),
        Manifest("notes", "n", CORPUS, notes, rows, {"measured": rows}, parameters={"scorers": scorers}),
        Manifest("verdict", "v", CORPUS, judged, rows, {"kept": rows}),
    ):
        from pipeline.storage import manifest as manifests

        manifests.commit(store, manifest, f"{manifest.kind}.json")


def pairs_of(store: Store, text: Manifest, candidates: Manifest) -> Manifest:
    """Every distinct candidate pair as if it had been measured: there is no text here."""
    parts = []
    for low, high in pairwise(cut_points(store, candidates, text).tolist()):
        a, b = pairs_from(store, tuple(p.path for p in candidates.parts), low, high)
        made = pa.table([pa.array(a), pa.array(b), pa.array(np.full(len(a), 0.9))], schema=arrow_schema(PAIRS_TABLE))
        path = store.part(CORPUS, "pairs", f"{low:032x}")
        parts.append(commit_part(store, f"{low:032x}", path, made, {"pairs": len(a)}))
    rows = sum(p.rows for p in parts)
    return Manifest("pairs", "p", CORPUS, tuple(parts), rows, {"pairs": rows})


def cluster(folder: Path) -> None:
    """Bands to clusters; what each stage took."""
    store = Store(str(folder))
    text, notes_table, verdict = (_load(store, kind) for kind in ("text", "notes", "verdict"))
    notes = Notes(text, (notes_table,), {s.alias: 0 for s in SPECS})
    settings = Dedup.model_validate({"fuzzy": {}, "guard": Guard(max_source_loss=0.9999999).model_dump()})
    assert settings.fuzzy is not None
    begin = time.process_time()

    def timed(what: str, run: Callable[[], Manifest]) -> Manifest:
        start = time.process_time()
        made = run()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        took = time.process_time() - start
        print(
            f"  {what:12} {took:7.1f} s  {made.rows:>12,} rows  {made.bytes / 1e6:8,.0f} MB  peak so far {peak:6,.0f} MB"
        )
        return made

    def do(stage: Stage) -> Manifest:
        task = stage.task()
        return timed(stage.kind, lambda: stage.finish([task(u.payload) for u in stage.units()]))

    bands = do(Bands(store, notes, settings.fuzzy, SPECS[1], "exact"))
    found = do(Candidates(store, text, bands, settings.fuzzy.max_bucket))
    dedup = DocumentDedup(store, notes, settings, SPECS, do, do, "scratch")
    texts = dedup.equals(Equality("normalised", "exact", "minhash"))
    pairs = timed("pairs, made", lambda: pairs_of(store, text, found))
    made = do(Clusters(store, notes, verdict, texts, None, pairs, settings, text))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  all          {time.process_time() - begin:7.1f} s of CPU, peak {peak:,.0f} MB: {made.counts}, "
          f"largest cluster {made.details['largest_cluster']:,}, {found.details['overflowed_buckets']} buckets overflowed")  # fmt: skip


def _load(store: Store, kind: str) -> Manifest:
    from pipeline.storage import manifest

    found = manifest.load(store, f"{kind}.json")
    assert found is not None
    return found


def main(millions: float, kind: str) -> None:
    """Both steps, each in a process of its own."""
    print(machine())
    print(f"{millions:g} million signatures of {PERMUTATIONS} minima, {kind}")
    folder = Path(tempfile.mkdtemp(prefix="winnow-clustering-"))
    spawn = multiprocessing.get_context("spawn")
    try:
        for step in (lambda: (make, (folder, kind, int(millions * 1e6))), lambda: (cluster, (folder,))):
            target, arguments = step()
            process = spawn.Process(target=target, args=arguments)
            process.start()
            process.join()
            if process.exitcode:
                raise SystemExit(process.exitcode)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0, sys.argv[2] if len(sys.argv) > 2 else "revisions")
