"""What `winnow bands` forecasts, held against a run: candidates, bytes exchanged, CPU seconds of each stage.

    python -m benchmarks.dedup_forecast [bands rows]...

The corpus is scored once; then every (bands, rows) is forecast from its signatures and run in one process.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import defaultdict
from typing import Any

from benchmarks.data import CORPUS
from pipeline import run as runner
from pipeline.catalog.chosen import choose_job
from pipeline.dedup.documents.planner import choice, cost
from pipeline.dedup.documents.signature_sample import read_sample
from pipeline.plan import make_plan
from pipeline.recipe import Recipe
from pipeline.report.bands import notes_of
from pipeline.storage import manifest
from pipeline.storage.store import Store

EXCHANGED = ("bands", "candidates", "shingles", "pairs")
STAGES = (*EXCHANGED, "s_curve", "digests", "equals", "dedup", "effects", "guards")


def recipe(bands: int, rows: int) -> Recipe:
    """Exact and near duplicates of everything."""
    fuzzy = {"bands": bands, "rows": rows}
    return Recipe.model_validate(
        {
            "name": f"b{bands}r{rows}", "input": {"paths": [str(CORPUS)]}, "score": ["exact", "minhash"],
            "dedup": {"exact": "raw", "fuzzy": fuzzy, "guard": {"max_source_loss": 1.0}},
        }
    )  # fmt: skip


def timed() -> dict[str, float]:
    """CPU seconds by stage, filled while jobs run."""
    spent: dict[str, float] = defaultdict(float)
    real: Any = runner.run_stage

    def run_stage(store: Store, stage: Any, *more: Any) -> Any:
        before, inside = time.process_time(), sum(spent.values())
        try:
            return real(store, stage, *more)
        finally:  # shingles are made within `pairs`
            spent[stage.kind] += time.process_time() - before - (sum(spent.values()) - inside)

    runner.run_stage = run_stage
    return spent


def main(ways: list[tuple[int, int]]) -> None:
    """Print it all."""
    spent = timed()
    settings = runner.Settings(executor="local", workers=1, until="dedup")
    with tempfile.TemporaryDirectory() as workspace:
        store = Store(workspace)
        runner.run(recipe(128, 1), workspace, runner.Settings(executor="local", workers=1, until="judge"))
        runner.run(recipe(64, 2), workspace, settings)  # compiles what is not cached
        plan = make_plan(store, recipe(*ways[0]))
        notes = notes_of(store, plan)
        assert notes is not None
        sample = read_sample(store, notes, "minhash", "exact")
        print(f"{sample.documents:,} different texts, {plan.ingest.total_bytes / 1e6:.1f} MB")
        for bands, rows in ways:
            made = choice(bands, rows, 0.8, sample)
            told = cost(made, sample.documents, plan.ingest.total_bytes)
            spent.clear()
            result = runner.run(recipe(bands, rows), workspace, settings)
            _compare(store, result.job_id, made, told, dict(spent), sample.documents)


def _compare(store: Store, job_id: str, made: Any, told: Any, spent: dict[str, float], documents: int) -> None:
    job = choose_job(store, job_id)
    tables = {
        k: manifest.load(store, manifest.manifest_path("corpus", k, job.table(k)[0]))
        for k in ("bands", "candidates", "pairs")
    }
    shingles = sum(e.get("part_bytes", 0) for e in job.events if e["verb"] == "unit_done" and e["stage"] == "shingles")
    exchanged = sum(t.bytes for t in tables.values() if t is not None) + shingles
    pairs = tables["pairs"].rows if tables["pairs"] else 0
    forecast = (made.false_per_doc + made.similar_per_doc) * documents
    print(f"\n{made.bands} bands of {made.rows}: recall {made.recall:.4f} at 0.8")
    print(f"  candidate pairs    forecast {forecast:12,.0f}  there {pairs:12,}")
    print(
        f"  bytes exchanged    forecast {told.exchange_bytes / 1e6:9,.1f} MB  there {exchanged / 1e6:9,.1f} MB (shingles {shingles / 1e6:.1f})"
    )
    print(f"  CPU seconds        forecast {told.seconds:12.2f}  there {sum(spent.get(s, 0.0) for s in STAGES):12.2f}")
    print("  " + ", ".join(f"{s} {spent.get(s, 0.0):.2f}" for s in STAGES), flush=True)


if __name__ == "__main__":
    given = [int(a) for a in sys.argv[1:]]
    main(list(zip(given[::2], given[1::2], strict=True)) or [(21, 6), (14, 8), (9, 13), (32, 4)])
