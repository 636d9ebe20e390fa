"""The columns that say how much of a document the corpus repeats, for rules, SQL and export."""

from __future__ import annotations

import pyarrow as pa

from pipeline.rules import Measured
from scorers.base import count, fraction

ALIAS = "corpus_lines"
COLUMNS = (
    count("lines", "lines", "lines (or paragraphs) of the document that take part in line deduplication"),
    count("repeated_lines", "lines", "those that the corpus holds more than max_count times"),
    count("most_repeated", "lines", "how often the corpus holds the most repeated of them; 0 without any"),
    fraction("repeated_line_frac", "repeated_lines over lines"),
    fraction("repeated_byte_frac", "bytes of repeated lines over bytes of the text"),
    fraction(
        "surplus_byte_frac", "bytes of lines that deduplication would take, were no rule asked, over bytes of the text"
    ),
)
STRUCT = pa.struct([pa.field(c.name, c.type, metadata={"unit": c.unit, "meaning": c.meaning}) for c in COLUMNS])


def measured() -> dict[str, Measured]:
    """The columns as rules name them."""
    return {f"{ALIAS}.{c.name}": Measured(c.type, c.low, c.high) for c in COLUMNS}
