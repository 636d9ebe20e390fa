"""Small files that share a unit, so that a folder of 100,000 is not 100,000 parts of every table."""

from __future__ import annotations

from collections.abc import Sequence

import xxhash

from pipeline.sources.listing import SourceFile
from pipeline.storage.packing import runs

FILES_PER_UNIT = 512
"""In a bucket each takes some requests in every stage that reads text, one after the other."""


def groups(files: Sequence[tuple[str, float]], target_bytes: int) -> list[list[int]]:
    """Consecutive files of no more than target_bytes of text together, and than FILES_PER_UNIT; cut by their names, so that a new one
    regroups those around it alone. files: of each (name, bytes of text)."""
    keys = [xxhash.xxh3_64_hexdigest(name.encode()) for name, _ in files]
    return runs(keys, [max(size, target_bytes / FILES_PER_UNIT) for _, size in files], target_bytes)


def group_name(files: Sequence[SourceFile]) -> str:
    """For people."""
    more = f" and {len(files) - 1} more" if len(files) > 1 else ""
    return f"{files[0].name}{more}"
