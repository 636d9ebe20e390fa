"""Giving back what a process keeps of memory it has freed: allocators keep it for the next time."""

from __future__ import annotations

import ctypes


def give_back() -> None:
    """What Arrow's pool and malloc keep goes back to the system. For the ends of stages: the next one needs other sizes, and a
    process would come to hold what each of them left; within one, memory that is new for every unit costs a tenth of its CPU."""
    import pyarrow as pa  # here, because the fork server is started before anything heavy is imported

    pa.default_memory_pool().release_unused()
    malloc = ctypes.CDLL(None)
    if hasattr(malloc, "malloc_trim"):  # glibc's
        malloc.malloc_trim(0)
