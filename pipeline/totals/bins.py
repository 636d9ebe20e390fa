"""Bins that add up over shards: a value falls into one by the leading bits of its float, whatever the data."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

SHIFT_FINE = 12
"""Of the 32 bits of a float: sign, 8 of exponent and 11 of mantissa are left, 0.05 % of the value."""
SHIFT_COARSE = 20
"""3 of mantissa are left: 8 bins from a power of two to the next, each 6 to 13 % of its value wide."""


def bins(values: npt.NDArray[np.float64], shift: int) -> npt.NDArray[np.int32]:
    """The bin of each value, rising with it: f64[D] -> i32[D]. Zero is the lower edge of bin 0."""
    with np.errstate(over="ignore"):
        bits = values.astype(np.float32).view(np.int32)
    if len(bits) and bits.min() < 0:  # negative floats count downwards
        bits = np.where(bits < 0, -(bits & 0x7FFFFFFF), bits)
    found: npt.NDArray[np.int32] = bits >> shift
    return found


def lower_edge(bin_: int, shift: int) -> float:
    """The least value of a bin."""
    bits = bin_ << shift
    raw = np.array([bits if bits >= 0 else (-bits) | 0x80000000], dtype=np.uint32)
    return float(raw.view(np.float32)[0])
