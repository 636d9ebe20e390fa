"""Giving back what a process keeps of memory it has freed: allocators keep it for the next time."""

from __future__ import annotations

import ctypes
import os

KEPT_BYTES = 256_000_000
"""A worker that holds more when it has nothing in hand gives back. What units of one stage need again stays, as long as it is no
more: at 200 MB every second unit of 8 MB gave back, and asked for the same again, for a twentieth of the CPU."""


def give_back() -> None:
    """What Arrow's pool and malloc keep goes back to the system. For the ends of stages: the next one needs other sizes, and a
    process would come to hold what each of them left."""
    import pyarrow as pa  # here, because the fork server is started before anything heavy is imported

    pa.default_memory_pool().release_unused()
    malloc = ctypes.CDLL(None)
    if hasattr(malloc, "malloc_trim"):  # glibc's
        malloc.malloc_trim(0)


def own_bytes() -> int:
    """Memory of this process that is in no file; 0 where that is not told."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            _, resident, shared = file.read().split()[:3]
    except OSError:
        return 0
    return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")
