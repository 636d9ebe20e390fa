"""What a clerk works with: the workspace, its share of the machine, and what it keeps between questions."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.store import Store


@dataclass
class Desk:
    """threads, memory_bytes: what one question may take."""

    store: Store
    threads: int
    memory_bytes: int
