"""What near-duplicate removal will do and cost, in sentences, before any text was read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline import wording
from pipeline.dedup.documents.bands import match_probability
from pipeline.dedup.documents.planner import banding, choice, cost
from pipeline.dedup.documents.presets import PRESETS
from pipeline.dedup.documents.similarities import Reference, Similarities
from pipeline.errors import PlanError
from pipeline.recipe.dedup import Fuzzy
from scorers.minhash import WHAT

DOC_TEXT_BYTES = 3_556
"""Mean document of the corpus of benchmarks/README.md: documents are counted when they are taken in."""


def documents_in(text_bytes: int) -> int:
    """About how many documents so much text is."""
    return max(1, text_bytes // DOC_TEXT_BYTES)


def sentences(fuzzy: Fuzzy, minhash: Mapping[str, Any], text_bytes: int) -> list[str]:
    """For people, and for --json. minhash: the scorer's parameters. PlanError where the settings cannot be had."""
    num_perm, documents = int(minhash["num_perm"]), documents_in(text_bytes)
    similar = Reference(documents)
    said = _budget(fuzzy, num_perm, similar)
    unbudgeted = fuzzy.model_copy(update={"max_false_candidates": None})
    bands, rows = banding(unbudgeted if said else fuzzy, num_perm, similar)
    made = choice(bands, rows, fuzzy.jaccard, similar)
    needs = cost(made, documents, text_bytes)
    found = match_probability(fuzzy.jaccard, bands, rows)
    slots = WHAT[minhash.get("sketch", "minhash")]
    return [
        f"word {minhash['ngram']}-grams, {num_perm} {slots}, {bands} bands of {rows}: {found:.2%} of the pairs at Jaccard "
        f"{fuzzy.jaccard:g} become candidates; every one is verified exactly",
        *said,
        f"about {documents:,} documents: {made.false_per_doc:.2g} false candidates a document by the {similar.about}",
        f"{wording.size(needs.exchange_bytes)} of band keys exchanged, {wording.size(needs.memory_bytes)} of memory, "
        f"{needs.seconds:,.0f} s on one core; other ways: winnow bands",
        *(f"{fuzzy.preset} itself: {what}" for what in (PRESETS[fuzzy.preset].differs if fuzzy.preset else ())),
    ]


def _budget(fuzzy: Fuzzy, num_perm: int, similar: Similarities) -> list[str]:
    """What becomes of a budget: it is held against the corpus' own signatures, once they are there."""
    if fuzzy.max_false_candidates is None:
        return []
    said = f"bands are chosen after scoring, for at most {fuzzy.max_false_candidates:g} false candidates a document"
    try:
        bands, rows = banding(fuzzy, num_perm, similar)
        return [f"{said}; were this the reference corpus, {bands} bands of {rows}"]
    except PlanError:
        # what no corpus could have stops the plan
        banding(fuzzy.model_copy(update={"max_false_candidates": None}), num_perm)
        return [
            f"{said}; the reference corpus could not be had so cheaply: the job stops after scoring if yours cannot"
        ]
