"""What a stranger may ask: one query over the published views, by allow-lists over DuckDB's own parse tree.

Node classes, table names and function names that are not listed are refused, so that what a new DuckDB brings is
refused until somebody looked at it. Scopes are DuckDB's: a CTE is a table from its own definition on, and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import cache
from typing import Any, NoReturn

from pipeline.errors import SqlRefused, SqlTooLarge, did_you_mean
from pipeline.sandbox.functions import uses
from pipeline.sandbox.grammar import EXPRESSIONS, MODIFIERS, NAME, ORDERS, QUERIES, SHOWS, TABLES, TYPES, WIDE, WORDS
from pipeline.sql.engine import worker_engine
from pipeline.sql.parse_tree import Node, NotSql, parse

SQL_BYTES_MAX = 32 << 10
NODES_MAX = 5_000
TABLES_MAX = 32
CTES_MAX = 24
COUNT_MAX = 10_000


def check(sql: str, tables: Collection[str]) -> None:
    """Raise SqlRefused or SqlTooLarge where the statement is not one query over `tables` (names in lower case)."""
    try:
        size = len(sql.encode())
    except UnicodeEncodeError:
        raise SqlRefused("the statement is not Unicode text (half a surrogate pair); send it as UTF-8") from None
    if size > SQL_BYTES_MAX:
        raise SqlTooLarge(f"the statement is over {SQL_BYTES_MAX:,} bytes; ask in smaller pieces")
    if "\0" in sql:
        raise SqlRefused("the statement holds a NUL character; remove it")
    try:
        statements = parse(sql)
        if len(statements) != 1:
            raise SqlRefused(f"one statement is taken, here are {len(statements)}")
        _measure(statements[0])
        _Walk(sql, frozenset(tables)).query(statements[0], frozenset())
    except NotSql as error:
        place = "" if error.position is None else f" at {place_of(sql, error.position)}"
        hint = _only_queries(sql) if "Only SELECT" in str(error) else ""
        raise SqlRefused(f"{hint or f'not SQL{place}: {error}'}") from None
    except RecursionError:
        raise SqlTooLarge("the statement is nested too deep; ask in smaller pieces") from None


def place_of(sql: str, position: int) -> str:
    """'line 2, column 7' of a byte position as DuckDB tells it."""
    before = sql.encode()[:position].decode("utf-8", "replace")
    return f"line {before.count(chr(10)) + 1}, column {len(before) - before.rfind(chr(10))}"


def _only_queries(sql: str) -> str:
    if re.match(r"\s*(from\b.*)?pivot\b", sql, re.IGNORECASE | re.DOTALL):
        return "PIVOT needs its columns written out: pivot documents on stage in ('rules', 'dedup') using count(*)"
    return "only queries are taken: SELECT, FROM, WITH, VALUES, PIVOT, DESCRIBE or SUMMARIZE over the views"


def _measure(tree: Node) -> None:
    """Bound the work of the walk, and of DuckDB's planner."""
    nodes = tables = ctes = 0
    stack: list[Any] = [tree]
    while stack:
        found = stack.pop()
        if isinstance(found, dict):
            nodes += "type" in found
            tables += found.get("type") in ("BASE_TABLE", "TABLE_FUNCTION")
            ctes += "query_node" in found
            stack.extend(found.values())
        elif isinstance(found, list):
            stack.extend(found)
    for count, most, what in ((nodes, NODES_MAX, "terms"), (tables, TABLES_MAX, "tables"), (ctes, CTES_MAX, "CTEs")):
        if count > most:
            raise SqlTooLarge(f"the statement has {count:,} {what}, {most:,} is the most; ask in smaller pieces")


class _Walk:
    """One statement's walk: what it may name, and where it stands."""

    def __init__(self, sql: str, tables: frozenset[str]) -> None:
        self.sql = sql
        self.tables = tables

    def query(self, node: Node, scope: frozenset[str]) -> None:
        """A query node under the CTEs that are in scope."""
        if node["type"] not in QUERIES:
            self.refuse(node, WORDS.get(str(node["type"]), str(node["type"])), "only queries are taken")
        for entry in node["cte_map"]["map"]:
            name, told = self.cte_name(entry["key"], node), dict(entry["value"])
            body = told.pop("query_node")
            self.walk(told, scope)
            self.query(body, scope)
            scope |= {name}
        if node["type"] == "RECURSIVE_CTE_NODE":
            inside = scope | {self.cte_name(node["cte_name"], node)}
            self.walk(node["left"], scope)
            self.walk({k: v for k, v in node.items() if k not in ("type", "cte_map", "left")}, inside)
            return
        self.walk({k: v for k, v in node.items() if k not in ("type", "cte_map")}, scope)

    def walk(self, node: Any, scope: frozenset[str]) -> None:
        """Anything below a query."""
        if isinstance(node, list):
            for one in node:
                self.walk(one, scope)
        elif isinstance(node, dict):
            if "cte_map" in node:
                self.query(node, scope)
            elif "class" in node:
                self.expression(node, scope)
            elif isinstance(node.get("type"), str):
                self.part(node, scope)
            elif not isinstance(node.get("type"), dict):  # else a bare value with its type, as in a sample's size
                self.walk(list(node.values()), scope)

    def part(self, node: Node, scope: frozenset[str]) -> None:
        """What is neither query nor expression: a table, a modifier, a term of an order."""
        kind = str(node["type"])
        if kind not in TABLES | MODIFIERS | ORDERS:
            self.refuse(node, WORDS.get(kind, kind), "it is not among what may be asked")
        if kind == "BASE_TABLE":
            self.table(node, scope)
        elif kind == "TABLE_FUNCTION":
            self.function(node["function"], scope, in_from=True)
            return
        elif kind == "SHOW_REF" and (node["show_type"] not in SHOWS or node["query"] is None):
            self.refuse(node, WORDS["SHOW_SPECIAL"], "ask: select * from columns, or: describe documents")
        elif kind == "PIVOT" and any(pivot["pivot_enum"] for pivot in node["pivots"]):
            self.refuse(node, "PIVOT over an enum", "write its columns out: on stage in ('rules', 'dedup')")
        self.walk([v for k, v in node.items() if k != "type"], scope)

    def table(self, node: Node, scope: frozenset[str]) -> None:
        """A name in FROM: a view or a CTE in scope, unqualified."""
        path = node["qualified_name"]["path"]
        name = str(node["table_name"])
        if len(path) != 1 or path[0] != name or node["schema_name"] or node["catalog_name"] or node["at_clause"]:
            self.refuse(node, f"table {'.'.join(map(str, path))}", "tables are named without a schema")
        known = self.tables | scope
        if not name.isascii() or name.lower() not in known:
            self.refuse(
                node, f"table {name!r}", f"there are {', '.join(sorted(known))}.{did_you_mean(name.lower(), known)}"
            )

    def expression(self, node: Node, scope: frozenset[str]) -> None:
        """A term of any kind."""
        kind = str(node["class"])
        if kind not in EXPRESSIONS:
            self.refuse(node, WORDS.get(kind, kind), "it is not among what may be asked")
        if kind in ("FUNCTION", "WINDOW"):
            self.function(node, scope)
        elif kind != "CONSTANT":
            name = str(node.get("type_name", "")).lower()
            if kind == "TYPE" and (len(node["qualified_name"]["path"]) != 1 or name not in TYPES):
                self.refuse(node, f"type {name}", f"no type of this name is known.{did_you_mean(name, TYPES)}")
            self.walk([v for k, v in node.items() if k not in ("class", "type")], scope)

    def function(self, node: Node, scope: frozenset[str], in_from: bool = False) -> None:
        """A call: its name must be classified as allowed where it stands, and so must what it is called with."""
        name = str(node["function_name"])
        called_on = (
            len(node["qualified_name"]["path"]) > 1
        )  # url.split('/'), or a schema: names are classified in all of them
        if called_on and in_from:
            self.refuse(node, f"function {name}", "functions in FROM are named without a schema")
        use = uses().get(name.lower()) if name.isascii() else None
        if use is None:
            allowed = [n for n, u in uses().items() if (u.table if in_from else u.value)]
            self.refuse(
                node, f"function {name}", f"no function of this name is known.{did_you_mean(name.lower(), allowed)}"
            )
        if use.refused or node.get("export_state"):
            self.refuse(node, f"function {name}", use.refused or "an aggregate's state is DuckDB's own")
        if not (use.table if in_from else use.value):
            froms = ", ".join(sorted(n for n, u in uses().items() if u.table))
            self.refuse(
                node,
                f"function {name}",
                f"FROM takes views and {froms}" if in_from else f"it stands in FROM: select * from {name}(...)",
            )
        if use.counted or use.templated or use.named:
            if called_on:
                self.refuse(node, f"function {name}", f"call it as {name}(x, ...), not x.{name}(...)")
            self.argument(node, name, use.argument)
        self.walk([v for k, v in node.items() if k not in ("class", "type")], scope)

    def argument(self, node: Node, name: str, position: int) -> None:
        """An argument that says how much is made, or what is called, has to be written out."""
        use, given = uses()[name.lower()], node["arguments"]
        if len(given) <= position:
            return  # its default, or an error that DuckDB tells better
        if any(one["name"] for one in given):
            self.refuse(node, f"function {name}", "its arguments go by place, without names")
        literal = given[position]["expression"].get("literal", {})
        kind, text = literal.get("kind"), str(literal.get("text", ""))
        if use.counted and not (kind == "INTEGER" and text.isdigit() and len(text) < 9 and int(text) <= COUNT_MAX):
            self.refuse(
                node,
                f"function {name}",
                f"its argument {position + 1} has to be a number written out, {COUNT_MAX:,} at most",
            )
        if use.templated and (kind != "STRING" or WIDE.search(text)):
            self.refuse(node, f"function {name}", "its template has to be a text written out, with widths below 1,000")
        if use.named and (kind != "STRING" or not _plain(text)):
            self.refuse(node, f"function {name}", "it has to name an aggregate that may be called, written out")

    def cte_name(self, name: str, node: Node) -> str:
        """A CTE's name in lower case. One that a table of the engine has could be taken for it where scopes end."""
        if not NAME.fullmatch(name) or name.lower() in _engine_tables():
            self.refuse(
                node, f"CTE name {name!r}", "take another: letters, digits and _, and no table of DuckDB itself"
            )
        return name.lower()

    def refuse(self, node: Node, what: str, why: str) -> NoReturn:
        """Name what was refused, where, and what is allowed."""
        position = next((p for p in _locations(node) if p < len(self.sql) * 4), None)
        place = "" if position is None else f" at {place_of(self.sql, position)}"
        raise SqlRefused(f"refused: {what}{place}: {why}")


def _plain(name: str) -> bool:
    use = uses().get(name.lower())
    return use is not None and use.value and not (use.counted or use.templated or use.named)


def _locations(node: Any) -> Iterator[int]:
    if isinstance(node, dict):
        if "query_location" in node:
            yield int(node["query_location"])
        for value in node.values():
            yield from _locations(value)
    elif isinstance(node, list):
        for value in node:
            yield from _locations(value)


@cache
def _engine_tables() -> frozenset[str]:
    rows = worker_engine().execute(
        "select lower(view_name) from duckdb_views() union select lower(table_name) from duckdb_tables()"
    )
    return frozenset(name for (name,) in rows.fetchall())
