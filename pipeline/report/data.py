"""What the report asks of a job: SQL aggregates over the catalog's views, and a few rows, chosen by hash."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from pipeline.recipe import Recipe
from pipeline.rules import sentence
from pipeline.sql.engine import rows_as_dicts
from pipeline.storage.manifest import Manifest

SAMPLES_PER_RULE = 3
SAMPLES_KEPT = 6
LANGUAGES = 12
LOSSES = 12
CLUSTERS = 10
SLOWEST = 10
QUARANTINED_FILES = 5

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class RuleLoss:
    """What one rule took. first: it was the first rule these failed; failed: they failed it at all; alone: they failed
    no other rule, so that without this one they would have gone on."""

    name: str
    sentence: str
    why: str
    first: int
    failed: int
    alone: int


def rule_losses(connection: duckdb.DuckDBPyConnection, recipe: Recipe) -> list[RuleLoss]:
    """One a rule, in recipe order."""
    found = rows_as_dicts(
        connection,
        """
        select f.rule as rule, count(*) as failed, count(*) filter (rules = 1) as alone,
               count(*) filter (f.rule = first_rule) as first
        from (select unnest(failed) as f, len(failed) as rules, failed[1].rule as first_rule from verdicts)
        group by 1
        """,
    )
    by_rule = {f["rule"]: f for f in found}
    none = {"first": 0, "failed": 0, "alone": 0}
    losses = []
    for name, rule in recipe.rules.items():
        n = by_rule.get(name, none)
        told = sentence(name, rule).partition(": ")[2]
        losses.append(RuleLoss(name, told, rule.why, n["first"], n["failed"], n["alone"]))
    return losses


def language_mix(connection: duckdb.DuckDBPyConnection) -> Rows:
    """language, documents, kept, bytes, kept_bytes: the most frequent, the others as one. Empty where no scorer says
    what language a document is in."""
    scored = rows_as_dicts(connection, "select alias from scorers where scorer = 'language' order by alias limit 1")
    if not scored:
        return []
    column = f'"{scored[0]["alias"]}".code'
    return rows_as_dicts(
        connection,
        f"""
        with per as (
            select {column} as code, count(*) as documents, count(*) filter (copies > 0) as kept,
                   coalesce(sum(text_bytes), 0)::bigint as bytes,
                   coalesce(sum(text_bytes) filter (copies > 0), 0)::bigint as kept_bytes
            from documents where stage is distinct from 'quarantine' group by 1),
        ranked as (select *, row_number() over (order by documents desc, code) <= {LANGUAGES} as shown from per)
        select case when not shown then 'others' else coalesce(code, '(none)') end as language,
               sum(documents)::bigint as documents, sum(kept)::bigint as kept, sum(bytes)::bigint as bytes,
               sum(kept_bytes)::bigint as kept_bytes
        from ranked group by 1, shown order by shown desc, 2 desc, 1
        """,
    )


def losses_by(connection: duckdb.DuckDBPyConnection, column: str) -> Rows:
    """name, documents, removed, bytes, removed_bytes: where most was taken away. column: source or file_path."""
    return rows_as_dicts(
        connection,
        f"""
        select t.{column} as name, count(*) as documents, count(*) filter (m.copies = 0) as removed,
               coalesce(sum(t.text_bytes), 0)::bigint as bytes,
               coalesce(sum(t.text_bytes) filter (m.copies = 0), 0)::bigint as removed_bytes
        from text_rows t join mix_rows m using (shard, row) where t.{column} is not null
        group by 1 order by removed desc, 1 limit {LOSSES}
        """,
    )


def cluster_sizes(connection: duckdb.DuckDBPyConnection) -> Rows:
    """size, clusters."""
    return rows_as_dicts(
        connection,
        "select cluster_size as size, count(*) filter (keep) as clusters from duplicates group by 1 order by 1",
    )


def jaccards(connection: duckdb.DuckDBPyConnection) -> Rows:
    """method, documents, the least and the mean Jaccard with the keeper."""
    return rows_as_dicts(
        connection,
        """
        select method, count(*) as documents, min(jaccard) as least, avg(jaccard) as mean
        from duplicates where not keep and jaccard is not null group by 1 order by 1
        """,
    )


def s_curve(connection: duckdb.DuckDBPyConnection, made: Manifest | None) -> dict[str, Any] | None:
    """bands, rows_a_band, jaccard, and rows of the view `s_curve`; None where no pairs were looked for."""
    if made is None:
        return None
    told = made.parameters
    rows = rows_as_dicts(connection, "select * from s_curve order by jaccard_low")
    return {"bands": told["bands"], "rows_a_band": told["rows"], "jaccard": told["jaccard"], "rows": rows}


def largest_clusters(connection: duckdb.DuckDBPyConnection) -> Rows:
    """cluster, size, keeper {doc_id, shard, row} and member {.., jaccard, method}: of each the least similar."""
    place = "{'doc_id': doc_id, 'shard': shard, 'row': row, 'jaccard': jaccard, 'method': method}"
    return rows_as_dicts(
        connection,
        f"""
        select max(cluster_size) as size, any_value({place}) filter (keep) as keeper,
               arg_min({place}, (jaccard, md5(doc_id))) filter (not keep and jaccard is not null) as member
        from duplicates
        where cluster in (
            select cluster from duplicates
            where keep and cluster in (select cluster from duplicates where not keep and jaccard is not null)
            order by cluster_size desc, cluster limit {CLUSTERS})
        group by cluster order by size desc, cluster
        """,
    )


def removed_samples(connection: duckdb.DuckDBPyConnection) -> Rows:
    """Some documents of each reason: the same ones for the same job, whatever the order of the rows."""
    return rows_as_dicts(
        connection,
        f"""
        with picked as materialized (
            select unnest(arg_min({{'shard': shard, 'row': row}}, md5(doc_id), {SAMPLES_PER_RULE})) as place
            from mix_rows where stage in ('judge', 'dedup') group by stage, reason),
        places as (select place.shard as shard, place.row as row from picked)
        select m.stage, m.reason, m.doc_id, shard, row, t.url, t.source, t.file_path, t.text_bytes, v.failed,
               d.duplicate_of, d.jaccard
        from places join mix_rows m using (shard, row) join text_rows t using (shard, row)
        join verdict_rows v using (shard, row) left join duplicates d using (shard, row)
        order by m.stage desc, m.reason, md5(m.doc_id)
        """,
    )


def kept_samples(connection: duckdb.DuckDBPyConnection) -> Rows:
    """Some documents that stay, chosen in the same way."""
    return rows_as_dicts(
        connection,
        f"""
        with picked as materialized (
            select unnest(arg_min({{'shard': shard, 'row': row}}, md5(doc_id), {SAMPLES_KEPT})) as place
            from mix_rows where copies > 0),
        places as (select place.shard as shard, place.row as row from picked)
        select t.doc_id, shard, row, t.url, t.source, t.file_path, t.text_bytes
        from places join text_rows t using (shard, row) order by md5(t.doc_id)
        """,
    )


def quarantined(connection: duckdb.DuckDBPyConnection) -> Rows:
    """reason, rows, whole files, and some of the files."""
    return rows_as_dicts(
        connection,
        f"""
        select reason, count(*) filter (doc_id is not null) as rows, count(*) filter (doc_id is null) as files,
               min(distinct file_path, {QUARANTINED_FILES}) as examples, any_value(detail) as detail
        from quarantine group by 1 order by 2 desc, 3 desc, 1
        """,
    )


def stage_times(connection: duckdb.DuckDBPyConnection, job_id: str) -> Rows:
    """stage, seconds, rows, and whether it was there already."""
    return rows_as_dicts(
        connection,
        """
        select stage, sum(seconds) as seconds, max(rows) as rows, sum(bytes)::bigint as bytes,
               bool_and(verb = 'stage_reused') as reused
        from stages where job = ? group by stage order by min(rowid)
        """,
        [job_id],
    )


def slowest_units(events: Sequence[dict[str, Any]]) -> Rows:
    """The units of a job's log that took longest; empty where all was there already."""
    done = (e for e in events if e["verb"] == "unit_done" and e.get("seconds") is not None)
    return heapq.nlargest(SLOWEST, done, key=lambda e: (e["seconds"], e["unit"]))


def places_of(rows: Sequence[dict[str, Any]]) -> list[tuple[int, int]]:
    """Where the documents of some rows lie."""
    return [(r["shard"], r["row"]) for r in rows]
