"""Contracts over the registry: a new scorer and a new kernel are tested by existing."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path

import pyarrow as pa
import pytest

import scorers.kernels
from scorers import base
from scorers.kernels.jit import KERNELS
from scorers.models.card import ModelMissing
from scorers.text import TextBatch
from tests.oracles import ORACLES

ODD = [
    "", " ", "\n", "\n\n\n", "a", "word", "\x00", "a\x00b", "é", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝄞", "\ufeffmark first", "no newline at the end",
    "ends with one\n", "a\r\nb\r\nc", "a\u2028b\u2029c\x85d", "日本語の文章です。これは二つ目。", "ไทยไม่มีช่องว่าง", "مرحبا بالعالم",
    "- one\n- two\n- three", "... … ...", "#" * 50, "lorem ipsum {", "don't can't won't", "x" * 5000, "a b " * 3000, "🙂" * 200,
    "The same line.\n" * 20, "e\u0301 combining", "http://example.org/?q=1#a", "1 2 3 4 5", "ALL CAPS LINE\n" * 3,
]  # fmt: skip

NAMES = sorted(base.available())


def built(name: str) -> base.Scorer:
    try:
        return base.build(name)
    except ModelMissing as missing:
        pytest.skip(str(missing))
    except base.ScorerError as unknown:
        if "no model" not in str(unknown):
            raise
        pytest.skip(f"its default model does not ship: {unknown}")


@pytest.mark.parametrize("name", NAMES)
def test_every_column_has_a_unit_and_a_meaning(name: str) -> None:
    for column in built(name).columns():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", column.name), column.name
        assert column.unit, column.name
        assert len(column.meaning) > 10, column.name
        assert column.low is None or column.high is None or column.low < column.high, column.name


@pytest.mark.parametrize("name", NAMES)
def test_every_scorer_returns_what_it_declares_on_odd_text(name: str) -> None:
    scorer = built(name)
    struct = base.as_struct(scorer, scorer.score(TextBatch.from_strings(ODD)), len(ODD))
    for column, declared in zip(struct.flatten(), scorer.columns(), strict=True):
        values = [v for v in column.to_pylist() if isinstance(v, int | float) and not isinstance(v, bool)]
        assert declared.low is None or all(v >= declared.low for v in values), declared.name
        assert declared.high is None or all(v <= declared.high for v in values), declared.name


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_batch_is_normal(name: str) -> None:
    scorer = built(name)
    assert len(base.as_struct(scorer, scorer.score(TextBatch.from_strings([])), 0)) == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_document_is_measured_alone(name: str) -> None:
    """The same values whatever lies around it, and wherever its bytes begin."""
    scorer = built(name)
    together = base.as_struct(scorer, scorer.score(TextBatch.from_strings(ODD)), len(ODD)).to_pylist()
    column = pa.array(["prefix é", *ODD], pa.large_string()).slice(1)
    shifted = base.as_struct(scorer, scorer.score(TextBatch.from_arrow(column)), len(ODD)).to_pylist()
    alone = [base.as_struct(scorer, scorer.score(TextBatch.from_strings([t])), 1).to_pylist()[0] for t in ODD]
    assert together == shifted
    assert together == alone


@pytest.mark.parametrize("name", NAMES)
def test_a_scorer_is_described(name: str) -> None:
    scorer = built(name)
    assert scorer.name == name
    assert scorer.version >= 1
    assert type(scorer).__doc__
    assert len(base.fingerprint(scorer)) == 32


def test_every_kernel_has_an_oracle() -> None:
    for module in pkgutil.iter_modules(scorers.kernels.__path__):
        importlib.import_module(f"scorers.kernels.{module.name}")
    assert sorted(KERNELS) == sorted(ORACLES), "tests/oracles.py names the twin of each kernel"


def test_every_oracle_is_there_and_used() -> None:
    folder = Path(__file__).parent.parent
    uses = "\n".join(p.read_text(encoding="utf-8") for p in folder.rglob("*.py") if p.stem != "oracles")
    for kernel, oracle in ORACLES.items():
        twin = oracle.rpartition(".")[2]
        assert re.search(rf"\b{twin}\b", re.sub(rf"def {twin}\(", "", uses)), f"{kernel}: {oracle} is in no test"
