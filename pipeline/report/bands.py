"""`winnow bands`: the ways to cut signatures into bands, with what each finds and costs in a corpus, and published ones beside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipeline.dedup.documents.forecast import DOC_TEXT_BYTES, documents_in
from pipeline.dedup.documents.planner import banding, choice, choices, cost
from pipeline.dedup.documents.presets import PRESETS, LshPreset
from pipeline.dedup.documents.signature_sample import read_sample
from pipeline.dedup.documents.similarities import Reference, Similarities
from pipeline.errors import PlanError
from pipeline.plan import Plan, check_recipe, make_plan
from pipeline.recipe import Recipe
from pipeline.recipe.dedup import Fuzzy
from pipeline.scoring import ScorerSpec
from pipeline.stages.score import notes_key
from pipeline.storage import manifest
from pipeline.storage.notes import Notes
from pipeline.storage.store import Store
from scorers.base import parameters


@dataclass(frozen=True)
class Corpus:
    """What the forecast is for."""

    similar: Similarities
    documents: int
    text_bytes: int


def bands_table(store: Store, recipe: Recipe, documents: int, corpus: str | None = None) -> dict[str, Any]:
    """about, jaccard, recall, ways (a row each: bands, rows, what they find and cost), unreachable (why none of them is within the
    budget, or null) and published (a row a preset). Of a recipe with input the corpus is this input, by its own signatures where
    it was scored already; else `documents` like the reference's."""
    fuzzy, minhash = _asked(recipe)
    num_perm = int(parameters(minhash.build())["num_perm"])
    found = _corpus(store, recipe, minhash, documents, corpus)
    chosen, unreachable = _chosen(fuzzy, num_perm, found.similar)
    ways = []
    for way in choices(fuzzy, num_perm, found.similar, chosen):
        needs = cost(way, found.documents, found.text_bytes)
        ways.append(
            {
                "chosen": (way.bands, way.rows) == chosen, "bands": way.bands, "rows": way.rows, "recall": way.recall,
                "false_per_doc": way.false_per_doc, "similar_per_doc": way.similar_per_doc,
                "memory_bytes": needs.memory_bytes, "exchange_bytes": needs.exchange_bytes, "seconds": needs.seconds,
            }
        )  # fmt: skip
    return {
        "about": found.similar.about, "documents": found.documents, "text_bytes": found.text_bytes, "num_perm": num_perm,
        "jaccard": fuzzy.jaccard, "recall": fuzzy.recall, "max_false_candidates": fuzzy.max_false_candidates,
        "unreachable": unreachable, "ways": ways, "published": [_published(name, preset, found.documents) for name, preset in PRESETS.items()],
    }  # fmt: skip


def _chosen(fuzzy: Fuzzy, num_perm: int, similar: Similarities) -> tuple[tuple[int, int], str | None]:
    """(bands, rows), and why the budget cannot be had where these are chosen without it: to look is to see what there is."""
    try:
        return banding(fuzzy, num_perm, similar), None
    except PlanError as error:
        return banding(fuzzy.model_copy(update={"max_false_candidates": None}), num_perm), str(error)


def _asked(recipe: Recipe) -> tuple[Fuzzy, ScorerSpec]:
    fuzzy = recipe.dedup.fuzzy if recipe.dedup else None
    if fuzzy is None:
        raise PlanError(f"recipe {recipe.name!r} has no dedup.fuzzy, so there are no bands; add --set dedup.fuzzy={{}}")
    specs = check_recipe(recipe).specs
    return fuzzy, next(s for s in specs if s.alias == fuzzy.on)


def _corpus(store: Store, recipe: Recipe, minhash: ScorerSpec, documents: int, corpus: str | None) -> Corpus:
    if not recipe.input.paths:
        return Corpus(Reference(documents), documents, documents * DOC_TEXT_BYTES)
    plan = make_plan(store, recipe, corpus)
    notes = notes_of(store, plan)
    if notes is None:
        about = documents_in(plan.ingest.total_bytes)
        return Corpus(Reference(about), about, plan.ingest.total_bytes)
    exact = next(s.alias for s in plan.specs if s.scorer == "exact")
    sample = read_sample(store, notes, minhash.alias, exact)
    return Corpus(sample, sample.documents, plan.ingest.total_bytes)


def notes_of(store: Store, plan: Plan) -> Notes | None:
    """What scorers said of the input; None where it is still to be scored."""
    text = manifest.load(store, manifest.manifest_path(plan.corpus, "text", plan.ingest.key))
    keys = [notes_key(specs, plan.ingest.key) for specs in plan.passes]
    loaded = [manifest.load(store, manifest.manifest_path(plan.corpus, "notes", key)) for key in keys]
    passes = [m for m in loaded if m is not None]
    if text is None or len(passes) < len(keys):
        return None
    return Notes.of_passes(text, passes, plan.specs)


def _published(name: str, preset: LshPreset, documents: int) -> dict[str, Any]:
    """A preset at its own threshold, in a corpus like the reference."""
    banded = next(iter(preset.bandings.values()), None)
    given = {"bands": banded[0], "rows": banded[1]} if banded else {"weights": preset.weights}
    fuzzy = Fuzzy.model_validate({"jaccard": preset.jaccard, **given})
    bands, rows = banding(fuzzy, preset.num_perm)
    made = choice(bands, rows, preset.jaccard, Reference(documents))
    return {
        "preset": name, "num_perm": preset.num_perm, "ngram": preset.ngram, "jaccard": preset.jaccard, "bands": bands,
        "rows": rows, "recall": made.recall, "recall_at_0.8": choice(bands, rows, 0.8, Reference(2)).recall,
        "false_per_doc": made.false_per_doc, "source": preset.source, "differs": list(preset.differs),
    }  # fmt: skip
