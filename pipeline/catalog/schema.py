"""The tables of the persistent catalog, and the views over them that questions in SQL see.

Base tables lie in the schema `base`; the schema `main` holds the views alone, so that a published copy of the file shows
these and nothing else. No table has an index or a key: the one writer keeps rows unique, and a log of changes to an
index is what DuckDB has failed to replay.
"""

from __future__ import annotations

import hashlib
from typing import Literal

from pipeline.totals.tokens import BYTES_PER_TOKEN

FILLING = 4
"""Changes with what fills the tables; what they and the views are tells for itself (`version`)."""
KINDS = (
    *("text", "notes", "tombstones", "common", "cuts", "verdict"),
    *("banding", "bands", "candidates", "pairs", "s_curve", "digests", "equals", "dedup", "effects", "guards"),
    *("lines", "line_filter", "line_keys", "line_counts", "line_cuts", "mix", "export"),
    *("substrings", "substring_keys", "substring_groups", "substring_matches", "substring_cuts"),
)
"""Kinds of tables that stay, in the order they are made; what lies in a job's scratch is not in the catalog."""

Table = Literal["jobs", "stages", "units", "job_tables", "tables", "shards", "shard_columns", "table_columns"]

COLUMNS: dict[Table, str] = {
    "jobs": """
        id varchar, name varchar, state varchar, reason_code varchar, message varchar, created_at varchar, since varchar,
        attempt integer, attempts_failed integer, wanted varchar, recipe_digest varchar, corpus varchar, output varchar,
        rows bigint, funnel varchar, seconds double, tables varchar, scorers varchar, warnings varchar[], owner varchar,
        labels map(varchar, varchar), retry_of varchar, supervised boolean, stamps varchar, events_bytes bigint""",
    "stages": """
        job varchar, number integer, stage varchar, table_key varchar, verb varchar, state varchar, units bigint,
        units_done bigint, units_before bigint, units_failed bigint, bytes_planned bigint, bytes_done bigint, rows bigint,
        bytes bigint, seconds double, counts varchar, executor varchar, workers integer, started_at varchar,
        finished_at varchar, started_event bigint""",
    "units": """
        job varchar, event bigint, stage varchar, part varchar, unit varchar, rows bigint, bytes bigint,
        part_bytes bigint, seconds double, mb_per_s double, worker varchar, attempts bigint, "at" varchar""",
    "job_tables": "job varchar, number integer, stage varchar, table_key varchar, table_id ubigint, path varchar",
    "tables": """
        table_id ubigint, path varchar, stamp varchar, corpus varchar, stage varchar, table_key varchar, rows bigint,
        bytes bigint, parts bigint, counts varchar, inputs varchar, text_bytes varchar,
        text_bytes_in bigint, kept_bytes bigint""",
    "shards": """
        table_id ubigint, number integer, corpus varchar, stage varchar, table_key varchar, part varchar, path varchar,
        part_id ubigint, rows bigint, bytes bigint, sha256 varchar, text_bytes bigint, kept bigint, removed bigint, quarantined bigint,
        counts map(varchar, bigint), counts_bytes map(varchar, bigint), job varchar, event bigint, seconds double,
        mb_per_s double, worker varchar, attempts bigint""",
    "shard_columns": """
        table_id ubigint, number integer, name varchar, kind varchar, rows bigint, nulls bigint, min double, max double,
        total double, bins smallint[], bin_counts bigint[], names varchar[], name_counts bigint[], others bigint""",
    "table_columns": """
        table_id ubigint, shards integer, name varchar, kind varchar, rows bigint, nulls bigint, min double, max double,
        total double, bins smallint[], bin_counts bigint[], names varchar[], name_counts bigint[], others bigint""",
}

ORDER: dict[Table, str] = {
    "jobs": "id",
    "stages": "job, number",
    "units": "job, event",
    "job_tables": "job, number",
    "tables": "path",
    "shards": "table_id, number",
    "shard_columns": "table_id, number, name",
    "table_columns": "table_id, name",
}
"""An order in which no two rows of a table are equal, for comparing two catalogs."""

_PATH = (
    "coalesce(s.path, concat('corpora/', s.corpus, '/', s.stage, '/parts/', left(s.part, 2), '/', s.part, '.parquet'))"
)


def told_jobs(jobs: str) -> str:
    """A query for rows of the table `jobs` (all, or a page of them by name) and what their tables add to each."""
    return f"""
        select j.* exclude (stamps, events_bytes), t.text_rows, t.text_bytes,
               (t.text_bytes / {BYTES_PER_TOKEN})::bigint as tokens_estimate, t.kept_bytes,
               (t.kept_bytes / {BYTES_PER_TOKEN})::bigint as kept_tokens_estimate
        from {jobs} j left join (
            select job, max(b.rows) filter (b.stage = 'text') as text_rows, max(b.text_bytes_in) as text_bytes,
                   max(b.kept_bytes) as kept_bytes
            from base.job_tables u join base.tables b using (table_id) where u.job in (select id from {jobs}) group by job
        ) t on t.job = j.id"""


VIEWS = {
    "base.told_jobs": told_jobs("base.jobs"),
    "jobs": """
        select * exclude (tables, scorers), since as "at", nullif(message, '') as error from base.told_jobs""",
    "stages": 'select * exclude (table_key, started_event), table_key as "table" from base.stages',
    "job_tables": "select job, stage, table_key from base.job_tables",
    "shards": f"""
        select s.stage, s.part, s.rows, s.bytes, s.seconds, s.mb_per_s, s.worker, s.attempts, s.job, s.sha256,
               to_json(s.counts)::varchar as counts, {_PATH} as path, s.table_key, s.number, s.corpus, s.kept, s.removed,
               s.quarantined, s.text_bytes, (s.text_bytes / {BYTES_PER_TOKEN})::bigint as tokens_estimate,
               s.counts_bytes['kept'] as kept_bytes, s.table_id, s.part_id
        from base.shards s""",
    "removals": """
        select corpus, table_key, number, part, reason.key as reason, reason.value as rows,
               counts_bytes[reason.key] as text_bytes
        from (select corpus, table_key, number, part, unnest(map_entries(counts)) as reason, counts_bytes
              from base.shards where stage = 'mix') where reason.key <> 'kept'""",
    "shard_columns": """
        select t.corpus, t.table_key, c.number, c.name as "column", c.kind, c.rows, c.nulls, c.min, c.max,
               c.total / nullif(c.rows - c.nulls, 0) as mean, c.bins, c.bin_counts, c.names, c.name_counts, c.others
        from base.shard_columns c join base.tables t using (table_id)""",
}
"""By name; each has the columns that the view of its name in views.py has, and more, and the rows of all jobs. No column
here has the name of a view over one job's tables: a statement that holds such a name opens these (sandbox/engine.py)."""


def statements() -> list[str]:
    """What makes an empty catalog in the attached database that is in use."""
    made = ["create schema base", "create table base.about (version integer, workspace varchar)"]
    made += [f"create table base.{name} ({columns})" for name, columns in COLUMNS.items()]
    return [*made, *(f"create view {name} as {select}" for name, select in VIEWS.items())]


def version() -> int:
    """Of tables, views and what fills them: a file of another one is made anew. A digest, because a number was once
    forgotten when a view changed."""
    return int.from_bytes(hashlib.sha256(repr((FILLING, statements())).encode()).digest()[:4], "big") >> 1
