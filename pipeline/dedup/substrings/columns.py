"""The columns that say how much of a document lies elsewhere in the corpus word for word, for rules, SQL and export."""

from __future__ import annotations

import pyarrow as pa

from pipeline.rules import Measured
from scorers.base import count, fraction

ALIAS = "corpus_substrings"
COLUMNS = (
    count("passages", "passages", "passages of at least the recipe's length that lie elsewhere in the corpus, too"),
    count("longest_bytes", "bytes", "the longest of them; 0 without any"),
    fraction("repeated_byte_frac", "bytes of these passages over bytes of the text, whichever copy is first"),
    fraction(
        "surplus_byte_frac",
        "bytes of passages that deduplication would take, were no rule asked, over bytes of the text",
    ),
)
STRUCT = pa.struct([pa.field(c.name, c.type, metadata={"unit": c.unit, "meaning": c.meaning}) for c in COLUMNS])


def measured() -> dict[str, Measured]:
    """The columns as rules name them."""
    return {f"{ALIAS}.{c.name}": Measured(c.type, c.low, c.high) for c in COLUMNS}
