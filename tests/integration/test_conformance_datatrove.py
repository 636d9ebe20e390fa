"""Our measures with datatrove's bounds decide as datatrove's filters do."""

from __future__ import annotations

import os
from typing import Any

import pytest

from benchmarks import conformance
from benchmarks.data import CORPUS

pytest.importorskip("datatrove", reason="datatrove is not installed (uv sync --group conformance)")
pytest.importorskip("spacy", reason="spacy is not installed (uv sync --group conformance)")

DOCUMENTS = os.environ.get("WINNOW_CONFORMANCE_DOCUMENTS", "250")
"""How many English documents of the corpus are compared; 'all' for every one."""
MIN_AGREEMENT = 0.995


@pytest.fixture(scope="module")
def rows() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    if not CORPUS.is_dir():
        pytest.skip(f"no corpus in {CORPUS} (set WINNOW_TEST_DATA)")
    texts = conformance.english_documents(None if DOCUMENTS == "all" else int(DOCUMENTS))
    return conformance.reference_rows(texts, processes=1), conformance.our_rows(texts)


@pytest.mark.parametrize("rule_set", conformance.RULE_SETS)
def test_decisions_agree_with_datatroves(rule_set: str, rows: tuple[list[Any], list[Any]]) -> None:
    reference, ours = rows
    differing = conformance.disagreements(rule_set, reference, ours)
    assert 1 - sum(map(len, differing.values())) / len(ours) >= MIN_AGREEMENT, differing


@pytest.mark.parametrize("rule_set", conformance.EDITING)
def test_edited_texts_are_datatroves(rule_set: str, rows: tuple[list[Any], list[Any]]) -> None:
    assert conformance.other_texts(rule_set, *rows) == []
