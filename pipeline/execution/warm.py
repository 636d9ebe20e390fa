"""Load what workers need before they exist: scorers, compiled kernels, models.

The fork server imports this module once (see pool.PRELOAD); workers forked from it find everything loaded. It is the
one module that works when it is imported, because that is all a fork server offers.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.scoring import ScorerSpec

VARIABLE = "WINNOW_WARM"
"""Set for the fork server alone, as JSON: {"score": […]}, or {"recipe": name, "settings": […]} where the driver has not read
the recipe yet."""
SAMPLE = ("A first sentence. Another one, with a comma!\n\n- a line\n", "Zwölf Boxkämpfer jagen Viktor.", "")


def load(specs: Sequence[ScorerSpec]) -> None:
    """Measure a few words with each scorer: compiles or loads its kernels, and opens its model."""
    from pipeline.scoring import measure
    from scorers.text import TextBatch

    batch = TextBatch.from_strings(list(SAMPLE))
    for spec in specs:
        measure(spec, batch)


def compiles_first() -> bool:
    """Whether this machine has yet to compile the kernels of these sources."""
    from scorers.kernels import jit

    return not jit.is_compiled("minhash") and not jit.is_compiled("words_english")


def _in_fork_server() -> None:
    from pipeline.execution.processes import collect_rarely, forgo_dateutil

    collect_rarely()
    forgo_dateutil()
    from pipeline.recipe_file import load_recipe
    from pipeline.scoring import parse_spec
    from scorers.kernels.machine_code import begin

    with contextlib.suppress(Exception):  # a worker meets the same error, and there it can be told
        told = json.loads(os.environ[VARIABLE])
        score = told["score"] if "score" in told else load_recipe(told["recipe"], told["settings"]).score
        if score:  # else no kernel may be needed: a worker that does begins by itself
            begin()
        for i, entry in enumerate(score):
            with contextlib.suppress(Exception):  # one that the plan has yet to resolve
                load([parse_spec(entry, i)])


if VARIABLE in os.environ:
    _in_fork_server()
