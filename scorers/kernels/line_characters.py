"""What cc_net makes of a character before a line is hashed. Wenzek et al., arXiv:1911.00359; cc_net bda555b,
cc_net/text_normalizer.py, normalize_for_dedup: lower case, digits to 0, its 33 punctuation marks and control characters away.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from scorers.kernels.folding import LENGTH_SHIFT, TABLE_SIZE, case_table

MARKS = "，。、„”“«»１」「《》´∶：？！（）；–—．～’…━〈〉【】％►"
"""UNICODE_PUNCT of cc_net; its fullwidth 1 is a digit by the time that marks go, and becomes 0."""
CONTROLS = (*range(32), *range(127, 160))


@cache
def ccnet_table() -> npt.NDArray[np.uint64]:
    """u64[TABLE_SIZE]: what a code point becomes, packed as in folding; 0 bytes where it goes. Code points from
    TABLE_SIZE up stay as they are."""
    table = case_table().copy()  # right for every character that neither of the two changes
    gone = {*MARKS, *map(chr, CONTROLS)}
    for code_point, character in enumerate(map(chr, range(TABLE_SIZE))):
        cased = character.casefold() != character or character.lower() != character
        if cased or character.isspace() or character.isdecimal() or character in gone:
            table[code_point] = _entry(character)
    return table


def _entry(character: str) -> int:
    lowered = "".join("0" if c.isdecimal() else c for c in character.lower())
    made = "".join(c for c in lowered if c not in MARKS and ord(c) not in CONTROLS).encode()
    return int.from_bytes(made, "little") | len(made) << int(LENGTH_SHIFT)
