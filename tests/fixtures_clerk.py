"""A small job for clerks to be asked about: kept, removed, copies, a row in quarantine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import winnow
from pipeline.clerk.clerk import Clerks
from pipeline.clerk.desk import Desk
from pipeline.storage.store import Store
from tests.corpora import write_parquet

JOB_RECIPE: dict[str, Any] = {
    "name": "asked",
    "score": ["exact", "gopher", {"minhash": {"num_perm": 128}}],
    "buckets": {"length": {"column": "gopher.word_count", "percentiles": {"short": 10, "usual": 95}, "rest": "long"}},
    "rules": {
        "word_count": {"column": "gopher.word_count", "min": 50},
        "alpha_words": {"column": "gopher.alpha_word_frac", "min": 0.5},
        "not_long": {"column": "buckets.length", "in": ["short", "usual"]},
        "sources": {"sql": "source <> 'site-2' or gopher.word_count > 160"},
    },
    "dedup": {"exact": "raw", "fuzzy": {"on": "minhash", "jaccard": 0.8}, "guard": {"max_source_loss": 1.0}},
}


def crawl(folder: Path) -> Path:
    """240 documents in four files, and one more row without a text."""
    made = write_parquet(folder)
    pq.write_table(
        pa.table({"id": ["no-text"], "text": pa.array([None], pa.string()), "url": ["https://user@www.Example.org:80/x"], "source": ["site-9"]}),
        made / "part-9.parquet",
    )  # fmt: skip
    return made


def run_job(folder: Path, recipe: dict[str, Any], **settings: Any) -> winnow.Result:
    changes = {**recipe, "input": {"quarantine": {"max_row_frac": 1.0}}}
    return winnow.run(
        changes, [str(folder / "in")], workspace=str(folder / "ws"), executor="local", workers=1, **settings
    )


@pytest.fixture(scope="session")
def asked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, winnow.Result]:
    """(folder with in/ and ws/, the job's result)."""
    folder = tmp_path_factory.mktemp("asked")
    crawl(folder / "in")
    return folder, run_job(folder, JOB_RECIPE)


@pytest.fixture
def desk(asked: tuple[Path, winnow.Result]) -> Desk:
    return Desk(Store(str(asked[0] / "ws")), threads=1, memory_bytes=1 << 30)


@pytest.fixture(scope="session")
def clerks(asked: tuple[Path, winnow.Result]) -> Iterator[Clerks]:
    with Clerks(str(asked[0] / "ws"), n=2, threads=1) as made:
        yield made
