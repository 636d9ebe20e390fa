"""One task of one peer, in the peer's environment: python -m benchmarks.peers.child PEER TASK TEXT_FOLDER OUT_FOLDER MEGABYTES

Writes OUT_FOLDER/told.json: documents and bytes taken, CPU seconds of the work, and of tasks on texts the answers.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.peers import texts
from benchmarks.peers.peer import ANSWERS, FROM_FILES

WARM = (
    "A few plain words that load whatever is loaded at the first use.\nÀ l’école — «où?» [1] Привет, 学校に行く。\n\n"
    * 8
)
"""Not of plain English alone: what is made or compiled for other letters, or for citations, is so at the first use of these."""


def cpu_s() -> float:
    """Seconds of this process and of those that it has waited for."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


def part(folder: Path, megabytes: float) -> list[str]:
    """The first documents, up to a size: every one of them in the order of the corpus."""
    _, documents = texts.read(folder)
    room, taken = megabytes * 1e6, []
    for text in documents:
        if room <= 0:
            break
        taken.append(text)
        room -= len(text.encode())
    return taken


def main() -> None:
    name, task, source, output, megabytes = sys.argv[1:]
    adapter = importlib.import_module(f"benchmarks.peers.adapters.{name}")
    work = getattr(adapter, task)
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    told: dict[str, Any] = {}
    if task in FROM_FILES:
        work(Path(source), folder / "kept")
    else:
        documents = part(Path(source), float(megabytes))
        work([WARM, WARM + "other words"])
        start = cpu_s()
        answers = work(documents)
        used_s = cpu_s() - start
        if hasattr(adapter, f"{task}_told"):
            answers = getattr(adapter, f"{task}_told")(answers)
        told = {
            "cpu_s": used_s,
            "documents": len(documents),
            "text_bytes": sum(len(t.encode()) for t in documents),
            "answers": (answers or [])[:ANSWERS],
        }
    temporary = folder / "told.json.part"
    temporary.write_text(json.dumps(told))
    os.replace(temporary, folder / "told.json")


if __name__ == "__main__":
    main()
