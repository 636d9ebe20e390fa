"""What line deduplication will do and cost, in sentences, before any line was read."""

from __future__ import annotations

from pipeline.dedup.lines.bloom import Bloom
from pipeline.recipe.dedup import Lines

LINE_BYTES = 87
"""Mean length of a line that is not blank, in the corpus of benchmarks/README.md."""
KEY_BYTES = 11
"""Of a line in the tables `lines` and `line_keys`, each, as written there."""


def sentences(lines: Lines, text_bytes: int) -> list[str]:
    """For people, and for --json."""
    n = max(1, text_bytes // LINE_BYTES)
    often = "once" if lines.max_count == 1 else f"{lines.max_count} times"
    stays = {0: "no copy", 1: "the first copy"}.get(lines.keep, f"the first {lines.keep} copies")
    what = f"of each {lines.unit} that the corpus holds more than {often} (by {lines.count}), {stays} stays"
    said = [
        what if lines.action != "measure" else f"{lines.unit}s that the corpus holds more than {often} are measured",
        f"about {n:,} {lines.unit}s; tables of about {n * KEY_BYTES / 1e6:,.0f} MB each for hashes and keys",
    ]
    if lines.bloom is None:
        return said
    bloom = Bloom.of(n, lines.bloom.false_positive)
    size = f"a Bloom filter of {8 * bloom.words / 1e6:,.1f} MB ({bloom.probes} bits a line)"
    if lines.bloom.mode == "prefilter":
        return [*said, f"{size} leaves out what is there once; it loses nothing"]
    wrong = f"{bloom.wrong(n):,.1f}" if bloom.wrong(n) >= 0.05 else f"{bloom.wrong(n):.1e}"
    return [
        *said,
        f"LOSSY: {size} decides; a line that is no copy is taken with probability up to {lines.bloom.false_positive:g}: "
        f"about {wrong} of them if all lines differ; bloom.mode: prefilter takes none wrongly",
    ]
