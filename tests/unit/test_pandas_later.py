"""Arrow without pandas, until somebody has use for both."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("pandas")


def said_by(code: str) -> list[str]:
    """What a new process prints."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()


def test_an_array_of_numbers_does_not_import_pandas() -> None:
    code = """
import sys, pyarrow as pa
from scorers import pandas_later
pandas_later.leave()
pa.array([1, 2])
print("pandas" in sys.modules, pa.table({"x": [1, 2]}).to_pandas().shape[0])
"""
    assert said_by(code) == ["False", "2"]


def test_a_scorer_of_somebody_else_may_give_arrow_what_pandas_holds() -> None:
    code = """
import pyarrow as pa
from scorers import base, pandas_later
pandas_later.leave()
base.build("examples/question_marks.py")
import pandas
print(pa.array(pandas.Series([1.0, float("nan")])).null_count)
"""
    assert said_by(code) == ["1"]
