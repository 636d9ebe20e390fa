"""Random damages to a catalog's file: how many open with other rows than the files have, and how long opening takes.

python -m benchmarks.catalog_damages 50
"""

from __future__ import annotations

import logging
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.measuring import machine
from tests.damages import KINDS, mended, prepared


def main() -> None:
    logging.disable()  # what is set aside, and why: not here
    print(machine())
    folder = Path(tempfile.mkdtemp(prefix="winnow-damages-"))
    store, good = prepared(folder)
    wrong = 0
    slowest_s = 0.0
    for seed in range(int(sys.argv[1])):
        kind = KINDS[seed % len(KINDS)]
        same, aside, seconds = mended(store, good, folder / "damaged", kind, seed)
        wrong += not same
        slowest_s = max(slowest_s, seconds)
        print(
            f"{seed:3} {kind:15} {'the same rows' if same else 'OTHER ROWS'}, {'set aside' if aside else 'kept'}, {seconds:.2f} s"
        )
    print(f"{sys.argv[1]} damages: {wrong} with other rows than the files; slowest start {slowest_s:.2f} s")
    shutil.rmtree(folder)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
