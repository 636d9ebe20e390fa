"""SQL from strangers: what the gate costs, how long an answer takes cold and warm, and how much memory its process has.

python -m benchmarks.sql_sandbox
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import psutil

import winnow
from benchmarks.measuring import machine
from pipeline.catalog.views import VIEWS, open_catalog
from pipeline.sandbox.ask import ask
from pipeline.sandbox.gate import check
from pipeline.sandbox.process import Spares, end, start
from pipeline.storage.store import Store
from tests.corpora import write_parquet

QUESTIONS = Path(__file__).parents[1] / "tests" / "sql_questions.sql"
SHARDS = 1_000_000
RECIPE = {
    "name": "small",
    "score": ["exact", "gopher", {"minhash": {"num_perm": 128}}],
    "rules": {"word_count": {"column": "gopher.word_count", "min": 50}},
    "dedup": {"exact": "raw", "fuzzy": {"on": "minhash", "jaccard": 0.8}, "guard": {"max_source_loss": 1.0}},
}
QUESTION = "select stage, reason, count(*) as n from documents group by all order by all"
GROUPS = (
    "select stage, count(*) as n, sum(rows) as rows, avg(seconds) as s, max(bytes) as most from shards group by stage"
)


def median_ms(run: Callable[[], object], times: int, wait_s: float = 0.0) -> float:
    """Median wall time; wait_s before each, so that a spare process is ready."""
    found = []
    for _ in range(times):
        time.sleep(wait_s)
        began = time.perf_counter()
        run()
        found.append(time.perf_counter() - began)
    return 1000 * statistics.median(found)


def published(path: Path) -> None:
    """A snapshot of a catalog with a million shard rows."""
    with duckdb.connect(str(path)) as made:
        made.execute(
            "create table shards as select 'job_' || i % 50 as job, ['text', 'notes', 'verdict', 'export'][1 + i % 4] as stage, "
            f"i % 9973 as rows, i % 99991 as bytes, (i % 97) / 10.0 as seconds from range({SHARDS}) t(i)"
        )


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="winnow-sql-"))
    winnow.run(RECIPE, [str(write_parquet(folder / "in"))], workspace=str(folder / "ws"), executor="local", workers=1)
    store = Store(str(folder / "ws"))
    questions = [q for q in QUESTIONS.read_text(encoding="utf-8").split(";\n") if q.strip()]
    check("select 1", VIEWS)
    gate = [median_ms(lambda q=q: check(q, VIEWS), 3) for q in questions]  # type: ignore[misc]
    print(machine())
    print(
        f"gate: median {statistics.median(gate):.2f} ms, most {max(gate):.2f} ms, of {len(questions)} honest questions"
    )
    here = median_ms(lambda: open_catalog(store).sql(QUESTION).to_arrow_table(), 7)
    cold = median_ms(lambda: ask(store, QUESTION), 7)
    with Spares(1) as spares:
        warm = median_ms(lambda: ask(store, QUESTION, spares=spares), 7, wait_s=2.0)
        published(folder / "catalog.duckdb")
        snapshot = str(folder / "catalog.duckdb")
        took = [ask(store, GROUPS, spares=spares, snapshot=snapshot).seconds for _ in range(5)]
    print(
        f"ask: cold {cold:.0f} ms, warm {warm:.0f} ms; the same question in this process without limits {here:.0f} ms"
    )
    print(
        f"group-by over {SHARDS:,} shard rows of a snapshot: {1000 * statistics.median(took):.0f} ms of the statement"
    )
    process = start(remote=False)
    time.sleep(3)
    memory = psutil.Process(process.pid).memory_info()
    unique = psutil.Process(process.pid).memory_full_info().uss
    print(f"a waiting process: {memory.rss / 2**20:.0f} MiB resident, {unique / 2**20:.0f} MiB of its own")
    end(process)


if __name__ == "__main__":
    main()
