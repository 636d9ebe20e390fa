"""Write the data file of the n-gram models' normalisation: what every character becomes, and which kind it is.

Run by hand when the Unicode version shall move: ``python tools/write_normal_characters.py``. A frozen file, not tables
made at run time: a model scores the same whatever Python's Unicode version. The steps are those of cc_net's
text_normalizer.py (MIT, Facebook): lower case, NFD without marks of category Mn, digits to 0, punctuation, controls.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

TARGET = Path(__file__).parent.parent / "scorers" / "kernels" / "normal_characters.tsv"

FROM = "，。、„”“«»」「《》´∶：？！（）；–～’━〈〉【】％►"
TO = ",.," + 9 * '"' + "'::?!();-~'-<>[]%-"
PUNCTUATION = dict(zip(FROM, TO, strict=True)) | {"１": '"', "—": " - ", "．": ". ", "…": "..."}
CONTROLS = {chr(c) for c in (*range(32), *range(127, 160))}
WITHOUT_SPACES = (
    (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x1950, 0x19DF), (0x1A20, 0x1AAF), (0x2E80, 0x2FDF),
    (0x3005, 0x3007), (0x3021, 0x312F), (0x31A0, 0x31BF), (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF),
    (0xA9E0, 0xA9FF), (0xAA60, 0xAADF), (0xF900, 0xFAFF), (0xFF66, 0xFF9F), (0x1B000, 0x1B16F), (0x20000, 0x323AF),
)  # fmt: skip
HANGUL = range(0xAC00, 0xD7A4)


def folded(character: str) -> str:
    """What cc_net's normalize makes of one character."""
    bare = "".join(c for c in unicodedata.normalize("NFD", character.lower()) if unicodedata.category(c) != "Mn")
    digits = "".join("0" if unicodedata.category(c) == "Nd" else c for c in bare)
    return "".join("" if c in CONTROLS else PUNCTUATION.get(c, c) for c in digits)


def without_spaces(character: str) -> bool:
    """A letter or mark of a script that is written without spaces between words."""
    inside = any(low <= ord(character) <= high for low, high in WITHOUT_SPACES)
    return inside and unicodedata.category(character)[0] in "LM"


def ends_a_cased_word(before: str) -> bool:
    """Whether a capital sigma after `before` becomes a final sigma."""
    return (before + "Σ").lower().endswith("ς")


CLASSES: dict[str, Callable[[str], object]] = {
    "space": str.isspace,
    "mark": lambda c: unicodedata.category(c)[0] in "PS",
    "alone": without_spaces,
    "cased": ends_a_cased_word,
    "ignorable": lambda c: not ends_a_cased_word(c) and ends_a_cased_word("a" + c),
    "dropped": lambda c: folded(c) == "",
    "digit": lambda c: folded(c) == "0" and c != "0",
}


def ranges(members: list[int]) -> list[str]:
    """Code points as 'first-last' in hexadecimal."""
    firsts = [c for k, c in enumerate(members) if k == 0 or members[k - 1] != c - 1]
    lasts = [c for k, c in enumerate(members) if k == len(members) - 1 or members[k + 1] != c + 1]
    return [f"{a:x}" if a == b else f"{a:x}-{b:x}" for a, b in zip(firsts, lasts, strict=True)]


def main() -> None:
    """Write the file."""
    everything = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
    lines = [f"# Written by tools/write_normal_characters.py from Unicode {unicodedata.unidata_version}."]
    for name, holds in CLASSES.items():
        lines.append(f"{name}\t{' '.join(ranges([c for c in everything if holds(chr(c))]))}")
    becomes = [
        f"{c:x}={made.encode().hex()}"
        for c in everything
        if c not in HANGUL and (made := folded(chr(c))) not in (chr(c), "", "0")
    ]
    TARGET.write_text("\n".join([*lines, f"becomes\t{' '.join(becomes)}"]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
