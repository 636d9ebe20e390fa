"""Rows of the text table as they are taken in: documents and quarantined rows, checked batch by batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.schema import METADATA_COLUMN, PROVENANCE, TEXT_COLUMN, TEXT_TABLE, arrow_schema
from pipeline.sources.columns import as_one, doc_ids, made_ids
from pipeline.sources.listing import SourceFile, partitions

IDS_SCHEMA = arrow_schema(TEXT_TABLE)
EXAMPLES = 3
CONVERTED_SCHEMA = arrow_schema((*TEXT_TABLE, METADATA_COLUMN, TEXT_COLUMN))


@dataclass(slots=True)
class Tally:
    """What happened in one unit: rows by reason, ids that were made, files left out. Kept in its part's footer."""

    documents: int = 0
    quarantined: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    files_by_reason: dict[str, list[str]] = field(default_factory=dict)
    """The first EXAMPLES that a reason was met in."""
    missing_ids: int = 0
    long_ids: int = 0
    own_ids: int = 0
    files: list[dict[str, str]] = field(default_factory=list)

    def reject(self, reason: str, files: Iterable[str], rows: int = 1) -> None:
        """Count rows that these files have together."""
        self.quarantined += rows
        self.reasons[reason] = self.reasons.get(reason, 0) + rows
        known = self.files_by_reason.setdefault(reason, [])
        known[:] = list(dict.fromkeys([*known, *files]))[:EXAMPLES]

    @property
    def counts(self) -> dict[str, int]:
        return {"documents": self.documents, "quarantined": self.quarantined}


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Per row: why it is quarantined (null for a document), what was found, and its text's bytes."""

    reason: pa.Array
    detail: pa.Array
    text_bytes: pa.Array


def judge_text(column: pa.Array | pa.ChunkedArray, max_doc_bytes: int) -> Verdicts:
    """Check a batch of text: null, longer than max_doc_bytes, not UTF-8. Rows are looked at one by one only where the
    whole batch fails."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_string_view(column.type) or pa.types.is_binary_view(column.type):
        column = column.cast(pa.large_string() if pa.types.is_string_view(column.type) else pa.large_binary())
    lengths, missing = as_one(pc.binary_length(column)).cast(pa.int64()), as_one(pc.is_null(column))
    too_long = pc.fill_null(pc.greater(lengths, max_doc_bytes), False)
    faults = pa.nulls(len(column), pa.string()) if _all_utf8(column) else _utf8_faults(column)
    nothing = pa.scalar(None, pa.string())
    reason = pc.case_when(
        pc.make_struct(missing, too_long, pc.is_valid(faults)), "null_text", "too_long", "not_utf8", nothing
    )
    long_detail = f"longer than input.max_doc_bytes ({max_doc_bytes} bytes)"
    detail = pc.case_when(pc.make_struct(missing, too_long), "the text is null", long_detail, faults)
    return Verdicts(reason, detail, pc.if_else(pc.is_null(reason), lengths, None))


def _all_utf8(column: pa.Array | pa.ChunkedArray) -> bool:
    try:
        if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
            column.cast(pa.large_string())
        else:
            column.validate(full=True)
        return True
    except pa.ArrowInvalid:
        return False


def _utf8_faults(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Per row: where it is not UTF-8, or null where it is."""
    faults: list[str | None] = [None] * len(column)
    for row, value in enumerate(column):
        try:
            if value.is_valid:
                value.as_buffer().to_pybytes().decode()
        except UnicodeDecodeError as error:
            faults[row] = f"byte {error.start} of the text: {error.reason}"
    return pa.array(faults, pa.string())


def quarantined_rows(file: str, positions: pa.Array, reason: str, detail: str) -> pa.Table:
    """Rows that stand for what could not be read, with made ids."""
    rows = len(positions)
    why = Verdicts(pa.repeat(pa.scalar(reason), rows), pa.repeat(pa.scalar(detail), rows), pa.nulls(rows, pa.int64()))
    return _table(made_ids(file, positions), why, _strings(file, rows), positions, {})


def id_rows(
    file: pa.Array | str,
    positions: pa.Array,
    verdicts: Verdicts,
    own_ids: pa.Array | None,
    provenance: Mapping[str, pa.Array | str | None],
    tally: Tally,
) -> pa.Table:
    """Rows of TEXT_TABLE for one batch; the tally counts them. file: its name, of each row or of all of them."""
    ids, missing, long = doc_ids(own_ids, made_ids(file, positions))
    tally.missing_ids += missing
    tally.long_ids += long
    tally.own_ids += 0 if own_ids is None else len(own_ids) - missing
    files = _strings(file, len(positions))
    count_verdicts(verdicts, files, tally)
    return _table(ids, verdicts, files, positions, provenance)


def _table(
    ids: pa.Array,
    verdicts: Verdicts,
    file: pa.Array,
    positions: pa.Array,
    provenance: Mapping[str, pa.Array | str | None],
) -> pa.Table:
    values = {
        "doc_id": ids,
        "quarantine": verdicts.reason,
        "quarantine_detail": verdicts.detail,
        "text_bytes": verdicts.text_bytes,
        "file_path": file,
        "file_row": positions,
        **{name: _strings(provenance.get(name), len(ids)) for name in PROVENANCE},
    }
    return pa.table([values[n] for n in IDS_SCHEMA.names], schema=IDS_SCHEMA)


def of_files(files: Sequence[SourceFile], rows: Sequence[int]) -> tuple[pa.Array, dict[str, pa.Array]]:
    """(name, provenance that the path tells) of each row. rows: how many follow each other of each file."""
    at = pa.array(np.repeat(np.arange(len(files), dtype=np.int32), rows))
    hive = [partitions(f.path) for f in files]
    told = dict.fromkeys(name for values in hive for name in values)
    provenance = {name: pa.array([h.get(name) for h in hive], pa.string()).take(at) for name in told}
    return pa.array([f.name for f in files], pa.string()).take(at), provenance


def with_text(rows: pa.Table, metadata: pa.Array, text: pa.Array) -> pa.Table:
    """Rows of a converted part: text is null where the row is quarantined."""
    reasons = rows.column("quarantine")
    if reasons.null_count < len(reasons):
        text = pc.if_else(pc.is_null(reasons.combine_chunks()), text, None)
    return pa.table([*rows.columns, metadata, text], schema=CONVERTED_SCHEMA)


def count_verdicts(verdicts: Verdicts, files: pa.Array, tally: Tally) -> None:
    """Add a batch to the tally. files: of each row."""
    rejected = pc.value_counts(verdicts.reason.drop_null()).to_pylist()
    for entry in rejected:
        those = files.filter(pc.equal(verdicts.reason, entry["values"])).unique().slice(0, EXAMPLES)
        tally.reject(entry["values"], those.to_pylist(), entry["counts"])
    tally.documents += len(verdicts.reason) - sum(e["counts"] for e in rejected)


def _strings(value: pa.Array | str | None, rows: int) -> pa.Array:
    if isinstance(value, pa.Array):
        return value.cast(pa.string())
    return pa.repeat(pa.scalar(value, pa.string()), rows)


def positions(first: int, rows: int) -> pa.Array:
    """first, first + 1, …"""
    return pa.array(np.arange(first, first + rows, dtype=np.int64))
