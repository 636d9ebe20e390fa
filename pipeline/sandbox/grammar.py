"""What of DuckDB's language may be asked: the kinds of nodes of its parse tree, and the names of types. All else is refused."""

from __future__ import annotations

import re

QUERIES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE"})
TABLES = frozenset(
    {"BASE_TABLE", "SUBQUERY", "JOIN", "TABLE_FUNCTION", "EXPRESSION_LIST", "EMPTY", "PIVOT", "SHOW_REF"}
)
MODIFIERS = frozenset({"ORDER_MODIFIER", "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER", "DISTINCT_MODIFIER"})
ORDERS = frozenset({"ORDER_DEFAULT", "ASCENDING", "DESCENDING"})
EXPRESSIONS = frozenset({
    "BETWEEN", "CASE", "CAST", "COLLATE", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION", "LAMBDA", "LAMBDA_REF",
    "OPERATOR", "POSITIONAL_REFERENCE", "STAR", "SUBQUERY", "TYPE", "WINDOW",
})  # fmt: skip
TYPES = frozenset({
    "array", "bigint", "bignum", "binary", "bit", "bitstring", "blob", "bool", "boolean", "bpchar", "bytea", "char", "date", "datetime",
    "dec", "decimal", "double", "enum", "float", "float4", "float8", "guid", "hugeint", "int", "int1", "int128", "int16", "int2", "int32",
    "int4", "int64", "int8", "integer", "integral", "interval", "json", "list", "logical", "long", "map", "null", "numeric", "nvarchar",
    "real", "row", "short", "signed", "smallint", "string", "struct", "text", "time", "time with time zone", "time_ns", "timestamp",
    "timestamp with time zone", "timestamp_ms", "timestamp_ns", "timestamp_s", "timestamp_us", "timestamptz", "timestamptz_ns", "timetz",
    "tinyint", "tuple", "ubigint", "uhugeint", "uint128", "uint16", "uint32", "uint64", "uint8", "uinteger", "union", "usmallint",
    "utinyint", "uuid", "varbinary", "varchar", "varint",
})  # fmt: skip
SHOWS = frozenset({"DESCRIBE", "SUMMARY"})
WORDS = {
    "PARAMETER": "a parameter (? or $1)",
    "DELETE_QUERY_NODE": "a DELETE",
    "INSERT_QUERY_NODE": "an INSERT",
    "UPDATE_QUERY_NODE": "an UPDATE",
    "MERGE_QUERY_NODE": "a MERGE",
    "SHOW_SPECIAL": "SHOW of tables, databases or settings",
}
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
WIDE = re.compile(r"%[-+ #0-9.,']*(?:\d{4}|\*)|\{[^}]*(?:\d{4}|\{)")
"""In a template: a width or precision of four digits or more, or one that is an argument."""
