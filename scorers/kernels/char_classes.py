"""What the splitters know of a character: one u16 of flags per code point."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

CODE_POINTS = 0x110000

ALPHABETIC, NOT_PUNCTUATION, WORD, ALPHA, LOWER, UPPER = 1, 2, 4, 8, 16, 32
LOWER_OR_QUOTE, UPPER_OR_QUOTE, BEFORE_FULL_STOP = 64, 128, 256
PREFIX, SUFFIX, INFIX, CURRENCY, DIGIT, HOST, UNIT_END = 512, 1024, 2048, 4096, 8192, 16384, 32768

IN_FILE = {
    "alphabetic": ALPHABETIC,
    "word": WORD,
    "alpha": ALPHA,
    "lower": LOWER,
    "upper": UPPER,
    "lower_or_quote": LOWER_OR_QUOTE,
    "upper_or_quote": UPPER_OR_QUOTE,
    "before_full_stop": BEFORE_FULL_STOP,
    "prefix": PREFIX,
    "suffix": SUFFIX,
    "infix": INFIX,
    "currency": CURRENCY,
}

UNITS = (
    "km km² km³ m m² m³ dm dm² dm³ cm cm² cm³ mm mm² mm³ ha µm nm yd in ft kg g mg µg t lb oz m/s km/h kmh mph hPa Pa "
    "mbar mb MB kb KB gb GB tb TB T G M K % км км² км³ м м² м³ дм дм² дм³ см см² см³ мм мм² мм³ нм кг г мг м/с км/ч "
    "кПа Па мбар Кб КБ кб Мб МБ мб Гб ГБ гб Тб ТБ тбكم كم² كم³ م م² م³ سم سم² سم³ مم مم² مم³ كم غرام جرام جم كغ ملغ "
    "كوب اكواب"
).split()
"""Split off after a digit. 'тбكم' is spaCy 3.8's own: a space is missing between two lines of its list."""


@cache
def named_ranges() -> dict[str, list[tuple[int, int]]]:
    """The ranges (first, last) of every class in char_classes.tsv."""
    text = Path(__file__).with_name("char_classes.tsv").read_text(encoding="utf-8")
    lines = [line.split("\t") for line in text.splitlines() if not line.startswith("#")]
    return {name: [_range(r) for r in listed.split()] for name, listed in lines}


def _range(written: str) -> tuple[int, int]:
    first, _, last = written.partition("-")
    return int(first, 16), int(last or first, 16)


@cache
def classes() -> npt.NDArray[np.uint16]:
    """u16[CODE_POINTS] of the flags above. str.isalpha and \\w are frozen as of Unicode 14, whatever the Python."""
    table = np.full(CODE_POINTS, NOT_PUNCTUATION, np.uint16)
    for first, last in named_ranges()["datatrove_punctuation"]:
        table[first : last + 1] = 0
    for name, flag in IN_FILE.items():
        for first, last in named_ranges()[name]:
            table[first : last + 1] |= flag
    table[ord("0") : ord("9") + 1] |= DIGIT | HOST
    for host in ("az", "AZ", "\u00a1\uffff"):
        table[ord(host[0]) : ord(host[1]) + 1] |= HOST
    for unit in UNITS:
        table[ord(unit[-1])] |= UNIT_END
    table.flags.writeable = False
    return table
