"""Which keys may meet another one: two bits a slot, so that what meets nobody is put aside before anything is sorted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from scorers.kernels.jit import kernel

SLOTS_PER_KEY = 4
"""A fifth of the keys that meet nobody share a slot with another and stay; with twice as many, slots leave the cache: 13 ns a
key instead of 6."""

Keys = npt.NDArray[np.uint64]


@kernel
def count_keys(keys: Any, low: Any, shift: Any, slots: Any) -> None:
    """Tell slots of some keys, twice at most: keys: u64[N], slots: u8[S / 4], two bits each; a key's slot is
    (key - low) >> shift, below S."""
    for i in range(keys.size):
        slot = (keys[i] - low) >> shift
        bits = np.uint8(slot & np.uint64(3)) << np.uint8(1)
        held = slots[np.int64(slot >> np.uint64(2))]
        more = np.uint8((held >> bits & np.uint8(3)) < 2)
        slots[np.int64(slot >> np.uint64(2))] = held + (more << bits)


@kernel
def shared_slots(keys: Any, low: Any, shift: Any, slots: Any, found: Any) -> Any:
    """The keys whose slot was told of twice: found: i32[N], their positions, rising. Returns how many."""
    n = np.int64(0)
    for i in range(keys.size):
        slot = (keys[i] - low) >> shift
        bits = np.uint8(slot & np.uint64(3)) << np.uint8(1)
        found[n] = i  # the next one takes its place unless the slot holds a 2
        n += np.int64(slots[np.int64(slot >> np.uint64(2))] >> bits & np.uint8(3)) >> 1
    return n


@dataclass(frozen=True, slots=True)
class Meetings:
    """Of the keys of one range those that may meet another: count each lot of them, then ask. bits: u8[S / 4]."""

    low: np.uint64
    shift: np.uint64
    bits: npt.NDArray[np.uint8]

    @staticmethod
    def of(low: int, high: int, keys: int) -> Meetings:
        """None counted yet of so many keys within low..high."""
        places = max(2, (SLOTS_PER_KEY * keys - 1).bit_length())
        shift = max(0, (high - low).bit_length() - places)
        return Meetings(np.uint64(low), np.uint64(shift), np.zeros(1 << (places - 2), np.uint8))

    def count(self, keys: Keys) -> None:
        """Some keys of the range, u64[N]."""
        count_keys(keys, self.low, self.shift, self.bits)

    def may_meet(self, keys: Keys) -> npt.NDArray[np.int32]:
        """Positions of those that may have the value of another one that was counted, rising: all that have, and some more."""
        found = np.empty(len(keys), np.int32)
        return found[: shared_slots(keys, self.low, self.shift, self.bits, found)]
