"""What the report shows of contamination: benchmarks with their counts, and documents beside the items they hold."""

from __future__ import annotations

import json
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.report.samples import texts_of
from pipeline.sql.engine import rows_as_dicts
from pipeline.storage.manifest import Manifest
from pipeline.storage.store import Store
from scorers import models
from scorers.models.card import ModelError
from scorers.models.evaluations import item_texts
from scorers.models.overlap_profiles import PROFILES

DOCUMENTS = 12
READ_CHARS = 50_000
AROUND_BYTES = 160
SHOWN_CHARS = 600
SCORER = "contamination"


def contaminations(connection: duckdb.DuckDBPyConnection, store: Store, text: Manifest) -> list[dict[str, Any]]:
    """One a scorer: alias, about, benchmarks {benchmark, of_items, documents, held, some}, documents with their pieces
    (before, found, behind) and the item's text. Without what can no longer be read."""
    found = []
    for scorer in rows_as_dicts(
        connection, "select alias, parameters from scorers where scorer = ? order by 1", [SCORER]
    ):
        parameters = json.loads(scorer["parameters"])
        table = _evaluations(parameters.get("index", ""))
        documents = _documents(connection, scorer["alias"])
        places = [(d["shard"], d["row"]) for d in documents]
        texts = texts_of(store, text, places, READ_CHARS)
        for document, place in zip(documents, places, strict=True):
            excerpt = texts.get(place)
            document["pieces"] = None if excerpt is None else _pieces(excerpt.text, document["span"])
            document["item_text"] = None if table is None else _item_text(table, document)
        benchmarks = _benchmarks(connection, scorer["alias"], table)
        about = PROFILES[parameters["profile"]].about
        found.append({"alias": scorer["alias"], "about": about, "benchmarks": benchmarks, "documents": documents})
    return found


def _benchmarks(connection: duckdb.DuckDBPyConnection, alias: str, table: pa.Table | None) -> list[dict[str, Any]]:
    rows = rows_as_dicts(
        connection,
        f"""
        select "{alias}".benchmark as benchmark, count(*) filter ("{alias}".items_hit > 0) as documents,
               count(distinct "{alias}".item) filter ("{alias}".items_hit > 0) as held, count(*) as some
        from documents where "{alias}".benchmark is not null group by 1 order by 2 desc, 4 desc, 1
        """,
    )
    sizes = {} if table is None else {r["values"]: r["counts"] for r in table["benchmark"].value_counts().to_pylist()}
    unfound = [
        {"benchmark": b, "documents": 0, "held": 0, "some": 0}
        for b in sorted({*sizes} - {r["benchmark"] for r in rows})
    ]
    return [r | {"of_items": sizes.get(r["benchmark"])} for r in [*rows, *unfound]]


def _documents(connection: duckdb.DuckDBPyConnection, alias: str) -> list[dict[str, Any]]:
    """Those that hold most, one an item, in an order that is always the same."""
    return rows_as_dicts(
        connection,
        f"""
        select doc_id, shard, row, url, source, file_path, text_bytes, "{alias}".benchmark as benchmark,
               "{alias}".item as item, "{alias}".field as field, "{alias}".matched as matched,
               "{alias}".overlap_frac as overlap_frac, "{alias}".ngrams_hit as ngrams_hit, "{alias}".spans[1] as span
        from documents where "{alias}".span_count > 0
        qualify row_number() over (partition by benchmark, item order by overlap_frac desc, md5(doc_id)) = 1
        order by overlap_frac desc, ngrams_hit desc, md5(doc_id) limit {DOCUMENTS}
        """,
    )


def _evaluations(index: str) -> pa.Table | None:
    try:
        return pq.read_table(models.find(index).path)
    except (ModelError, OSError, pa.ArrowException):
        return None


def _item_text(table: pa.Table, document: dict[str, Any]) -> str | None:
    same = pc.and_(pc.equal(table["benchmark"], document["benchmark"]), pc.equal(table["item"], document["item"]))
    rows = pc.indices_nonzero(same).to_numpy().astype(np.int64)
    texts = item_texts(table, rows, [document["field"]] * len(rows))
    # several items may have one id, such as a number that begins anew with each subject
    return next((t[:SHOWN_CHARS] for t in texts if document["matched"] in t), None)


def _pieces(text: str, span: dict[str, int]) -> tuple[str, str, str] | None:
    """The first span and what stands around it; None where it lies beyond what was read."""
    data = text.encode()
    start, end = span["start"], min(span["end"], len(data))
    if start >= end:
        return None
    stretches = (
        data[max(0, start - AROUND_BYTES) : start],
        data[start:end][:SHOWN_CHARS],
        data[end : end + AROUND_BYTES],
    )
    before, found, behind = (s.decode(errors="ignore") for s in stretches)
    return before, found, behind
