"""Taking an input in for a test: plan, every unit, the manifest; and reading back what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.recipe import Input
from pipeline.stages.ingest import Ingest, plan_ingest
from pipeline.storage import manifest
from pipeline.storage.manifest import Manifest
from pipeline.storage.shard import read_ids, read_text, usable_rows
from pipeline.storage.store import Store

GOOD = [f"document number {i} " * 40 for i in range(400)]


@dataclass(frozen=True)
class Taken:
    """A text table and the stage that made it."""

    store: Store
    stage: Ingest
    text: Manifest

    def ids(self) -> list[dict[str, Any]]:
        """Every row of the text table without the text, through the shards."""
        return [row for shard in self.text.shards for row in read_ids(self.store, shard).to_pylist()]

    def texts(self) -> list[str | None]:
        """Every row's text as a scorer would read it; null where quarantined."""
        found: list[str | None] = []
        for shard in self.text.shards:
            usable = usable_rows(read_ids(self.store, shard))
            for batch in read_text(self.store, shard, usable):
                assert batch.type == pa.large_string()
                batch.validate(full=True)
                found += batch.to_pylist()
        return found

    def reasons(self) -> dict[str, int]:
        return {r["reason"]: r["rows"] for r in self.text.details["quarantine_reasons"]}

    def bad_files(self) -> dict[str, str]:
        return {f["name"]: f["reason"] for f in self.text.details["quarantined_files"]}


def take_in(workspace: Path | str, *paths: Path | str, copy: bool = False, **settings: Any) -> Taken:
    """Ingest in this process; conservation is checked as at every commit."""
    store = Store(str(workspace))
    stage = plan_ingest(store, "c", Input(paths=tuple(map(str, paths)), **settings), copy)
    task = stage.task()
    parts = [task(unit.payload) for unit in stage.units()]
    made = stage.finish(parts)
    text = manifest.commit(store, made, manifest.manifest_path("c", "text", stage.key))
    assert text.rows == sum(s.rows for s in text.shards)
    return Taken(store, stage, text)


def write_docs(path: Path, texts: list[str | None], **options: Any) -> Path:
    """A Parquet file with ids d0, d1, … and texts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table({"id": [f"d{i}" for i in range(len(texts))], "text": pa.array(texts, pa.string())})
    pq.write_table(table, path, **options)
    return path


def good_bytes(folder: Path, **options: Any) -> bytes:
    """A sound Parquet file of GOOD, in row groups of 100."""
    path = write_docs(folder / "good.parquet", list(GOOD), row_group_size=100, use_dictionary=False, **options)
    content = path.read_bytes()
    path.unlink()
    return content
