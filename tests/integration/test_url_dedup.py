"""One document of each address; copies by cluster size; from Parquet to Parquet."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq

import winnow
from pipeline.explain_sentences import sentences
from tests.corpora import prose
from tests.line_runs import recipe, run, write


def test_one_address_is_one_document_and_the_keeper_order_says_which(tmp_path: Path) -> None:
    urls = [
        "http://www.example.org/a/?utm_source=x",
        "https://example.org/a",
        "https://example.org/b",
        None,
        "",
        "EXAMPLE.org/a#top",
    ]
    texts = [prose(i) for i in range(6)]
    texts[2] = texts[1]
    source = write(tmp_path / "in", texts, 2, 1, url=urls)
    made = recipe(None, dedup={"url": {}, "keep": "doc_id desc"})
    result = run(made, source, tmp_path)
    assert result.funnel == {"dedup.url": 2, "kept": 4}
    rows = {
        r["id"]: (r["rule"], r["keeper"], r["value"]) for r in pq.read_table(tmp_path / "out" / "removed").to_pylist()
    }
    assert rows == {"d0": ("url", "d5", None), "d1": ("url", "d5", None)}
    told = "\n".join(sentences(winnow.why("d0", workspace=str(tmp_path / "ws"))))
    assert "same address as d5 or a copy of it; their texts were not compared" in told


def test_a_keeper_by_address_that_is_a_copy_itself_hands_on_to_its_own_keeper(tmp_path: Path) -> None:
    texts = [prose(1), prose(2), prose(2)]
    source = write(tmp_path / "in", texts, 1, 1, url=["http://x.org/1", "http://x.org/1", "http://x.org/2"])
    run(recipe(None, dedup={"url": {}, "keep": "doc_id desc"}), source, tmp_path)
    found = winnow.sql(
        "select doc_id, duplicate_of, method, cluster_size from duplicates order by 1", workspace=str(tmp_path / "ws")
    )
    assert found.to_pylist() == [
        {"doc_id": "d0", "duplicate_of": "d2", "method": "url", "cluster_size": 3},
        {"doc_id": "d1", "duplicate_of": "d2", "method": "exact", "cluster_size": 3},
        {"doc_id": "d2", "duplicate_of": None, "method": None, "cluster_size": 3},
    ]
    told = sentences(winnow.why("d0", workspace=str(tmp_path / "ws")))
    assert "  same address as d2 or a copy of it; their texts were not compared" in told


def test_documents_are_rehydrated_by_cluster_size(tmp_path: Path) -> None:
    sizes = [1, 2, 3, 4, 5, 100]
    texts = [prose(i) for i, n in enumerate(sizes) for _ in range(n)]
    source = write(tmp_path / "in", texts)
    result = run(recipe(None, mix={"rehydrate": "fineweb2"}), source, tmp_path)
    counts = Counter(pq.read_table(tmp_path / "out" / "data").column("text").to_pylist())
    assert [counts[prose(i)] for i in range(len(sizes))] == [1, 2, 3, 3, 5, 8]
    assert result.funnel == {"dedup.exact": sum(sizes) - len(sizes), "kept": len(sizes)}
