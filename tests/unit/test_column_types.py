"""Types for a column whose files differ."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pytest

from pipeline.sources.column_types import merge_types


def _schema(**types: pa.DataType) -> pa.Schema:
    return pa.schema(list(types.items()))


def test_merged_types_hold_every_file() -> None:
    merged, told = merge_types(
        [
            _schema(a=pa.int32(), b=pa.string(), c=pa.int64(), d=pa.null()),
            _schema(b=pa.dictionary(pa.int8(), pa.string()), a=pa.int64(), c=pa.bool_(), d=pa.string(), e=pa.date32()),
        ]
    )
    assert merged == _schema(a=pa.int64(), b=pa.large_string(), c=pa.string(), d=pa.string(), e=pa.date32())
    assert told == ["column 'c' is bool and int64 in different files: written as string"]


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (pa.int32(), pa.float64(), pa.float64()),
        (pa.int64(), pa.uint64(), None),
        (pa.uint8(), pa.int8(), pa.int16()),
        (pa.decimal128(10, 2), pa.int64(), None),
        (pa.decimal128(10, 2), pa.float64(), None),
        (pa.decimal128(10, 2), pa.decimal128(20, 4), pa.decimal128(20, 4)),
        (pa.timestamp("us"), pa.timestamp("ns"), None),
        (pa.timestamp("ms"), pa.timestamp("us"), pa.timestamp("us")),
        (pa.binary(), pa.string(), pa.large_binary()),
        (pa.string_view(), pa.null(), pa.large_string()),
        (pa.list_(pa.int32()), pa.list_(pa.null()), pa.list_(pa.int32())),
        (pa.list_(pa.string_view()), pa.list_(pa.string()), pa.list_(pa.large_string())),
        (pa.struct([("a", pa.int64())]), pa.struct([("a", pa.null())]), pa.struct([("a", pa.int64())])),
    ],
)  # fmt: skip
def test_a_merged_type_has_every_value_of_both_or_is_string(
    one: pa.DataType, other: pa.DataType, both: pa.DataType | None
) -> None:
    for first, second in ((one, other), (other, one)):
        merged, told = merge_types([_schema(x=first), _schema(x=second)])
        assert merged == _schema(x=both or pa.string())
        assert len(told) == (both is None)


@pytest.mark.parametrize("of", [lambda t: t, pa.list_, lambda t: pa.struct([("a", t)])])
def test_integers_beside_floats_are_floats_with_a_warning(of: Callable[[pa.DataType], pa.DataType]) -> None:
    merged, told = merge_types(
        [_schema(x=of(pa.int64()), y=of(pa.int32())), _schema(x=of(pa.float64()), y=of(pa.float64()))]
    )
    assert merged == _schema(x=of(pa.float64()), y=of(pa.float64()))
    assert told == [
        f"column 'x' has integers in some files and floats in others: written as {of(pa.float64())}, which rounds large integers"
    ]
