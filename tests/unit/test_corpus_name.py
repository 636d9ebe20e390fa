"""What a corpus is called that the user gave no name."""

from __future__ import annotations

import pytest

from pipeline.plan import corpus_name
from pipeline.recipe import Recipe


@pytest.mark.parametrize(
    ("paths", "name"),
    [
        (["crawl/"], "crawl"),
        (["crawl/*.parquet"], "crawl"),
        (["crawl/part-0.parquet", "crawl/part-1.parquet"], "crawl"),
        (["/data/crawl/part-0.parquet", "/data/crawl/part-1.parquet"], "crawl"),
        (["crawl/2024/a.jsonl.gz", "crawl/2025/a.jsonl.gz"], "crawl"),
        (["crawl/**/*.parquet", "crawl/more/*.parquet"], "crawl"),
        (["web 2024.jsonl.gz"], "web-2024"),
        (["s3://bucket/dump/*.parquet"], "dump"),
        (["s3://bucket/dump/a.parquet", "s3://bucket/dump/b.parquet"], "dump"),
        (["s3://one/crawl/", "s3://two/books/"], "crawl"),
        (["*.parquet"], "here"),
        (["a.parquet", "b.parquet"], "here"),
    ],
)
def test_a_pattern_names_the_same_corpus_whoever_expands_it(
    paths: list[str], name: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path_factory.mktemp("x") / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    assert corpus_name(paths) == name


def test_a_slash_that_a_shell_adds_makes_no_other_recipe() -> None:
    def recipe(*paths: str) -> Recipe:
        return Recipe.model_validate({"name": "r", "score": ["gopher"], "input": {"paths": paths}})

    assert recipe("crawl/", "/data/more//").digest() == recipe("crawl", "/data/more").digest()
    kept = ("/", "s3://bucket/crawl/", "crawl/*/", "crawl/part-[0-9]/")
    assert recipe(*kept).input.paths == kept
