"""Our profile datatrove-12 decides as datatrove's own filter."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest

from benchmarks import decontamination_conformance as conformance
from benchmarks.generator.contamination import planted

pytest.importorskip("datatrove", reason="datatrove is not installed (uv sync --group conformance)")
pytest.importorskip("spacy", reason="spacy is not installed (uv sync --group conformance)")


def test_planted_and_real_documents_get_datatroves_decision(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if not conformance.EVALS.is_file():
        pytest.skip(f"no evaluation sets at {conformance.EVALS} (set WINNOW_TEST_DATA)")
    monkeypatch.setenv("WINNOW_MODELS", str(tmp_path_factory.mktemp("models")))
    items = pq.read_table(conformance.EVALS).to_pylist()
    rows, hosts = conformance.corpus()
    texts = [*(p.text for p in planted(items, hosts, 3, seed=5)), *(r["text"] for r in rows[:40])]
    said = conformance.theirs(conformance.datatrove_filter(items), texts)
    assert any(said)
    assert not all(said)
    assert conformance.ours(texts) == said
