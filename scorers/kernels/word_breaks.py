"""The word-break class of every character, after UAX #29's Word_Break property.

Made from `unicodedata`, which lacks that property: the general categories, and by range what they do not tell (scripts
without spaces, Katakana, the marks inside words). Emoji sequences have no class: no word that is kept starts with one.
"""

from __future__ import annotations

import unicodedata
from functools import cache

import numpy as np
import numpy.typing as npt

from scorers.kernels.char_classes import CODE_POINTS

OTHER, LETTER, HEBREW, NUMERIC, KATAKANA, EXTEND_NUM_LET, EXTEND = range(7)
MID_LETTER, MID_NUM, MID_NUM_LET, SINGLE_QUOTE, DOUBLE_QUOTE = range(7, 12)
CLASS = 15
ALPHANUMERIC = 16
"""Flag: str.isalnum."""

CATEGORIES = {
    **dict.fromkeys(("Lu", "Ll", "Lt", "Lm", "Lo", "Nl"), LETTER),
    **dict.fromkeys(("Mn", "Mc", "Me", "Cf"), EXTEND),
    "Nd": NUMERIC,
    "Pc": EXTEND_NUM_LET,
}
"""Format characters and joiners behave as Extend does."""

RANGES = {
    OTHER: (
        "200b 3006-3007 3021-3029 3038-303a 3041-3096 309d-309f 3400-4dbf 4e00-9fff f900-faff 17000-18d08 "
        "1b001-1b11f 1b150-1b152 1b170-1b2fb 1f200 20000-3ffff e01-e30 e32-e33 e40-e46 e81-eb0 eb2-eb3 ebd-ec6 edc-edf "
        "1000-102a 103f 1050-1055 105a-105d 1061 1065-1066 106e-1070 1075-1081 108e 1780-17b3 17d7 17dc 1950-1974 "
        "1980-19c9 1a20-1a54 1aa7 a9e0-a9e4 a9e6-a9ef a9fa-a9fe aa60-aa76 aa7a aa7e-aaaf aab1 aab5-aab6 aab9-aabd aac0 "
        "aac2 aadb-aadd 11700-1171a 11740-11746"
    ),
    LETTER: (
        "2c2-2c5 2d2-2d7 2de-2df 2e5-2eb 2ed 2ef-2ff 55a-55c 55e 58a 5f3 70f 24b6-24e9 a708-a716 a720-a721 a789-a78a "
        "ab5b 1f130-1f149 1f150-1f169 1f170-1f189"
    ),
    HEBREW: "5d0-5ea 5ef-5f2 fb1d fb1f-fb28 fb2a-fb36 fb38-fb3c fb3e fb40-fb41 fb43-fb44 fb46-fb4f",
    KATAKANA: (
        "3031-3035 309b-309c 30a0-30fa 30fc-30ff 31f0-31ff 32d0-32fe 3300-3357 ff66-ff9d 1aff0-1aff3 1aff5-1affb 1affd-1affe 1b000 1b120-1b122 1b164-1b167"
    ),
    NUMERIC: "600-605 66b 6dd 890-891 8e2 19da 110bd 110cd",
    EXTEND: "ff9e-ff9f 1f3fb-1f3ff",
    EXTEND_NUM_LET: "202f",
    MID_LETTER: "3a b7 387 55f 5f4 2027 fe13 fe55 ff1a",
    MID_NUM: "2c 3b 37e 589 60c-60d 66c 7f8 2044 fe50 fe54 ff0c ff1b",
    MID_NUM_LET: "2e 2018-2019 2024 fe52 ff07 ff0e",
    SINGLE_QUOTE: "27",
    DOUBLE_QUOTE: "22",
}
"""What the category does not tell, in hexadecimal. Ideographs, Hiragana and the scripts of South-East Asia: OTHER."""


@cache
def word_breaks() -> npt.NDArray[np.uint8]:
    """u8[CODE_POINTS], CLASS and ALPHANUMERIC; made at first use, in a quarter of a second."""
    table = np.zeros(CODE_POINTS, np.uint8)
    for c in range(0x32400):
        table[c] = CATEGORIES.get(unicodedata.category(chr(c)), OTHER)
    table[0xE0001:0xE01F0] = EXTEND
    for kind, ranges in RANGES.items():
        for written in ranges.split():
            first, _, last = written.partition("-")
            table[int(first, 16) : int(last or first, 16) + 1] = kind
    for c in range(0x32400):
        if chr(c).isalnum():
            table[c] |= ALPHANUMERIC
    table.flags.writeable = False
    return table
