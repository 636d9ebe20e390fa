"""Labelled text to train on: Parquet or JSONL with a column of text, one of labels, and one of groups where there is one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj
import pyarrow.parquet as pq

from pipeline.errors import UsageError, did_you_mean

ENDINGS = (".parquet", ".jsonl", ".json", ".jsonl.gz", ".jsonl.zst")


@dataclass(frozen=True, slots=True)
class Labelled:
    """N rows. texts: large_string; labels, groups: one string a row (no group column: each row its own); files: what they
    were read from, as a card lists it (name, sha256, rows, licences)."""

    texts: pa.Array
    labels: list[str]
    groups: list[str]
    files: tuple[dict[str, Any], ...]


def read_labelled(paths: Sequence[str], text: str, label: str, group: str | None = None) -> Labelled:
    """Rows that have text and a label; UsageError names the file and column that is missing, or that nothing is left."""
    tables, files = [], []
    for path in _files(paths):
        table = read_columns(path, [text, label, *([group] if group else [])])
        kept = table.filter(pc.and_(pc.is_valid(table[text]), pc.is_valid(table[label])))
        tables.append(kept.select([text, label, *([group] if group else [])]))
        files.append(_described(path, kept))
    rows = [(t[text].cast(pa.large_string()), t[label].cast(pa.string()).to_pylist()) for t in tables]
    texts = pa.chunked_array([c for column, _ in rows for c in column.chunks], pa.large_string()).combine_chunks()
    labels = [str(v) for _, values in rows for v in values]
    if len(set(labels)) < 2:
        raise UsageError(
            f"column {label!r} of {', '.join(paths)} holds {sorted(set(labels)) or 'nothing'}; two labels are needed"
        )
    named = [str(v) for t in tables for v in (t[group].cast(pa.string()).to_pylist() if group else [])]
    return Labelled(texts, labels, named or [f"row {i}" for i in range(len(labels))], tuple(files))


def read_columns(path: Path, columns: Sequence[str]) -> pa.Table:
    """A file's table; UsageError where one of the columns is not there."""
    try:
        table = pq.read_table(path) if path.name.endswith(".parquet") else pj.read_json(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise UsageError(f"file {str(path)!r} cannot be read: {error}") from None
    for column in columns:
        if column not in table.column_names:
            near = did_you_mean(column, table.column_names)
            raise UsageError(
                f"file {str(path)!r} has no column {column!r}; it has {', '.join(table.column_names)}.{near}"
            )
    return table


def _files(paths: Sequence[str]) -> list[Path]:
    found: list[Path] = []
    for given in paths:
        path = Path(given)
        inside = sorted(p for p in path.rglob("*") if p.name.endswith(ENDINGS)) if path.is_dir() else [path]
        if not inside or not inside[0].is_file():
            raise UsageError(f"{given!r}: no such file, or no {', '.join(ENDINGS)} in the folder")
        found += inside
    return found


def _described(path: Path, table: pa.Table) -> dict[str, Any]:
    found: dict[str, Any] = {
        "file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "rows": table.num_rows,
    }  # fmt: skip
    for column, name in (("license", "licences"), ("source", "sources")):
        if column in table.column_names:
            found[name] = sorted({str(v) for v in table[column].unique().to_pylist() if v is not None})
    return found


def read_unlabelled(paths: Sequence[str], text: str) -> pa.Array:
    """The texts of files, as one large_string array."""
    columns = [read_columns(path, [text])[text].cast(pa.large_string()).drop_null() for path in _files(paths)]
    return pa.chunked_array([c for column in columns for c in column.chunks], pa.large_string()).combine_chunks()
