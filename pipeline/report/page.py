"""The report: one self-contained page on what a job kept, what it left out and why. No script, no outside request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb
from jinja2 import Environment

from pipeline import wording
from pipeline.card.lock import recipe_yaml
from pipeline.catalog.chosen import JobRecord, Tables, choose_job, tables_of
from pipeline.catalog.views import open_catalog
from pipeline.errors import UsageError
from pipeline.recipe import Recipe
from pipeline.recipe_file import validate
from pipeline.report import charts, data, dedup_charts
from pipeline.report.contamination import contaminations
from pipeline.report.guards import guards_of
from pipeline.report.histograms import Categories, Histogram, histograms
from pipeline.report.samples import Place, texts_of
from pipeline.report.shell import environment, style
from pipeline.report.texts import Comparison, compare
from pipeline.storage import manifest
from pipeline.storage.manifest import Manifest
from pipeline.storage.store import Store
from pipeline.takedown.tombstones import tombstones_of
from pipeline.totals.funnel import FunnelRow, ends, funnel

EXCERPT_CHARS = 400
COMPARED_CHARS = 4_000
STAGE_VERBS = {"text": "ingest", "notes": "score", "verdict": "judge"}
"""What a stage does, where its table is called otherwise."""
FOUND_AS = {"exact": "exact copies", "fuzzy": "near-duplicates, verified", "reference": "of a reference set"}
"""Methods of which texts are compared, in words."""


def write_report(store: Store, job_id: str | None = None) -> str:
    """Write `jobs/<id>/report.html` of a job (None: the latest) and return where it is."""
    job = choose_job(store, job_id)
    path, corpus = f"{Store.job(job.id)}/report.html", str(job.record.get("corpus"))
    while True:
        known = tombstones_of(store, corpus).digest
        store.put(path, render_report(store, job.id))
        if tombstones_of(store, corpus).digest == known:
            return store.full(path)
        # a takedown removes the reports that it finds: this one may quote what it names, and came later
        store.remove(path)


def render_report(store: Store, job_id: str | None = None) -> str:
    """The page. Every figure on it is counted by SQL over the job's tables."""
    job = choose_job(store, job_id)
    tables = tables_of(store, job)
    if tables.mix is None and tables.guards is not None:
        return _render_held(store, job, tables)
    if tables.mix is None or tables.verdict is None:
        raise UsageError(
            f"job {job.id} in {store.root} stopped before its decisions were complete (state: {job.record.get('state')}); "
            "run the same command again without --until, then report"
        )
    recipe = recipe_of(store, job)
    source = _Source(store, job, tables, recipe, open_catalog(store, job.id))
    page = _environment().get_template("report.html.j2")
    return page.render(**style(), **_context(source))


def _render_held(store: Store, job: JobRecord, tables: Tables) -> str:
    """The page of a job that guards held: what deduplication would do."""
    assert tables.guards is not None
    connection = open_catalog(store, job.id)
    page = _environment().get_template("held.html.j2")
    return page.render(
        **style(),
        job={"error": None} | job.record,
        recipe=recipe_of(store, job),
        guards=guards_of(connection, store, tables.text, tables.guards),
        curve=data.s_curve(connection, tables.s_curve),
    )


def recipe_of(store: Store, job: JobRecord) -> Recipe:
    """The recipe a job ran."""
    return validate(store.read_json(f"{Store.job(job.id)}/recipe.json"), f"job {job.id}")


@dataclass(frozen=True, slots=True)
class _Source:
    """What the page is made from."""

    store: Store
    job: JobRecord
    tables: Tables
    recipe: Recipe
    connection: duckdb.DuckDBPyConnection


def _taken_out(cuts: Manifest | None, what: str) -> dict[str, Any] | None:
    return cuts.details | {what: cuts.rows} if cuts is not None else None


def _context(source: _Source) -> dict[str, Any]:
    connection, recipe = source.connection, source.recipe
    rows = funnel(connection, recipe)
    pictures = histograms(connection, recipe)
    sources, files = (data.losses_by(connection, c) for c in ("source", "file_path"))
    return {
        "job": source.job.record,
        "recipe": recipe,
        "recipe_yaml": recipe_yaml(recipe),
        "workspace": source.store.root,
        "rows": rows,
        "ends": ends(rows),
        "written_bytes": _written_bytes(source),
        "speed": _speed(source, rows),
        "lines": _taken_out(source.tables.cuts, "lines"),
        "substrings": _taken_out(source.tables.substring_cuts, "substrings"),
        "stages": data.stage_times(connection, source.job.id),
        "verbs": STAGE_VERBS,
        "slowest": data.slowest_units(source.job.events),
        "rules": data.rule_losses(connection, recipe),
        "histograms": [p for p in pictures if isinstance(p, Histogram)],
        "categories": [p for p in pictures if isinstance(p, Categories)],
        "languages": data.language_mix(connection),
        "cluster_sizes": data.cluster_sizes(connection),
        "jaccards": data.jaccards(connection),
        "found_as": FOUND_AS,
        "clusters": _clusters(source),
        "curve": data.s_curve(connection, source.tables.s_curve),
        "guards": _guards(source),
        "contaminations": contaminations(connection, source.store, source.tables.text),
        "samples": _samples(source, rows),
        "kept": _with_texts(source, data.kept_samples(connection)),
        "losses": [("Sources", sources), ("Files", files)] if sources else [("Files", files)],
        "quarantined": data.quarantined(connection),
    }


def _written_bytes(source: _Source) -> int | None:
    """Text in the job's output, after what was cut out and as often as it is there; None where none was written."""
    keys, corpus = source.job.table("export"), source.tables.text.corpus
    made = manifest.find(source.store, manifest.manifest_path(corpus, "export", keys[-1])) if keys else None
    return made.details.get("text_bytes_out") if made else None


def _speed(source: _Source, rows: list[FunnelRow]) -> dict[str, Any]:
    started = [e for e in source.job.events if e["verb"] == "stage_started" and e.get("units")]
    seconds = float(source.job.record.get("seconds") or 0)
    return {
        "seconds": seconds,
        "mb_per_s": rows[0].bytes / 1e6 / seconds if seconds else 0.0,
        "workers": max((e.get("workers") or 1 for e in started), default=1),
        "reused": sum(1 for e in source.job.events if e["verb"] == "stage_reused"),
        "executors": sorted({str(e.get("executor")) for e in started}),
    }


def _clusters(source: _Source) -> list[dict[str, Any]]:
    """The largest clusters, keeper and least similar member beside each other."""
    found = [c for c in data.largest_clusters(source.connection) if c["keeper"] and c["member"]]
    places = data.places_of([end for c in found for end in (c["keeper"], c["member"])])
    texts = texts_of(source.store, source.tables.text, places, COMPARED_CHARS)
    for cluster in found:
        ends = [texts.get(p) for p in data.places_of([cluster["keeper"], cluster["member"]])]
        told: Comparison | None = compare(ends[0].text, ends[1].text) if ends[0] and ends[1] else None
        cluster["compared"] = told
    return found


def _guards(source: _Source) -> dict[str, Any] | None:
    table = source.tables.guards
    return guards_of(source.connection, source.store, source.tables.text, table) if table is not None else None


def _samples(source: _Source, rows: list[FunnelRow]) -> list[dict[str, Any]]:
    """For every step that removed something: the step, and some of what it removed."""
    found = _with_texts(source, data.removed_samples(source.connection))
    steps = [r for r in rows if r.stage in ("judge", "dedup") and r.documents]
    largest = sorted(steps, key=lambda r: -r.documents)[:3]
    groups = []
    for step in steps:
        documents = [d for d in found if (d["stage"], d["reason"]) == (step.stage, step.reason)]
        groups.append({"step": step, "open": step in largest, "documents": documents})
    return groups


def _with_texts(source: _Source, documents: data.Rows) -> data.Rows:
    places: list[Place] = data.places_of(documents)
    texts = texts_of(source.store, source.tables.text, places, EXCERPT_CHARS)
    return [d | {"excerpt": texts.get(p)} for d, p in zip(documents, places, strict=True)]


def _environment() -> Environment:
    made = environment("pipeline.report")
    made.filters |= {"rounded": _rounded}
    made.globals |= {"charts": charts, "charts_of_dedup": dedup_charts, "sum_of": _sum_of}
    return made


def _rounded(value: str, bound: str) -> str:
    """A measured value as a verdict records it, without the digits nobody reads; bound: what it failed, such as 'max 0.5'."""
    try:
        measured = float(value)
    except ValueError:
        return value
    try:
        return wording.measure_beside(measured, float(bound.rpartition(" ")[2]))
    except ValueError:
        return wording.measure(measured)


def _sum_of(rows: list[dict[str, Any]], column: str) -> int:
    return sum(r[column] for r in rows)
