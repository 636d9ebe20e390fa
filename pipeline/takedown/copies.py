"""What shares a duplicate cluster with documents that are taken down."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.catalog.chosen import JobRecord, Tables
from pipeline.dedup.documents.clusters import NONE
from pipeline.dedup.documents.graph import Graph, read_graph
from pipeline.dedup.documents.keepers import Members, keepers_of
from pipeline.errors import UsageError
from pipeline.sql.engine import rows_as_dicts
from pipeline.storage.manifest import Manifest, load, manifest_path
from pipeline.storage.store import Store

TOUCHED = """
create table touched as
with named as (
    select shard, row, doc_id, cluster, coalesce(reference, '') as of_set, cluster_size, keep, method, jaccard, (shard, row) in
        (select (shard, row) from chosen) as asked
    from duplicates
)
select *, count(*) over same + (of_set != '')::int > cluster_size as several from named
where (cluster, of_set, cluster_size) in (select (cluster, of_set, cluster_size) from named where asked)
window same as (partition by cluster, of_set, cluster_size)
"""
"""A cluster is named by its keeper's id, which several keepers may have: then more documents have its name than its size says
(a keeper of a reference set is not in the table)."""


def choose_copies(connection: duckdb.DuckDBPyConnection, store: Store, job: JobRecord, of: Tables) -> None:
    """Add to the table `chosen` what shares a cluster with any of it. Raises UsageError where that cannot be told."""
    connection.execute(TOUCHED)
    connection.execute(f"insert into chosen select {ADDED} where not asked and not several")
    names = "select distinct cluster, of_set, cluster_size from touched where several order by all"
    graph: Graph | None = None
    for name in rows_as_dicts(connection, names):
        graph = graph or _graph(store, job, of)
        _choose_in_one(connection, graph, of.text.row_offsets(), [*name.values()])


ADDED = "shard, row, doc_id, true from touched"


def _choose_in_one(
    connection: duckdb.DuckDBPyConnection, graph: Graph, offsets: npt.NDArray[np.int64], name: Sequence[object]
) -> None:
    """The same for clusters of one name."""
    of_name = "cluster = ? and of_set = ? and cluster_size = ?"
    asking = f"select * from touched where {of_name} order by shard, row"
    table = connection.sql(asking, params=name).to_arrow_table()
    shard, row, keep, asked = (table.column(c).to_numpy() for c in ("shard", "row", "keep", "asked"))
    by_url = pc.fill_null(pc.equal(table.column("method"), "url"), False).to_numpy()
    members = Members(offsets[shard] + row, keep, by_url, pc.fill_null(table.column("jaccard"), np.nan).to_numpy())
    keeper = keepers_of(graph, members)
    if name[1] or (keeper == NONE).any() or (np.unique(keeper, return_counts=True)[1] != name[2]).any():
        asked_for = table.column("doc_id").to_pylist()[int(np.flatnonzero(asked)[0])]
        raise UsageError(
            f"takedown --copies: what shares a cluster with {asked_for!r} cannot be told: several clusters are named {name[0]!r}, the "
            "id of their keepers, which several documents have. Nothing was taken down. Look at the view duplicates, and name the "
            "copies by id, without --copies"
        )
    copies = pa.table({c: pa.array(v) for c, v in (("shard", shard), ("row", row))}).filter(
        pa.array(np.isin(keeper, keeper[asked]) & ~asked)
    )
    connection.register("given", copies)
    connection.execute(f"insert into chosen select {ADDED} where (shard, row) in (select (shard, row) from given)")
    connection.unregister("given")


def _graph(store: Store, job: JobRecord, of: Tables) -> Graph:
    """What the job's clusters were made of."""
    assert of.dedup is not None
    fuzzy = of.dedup.parameters.get("fuzzy")
    equal = _tables(store, of.text.corpus, "equals", job)
    pairs = _tables(store, of.text.corpus, "pairs", job)
    texts = next((t for t in equal if t.parameters.get("by") != "url"), None)
    urls = next((t for t in equal if t.parameters.get("by") == "url"), None)
    return read_graph(store, texts, urls, next(iter(pairs), None), fuzzy["jaccard"] if fuzzy else 1.0)


def _tables(store: Store, corpus: str, kind: str, job: JobRecord) -> list[Manifest]:
    found = (load(store, manifest_path(corpus, kind, key)) for key in job.table(kind))
    return [table for table in found if table is not None]
