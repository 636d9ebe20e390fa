"""DuckDB's own parse tree of a SQL text, as Python values: what every gate looks at. Nothing is bound or run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import duckdb

from pipeline.sql.engine import worker_engine

Node = dict[str, Any]


class NotSql(Exception):
    """DuckDB's parser does not take it; position is the byte it stopped at, where it says so."""

    def __init__(self, message: str, position: int | None = None) -> None:
        super().__init__(message)
        self.position = position


def parse(sql: str) -> list[Node]:
    """The statements of a SQL text, each as its top query node. Raises NotSql; only queries have a tree."""
    try:
        said = worker_engine().execute("select json_serialize_sql(?::varchar)", [sql]).fetchall()[0][0]
    except duckdb.Error as error:  # what its serializer cannot say
        raise NotSql(str(error).partition("\n")[0]) from None
    tree = json.loads(said)
    if tree.get("error"):
        where = str(tree.get("position", ""))
        raise NotSql(str(tree.get("error_message", "not SQL")), int(where) if where.isdigit() else None)
    return [statement["node"] for statement in tree["statements"]]


def expressions(node: Any) -> Iterator[Node]:
    """Every expression of a tree, outermost first."""
    if isinstance(node, dict):
        if "class" in node and "type" in node:
            yield node
        for value in node.values():
            yield from expressions(value)
    elif isinstance(node, list):
        for value in node:
            yield from expressions(value)
