"""The real data that benchmarks and their tests read; it is no part of the project."""

from __future__ import annotations

import os
import sys
from pathlib import Path

DATA = Path(os.environ.get("WINNOW_TEST_DATA") or Path(__file__).parents[2] / "shared" / "data")
CORPUS = DATA / "corpus"


def corpus_files() -> list[Path]:
    """The Parquet files of the corpus, by name. Ends the process, and says what to do, where there are none."""
    files = sorted(CORPUS.glob("*.parquet"))
    if not files:
        sys.exit(
            f"no Parquet files in {CORPUS}: set WINNOW_TEST_DATA to the folder of the test data (it holds corpus/)"
        )
    return files
