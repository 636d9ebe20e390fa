"""What values a column's type can hold, and a type for the same column of several files."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

MANTISSA_BITS = {16: 11, 32: 24, 64: 53}
"""Of floats by their width: integers of as many bits are exact."""


def is_text(type: pa.DataType) -> bool:
    """Whether a column of this type can hold text: strings, bytes, views, and dictionaries of those."""
    if pa.types.is_dictionary(type):
        return is_text(type.value_type)
    strings = pa.types.is_string(type) or pa.types.is_large_string(type) or pa.types.is_string_view(type)
    return bool(strings or is_bytes(type))


def is_bytes(type: pa.DataType) -> bool:
    """Whether a column of text has bytes that may be no UTF-8."""
    if pa.types.is_dictionary(type):
        return is_bytes(type.value_type)
    return bool(pa.types.is_binary(type) or pa.types.is_large_binary(type) or pa.types.is_binary_view(type))


def is_scalar(type: pa.DataType) -> bool:
    """Whether a value of this type can be written as one string."""
    if pa.types.is_dictionary(type):
        return is_scalar(type.value_type)
    if isinstance(type, pa.UuidType):
        return True
    return not (pa.types.is_nested(type) or pa.types.is_null(type) or isinstance(type, pa.BaseExtensionType))


def without_views(type: pa.DataType) -> pa.DataType:
    """The same values in a type whose rows Arrow can take: it cannot take views, nor what holds any."""
    if pa.types.is_string_view(type):
        return pa.large_string()
    if pa.types.is_binary_view(type):
        return pa.large_binary()
    if pa.types.is_struct(type):
        return pa.struct([f.with_type(without_views(f.type)) for f in type])
    if pa.types.is_map(type):
        return pa.map_(without_views(type.key_type), without_views(type.item_type), type.keys_sorted)
    if pa.types.is_list(type) or pa.types.is_large_list(type):
        of = pa.list_ if pa.types.is_list(type) else pa.large_list
        return of(type.value_field.with_type(without_views(type.value_type)))
    return type


def merge_types(schemas: Iterable[pa.Schema]) -> tuple[pa.Schema, list[str]]:
    """All columns of all files in first-seen order, each with a type that holds them all, and what to warn of."""
    merged: dict[str, pa.DataType] = {}
    conflicts: dict[str, set[str]] = {}
    rounded: dict[str, pa.DataType] = {}
    for schema in schemas:
        for field in schema:
            type_ = without_views(field.type)
            before = merged.setdefault(field.name, type_)
            common = before if before == type_ else _common(before, type_)
            merged[field.name] = common or pa.string()
            if common is None:
                conflicts.setdefault(field.name, set()).update((str(before), str(type_)))
            elif _rounds(common, type_) or _rounds(common, before):
                rounded[field.name] = common
    told = [
        f"column {n!r} is {' and '.join(sorted(c))} in different files: written as string" for n, c in conflicts.items()
    ]
    told += [
        f"column {n!r} has integers in some files and floats in others: written as {t}, which rounds large integers"
        for n, t in rounded.items()
        if n not in conflicts
    ]
    return pa.schema(list(merged.items())), told


def _common(a: pa.DataType, b: pa.DataType) -> pa.DataType | None:
    """A type that holds the values of both, or None."""
    if is_text(a) and is_text(b):
        return pa.large_binary() if is_bytes(a) or is_bytes(b) else pa.large_string()
    try:
        joined = pa.unify_schemas([pa.schema([("x", a)]), pa.schema([("x", b)])], promote_options="permissive")
    except pa.ArrowException:
        return None
    common = joined.field("x").type
    return common if _holds(common, a) and _holds(common, b) else None


def _holds(wide: pa.DataType, narrow: pa.DataType) -> bool:
    """Whether a type that Arrow joined of this one and another has all its values (integers as floats: see `_rounds`): not 64-bit
    integers with another sign, nor years after 2262 in nanoseconds."""
    if pa.types.is_struct(narrow):
        return all(_holds(wide.field(f.name).type, f.type) for f in narrow)
    if pa.types.is_nested(narrow) and wide != narrow:
        return not pa.types.is_map(narrow) and _holds(wide.value_type, narrow.value_type)
    if pa.types.is_decimal(narrow):
        return bool(pa.types.is_decimal(wide))
    if pa.types.is_timestamp(narrow) or pa.types.is_duration(narrow):
        return bool(wide.unit == narrow.unit or wide.unit != "ns")
    if pa.types.is_integer(narrow) and not pa.types.is_floating(wide):
        signed = pa.types.is_signed_integer(narrow)
        ends = (
            [-(1 << narrow.bit_width - 1), (1 << narrow.bit_width - 1) - 1] if signed else [(1 << narrow.bit_width) - 1]
        )
        try:
            pa.array(ends, narrow).cast(wide)
        except pa.ArrowInvalid:
            return False
    return True


def _rounds(wide: pa.DataType, narrow: pa.DataType) -> bool:
    """Whether a type that `_holds` this one has some of its integers as floats nearby, as missing values make pandas write them."""
    if pa.types.is_struct(narrow):
        return any(_rounds(wide.field(f.name).type, f.type) for f in narrow)
    if pa.types.is_nested(narrow) and wide != narrow:
        return _rounds(wide.value_type, narrow.value_type)
    return bool(
        pa.types.is_integer(narrow) and pa.types.is_floating(wide) and narrow.bit_width > MANTISSA_BITS[wide.bit_width]
    )
