"""The language scorer, held to the fasttext package."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scorers import models
from scorers.base import ScorerError, as_struct, build, fingerprint
from scorers.kernels.fasttext_predict import add_row
from scorers.kernels.jit import leaf
from scorers.language import WINDOW_BYTES, Language
from scorers.models import fasttext_file, fasttext_model
from scorers.models.card import ModelMissing
from scorers.models.fasttext_file import FastTextError
from scorers.models.fasttext_model import _groups, window_ends
from scorers.text import TextBatch

SENTENCES = {
    "en": "The quick brown fox jumps over the lazy dog, and nobody in the village is surprised.",
    "de": "Der schnelle braune Fuchs springt über den faulen Hund, und niemand im Dorf wundert sich.",
    "fr": "Le renard brun et rapide saute par-dessus le chien paresseux, et personne ne s'en étonne.",
    "ru": "Быстрая коричневая лиса перепрыгивает через ленивую собаку, и никто не удивляется.",
    "ja": "素早い茶色の狐はのろまな犬を飛び越えるが、村の誰も驚かない。",
    "ar": "الثعلب البني السريع يقفز فوق الكلب الكسول ولا أحد في القرية يستغرب ذلك.",
}
HARD = [
    "a", ".", "</s>", "one </s> deux trois quatre", "__label__en le chat", "x" * 5000, "é" * 999, "日本語" * 400,
    "tabs\tand\r\nlines\x0band\x0cfeeds\x00and nulls", "🙂🙃 😀", "# Title\n\n* one\n* two\n",
    "\u2028line\u00a0separators", "http://example.org/a/b?c=d&e=f", "0123456789 " * 50, "ÀÉÎÕÜ straße ǅ ﬁ",
]  # fmt: skip


def measured(texts: list[str], window_bytes: int = WINDOW_BYTES) -> dict[str, pa.Array]:
    """The scorer's columns by name."""
    scorer = Language(window_bytes=window_bytes)
    found = as_struct(scorer, scorer.score(TextBatch.from_strings(texts)), len(texts))
    return {f.name: found.field(f.name) for f in found.type}


def reference(path: Path, texts: list[str]) -> list[tuple[str, float]]:
    """What the fasttext package says of each text's first line, newlines read as spaces."""
    fasttext = pytest.importorskip("fasttext")
    model = fasttext.FastText._FastText(str(path)).f  # load_model prints a warning
    labels, scores = model.multilinePredict([t.replace("\n", " ") + "\n" for t in texts], 1, 0.0, "strict")
    return [(a[0].removeprefix("__label__"), min(float(s[0]), 1.0)) for a, s in zip(labels, scores, strict=True)]


def assert_same(path: Path, texts: list[str]) -> None:
    found = measured(texts, window_bytes=0)
    expected = reference(path, texts)
    assert found["code"].to_pylist() == [code for code, _ in expected]
    np.testing.assert_allclose(np.asarray(found["score"]), [score for _, score in expected], rtol=0, atol=3e-5)


def test_named_languages_are_found(lid_model: Path) -> None:
    found = measured(list(SENTENCES.values()))
    assert found["code"].to_pylist() == list(SENTENCES)
    assert min(found["score"].to_pylist()) > 0.8


def test_same_as_fasttext_on_hard_texts(lid_model: Path) -> None:
    assert_same(lid_model, HARD + list(SENTENCES.values()))


@pytest.mark.parametrize(
    "name", ["lid/opensource_guide_docs", "lid/contributor_covenant_docs", "lid/tatoeba_sentences"]
)
def test_same_as_fasttext_on_corpora(lid_model: Path, real_data: Path, name: str) -> None:
    texts = pq.read_table(real_data / f"{name}.parquet", columns=["text"])["text"].to_pylist()
    assert_same(lid_model, [t for t in texts[:2000] if t.split()])


def test_score_does_not_depend_on_the_batch(lid_model: Path) -> None:
    texts = [t for t in HARD + list(SENTENCES.values()) for _ in range(3)]
    whole, single = measured(texts), [measured([t]) for t in texts]
    for name, values in whole.items():
        assert pa.concat_arrays([one[name] for one in single]).equals(values)


def test_full_memory_changes_no_bit(lid_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = list(SENTENCES.values()) * 2
    before = measured(texts)
    monkeypatch.setattr(fasttext_model, "MEMORY_WORDS", 0)
    after = measured(texts)
    assert before["score"].equals(after["score"])


@pytest.mark.parametrize("text", ["", " ", "\n\n\t "])
def test_a_text_without_a_word_is_null(lid_model: Path, text: str) -> None:
    found = measured([text])
    assert {name: values.to_pylist() for name, values in found.items()} == {name: [None] for name in found}


def test_empty_batch(lid_model: Path) -> None:
    assert {name: len(values) for name, values in measured([]).items()} == {
        "code": 0,
        "score": 0,
        "code2": 0,
        "score2": 0,
    }


def test_second_language_is_less_probable(lid_model: Path) -> None:
    found = measured([SENTENCES["en"][:30] + SENTENCES["de"]])
    first, second = found["score"].to_pylist()[0], found["score2"].to_pylist()[0]
    assert found["code"].to_pylist() + found["code2"].to_pylist() == ["de", "en"]
    assert 0 < second < first <= 1
    assert first + second <= 1.001


def test_window_reads_only_the_start(lid_model: Path) -> None:
    text = SENTENCES["en"] * 5 + SENTENCES["ru"] * 50
    assert measured([text], window_bytes=300)["code"].to_pylist() == ["en"]
    assert measured([text], window_bytes=0)["code"].to_pylist() == ["ru"]


@pytest.mark.parametrize("window_bytes", [1, 2, 3, 4, 5, 6, 7, 8, 9, 100])
def test_a_window_never_cuts_a_character(window_bytes: int) -> None:
    texts = ["é€🙂a", "", "ab", "🙂🙂🙂"]
    batch = TextBatch.from_strings(texts)
    ends = window_ends(batch, window_bytes) - batch.offsets[:-1]
    expected = [len(t.encode()[:window_bytes].decode(errors="ignore").encode()) for t in texts]
    assert ends.tolist() == expected


def test_a_slice_of_a_column_is_read_in_place(lid_model: Path) -> None:
    column = pa.array(["x", *SENTENCES.values()], pa.large_string())[2:4]
    found = as_struct(Language(), Language().score(TextBatch.from_arrow(column)), 2)
    assert found.field("code").to_pylist() == ["de", "fr"]


def test_probabilities_are_never_above_one(lid_model: Path) -> None:
    found = measured([SENTENCES["ja"] * 20])
    assert math.isclose(found["score"].to_pylist()[0], 1.0, abs_tol=1e-3)
    assert found["score"].to_pylist()[0] <= 1.0


def test_the_fingerprint_holds_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint(Language())
    there = models.known("lid.176")
    other = dataclasses.replace(there, card=dataclasses.replace(there.card, sha256="0" * 64))
    monkeypatch.setattr(models, "known", lambda name: other)
    assert fingerprint(Language()) != before


def test_a_missing_model_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WINNOW_MODELS", str(tmp_path))
    with pytest.raises(ModelMissing, match=r"winnow models pull lid\.176"):
        measured(["text"])


def test_wrong_parameters_are_refused() -> None:
    with pytest.raises(ScorerError, match="window_bytes is -1"):
        build("language", {"window_bytes": -1})
    with pytest.raises(ScorerError, match=r"no model 'lid\.177'"):
        build("language", {"model": "lid.177"})


def test_another_file_than_the_registered_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lid.176.ftz").write_bytes(b"something else")
    with pytest.raises(FastTextError, match=f"expected sha256 {'0' * 64}, found "):
        fasttext_model.load(tmp_path / "lid.176.ftz", "0" * 64)


@pytest.mark.parametrize("kept_bytes", [0, 7, 100, 5_000, 500_000, 938_012])
def test_a_truncated_model_is_refused(lid_model: Path, kept_bytes: int) -> None:
    with pytest.raises(FastTextError, match=r"is not a fastText model|ends at byte|without an end"):
        fasttext_file.parse(lid_model.read_bytes()[:kept_bytes], "cut")


@leaf
def row_of(bucket: Any, buckets: Any, kept: Any, rows: Any, total: Any) -> Any:
    return add_row(bucket, buckets, kept, rows, total)


@settings(deadline=None)
@given(
    st.integers(1, 300).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.integers(0, n - 1)))), st.integers(0, 65_000)
)
def test_a_bucket_has_the_row_that_pruning_left_it(pruned: tuple[int, set[int]], first_row: int) -> None:
    buckets, having = pruned
    kept = _groups(np.array(sorted(having), np.int64), buckets, first_row)
    rows = np.arange(first_row + len(having), dtype=np.float32).reshape(-1, 1)
    expected = {bucket: first_row + n for n, bucket in enumerate(sorted(having))}
    for bucket in range(buckets):
        total = np.zeros(1, np.float32)
        found = row_of(np.uint32(bucket), np.uint32(buckets), kept, rows, total)
        assert (found, total[0]) == ((1, expected[bucket]) if bucket in expected else (0, 0))
