"""Which bands and rows: from the recall that is asked for and the false candidates that are allowed; and what they cost."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.dedup.documents.bands import choose_bands, match_probability, weighed_bands
from pipeline.dedup.documents.pair_units import HELD_BYTES
from pipeline.dedup.documents.schema import BANDS_TABLE, CANDIDATES_TABLE, PAIRS_TABLE
from pipeline.dedup.documents.similarities import Found, Similarities
from pipeline.dedup.ranges import RANGE_BYTES, row_bytes
from pipeline.errors import PlanError
from pipeline.recipe.dedup import Fuzzy
from pipeline.schema import arrow_schema

ENTRY_BYTES = row_bytes(arrow_schema(BANDS_TABLE))
CANDIDATE_BYTES = row_bytes(arrow_schema(CANDIDATES_TABLE))
PAIR_BYTES = row_bytes(arrow_schema(PAIRS_TABLE))
SHINGLE_BYTES = 1.1
"""Of a set a byte of text: 8 for each different run of words."""
UNIT_TIMES = 3
"""What a unit needs for each byte of its range (`ranges.RANGE_BYTES`)."""
NODE_BYTES = 28
EDGE_BYTES = 64
"""Of the clusters, which one process makes: a document that is similar to another, and such a pair in both directions."""
S_PER_ENTRY = 4.0e-7
S_PER_PAIR = 4.5e-6
S_PER_INVOLVED_BYTE = 1.2e-8
S_PER_TEXT_BYTE = 5.0e-9
"""CPU seconds on the machine of benchmarks/README.md (`python -m benchmarks.dedup_forecast`)."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to cut signatures, the share of pairs at the threshold that it finds, and what comes of it in a corpus."""

    bands: int
    rows: int
    recall: float
    found: Found

    @property
    def false_per_doc(self) -> float:
        """Candidate pairs below the threshold."""
        return self.found.false_per_doc

    @property
    def similar_per_doc(self) -> float:
        """Candidate pairs at or above it."""
        return self.found.similar_per_doc


@dataclass(frozen=True, slots=True)
class Cost:
    """Of the stages bands, candidates, shingles, pairs and dedup. memory_bytes: of the process that needs most, beside what every
    one has; exchange_bytes: written by one stage and read by the next; seconds: of one core."""

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
        by_recall = choose_bands(num_perm, settings.jaccard, settings.recall)
    except ValueError as error:  # no bands reach the recall, whatever they cost
        raise PlanError(f"dedup.fuzzy: {error}") from None
    if settings.max_false_candidates is None or similar is None:
        return by_recall
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
    assert least is not None  # one row and as many bands as minima reach it, or `banding` has said so
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
    """The fewest bands of so many rows that find `recall` of the pairs at the threshold; None where the signature has not
    as many."""
    for bands in range(1, num_perm // rows + 1):
        if match_probability(jaccard, bands, rows) >= recall:
            return bands
    return None


def choice(bands: int, rows: int, jaccard: float, similar: Similarities) -> Choice:
    """What comes of these bands."""
    return Choice(bands, rows, match_probability(jaccard, bands, rows), similar.candidates(bands, rows, jaccard))


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
    """By the tables that the stages write: entries of bands, pairs from either side, shingles of the documents that are in any."""
    entries = made.bands * documents
    similar = made.similar_per_doc * documents
    pairs = made.false_per_doc * documents + similar
    involved_bytes = made.found.involved_frac * text_bytes
    exchanged = entries * ENTRY_BYTES + pairs * (2 * CANDIDATE_BYTES + PAIR_BYTES) + involved_bytes * SHINGLE_BYTES
    unit = max(min(RANGE_BYTES, entries * ENTRY_BYTES) * UNIT_TIMES, min(HELD_BYTES, involved_bytes * SHINGLE_BYTES))
    clusters = 2 * similar * NODE_BYTES + similar * EDGE_BYTES
    seconds = (
        entries * S_PER_ENTRY + pairs * S_PER_PAIR + involved_bytes * S_PER_INVOLVED_BYTE + text_bytes * S_PER_TEXT_BYTE
    )
    return Cost(int(max(unit, clusters)), int(exchanged), seconds)
