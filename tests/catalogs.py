"""Workspaces that were never run: the files jobs leave, made up, as many as wanted; and a catalog's rows to compare."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.catalog.database import Catalog
from pipeline.catalog.schema import COLUMNS, ORDER
from pipeline.recipe_file import validate
from pipeline.schema import STATISTICS_TABLE, arrow_schema
from pipeline.storage import manifest
from pipeline.storage.manifest import Manifest
from pipeline.storage.parquet import write_parquet
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import Shard, Slice
from pipeline.storage.store import Store
from pipeline.totals.statistics import statistics_path
from tests.control import RECIPE

REASONS = ("judge.word_count", "judge.repeats", "dedup.exact", "dedup.fuzzy", "quarantine.bad_utf8")


@dataclass(frozen=True)
class Size:
    """corpora, each with a text and a notes table, and `jobs` jobs with a verdict and a mix table over each of them."""

    corpora: int = 2
    jobs: int = 3
    shards: int = 5
    columns: int = 4

    @property
    def shard_rows(self) -> int:
        return self.corpora * self.shards * (2 + 2 * self.jobs)


def key_of(*said: Any) -> str:
    return hashlib.sha256(repr(said).encode()).hexdigest()[:32]


def make_workspace(store: Store, size: Size) -> list[str]:
    """Files as jobs leave them; returns the jobs' ids, oldest first."""
    ids = []
    for c in range(size.corpora):
        corpus = f"crawl-{c:02d}"
        text = _text(corpus, size.shards)
        notes = _notes(store, text, size.columns)
        for made in (text, notes):
            _commit(store, made)
        for j in range(size.jobs):
            mine = [made for kind in ("verdict", "mix") for made in [_decided(text, kind, j)]]
            for made in mine:
                _commit(store, made)
            ids.append(_job(store, c * size.jobs + j, text, [notes, *mine], first=j == 0))
    return ids


def _commit(store: Store, made: Manifest) -> None:
    manifest.commit(store, made, manifest.manifest_path(made.corpus, made.kind, made.key))


def _parts(corpus: str, kind: str, seed: Any, shards: int, counts: Any) -> tuple[PartRecord, ...]:
    found = []
    for n in range(shards):
        key = key_of(corpus, kind, seed, n)
        told = counts(n)
        text_bytes = {name: 4000 * rows for name, rows in told.items()} if kind == "mix" else {}
        rows = sum(told.values())
        found.append(PartRecord(key, Store.part(corpus, kind, key), rows, 900 * rows, key * 2, told, text_bytes))
    return tuple(found)


def _text(corpus: str, shards: int) -> Manifest:
    parts = _parts(corpus, "text", 0, shards, lambda n: {"documents": 900 + n % 100, "quarantined": n % 3})
    slices = [Slice(p.path, 0, 1) for p in parts]
    covered = tuple(
        Shard(p.key, s, (s,), "text", p.rows, 4000 * p.counts["documents"]) for p, s in zip(parts, slices, strict=True)
    )
    counts = {name: sum(p.counts[name] for p in parts) for name in ("documents", "quarantined")}
    rows = sum(p.rows for p in parts)
    return Manifest("text", key_of(corpus, "text"), corpus, parts, rows, counts, shards=covered)


def _notes(store: Store, text: Manifest, columns: int) -> Manifest:
    parts = _parts(text.corpus, "notes", 0, len(text.parts), lambda n: {"measured": text.parts[n].rows})
    key = key_of(text.corpus, "notes")
    path = statistics_path(text.corpus, "notes", key)
    table = statistics_table(parts, columns)
    store.commit(path, lambda temporary: write_parquet(temporary, table, row_group_rows=8192))
    sha256, size = store.digest(path)
    told = {"path": path, "rows": table.num_rows, "sha256": sha256, "bytes": size}
    rows = sum(p.rows for p in parts)
    return Manifest(
        "notes", key, text.corpus, parts, rows, {"measured": rows}, inputs={"text": text.key},
        parameters={"pass": "", "scorers": {}}, details={"statistics": told},
    )  # fmt: skip


def statistics_table(parts: tuple[PartRecord, ...], columns: int) -> pa.Table:
    """Statistics of `columns` columns with 30 bins each, of every part and of the whole."""
    total = (len(parts) + 1) * columns
    pick = np.random.default_rng(len(parts))
    bins = 30
    offsets = pa.array(np.arange(total + 1, dtype=np.int32) * bins)
    shard = np.repeat(np.arange(len(parts) + 1), columns)
    whole = shard == len(parts)
    rows = np.array([p.rows for p in parts] + [sum(p.rows for p in parts)])[shard]
    least = np.repeat(pick.integers(900, 1100, total), bins) + np.tile(np.arange(bins), total)
    none = pa.ListArray.from_arrays(pa.array(np.zeros(total + 1, np.int32)), pa.array([], pa.string()))
    return pa.Table.from_arrays(
        [
            pa.array(shard.astype(np.int32), mask=whole), pa.array(np.where(whole, len(parts), 1).astype(np.int32)),
            pa.array([f"scorer{c // 8}.column_{c}" for c in range(columns)] * (len(parts) + 1)), pa.array(["number"] * total),
            pa.array(rows), pa.array(np.zeros(total, np.int64)), pa.array(pick.random(total)),
            pa.array(1 + pick.random(total)), pa.array(rows * pick.random(total)),
            pa.ListArray.from_arrays(offsets, pa.array(least.astype(np.int16))),
            pa.ListArray.from_arrays(offsets, pa.array(pick.integers(1, 60, total * bins))),
            none, pa.ListArray.from_arrays(pa.array(np.zeros(total + 1, np.int32)), pa.array([], pa.int64())),
            pa.array(np.zeros(total, np.int64)),
        ],
        schema=arrow_schema(STATISTICS_TABLE),
    )  # fmt: skip


def _decided(text: Manifest, kind: str, job: int) -> Manifest:
    def counts(n: int) -> dict[str, int]:
        rows, removed = text.parts[n].rows, (n * 7 + job) % 50
        if kind == "verdict":
            return {"kept": rows - removed, "quarantined": 0, "removed": removed}
        return {"kept": rows - removed, REASONS[(n + job) % len(REASONS)]: removed}

    parts = _parts(text.corpus, kind, job, len(text.parts), counts)
    total: dict[str, int] = {}
    text_bytes: dict[str, int] = {}
    for part in parts:
        for name, rows in part.counts.items():
            total[name] = total.get(name, 0) + rows
            text_bytes[name] = text_bytes.get(name, 0) + part.text_bytes.get(name, 0)
    details = {"text_bytes": text_bytes} if kind == "mix" else {}
    return Manifest(
        kind, key_of(text.corpus, kind, job), text.corpus, parts, text.rows, total, {"text": text.key}, details=details
    )


def _job(store: Store, number: int, text: Manifest, others: list[Manifest], first: bool) -> str:
    """One job's record and log: the first of a corpus made its text and notes, the others found them."""
    job_id = f"job_{number:012x}{key_of(number)[:8]}"
    at = f"2026-11-21T{number // 3600 % 24:02d}:{number // 60 % 60:02d}:{number % 60:02d}.000Z"
    made = [text, *others]
    lines = []
    for table in made:
        reused = not first and table.kind in ("text", "notes")
        lines += (
            [_line(at, "stage_reused", stage=table.kind, table=table.key, rows=table.rows)]
            if reused
            else _log(at, table)
        )
    folder = Path(store.full(Store.job(job_id)))
    folder.mkdir(parents=True)
    (folder / "events.jsonl").write_text("".join(lines))
    (folder / "recipe.json").write_text(validate(RECIPE, "made up").canonical())
    mix = made[-1]
    record = {
        "id": job_id, "name": f"recipe-{number % 7}", "state": ("completed", "failed", "cancelled")[number % 9 % 3],
        "created_at": at, "at": at, "seconds": 12.5, "corpus": text.corpus, "output": None, "rows": text.rows,
        "recipe_digest": key_of("recipe", number % 7), "warnings": [], "funnel": mix.counts, "scorers": {},
        "tables": {table.kind: [table.key] for table in made},
    }  # fmt: skip
    (folder / "job.json").write_text(json.dumps(record))
    return job_id


def _line(at: str, verb: str, **fields: Any) -> str:
    return json.dumps({"at": at, "verb": verb, **fields}) + "\n"


def _log(at: str, made: Manifest) -> list[str]:
    units, size = len(made.parts), sum(p.bytes for p in made.parts)
    lines = [
        _line(at, "stage_started", stage=made.kind, table=made.key, units=units, units_done=0, bytes=size,
              executor="local", workers=2)
    ]  # fmt: skip
    pick = random.Random(made.key)
    for n, part in enumerate(made.parts):
        seconds = round(pick.random() * 10, 4)
        lines.append(_line(
            at, "unit_done", stage=made.kind, part=part.key, unit=f"{n}:crawl.parquet[0:1]", rows=part.rows, bytes=part.bytes,
            part_bytes=part.bytes, sha256=part.sha256, counts=part.counts, seconds=seconds,
            mb_per_s=round(part.bytes / 1e6 / (seconds + 0.001), 2), worker=str(4000 + n % 2), attempts=1,
        ))  # fmt: skip
    rows = made.rows
    lines.append(
        _line(
            at,
            "stage_finished",
            stage=made.kind,
            table=made.key,
            rows=rows,
            bytes=size,
            counts=made.counts,
            seconds=9.0,
        )
    )
    return lines


def everything(catalog: Catalog) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, in order."""
    return {name: catalog.rows(f"from base.{name} order by {ORDER[name]}") for name in COLUMNS}
