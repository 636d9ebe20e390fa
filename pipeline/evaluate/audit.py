"""`winnow audit`: which groups of people a corpus speaks of, and how toxic the documents are that do.

After BeanCounter (arXiv:2409.17827): the prevalence of identity terms, and toxicity around them, by domain and source.
The measuring is the scorer `identity` and a scorer of toxicity; the rest is SQL over their notes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import UsageError
from pipeline.evaluate.asking import scorer_of
from pipeline.evaluate.data import (
    Measured,
    columns_of,
    data_of,
    data_of_corpus,
    known_column,
    measure,
    recipe_for,
)
from pipeline.evaluate.groups import MOST_GROUPS
from pipeline.measures.splits import NO_GROUP
from pipeline.progress import Progress
from pipeline.rules import quoted
from pipeline.scoring import parse_spec
from pipeline.sql.engine import connect, rows_as_dicts
from scorers import base
from scorers.base import Column
from scorers.identity import GROUPS

FEW_DOCUMENTS = 30
"""Means over fewer documents are marked: they may be chance."""
MOST_TERMS = 100
DEFAULT_BY = ("source", "domain")
"""Fields to group by where nothing is asked for; those that the data have."""


@dataclass(frozen=True, slots=True)
class AuditOf:
    """The options of `winnow audit`. by: fields of the data, or measured columns such as domain.label."""

    data: tuple[str, ...] = ()
    corpus: str | None = None
    by: tuple[str, ...] = ()
    toxicity: str = "toxicity.probability"
    threshold: float = 0.5
    text: str | None = None
    scorers: tuple[Any, ...] = ()


def audit(
    asked: AuditOf, workspace: str, workers: int | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """Measure what is not measured yet, and count."""
    if asked.data and asked.corpus is not None:
        raise UsageError("DATA and --corpus both say what to audit; give one of them")
    data = data_of(asked.data, asked.text) if asked.data else data_of_corpus(workspace, asked.corpus)
    measured_by = [b for b in asked.by if b.partition(".")[0] in _aliases(asked)]
    recipe = recipe_for(data, _scorers(asked, measured_by))
    columns = columns_of(recipe)
    _check_number(asked.toxicity, known_column(asked.toxicity, columns))
    for name in measured_by:
        known_column(name, columns)
    fields = [b for b in asked.by if b not in measured_by]
    wanted = [asked.toxicity, *measured_by, "identity.terms", *(f"identity.{g}" for g in GROUPS)]
    optional = () if asked.by else DEFAULT_BY
    found = measure(recipe, workspace, wanted, fields, optional, corpus=data.corpus, workers=workers, progress=progress)
    by = asked.by or tuple(f for f in optional if f in found.fields)
    return {"data": list(data.source.paths), "job": found.job, **counted(found, asked.toxicity, asked.threshold, by)}


def counted(found: Measured, toxicity: str, threshold: float, by: tuple[str, ...]) -> dict[str, Any]:
    """The tree of numbers that the JSON and the page show."""
    connection = _documents(found, toxicity, threshold, by)
    totals = rows_as_dicts(connection, f"select {_whole()} from documents")[0]
    return {
        "toxicity": toxicity,
        "threshold": threshold,
        "quarantined": found.quarantined,
        "few_documents": FEW_DOCUMENTS,
        **totals,
        "groups": _by_group(connection),
        "terms": _by_term(connection),
        "by": [{"by": name, **_by_field(connection, i)} for i, name in enumerate(by)],
    }


def _documents(found: Measured, toxicity: str, threshold: float, by: tuple[str, ...]) -> duckdb.DuckDBPyConnection:
    """An engine with the table `documents`: toxicity, toxic, terms, one count a group, by_0, by_1, ..."""
    rows = found.rows
    table = {"toxicity": rows.column(toxicity).cast(pa.float64()), "terms": rows.column("identity.terms")}
    table["toxic"] = pc.greater_equal(table["toxicity"], threshold)
    table |= {g: rows.column(f"identity.{g}") for g in GROUPS}
    for i, name in enumerate(by):
        values = rows.column(name if name in rows.column_names else f"field:{name}")
        table[f"by_{i}"] = pc.fill_null(values.cast(pa.large_string()), NO_GROUP)
    connection = connect()
    connection.register("given", pa.table(table))
    connection.execute("create table documents as select * from given")
    connection.unregister("given")
    return connection


def _figures(condition: str) -> str:
    """SQL: documents that meet the condition, their mean toxicity and the share of them that is toxic, and of the others."""
    measured = "toxicity is not null"
    return (
        f"count(*) filter ({condition}) as documents, "
        f"avg(toxicity) filter ({condition}) as mean_toxicity, avg(toxicity) filter (not ({condition})) as mean_elsewhere, "
        f"avg(toxic::int) filter ({condition} and {measured}) as toxic_share, "
        f"avg(toxic::int) filter (not ({condition}) and {measured}) as toxic_share_elsewhere, "
        f"count(*) filter ({condition}) < {FEW_DOCUMENTS} as few"
    )


def _whole() -> str:
    return (
        "count(*) as documents, count(*) filter (len(terms) > 0) as mentioning, count(*) filter (toxicity is null) as not_measured, "
        "avg(toxicity) as mean_toxicity, avg(toxic::int) as toxic_share, "
        "avg(toxicity) filter (len(terms) > 0) as mean_mentioning, avg(toxicity) filter (len(terms) = 0) as mean_elsewhere"
    )


def _by_group(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Each group of people: documents that mention it, their share, mentions, and toxicity there and elsewhere."""
    told = []
    for group in GROUPS:
        sql = f'select {quoted(group)} as "group", {_figures(f"{group} > 0")}, coalesce(sum({group}), 0)::bigint as mentions, '
        told += rows_as_dicts(
            connection, f"{sql} count(*) filter ({group} > 0) / greatest(count(*), 1) as share from documents"
        )
    return told


def _by_term(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The most frequent terms: documents that hold them, and toxicity there and elsewhere."""
    return rows_as_dicts(
        connection,
        f"""
        with whole as (select count(*) as n, count(toxicity) as measured, sum(toxicity) as total, sum(toxic::int) as toxic from documents),
        per as (select term, count(*) as documents, count(toxicity) as measured, sum(toxicity) as total, sum(toxic::int) as toxic
                from (select unnest(terms) as term, toxicity, toxic from documents) group by 1)
        select term, documents, documents / whole.n as share, per.total / nullif(per.measured, 0) as mean_toxicity,
               (whole.total - coalesce(per.total, 0)) / nullif(whole.measured - per.measured, 0) as mean_elsewhere,
               per.toxic / nullif(per.measured, 0) as toxic_share, documents < {FEW_DOCUMENTS} as few
        from per, whole order by documents desc, term limit {MOST_TERMS}
        """,
    )


def _by_field(connection: duckdb.DuckDBPyConnection, i: int) -> dict[str, Any]:
    """One value of a field a row: how much of it mentions each group of people, and toxicity where it does."""
    shares = ", ".join(f"count(*) filter ({g} > 0) / count(*) as {g}" for g in GROUPS)
    found = rows_as_dicts(
        connection,
        f'select by_{i} as "group", {_whole()}, {shares} from documents group by 1 order by documents desc, 1',
    )
    left = found[MOST_GROUPS:]
    return {
        "groups": found[:MOST_GROUPS],
        "left_out": {"groups": len(left), "rows": sum(g["documents"] for g in left)},
    }


def _scorers(asked: AuditOf, measured_by: list[str]) -> list[Any]:
    """`identity`, the scorer of toxicity, and those behind measured groupings, each once."""
    entries: list[Any] = ["identity"]
    for column in (asked.toxicity, *measured_by):
        entry = scorer_of(column, [e for e in asked.scorers if _alias(e) == column.partition(".")[0]], None)
        entries += [entry] if _alias(entry) not in [_alias(e) for e in entries] else []
    return entries


def _aliases(asked: AuditOf) -> set[str]:
    """What the first word of a measured column may be."""
    return {*base.available(), *(_alias(e) for e in asked.scorers)}


def _alias(entry: Any) -> str:
    return parse_spec(entry).alias


def _check_number(name: str, column: Column) -> None:
    if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
        raise UsageError(f"--toxicity {name} is {column.type}: expected a column of numbers")
