"""A table of any columns as bytes: JSON, CSV, Parquet or an Arrow stream, whatever DuckDB's types are."""

from __future__ import annotations

import datetime
import io
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Literal

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

WHOLE_MAX = 1 << 63


def encoded(table: pa.Table, format_: Literal["arrow", "json", "csv", "parquet"]) -> bytes:
    """The rows in a format. json: one array of objects, an object a line. Nested values become JSON text in CSV."""
    sink = io.BytesIO()
    if format_ == "arrow":
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
    elif format_ == "csv":
        pa_csv.write_csv(flat(table), sink)
    elif format_ == "parquet":
        pq.write_table(storable(table), sink, compression="zstd", write_page_checksum=True)
    else:
        sink.write(b"[" + b",".join(b"\n" + line for line in json_lines(table)) + b"\n]\n")
    return sink.getvalue()


def json_lines(table: pa.Table) -> Iterator[bytes]:
    """One JSON object a row, without line ends. Times are ISO 8601, bytes hex; what is no JSON number is null."""
    for batch in _readable(table).to_batches(max_chunksize=1024):
        for row in batch.to_pylist():
            yield orjson.dumps(row, default=_plain, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_SUBCLASS)


def flat(table: pa.Table) -> pa.Table:
    """CSV has no nesting: structs and lists as JSON text, bytes as hex."""
    table = storable(_readable(table))
    for i, field in enumerate(table.schema):
        if pa.types.is_nested(field.type) or _is_bytes(field.type):
            texts = [None if v is None else _text(v) for v in table.column(i).to_pylist()]
            table = table.set_column(i, field.name, pa.array(texts, pa.string()))
        elif pa.types.is_dictionary(field.type):
            table = table.set_column(i, field.name, table.column(i).cast(field.type.value_type))
    return table


def storable(table: pa.Table) -> pa.Table:
    """Parquet has no intervals and unions: as text."""
    for i, field in enumerate(table.schema):
        if pa.types.is_interval(field.type) or pa.types.is_union(field.type):
            texts = [None if v is None else _text(v) for v in table.column(i).to_pylist()]
            table = table.set_column(i, field.name, pa.array(texts, pa.string()))
    return table


def _readable(table: pa.Table) -> pa.Table:
    """Times as text: years beyond 9999 and nanoseconds are no Python values."""
    for i, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type) or pa.types.is_date(field.type):
            table = table.set_column(i, field.name, pc.cast(table.column(i), pa.string()))
    return table


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind) or pa.types.is_large_binary(kind))


def _text(value: Any) -> str:
    if isinstance(value, (bytes, datetime.timedelta)) or not isinstance(value, (dict, list, str)):
        return str(_plain(value))
    if isinstance(value, str):
        return value
    return orjson.dumps(value, default=_plain, option=orjson.OPT_NON_STR_KEYS).decode()


def _plain(value: Any) -> Any:
    """What orjson does not know, as something it does."""
    match value:
        case bytes():
            return value.hex()
        case Decimal():
            if value.as_tuple().exponent != 0:
                return float(value)
            return int(value) if abs(value) < WHOLE_MAX else str(value)
        case tuple():
            return list(value)
    return str(value)
