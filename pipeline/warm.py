"""Load what workers need before they exist: scorers, compiled kernels, models.

The fork server imports this module once (see pool.PRELOAD); workers forked from it find everything loaded. It is the
one module that works when it is imported, because that is all a fork server offers.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from pipeline.scoring import ScorerSpec, measure
from scorers.text import TextBatch

VARIABLE = "WINNOW_WARM"
SAMPLE = ("A first sentence. Another one, with a comma!\n\n- a line\n", "Zwölf Boxkämpfer jagen Viktor.", "")


def ask_for(specs: Sequence[ScorerSpec]) -> None:
    """Say which scorers the fork server shall load."""
    os.environ[VARIABLE] = json.dumps([[s.alias, s.scorer, s.parameters, s.source] for s in specs])


def load(specs: Sequence[ScorerSpec]) -> None:
    """Measure a few words with each scorer: compiles or loads its kernels, and opens its model."""
    batch = TextBatch.from_strings(list(SAMPLE))
    for spec in specs:
        measure(spec, batch)


def compiles_first() -> bool:
    """Whether this machine has yet to compile the kernels of these sources."""
    from scorers.kernels import jit

    return not jit.is_compiled("minhash") and not jit.is_compiled("words_english")


def driver() -> None:
    """Load what the driver itself will need, while workers score: the kernels of joins and clusters. (Not the engine: a
    connection belongs to one thread.)"""
    import numpy as np

    from scorers.kernels.jaccard import pair_jaccard, shingle_sets
    from scorers.kernels.lsh import band_keys, candidate_pairs
    from scorers.kernels.stars import stars

    batch = TextBatch.from_strings(list(SAMPLE))
    bounds, hashes = shingle_sets(batch.data, batch.offsets, 5)
    one = np.zeros(1, dtype=np.int32)
    pair_jaccard(bounds, hashes, one, one)
    keys = band_keys(np.zeros((2, 4), dtype=np.uint32), 2, 2)
    candidate_pairs(keys, np.arange(2))
    stars(np.arange(2), one, one + 1, np.ones(1), np.ones(2, dtype=bool))


def asked() -> list[ScorerSpec]:
    """What `ask_for` said."""
    told = json.loads(os.environ.get(VARIABLE, "[]"))
    return [
        ScorerSpec(alias, scorer, tuple((k, tuple(v) if isinstance(v, list) else v) for k, v in given), source)
        for alias, scorer, given, source in told
    ]


def _in_fork_server() -> None:
    import contextlib

    from scorers.kernels import jaccard

    assert jaccard
    with contextlib.suppress(Exception):  # a worker meets the same error, and there it can be told
        load(asked())


if VARIABLE in os.environ and os.environ.get("WINNOW_FORK_SERVER") == "1":
    _in_fork_server()
