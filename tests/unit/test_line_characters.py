"""What cc_net makes of single characters."""

from __future__ import annotations

from scorers.kernels.folding import BYTES_MASK, LENGTH_SHIFT, TABLE_SIZE
from scorers.kernels.line_characters import ccnet_table
from tests.oracle_lines import ccnet_normalised


def test_every_character_becomes_what_cc_net_makes_of_it() -> None:
    """Between two letters, so that nothing is stripped; the capital sigma depends on what is behind it: see any text."""
    table = ccnet_table()
    for code_point in range(TABLE_SIZE):
        if 0xD800 <= code_point < 0xE000:
            continue
        entry = int(table[code_point])
        made = (entry & int(BYTES_MASK)).to_bytes(7, "little")[: entry >> int(LENGTH_SHIFT) & 7].decode()
        assert made == ccnet_normalised(f"a{chr(code_point)}b")[1:-1], hex(code_point)


def test_beyond_the_table_nothing_changes() -> None:
    changed = [c for c in map(chr, range(TABLE_SIZE, 0x110000)) if c.lower() != c or c.isdecimal()]
    assert changed == []
