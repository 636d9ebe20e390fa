"""What lies beside an exported corpus for those who use it: a dataset card, the locked recipe, Croissant metadata.

All of it is a function of the recipe, the tables and the files written: no clock, no machine, so that the same input
gives the same bytes.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from pipeline import wording
from pipeline.card.croissant import croissant
from pipeline.card.lock import as_yaml, lock_text, scorers_of
from pipeline.dedup.documents.bands import match_probability
from pipeline.recipe import Recipe
from pipeline.report.texts import visible
from pipeline.rules import sentence
from pipeline.storage.manifest import Manifest
from pipeline.storage.notes import Notes
from pipeline.storage.part import PartRecord
from pipeline.storage.store import Store
from pipeline.totals.funnel import FunnelRow, ends, funnel_of

DISTRIBUTION = "winnow-curation"
HUB_LICENSES = frozenset(
    {
        *("apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "unlicense", "mpl-2.0", "wtfpl"),
        *(
            "cc0-1.0",
            "cc-by-3.0",
            "cc-by-4.0",
            "cc-by-sa-3.0",
            "cc-by-sa-4.0",
            "cc-by-nc-4.0",
            "pddl",
            "odc-by",
            "odbl",
        ),
        *("gpl-2.0", "gpl-3.0", "lgpl-3.0", "agpl-3.0", "cdla-permissive-1.0", "cdla-permissive-2.0"),
    }
)
"""Identifiers the Hugging Face Hub takes; any other licence is 'other' there, and named in the card."""
SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"),
         (10**8, "10M<n<100M"), (10**9, "100M<n<1B"), (10**10, "1B<n<10B"), (10**11, "10B<n<100B"))  # fmt: skip
LANGUAGE = re.compile(r"[a-z]{2,3}")
ORIGIN = ("license", "language", "source")
"""Columns of which the card counts the values."""
MAX_DISTINCT = 100_000
SHOWN = 15
CURVE = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
MAX_CELL_CHARS = 120


def write_card(
    destination: Store, made: Manifest, notes: Notes, recipe: Recipe, banding: tuple[int, int] | None = None
) -> None:
    """Write README.md, recipe.lock.yaml and croissant.json beside an export. banding: (bands, rows) that near-duplicates were
    looked for with."""
    version = importlib.metadata.version(DISTRIBUTION)
    kept = _Kept.read(destination, made)
    destination.put("recipe.lock.yaml", lock_text(recipe, made, notes, version))
    metadata = croissant(recipe, made, kept.schema, kept.licenses.most_common(SHOWN), version)
    destination.put("croissant.json", json.dumps(metadata, indent=1, ensure_ascii=False) + "\n")
    destination.put("README.md", _readme(destination, made, notes, recipe, kept, banding, version))


def data_parts(made: Manifest) -> list[PartRecord]:
    """The export's own shards, without what lies in removed/ and quarantine/."""
    return [p for p in made.parts if p.path.startswith("data/")]


@dataclass(frozen=True, slots=True)
class _Kept:
    """The rows written, every copy of a document among them, by what is known of their origin. A column with too many values
    to list is left out."""

    schema: pa.Schema
    licenses: Counter[str]
    languages: Counter[str]
    sources: Counter[str]

    @staticmethod
    def read(destination: Store, made: Manifest) -> _Kept:
        parts = data_parts(made)
        schema = destination.parquet(parts[0].path).schema_arrow if parts else pa.schema([])
        counted = _count_values(destination, parts, [c for c in ORIGIN if c in schema.names])
        return _Kept(schema, *(counted.get(c, Counter()) for c in ORIGIN))


def _count_values(destination: Store, parts: Sequence[PartRecord], columns: Sequence[str]) -> dict[str, Counter[str]]:
    """How often each value is there, the most frequent first, of the columns that have few; every file is opened once."""
    found: dict[str, Counter[str]] = {column: Counter() for column in columns}
    for part in parts:
        table = destination.read_table(part.path, columns=list(found))
        for column in list(found):
            for pair in pc.value_counts(table.column(column)).to_pylist():
                found[column][pair["values"] if pair["values"] is not None else ""] += pair["counts"]
            if len(found[column]) > MAX_DISTINCT:
                del found[column]
    return {
        c: Counter(dict(sorted(n.items(), key=lambda kv: (-kv[1], kv[0])))) for c, n in found.items() if set(n) != {""}
    }


def _funnel(destination: Store, made: Manifest, recipe: Recipe) -> list[FunnelRow]:
    """The export's counts, with the bytes of text that `removed/` accounts for; the rest was kept."""
    text_bytes: Counter[str] = Counter()
    for part in made.parts:
        if part.path.startswith("removed/"):
            table = destination.read_table(part.path, columns=["stage", "rule", "text_bytes"])
            for row in table.group_by(["stage", "rule"]).aggregate([("text_bytes", "sum")]).to_pylist():
                text_bytes[f"{row['stage']}.{row['rule']}"] += row["text_bytes_sum"] or 0
    text_bytes["kept"] = made.details["text_bytes_in"] - text_bytes.total()
    return funnel_of(made.counts, text_bytes, recipe)


def _readme(
    destination: Store,
    made: Manifest,
    notes: Notes,
    recipe: Recipe,
    kept: _Kept,
    banding: tuple[int, int] | None,
    version: str,
) -> str:
    rows = _funnel(destination, made, recipe)
    return template().render(
        front=as_yaml(_front_matter(made, recipe, kept)),
        recipe=recipe, made=made, version=version, rows=rows, ends=ends(rows), share=wording.share,
        data=data_parts(made), schema=kept.schema, sentences=[(sentence(n, r), r.why) for n, r in recipe.rules.items()],
        scorers=scorers_of(notes), curve=_curve(notes, recipe, banding), files=notes.text.details.get("files", []),
        origins=[("Licence", kept.licenses), ("Source", kept.sources), ("Language", kept.languages)], shown=SHOWN,
    )  # fmt: skip


@cache
def template() -> Template:
    """The card's, compiled once a process."""
    loader = PackageLoader("pipeline.card", "templates")
    # Markdown, not HTML: what comes from outside goes through `cell`
    made = Environment(loader=loader, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)  # noqa: S701
    made.filters |= {"count": wording.count, "size": wording.size, "cell": cell}
    return made.get_template("card.md.j2")


def cell(value: object, max_chars: int = MAX_CELL_CHARS) -> str:
    """Outside text in Markdown: on one line, no mark-up of its own, not too long."""
    text = visible(" ".join(str(value).split()))
    text = text if len(text) <= max_chars else text[: max_chars - 1] + "…"
    return re.sub(
        r"([\\`*_{}\[\]|#!~$])", r"\\\1", text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    )


def _front_matter(made: Manifest, recipe: Recipe, kept: _Kept) -> dict[str, Any]:
    """What the Hugging Face Hub reads."""
    rows = made.details["data_rows"]
    languages = [code for code, _ in kept.languages.most_common() if LANGUAGE.fullmatch(code)]
    front: dict[str, Any] = {
        "pretty_name": recipe.name,
        "license": _license(kept.licenses),
        **({"language": languages} if languages else {}),
        "task_categories": ["text-generation"],
        "size_categories": [next((name for below, name in SIZES if rows < below), "100B<n<1T")],
        "tags": ["winnow", "pretraining"],
    }
    if data_parts(made):
        files = [{"split": "train", "path": "data/*.parquet"}]
        front["configs"] = [{"config_name": "default", "data_files": files}]
    return front


def _license(licenses: Counter[str]) -> str:
    """The one licence of all documents, if the Hub knows it."""
    if not licenses:
        return "unknown"
    only = next(iter(licenses)).lower() if len(licenses) == 1 else ""
    return only if only in HUB_LICENSES else "other"


def _curve(notes: Notes, recipe: Recipe, banding: tuple[int, int] | None) -> dict[str, Any] | None:
    """How near-duplicates were looked for, and which share of pairs that finds."""
    fuzzy = recipe.dedup.fuzzy if recipe.dedup else None
    if fuzzy is None or banding is None:
        return None
    minhash = scorers_of(notes)[fuzzy.on]["parameters"]
    bands, rows = banding
    points = [(j, match_probability(j, bands, rows)) for j in CURVE]
    return {"fuzzy": fuzzy, "minhash": minhash, "bands": bands, "rows": rows, "points": points}
