"""A clerk: python -m pipeline.clerk.serve --workspace W. A line of JSON comes in on standard input, a line goes out, until the
input ends. What it prints besides goes nowhere.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

import duckdb

from pipeline.clerk.desk import Desk
from pipeline.clerk.plain import plain
from pipeline.clerk.verbs import answer
from pipeline.errors import ClerkOutOfMemory, InternalError, UsageError, WinnowError
from pipeline.plan import check_recipe
from pipeline.recipe_file import load_recipe
from pipeline.sandbox.confine import GRACE_S, address_space_bytes
from pipeline.storage.store import Store

OVERHEAD_BYTES = 256 << 20
"""Above a question's own memory: stacks, what allocators hold back, the answer while it is written."""
ROOT = Path(__file__).parents[2]


def main() -> None:
    """Answer until there is nobody to ask."""
    given = argparse.ArgumentParser()
    given.add_argument("--workspace", required=True)
    given.add_argument("--memory-bytes", type=int, required=True)
    given.add_argument("--threads", type=int, default=2)
    asked = given.parse_args()
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    most = address_space_bytes() + asked.memory_bytes + OVERHEAD_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    desk = Desk(Store(asked.workspace), asked.threads, asked.memory_bytes)
    warm = False
    for line in sys.stdin.buffer:
        seconds, _, question = line.partition(b" ")
        # whoever asked ends this process at the limit; if that is gone, the kernel does, a little later
        signal.setitimer(signal.ITIMER_REAL, float(seconds) + GRACE_S)
        said = _answer(desk, question)
        signal.setitimer(signal.ITIMER_REAL, 0)
        answers.write(said + b"\n")
        answers.flush()
        warm = warm or _warmed()
    os._exit(0)


def _warmed() -> bool:
    """Load what checks a recipe, scorers among it, while nobody waits: a third of a second that the first preview would take."""
    with contextlib.suppress(Exception):
        check_recipe(load_recipe("fineweb"))
    return True


def _answer(desk: Desk, question: bytes) -> bytes:
    """The line that goes out. Never raises: a failure is an answer, too."""
    verb = "the question"
    try:
        verb, arguments = json.loads(question)
        value = plain(answer(desk, verb, arguments))
        return json.dumps({"value": value}, ensure_ascii=False, allow_nan=False).encode()
    except WinnowError as error:
        said, last = _told(error, desk.store.root), False
    except (MemoryError, duckdb.OutOfMemoryException):
        text = f"the question needs more than {desk.memory_bytes >> 20:,} MiB; ask for less at once"
        said, last = _told(ClerkOutOfMemory(text)), True
    except Exception as error:  # the border of the process: the type says what to look for, its words might hold data
        frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.startswith(str(ROOT))]
        where = f"{Path(frames[-1].filename).relative_to(ROOT)}:{frames[-1].lineno}" if frames else "its libraries"
        text = f"{verb} failed ({type(error).__name__} at {where}). This is a fault of Winnow: please report it"
        said, last = _told(InternalError(text)), False
    return json.dumps({"error": said, "last": last}).encode()


def _told(error: WinnowError, root: str = "<workspace>") -> dict[str, Any]:
    """An error as JSON, without the place of the workspace on this machine."""
    places = error.places if isinstance(error, UsageError) else ()
    said = [str(error), *(part for place in places for part in place)]
    message, *parts = [text.replace(root, "<workspace>") for text in said]
    return {"code": error.code, "message": message, "places": [parts[i : i + 3] for i in range(0, len(parts), 3)]}


if __name__ == "__main__":
    main()
