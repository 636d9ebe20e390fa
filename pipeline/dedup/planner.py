"""Which bands and rows: from the recall that is asked for and the false candidates that are allowed; and what they cost."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pipeline.dedup.bands import choose_bands, match_probability, weighed_bands
from pipeline.dedup.similarities import Similarities
from pipeline.errors import PlanError
from pipeline.recipe.dedup import Fuzzy

KEY_BYTES = 8
DOC_BYTES = 24
PAIR_BYTES = 32
"""Memory of the join: a band's key, tables beside the keys a document, the set of pairs a pair (`scorers/kernels/lsh.py`)."""
JOIN_S_PER_KEY = 58e-9
VERIFY_S_PER_PAIR = 1.3e-6
SHINGLE_BYTES_PER_S = 150e6
"""On one core of the machine of benchmarks/README.md: 10 million signatures in 21 bands; pairs of documents of 3.5 kB."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to cut signatures, and what comes of it in a corpus. false_per_doc, similar_per_doc: candidate pairs a document
    below the threshold and at or above it."""

    bands: int
    rows: int
    recall: float
    false_per_doc: float
    similar_per_doc: float


@dataclass(frozen=True, slots=True)
class Cost:
    """Of the stages candidates, shingles and pairs. seconds: of one core."""

    memory_bytes: int
    exchange_bytes: int
    seconds: float


def banding(settings: Fuzzy, num_perm: int, similar: Similarities | None = None) -> tuple[int, int]:
    """(bands, rows) as the recipe says, or as what it asks for needs. similar: only a budget of false candidates asks for it;
    without it the recall alone decides. PlanError where nothing reaches what is asked."""
    if settings.bands is not None and settings.rows is not None:
        if settings.bands * settings.rows > num_perm:
            raise PlanError(
                f"dedup.fuzzy: {settings.bands} bands of {settings.rows} rows need {settings.bands * settings.rows} minima, "
                f"the scorer {settings.on!r} makes {num_perm}; raise its num_perm, or take fewer bands"
            )
        return settings.bands, settings.rows
    if settings.weights is not None:
        return weighed_bands(num_perm, settings.jaccard, settings.weights)
    try:
        if settings.max_false_candidates is None or similar is None:
            return choose_bands(num_perm, settings.jaccard, settings.recall)
    except ValueError as error:
        raise PlanError(f"dedup.fuzzy: {error}") from None
    return within_budget(settings, num_perm, similar)


def within_budget(settings: Fuzzy, num_perm: int, similar: Similarities) -> tuple[int, int]:
    """The (bands, rows) that find most at the threshold among those that find `recall` of it and stay within the budget of false
    candidates; of equals, the fewer bands. PlanError says the nearest there is."""
    budget = settings.max_false_candidates
    assert budget is not None
    best: Choice | None = None
    least: Choice | None = None
    for rows in range(1, num_perm + 1):
        needed = fewest_bands(num_perm, rows, settings.jaccard, settings.recall)
        if needed is None:
            break  # more rows find less
        fewest = choice(needed, rows, settings.jaccard, similar)
        least = fewest if least is None or fewest.false_per_doc < least.false_per_doc else least
        if fewest.false_per_doc <= budget:
            found = _most_bands(fewest, num_perm // rows, budget, settings.jaccard, similar)
            best = found if best is None or found.recall > best.recall else best
    if best is not None:
        return best.bands, best.rows
    if least is None:
        choose_bands(num_perm, settings.jaccard, settings.recall)  # says what is reachable
    assert least is not None
    raise PlanError(
        f"dedup.fuzzy.max_false_candidates: {budget:g} a document cannot be had with {num_perm} minima and recall "
        f"{settings.recall:g} at Jaccard {settings.jaccard:g}: the least is {least.false_per_doc:.3g} ({least.bands} bands of "
        f"{least.rows}). Raise the budget or num_perm of the scorer {settings.on!r}, or lower recall"
    )


def _most_bands(fewest: Choice, most: int, budget: float, jaccard: float, similar: Similarities) -> Choice:
    """As many bands of as many rows as the budget allows; false candidates only grow with bands, so halves find it."""
    held, low, high = fewest, fewest.bands, most
    while low < high:
        middle = (low + high + 1) // 2
        tried = choice(middle, fewest.rows, jaccard, similar)
        if tried.false_per_doc <= budget:
            held, low = tried, middle
        else:
            high = middle - 1
    return held


def fewest_bands(num_perm: int, rows: int, jaccard: float, recall: float) -> int | None:
    """The fewest bands of so many rows that find `recall` of the pairs at the threshold; None where the signature has not as many."""
    for bands in range(1, num_perm // rows + 1):
        if match_probability(jaccard, bands, rows) >= recall:
            return bands
    return None


def choice(bands: int, rows: int, jaccard: float, similar: Similarities) -> Choice:
    """What comes of these bands."""
    false, alike = similar.candidates_per_doc(bands, rows, jaccard)
    return Choice(bands, rows, match_probability(jaccard, bands, rows), false, alike)


def choices(
    settings: Fuzzy, num_perm: int, similar: Similarities, chosen: tuple[int, int], least_recall: float = 0.5
) -> list[Choice]:
    """The chosen (bands, rows), and for every number of rows the fewest bands that reach the recall, or all there is room for where
    none do; without those that find less than `least_recall`."""
    ways = {chosen}
    for rows in range(1, num_perm + 1):
        most = num_perm // rows
        if match_probability(settings.jaccard, most, rows) < least_recall:
            break
        ways.add((fewest_bands(num_perm, rows, settings.jaccard, settings.recall) or most, rows))
    return [choice(b, r, settings.jaccard, similar) for b, r in sorted(ways, key=lambda way: (way[1], way[0]))]


def cost(made: Choice, documents: int, text_bytes: int) -> Cost:
    """Of the join, the verification of every candidate, and the shingles of the documents that are in one."""
    per_doc = made.false_per_doc + made.similar_per_doc
    pairs = per_doc * documents
    keys = made.bands * documents
    involved_frac = 1.0 - math.exp(-2 * per_doc)  # were they spread evenly; clusters of templates make it less
    seconds = keys * JOIN_S_PER_KEY + pairs * VERIFY_S_PER_PAIR + involved_frac * text_bytes / SHINGLE_BYTES_PER_S
    memory = keys * KEY_BYTES + documents * DOC_BYTES + pairs * PAIR_BYTES
    return Cost(int(memory), keys * KEY_BYTES, seconds)
