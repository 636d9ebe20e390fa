"""What SQL a recipe may hold: expressions over one document's own row, the same on every machine and every run.

A window function, an aggregate or a subquery would mean something else for every way shards are cut; random() and the
like would break the promise of equal bytes. And who sends a recipe to a service may be hostile: a predicate runs for every
document, so nothing in it may grow. Functions give a number, a flag, a time, or a text no longer than what goes in, and there
are no lists, whose text quotes what is in them. DuckDB's own parse tree is looked at, by allow-lists.
"""

from __future__ import annotations

from functools import cache

from pipeline.errors import PlanError
from pipeline.sandbox.functions import uses
from pipeline.sql.engine import worker_engine
from pipeline.sql.parse_tree import Node, NotSql, expressions, parse

SQL_CHARS_MAX = 8_192
TERMS_MAX = 1_000
CLASSES = frozenset({
    "BETWEEN", "CASE", "CAST", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION", "OPERATOR", "TYPE",
})  # fmt: skip
FUNCTIONS = frozenset("""
    + - * / // % ** ^ & | ~ << >> @ xor add subtract multiply divide fdiv mod fmod pow power abs sign signbit round round_even
    roundbankers ceil ceiling floor trunc even sqrt cbrt exp ln log log2 log10 sin cos tan cot asin acos atan atan2 sinh cosh tanh
    asinh acosh atanh degrees radians pi greatest least gcd lcm greatest_common_divisor least_common_multiple isnan isinf isfinite
    bit_count nextafter
    if nullif switch typeof is_distinct_from is_not_distinct_from !__postfix
    ~~ !~~ ~~* !~~* ~~~ like_escape ilike_escape not_like_escape not_ilike_escape ^@ starts_with ends_with prefix suffix contains
    regexp_matches regexp_full_match regexp_extract instr strpos position len length char_length character_length strlen octet_length
    length_grapheme ascii unicode ord lower lcase upper ucase trim ltrim rtrim left right left_grapheme right_grapheme substr substring
    substring_grapheme reverse split_part strip_accents nfc_normalize || concat concat_ws md5 sha1 sha256 md5_number md5_number_lower
    md5_number_upper hash jaccard jaro_similarity jaro_winkler_similarity hamming mismatches levenshtein parse_filename parse_dirname
    parse_dirpath
    year month day hour minute second quarter week weekday weekofyear yearweek dayofweek dayofmonth dayofyear dayname monthname isodow
    isoyear decade century millennium era epoch epoch_ms epoch_us epoch_ns julian date_part datepart date_trunc datetrunc date_diff
    datediff date_sub datesub date_add last_day make_date make_time make_timestamp make_timestamp_ms strptime try_strptime strftime
    to_days to_weeks to_months to_years to_hours to_minutes to_seconds time_bucket
""".split())  # fmt: skip  # noqa: SIM905 - a wall of quotes hides what is in it
"""What SQL writes with spaces ('is distinct from') is here with underscores."""
TYPES = frozenset({
    "bigint", "bool", "boolean", "char", "date", "datetime", "dec", "decimal", "double", "float", "float4", "float8", "hugeint", "int", "int1",
    "int128", "int16", "int2", "int32", "int4", "int64", "int8", "integer", "interval", "long", "logical", "numeric", "real", "short", "signed",
    "smallint", "string", "text", "time", "timestamp", "timestamp_ms", "timestamp_ns", "timestamp_s", "timestamp_us", "tinyint", "ubigint",
    "uhugeint", "uint128", "uint16", "uint32", "uint64", "uint8", "uinteger", "usmallint", "utinyint", "varchar",
})  # fmt: skip
CLOCKS = frozenset(
    {"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp", "current_user", "session_user"}
)
"""Functions that SQL writes like columns."""
WORDS = {
    "WINDOW": "a window function (over ...)",
    "SUBQUERY": "a subquery",
    "STAR": "*",
    "PARAMETER": "a parameter (?)",
    "POSITIONAL_REFERENCE": "a column by number",
    "LAMBDA": "a lambda",
    "LAMBDA_REF": "a lambda",
    "COLLATE": "a collation",
}


def check(what: str, sql: str, ordering: bool = False) -> None:
    """Raise PlanError where an expression (or, with `ordering`, the terms of an ORDER BY) is not of one row alone."""
    if len(sql) > SQL_CHARS_MAX or "\0" in sql:
        raise PlanError(f"{what}: {len(sql):,} characters; SQL of at most {SQL_CHARS_MAX:,} is taken, without NUL")
    wrapped = f"select 1 from rows order by {sql}\n" if ordering else f"select ({sql}\n) from rows"
    try:
        found = list(expressions(_said(what, sql, parse(wrapped), ordering)))
    except NotSql as error:
        raise PlanError(f"{what}: {sql!r}: {error}") from None
    except (RecursionError, UnicodeEncodeError) as error:
        raise PlanError(
            f"{what}: it cannot be read ({type(error).__name__}): write it shorter, in plain text"
        ) from None
    if len(found) > TERMS_MAX:
        raise PlanError(
            f"{what}: {len(found):,} terms, {TERMS_MAX:,} are the most; make several rules of it, or a scorer"
        )
    for one in found:
        _check_one(what, sql, one)


def _said(what: str, sql: str, statements: list[Node], ordering: bool) -> Node:
    """The expression's part of the tree, once it is sure that there is nothing beside it."""
    node = statements[0] if len(statements) == 1 else None
    if node is None or node["type"] != "SELECT_NODE" or node["from_table"]["type"] != "BASE_TABLE":
        raise PlanError(f"{what}: {sql!r} is more than one expression")
    kinds = [m["type"] for m in node["modifiers"]]
    parts = [node["where_clause"], node["group_expressions"], node["having"], node["qualify"], node["sample"]]
    if kinds != (["ORDER_MODIFIER"] if ordering else []) or any(parts) or node["cte_map"]["map"]:
        raise PlanError(f"{what}: {sql!r}: only {'terms to order by' if ordering else 'one predicate'} may stand here")
    said: Node = {"said": node["modifiers"][0]["orders"] if ordering else node["select_list"]}
    return said


def _check_one(what: str, sql: str, found: Node) -> None:
    kind = found["class"]
    if kind not in CLASSES:
        raise PlanError(
            f"{what}: {sql!r} holds {WORDS.get(kind, kind)}; it may look at one document only, and be the same on every run"
        )
    if kind == "COLUMN_REF" and str(found["column_names"][-1]).lower() in CLOCKS:
        raise PlanError(f"{what}: {sql!r} asks for {found['column_names'][-1]}, which is another on every run")
    if kind == "TYPE" and str(found.get("type_name", "")).lower() not in TYPES:
        raise PlanError(f"{what}: {sql!r} casts to {found.get('type_name')}; numbers, text, flags and times are taken")
    if kind == "FUNCTION" and str(found["function_name"]).lower().replace(" ", "_") not in allowed():
        raise PlanError(
            f"{what}: {sql!r} calls {found['function_name']}(), which is not among what a rule may call: functions of one row "
            "alone, the same on every run, whose value does not grow (docs/recipe.md)"
        )


@cache
def allowed() -> frozenset[str]:
    """Functions that may be called: of the list above, those that this DuckDB has as plain scalars, the same for the same
    arguments, and that a stranger may call in SQL, too."""
    rows = worker_engine().execute(
        "select lower(function_name), bool_and(function_type in ('scalar', 'macro') and coalesce(stability, 'CONSISTENT') = 'CONSISTENT') "
        "from duckdb_functions() group by 1"
    )
    plain = {name for name, consistent in rows.fetchall() if consistent and name in uses() and uses()[name].value}
    return FUNCTIONS & {name.replace(" ", "_") for name in plain}
