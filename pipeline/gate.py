"""What SQL a recipe may hold: expressions over one document's own row, the same on every machine and every run.

A window function, an aggregate or a subquery would mean something else for every way shards are cut; random() and the
like would break the promise of equal bytes. DuckDB's own parse tree is looked at, by allow-lists.
"""

from __future__ import annotations

from functools import cache

from pipeline.engine import worker_engine
from pipeline.errors import PlanError
from pipeline.parse_tree import Node, NotSql, expressions, parse

CLASSES = frozenset({
    "BETWEEN", "CASE", "CAST", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION", "LAMBDA", "LAMBDA_REF", "OPERATOR", "TYPE",
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
}


def check(what: str, sql: str, ordering: bool = False) -> None:
    """Raise PlanError where an expression (or, with `ordering`, the terms of an ORDER BY) is not of one row alone."""
    wrapped = f"select 1 from rows order by {sql}\n" if ordering else f"select ({sql}\n) from rows"
    try:
        statements = parse(wrapped)
    except NotSql as error:
        raise PlanError(f"{what}: {sql!r}: {error}") from None
    node = statements[0] if len(statements) == 1 else None
    if node is None or node["type"] != "SELECT_NODE" or node["from_table"]["type"] != "BASE_TABLE":
        raise PlanError(f"{what}: {sql!r} is more than one expression")
    kinds = [m["type"] for m in node["modifiers"]]
    parts = [node["where_clause"], node["group_expressions"], node["having"], node["qualify"], node["sample"]]
    if kinds != (["ORDER_MODIFIER"] if ordering else []) or any(parts):
        raise PlanError(f"{what}: {sql!r}: only {'terms to order by' if ordering else 'one predicate'} may stand here")
    said = node["modifiers"][0]["orders"] if ordering else node["select_list"]
    for found in expressions(said):
        _check_one(what, sql, found)


def _check_one(what: str, sql: str, found: Node) -> None:
    kind = found["class"]
    if kind not in CLASSES:
        raise PlanError(
            f"{what}: {sql!r} holds {WORDS.get(kind, kind)}; it may look at one document only, and be the same on every run"
        )
    if kind == "COLUMN_REF" and str(found["column_names"][-1]).lower() in CLOCKS:
        raise PlanError(f"{what}: {sql!r} asks for {found['column_names'][-1]}, which is another on every run")
    if kind == "FUNCTION" and str(found["function_name"]).lower() not in _plain_functions():
        raise PlanError(
            f"{what}: {sql!r} calls {found['function_name']}(), which is not a function of one row alone, the same on every run"
        )


@cache
def _plain_functions() -> frozenset[str]:
    """Scalar functions that give the same for the same arguments. (unnest and the like are no scalars.)"""
    rows = worker_engine().execute(
        "select lower(function_name), bool_and(function_type in ('scalar', 'macro') and coalesce(stability, 'CONSISTENT') = 'CONSISTENT') "
        "from duckdb_functions() group by 1"
    )
    clocks = {"getenv", "current_setting", "nextval", "currval", "unnest", "query", "query_table"}
    return frozenset(name for name, plain in rows.fetchall() if plain and name not in clocks)
