"""Arrow without pandas until somebody has use for both: a scorer that is not ours may.

Where pandas is installed, Arrow imports it with the first array that is made of anything else, to know a data frame when it sees one:
a sixth of a second of every process, a fifth of what a run takes before it works.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType

import pyarrow as pa


class _NotYet(MetaPathFinder):
    def find_spec(self, name: str, _path: Sequence[str] | None, _target: ModuleType | None = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("not yet", name=name)


def leave() -> None:
    """Let Arrow find no pandas in this process, unless it is there already. `to_pandas` finds it all the same."""
    if "pandas" in sys.modules:
        return
    refusing = _NotYet()
    sys.meta_path.insert(0, refusing)
    try:
        pa.array(())
    finally:
        sys.meta_path.remove(refusing)


def look_again() -> None:
    """Let Arrow know pandas where it is installed, as if it had never been left."""
    with contextlib.suppress(ImportError):
        pa.table({}).to_pandas()
