"""Write the data file of the line measures' character classes, from Python's, datatrove's and spaCy's own tables.

Run by hand when the reference versions move: ``python tools/write_mark_classes.py`` (needs the conformance group).
A frozen file, not tables made at run time: the same measures whatever Python's Unicode version.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

from datatrove.utils.text import TERMINAL_PUNCTUATION  # type: ignore[import-untyped]
from spacy.about import __version__ as spacy_version
from spacy.pipeline import Sentencizer

TARGET = Path(__file__).parent.parent / "scorers" / "kernels" / "mark_classes.tsv"

CLASSES: dict[str, Callable[[str], object]] = {
    "alphanumeric": str.isalnum,
    "decimal_digit": str.isdecimal,
    "punctuation": lambda c: unicodedata.category(c).startswith("P"),
    "terminal_punctuation": TERMINAL_PUNCTUATION.__contains__,
    "sentence_end": set(Sentencizer.default_punct_chars).__contains__,
}


def ranges(holds: Callable[[str], object]) -> list[str]:
    """The code points for which `holds`, as 'first-last' in hexadecimal."""
    members = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF and holds(chr(c))]
    firsts = [c for k, c in enumerate(members) if k == 0 or members[k - 1] != c - 1]
    lasts = [c for k, c in enumerate(members) if k == len(members) - 1 or members[k + 1] != c + 1]
    return [f"{a:x}" if a == b else f"{a:x}-{b:x}" for a, b in zip(firsts, lasts, strict=True)]


def main() -> None:
    """Write the file."""
    head = (
        f"# Written by tools/write_mark_classes.py from Unicode {unicodedata.unidata_version}, datatrove 0.10.1 "
        f"(Apache-2.0, Hugging Face) and spaCy {spacy_version} (MIT, Explosion AI)."
    )
    lines = [f"{name}\t{' '.join(ranges(holds))}" for name, holds in CLASSES.items()]
    TARGET.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
