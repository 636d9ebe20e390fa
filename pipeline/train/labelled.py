"""Labelled text to train on: files with a column of text, one of labels, and one of groups where there is one.

Labels and groups are read as `winnow evaluate` reads them: any scalar as a string, a name may reach into a struct or JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import UsageError
from pipeline.measures.splits import NO_GROUP
from pipeline.sources.fields import Seen, check_found, field_of
from pipeline.sources.listing import SourceFile, list_files
from pipeline.train.files import Entry, tables, text_of


@dataclass(frozen=True, slots=True)
class Labelled:
    """N rows. texts: large_string; labels, groups: one string a row (no group column: each row its own); files: what they
    were read from, as a card lists it."""

    texts: pa.Array
    labels: list[str]
    groups: list[str]
    files: tuple[dict[str, Any], ...]


def read_labelled(paths: Sequence[str], text: str, label: str, group: str | None = None) -> Labelled:
    """Rows that have text and a label (NaN is none); UsageError names the column that is missing, or says that nothing is
    left."""
    names = [label, *([group] if group else [])]
    texts: list[pa.Array] = []
    fields: dict[str, list[str | None]] = {name: [] for name in names}
    seen, files = Seen(), []
    for file in _files(paths):
        entry = Entry(file)
        for table in tables(file):
            column = text_of(file, table, text)
            found = {name: field_of(table, name, seen) for name in names}
            there = pc.and_(pc.is_valid(column), pc.is_valid(found[label]))
            entry.add(table.filter(there))
            texts.append(column.filter(there))
            for name, values in found.items():
                fields[name] += values.filter(there).to_pylist()
        files.append(entry.described())
    if not seen.names:
        raise UsageError(f"{', '.join(paths)}: there are no rows; training needs text with a label")
    check_found(names, seen)
    labels = [v for v in fields[label] if v is not None]
    if len(set(labels)) < 2:
        raise UsageError(
            f"column {label!r} of {', '.join(paths)} holds {sorted(set(labels)) or 'nothing'}; two labels are needed"
        )
    groups = [g or NO_GROUP for g in fields[group]] if group else [f"row {i}" for i in range(len(labels))]
    return Labelled(_one_array(texts), labels, groups, tuple(files))


def read_unlabelled(paths: Sequence[str], text: str) -> pa.Array:
    """The texts of files, as one large_string array."""
    return _one_array([text_of(f, table, text).drop_null() for f in _files(paths) for table in tables(f)])


def _files(paths: Sequence[str]) -> list[SourceFile]:
    """Parquet and JSONL: a folder may hold a README beside them."""
    found = [f for f in list_files(paths) if f.format != "text"]
    if not found:
        raise UsageError(f"{', '.join(paths)}: no Parquet or JSONL there, which labelled text is read from")
    return found


def _one_array(pieces: list[pa.Array]) -> pa.Array:
    return pa.chunked_array(pieces, pa.large_string()).combine_chunks()
