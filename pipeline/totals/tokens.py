"""How many tokens a text of so many bytes has, where nobody counted them."""

from __future__ import annotations

BYTES_PER_TOKEN = 4.2
"""UTF-8 bytes of English web text in a token of GPT-2's vocabulary; other languages and vocabularies have fewer."""


def estimated(size_bytes: int) -> int:
    """An estimate, for funnels and previews."""
    return round(size_bytes / BYTES_PER_TOKEN)
