"""What substring deduplication will do and cost, in sentences, before any text was read."""

from __future__ import annotations

from pipeline.dedup.substrings.substrings import piece_of
from pipeline.recipe.dedup import Substrings

TOKEN_BYTES = 6.0
"""Mean bytes of text a token (a Unicode word and what follows it), in the corpus of benchmarks/README.md."""
RUN_BYTES = 45
"""Of a run in the tables `substrings` and `substring_keys` together, as written there."""
MB_PER_S = 15.0
"""Text to spans on one core there."""


def runs_of_text(substrings: Substrings, text_bytes: int) -> int:
    """Anchors that winnowing is expected to choose: 2 for every `size - piece + 2` elements (Schleimer et al. 2003)."""
    elements = text_bytes / (TOKEN_BYTES if substrings.min_tokens else 1.0)
    return max(1, int(2 * elements / (substrings.size - piece_of(substrings.size) + 2)))


def seconds(substrings: Substrings, text_bytes: int) -> float:
    """On one core; measuring for rules and cutting are two passes of their own."""
    return text_bytes / 1e6 / MB_PER_S * (1.6 if substrings.action == "both" else 1.0)


def sentences(substrings: Substrings, text_bytes: int) -> list[str]:
    """For people, and for --json."""
    what = f"passages of at least {substrings.least} that the corpus holds elsewhere"
    stays = "the first copy stays" if substrings.keep == "first" else "no copy stays"
    runs = runs_of_text(substrings, text_bytes)
    return [
        f"{what} are measured" if substrings.action == "measure" else f"of {what}, {stays}",
        f"about {runs:,} anchors; tables of about {runs * RUN_BYTES / 1e6:,.0f} MB, and the text about anchors that repeat",
        f"about {seconds(substrings, text_bytes):,.0f} s of one core; the text is read three times",
    ]
