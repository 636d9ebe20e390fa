"""The gate: every function name is classified, scopes are DuckDB's, and a refusal says what, where and what else."""

from __future__ import annotations

import duckdb
import pytest

from pipeline.catalog.views import VIEWS
from pipeline.errors import SqlRefused, SqlTooLarge
from pipeline.sandbox.functions import uses
from pipeline.sandbox.gate import CTES_MAX, NODES_MAX, SQL_BYTES_MAX, TABLES_MAX, check, place_of

NAMES = {
    n for (n,) in duckdb.connect().execute("select distinct lower(function_name) from duckdb_functions()").fetchall()
}


def test_every_function_of_this_duckdb_is_classified() -> None:
    assert NAMES - set(uses()) == set(), "look at each, and give it a line in pipeline/sandbox/functions.tsv"


def test_no_function_is_classified_that_is_gone() -> None:
    assert set(uses()) - NAMES == set()


def test_table_functions_that_may_be_asked_are_few() -> None:
    assert {n for n, use in uses().items() if use.table} == {
        "generate_series",
        "json_each",
        "json_tree",
        "range",
        "unnest",
    }


@pytest.mark.parametrize("name", sorted(n for n, use in uses().items() if use.refused and n.isidentifier()))
def test_a_refused_function_is_refused_wherever_it_stands(name: str) -> None:
    for statement in (
        f"select {name}(1)",
        f"select * from {name}(1)",
        f"select {name}() over () from documents",
        f"select {name.upper()}('x')",
    ):
        with pytest.raises(SqlRefused):
            check(statement, VIEWS)


SCOPES = [
    ("with a as (select 1), b as (from a) from b", True),
    ("with a as (from b), b as (select 1) from a", False),
    ("with a as (from a) from a", False),
    ("with recursive a as (select 1 union all from a) from a", True),
    ("with recursive a as (from a union all select 1) from a", False),
    ("from (with a as (select 1) from a)", True),
    ("from (with a as (select 1) from a), a", False),
    ("from a, (with a as (select 1) from a)", False),
    ("select (with a as (select 1) from a), (from a)", False),
    ("with a as (select 1) select (from a), (select (from a))", True),
    ("with a as (with b as (select 1) from b) from a", True),
    ("with a as (with b as (select 1) from b) from b", False),
    ("with A as (select 1) from a", True),
    ("with documents as (select 1) from documents", True),
    ("with a as (select 1) select * from documents where doc_id in (from a)", True),
    ("(with a as (select 1) from a) union all from a", False),
    ("with a as (select 1) (from a) union all from a", True),
    ('with "x.parquet" as (select 1) from "x.parquet"', False),
    ("with pg_settings as (select 1) from pg_settings", False),
    ("with sqlite_master as (select 1) from sqlite_master", False),
    ("with tables as (select 1) from tables", False),
]


@pytest.mark.parametrize(("statement", "allowed"), SCOPES)
def test_a_cte_is_a_table_where_duckdb_sees_it(statement: str, allowed: bool) -> None:
    if allowed:
        check(statement, VIEWS)
        connection = duckdb.connect()
        connection.execute("create table documents as select 1 as doc_id")
        connection.execute(statement)  # DuckDB agrees
    else:
        with pytest.raises(SqlRefused):
            check(statement, VIEWS)


GUARDED = [
    ("lpad(doc_id, 40, '0')", True),
    ("lpad(doc_id, 10000, '0')", True),
    ("lpad(doc_id, 10001, '0')", False),
    ("lpad(doc_id, 99999999999999999999, '0')", False),
    ("lpad(doc_id, 1e9::int, '0')", False),
    ("lpad(doc_id, -1, '0')", False),
    ("lpad(doc_id, text_bytes, '0')", False),
    ("lpad(doc_id, (select 2000000000), '0')", False),
    ("repeat(count := 10, string := 'x')", False),
    ("doc_id.lpad(2000000000, '0')", False),
    ("repeat('-', 20)", True),
    ("bar(row, 0, 10, 40)", True),
    ("bar(row, 0, 10)", True),
    ("format('{:.2f} % of {:,} in 2026', 1.0, 2)", True),
    ("format('{:999}', 1)", True),
    ("format('{:1000}', 1)", False),
    ("format('{:{}}', 1, 2000000000)", False),
    ("format(doc_id, 1)", False),
    ("printf('%5.1f%%', 1.0)", True),
    ("printf('%.1000000000f', 1.0)", False),
    ("printf('%*d', 1000000000, 1)", False),
    ("list_aggregate([1], 'sum')", True),
    ("list_aggregate([1], 'bitstring_agg')", False),
    ("list_aggregate([1], 'no_such')", False),
    ("list_aggregate([1], 'list_aggregate')", False),
]


@pytest.mark.parametrize(("term", "allowed"), GUARDED)
def test_what_says_how_much_is_made_is_written_out(term: str, allowed: bool) -> None:
    if allowed:
        check(f"select {term} from documents", VIEWS)
    else:
        with pytest.raises(SqlRefused):
            check(f"select {term} from documents", VIEWS)


def test_look_alikes_are_not_taken_for_names() -> None:
    for statement in ('from "documentſ"', 'select "abſ"(1)', "select ａｂｓ(1)", 'from "docum\u0435nts"'):
        with pytest.raises(SqlRefused):
            check(statement, VIEWS)


def test_large_statements_are_too_large() -> None:
    for statement in (
        "select '" + "x" * SQL_BYTES_MAX + "'",
        "select " + ", ".join(["1"] * (NODES_MAX + 1)),
        "select 1 from " + ", ".join(["documents"] * (TABLES_MAX + 1)),
        "with " + ", ".join(f"t{i} as (select 1)" for i in range(CTES_MAX + 1)) + " select 1",
    ):
        with pytest.raises(SqlTooLarge):
            check(statement, VIEWS)


@pytest.mark.parametrize(
    "statement",
    [
        "",
        " ",
        ";",
        "-- nothing",
        "/* nothing */",
        "select 1; select 2",
        "select 1;;select 2",
        "select '\ud800'",
        "select 1\0",
    ],
)
def test_what_is_not_one_statement_is_refused(statement: str) -> None:
    with pytest.raises(SqlRefused):
        check(statement, VIEWS)


def test_one_statement_may_end_in_a_semicolon() -> None:
    check("select 1;", VIEWS)
    check("select 1; -- done", VIEWS)


def test_places_count_characters() -> None:
    sql = "select 'é',\n  foo(1)"
    assert place_of(sql, len("select 'é',\n  ".encode())) == "line 2, column 3"
    with pytest.raises(SqlRefused, match=r"function foo at line 2, column 3.*Did you mean 'floor'"):
        check(sql, VIEWS)


def test_a_pivot_without_columns_says_how() -> None:
    with pytest.raises(SqlRefused, match="PIVOT needs its columns written out"):
        check("pivot documents on stage using count(*)", VIEWS)
