"""Whatever text comes: the gate lets it through or refuses it, and what it lets through names nothing but views."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.catalog.views import VIEWS
from pipeline.errors import SqlRefused, SqlTooLarge
from pipeline.sandbox.functions import uses
from pipeline.sandbox.gate import check

WORDS = [
    "select", "from", "with", "recursive", "as", "(", ")", ",", "*", "union all", "join", "on", "where", "group by", "order by", "limit", "1",
    "'x'", "documents", "jobs", "t", '"', "'", "--", "/*", "*/", ";", "$1", "?", "delete", "returning *", "copy", "to", "values", "pivot",
    "in", "using", "over", "lambda x:", "[", "]", "{", "}", "::", "int", "exists", "not", "case when", "then", "end", "read_text", "'/etc/passwd'",
    "duckdb_settings", "abs", "repeat", "2000000000", "columns", "unnest", "range", "explain", "analyze", "describe", "summarize", "show",
    "\n", "\t", "é", "\u202e", "main", ".", "lateral", "qualify", "window", "set", "x", "=", "at", "version =>", "using sample", "10%",
]  # fmt: skip


def passes(sql: str) -> bool:
    try:
        check(sql, VIEWS)
    except (SqlRefused, SqlTooLarge):
        return False
    return True


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join))
def test_words_of_sql_never_break_the_gate(sql: str) -> None:
    if passes(sql):
        assert not re.search(r"read_text\s*\(|duckdb_settings\s*\(|repeat\s*\(\s*\S+\s*,\s*2000000000", sql)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_text_never_breaks_the_gate(text: str) -> None:
    passes(text)
    passes(f"select '{text}' from documents")
    passes(f'select "{text}" from "{text}"')


@settings(max_examples=200, deadline=None)
@given(st.text(min_size=1, max_size=30))
def test_no_other_table_passes(name: str) -> None:
    quoted = name.replace('"', '""')
    assert passes(f'from "{quoted}"') == (name.isascii() and name.lower() in VIEWS)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(sorted(n for n, use in uses().items() if use.refused and n.isidentifier())),
    st.sampled_from(WORDS),
    st.booleans(),
)
def test_no_refused_function_passes_in_a_larger_statement(name: str, beside: str, in_from: bool) -> None:
    called = f"{name}('x')"
    for sql in (
        f"with t as (select {called} as c) select c from t",
        f"select * from documents where doc_id in (select {called}) order by {called}",
        f"select [{called}], {{'a': {called}}}, case when true then {called} end {beside}",
        f"select * from documents, lateral (select * from {called})"
        if in_from
        else f"select list_transform([1], lambda x: {called})",
    ):
        assert not passes(sql)
