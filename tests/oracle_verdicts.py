"""The verdict in one statement of SQL, as `pipeline.verdict` has it on arrays."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from pipeline.recipe.rules import Rule
from pipeline.rules import bounds_of, column_sql, condition, quoted
from pipeline.schema import VERDICT_TABLE, arrow_schema
from pipeline.sql.engine import query

OPERATORS = {"min": ">=", "max": "<=", "above": ">", "below": "<"}


def verdict(rows: pa.Table, rules: Mapping[str, Rule]) -> pa.Table:
    """Of rows as for `judge_rows`, with at least one rule."""
    tests = ", ".join(f"case when {condition(r)} then null else {_failure(n, r)} end" for n, r in rules.items())
    failed = f"case when quarantine is null then list_filter([{tests}], lambda f: f is not null) else [] end"
    failed = f"({failed})::struct(rule varchar, value varchar, bound varchar)[]"
    numbered = rows.append_column("_row", pa.array(range(rows.num_rows), pa.int64()))
    made = query(
        f"select doc_id, quarantine is null and len(failed) = 0 as kept, failed "
        f"from (select _row, doc_id, quarantine, {failed} as failed from rows) order by _row",
        rows=numbered,
    )
    return made.cast(arrow_schema(VERDICT_TABLE))


def _failure(name: str, rule: Rule) -> str:
    if rule.sql is not None:
        return f"{{'rule': {quoted(name)}, 'value': NULL::VARCHAR, 'bound': {quoted(rule.sql)}}}"
    column = column_sql(rule.column or "")
    which = []
    for bound in bounds_of(rule):
        if isinstance(bound.value, tuple):
            met = f"{column} {bound.name.replace('_', ' ')} ({', '.join(map(quoted, bound.value))})"
        else:
            met = f"{column} {OPERATORS[bound.name]} {quoted(bound.value)}"
        which.append(f"when not ({met}) then {quoted(bound.sentence)}")
    told = f"case when {column} is null then 'not measured' {' '.join(which)} end"
    return f"{{'rule': {quoted(name)}, 'value': regexp_replace({column}::VARCHAR, '^-nan$', 'nan'), 'bound': {told}}}"
