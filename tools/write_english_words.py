"""Write the two data files of the English word splitter, from spaCy's and datatrove's own tables.

Run by hand when the reference versions move: ``python tools/write_english_words.py`` (needs the conformance group).
Frozen files, not tables made at run time: the same words whatever Python's Unicode version.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import spacy
from datatrove.utils.text import PUNCTUATION_SET
from spacy.lang.char_classes import ALPHA, ALPHA_LOWER, ALPHA_UPPER, CONCAT_QUOTES, LIST_CURRENCY, PUNCT
from spacy.symbols import ORTH
from spacy.tokenizer import Tokenizer

FOLDER = Path(__file__).parent.parent / "scorers" / "kernels"

RULES = spacy.blank("en").tokenizer
CURRENCY = {c.replace("\\", "") for c in LIST_CURRENCY}

CLASSES: dict[str, Callable[[str], object]] = {
    "alphabetic": str.isalpha,
    "datatrove_punctuation": PUNCTUATION_SET.__contains__,
    "word": re.compile(r"\w").match,
    "alpha": re.compile(f"[{ALPHA}]").match,
    "lower": re.compile(f"[{ALPHA_LOWER}]").match,
    "upper": re.compile(f"[{ALPHA_UPPER}]").match,
    "lower_or_quote": re.compile(f"[{ALPHA_LOWER}{CONCAT_QUOTES}]").match,
    "upper_or_quote": re.compile(f"[{ALPHA_UPPER}{CONCAT_QUOTES}]").match,
    "before_full_stop": re.compile(rf"[0-9{ALPHA_LOWER}%²\-\+{PUNCT}(?:{CONCAT_QUOTES})]").match,
    "prefix": lambda c: RULES.find_prefix(c) == 1 and c != "+",
    "suffix": lambda c: RULES.find_suffix(c) == 1,
    "infix": lambda c: len(RULES.find_infix(c)) == 1,
    "currency": CURRENCY.__contains__,
}


def ranges(holds: Callable[[str], object]) -> list[str]:
    """The code points for which `holds`, as 'first-last' in hexadecimal."""
    members = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF and holds(chr(c))]
    firsts = [c for k, c in enumerate(members) if k == 0 or members[k - 1] != c - 1]
    lasts = [c for k, c in enumerate(members) if k == len(members) - 1 or members[k + 1] != c + 1]
    return [f"{a:x}" if a == b else f"{a:x}-{b:x}" for a, b in zip(firsts, lasts, strict=True)]


def exceptions() -> list[str]:
    """One line per exception: its pieces, and (where spaCy looks for it across tokens) the tokens it looks for."""
    bare = Tokenizer(
        RULES.vocab,
        rules={},
        prefix_search=RULES.prefix_search,
        suffix_search=RULES.suffix_search,
        infix_finditer=RULES.infix_finditer,
        url_match=RULES.url_match,
    )
    lines = []
    for text, pieces in sorted(RULES.rules.items()):
        if any(c.isspace() for c in text):
            continue
        searched = RULES.find_prefix(text) or RULES.find_infix(text) or RULES.find_suffix(text)
        found = " ".join(t.text for t in bare(text)) if searched else ""
        lines.append(f"{' '.join(p[ORTH] for p in pieces)}\t{found}".rstrip("\t"))
    return lines


def main() -> None:
    """Write both files."""
    head = f"# Written by tools/write_english_words.py from spaCy {spacy.__version__} (MIT, Explosion AI)"
    classes = [f"{name}\t{' '.join(ranges(holds))}" for name, holds in CLASSES.items()]
    (FOLDER / "char_classes.tsv").write_text(
        "\n".join([f"{head} and datatrove 0.10.1 (Apache-2.0, Hugging Face).", *classes]) + "\n", encoding="utf-8"
    )
    (FOLDER / "english_exceptions.tsv").write_text(
        "\n".join([f"{head}: exception's pieces, its pieces without exceptions.", *exceptions()]) + "\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
