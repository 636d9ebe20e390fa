"""The trainer: held to slow twins, to the fasttext package that loads its files, and to itself run twice."""

from __future__ import annotations

import dataclasses
import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.errors import WinnowError
from pipeline.train.classifier import Examples, Shape, balanced, descend, fit, rows_of, untrained, vocabulary
from pipeline.train.fasttext_writer import bin_bytes, ftz_bytes
from pipeline.train.shrink import prune, shrink
from scorers.kernels.fasttext_train import draw_rows, nearest_centroid
from scorers.models.fasttext_classifier import classifier_of
from scorers.models.fasttext_file import FastTextFile, parse
from scorers.text import TextBatch
from tests.oracle_train import drawn, nearest, sgd_epoch, text_row_ids, word_counts
from tests.unit.test_fasttext_classifier import TEXTS, assert_same

LABELS = ("fruit", "tools", "birds")
WORDS = {
    "fruit": ["apple", "pear", "Äpfel", "яблоко", "りんご"],
    "tools": ["hammer", "saw", "Säge", "молоток", "金槌"],
    "birds": ["finch", "heron", "Amsel", "воробей", "雀"],
}
FILLER = ["the", "a", "of", "and", *(f"rare{n}" for n in range(300))]


def made(texts: int, seed: int = 3) -> tuple[list[str], np.ndarray[Any, Any]]:
    """Texts, and the number of each one's label."""
    draw = random.Random(seed)
    found, labels = [], []
    for _ in range(texts):
        label = draw.randrange(3)
        own = WORDS[LABELS[label]]
        found.append(" ".join(draw.choice(own) if draw.random() < 0.3 else draw.choice(FILLER) for _ in range(12)))
        labels.append(label)
    return found, np.array(labels)


def examples(texts: list[str], labels: np.ndarray[Any, Any]) -> Examples:
    targets = np.eye(3, dtype=np.float32)[labels]
    return Examples(TextBatch.from_strings(texts), LABELS, targets, np.ones(len(texts), np.float32))


def accuracy(file: FastTextFile, texts: list[str], labels: np.ndarray[Any, Any]) -> float:
    found = classifier_of(file).predict(TextBatch.from_strings(texts)).probabilities
    return float((found.argmax(axis=1) == labels).mean())


SMALL = Shape(dim=8, epochs=8, rate=0.5, buckets=2000)
SHAPES = {
    "words": dataclasses.replace(SMALL, word_ngrams=1),
    "word_trigrams": dataclasses.replace(SMALL, word_ngrams=3),
    "characters": dataclasses.replace(SMALL, word_ngrams=1, shortest=1, longest=5),
    "both": dataclasses.replace(SMALL, word_ngrams=2, shortest=3, longest=4, loss="ova"),
}


@pytest.mark.parametrize("name", SHAPES)
def test_what_is_learnt_is_told_apart_on_new_texts(name: str) -> None:
    file = fit(examples(*made(900)), SHAPES[name])
    assert accuracy(file, *made(300, seed=9)) > 0.9


@pytest.mark.parametrize("name", SHAPES)
def test_the_package_loads_the_file_and_says_the_same(name: str, tmp_path: Path) -> None:
    pytest.importorskip("fasttext")
    file = fit(examples(*made(300)), SHAPES[name])
    (tmp_path / "model.bin").write_bytes(bin_bytes(file))
    again = parse((tmp_path / "model.bin").read_bytes(), "model")
    assert_same(classifier_of(again), tmp_path / "model.bin", TEXTS)
    np.testing.assert_array_equal(again.rows, file.rows)
    small = shrink(file, examples(*made(300)), SHAPES[name], kept_rows=280)
    (tmp_path / "model.ftz").write_bytes(small)
    assert_same(classifier_of(parse(small, "small")), tmp_path / "model.ftz", TEXTS)


@pytest.mark.parametrize("name", ["word_trigrams", "characters", "both"])
def test_a_small_file_loses_little(name: str) -> None:
    given = examples(*made(900))
    file = fit(given, SHAPES[name])
    small = shrink(file, given, SHAPES[name], kept_rows=400)
    assert len(small) < len(bin_bytes(file)) / 3
    assert accuracy(parse(small, "small"), *made(300, seed=9)) > accuracy(file, *made(300, seed=9)) - 0.03


def test_the_same_input_gives_the_same_bytes() -> None:
    texts, labels = made(200)
    first, second = (fit(examples(texts, labels), SMALL) for _ in range(2))
    assert bin_bytes(first) == bin_bytes(second)
    assert ftz_bytes(prune(first, 270)) == ftz_bytes(prune(second, 270))
    assert bin_bytes(fit(examples(texts, labels), dataclasses.replace(SMALL, seed=1))) != bin_bytes(first)


@pytest.mark.parametrize("min_count", [1, 2, 5])
def test_the_vocabulary_is_counted_and_ordered(min_count: int) -> None:
    texts = [*made(40)[0], *TEXTS, "before </s> after", "__label__x y", ""]
    words, offsets, counts = vocabulary(TextBatch.from_strings(texts), min_count)
    found = [bytes(words[a:b]).decode() for a, b in pairwise(offsets)]
    assert list(zip(found, counts.tolist(), strict=True)) == word_counts(texts, min_count)


@pytest.mark.parametrize("pruned", [False, True])
@pytest.mark.parametrize("name", SHAPES)
def test_a_text_is_the_rows_it_should_be(name: str, pruned: bool) -> None:
    texts = [*made(20)[0], *TEXTS]
    file = untrained(examples(texts, np.zeros(len(texts), np.int64)), SHAPES[name])
    file = prune(file, 500) if pruned else file
    bounds, ids = rows_of(file, TextBatch.from_strings(texts))
    words = [bytes(file.words[a:b]).decode() for a, b in pairwise(file.word_offsets)]
    shape = (file.shortest, file.longest, file.word_ngrams, file.buckets)
    kept = None if file.kept is None else {int(bucket): int(place) for bucket, place in file.kept}
    for d, text in enumerate(texts):
        assert sorted(ids[bounds[d] : bounds[d + 1]].tolist()) == text_row_ids(text, words, shape, kept)


@pytest.mark.parametrize("loss", ["softmax", "ova"])
def test_descent_is_what_it_should_be(loss: Any) -> None:
    texts, labels = made(60)
    shape = dataclasses.replace(SMALL, epochs=2, loss=loss)
    soft = np.full((60, 3), 0.1, np.float32) + 0.7 * np.eye(3, dtype=np.float32)[labels]
    weights = np.linspace(0, 2, 60).astype(np.float32)
    given = Examples(TextBatch.from_strings(texts), LABELS, soft, weights)
    start = untrained(given, shape)
    found = descend(start, given, shape)
    rows, output = start.rows.astype(np.float64), start.output.astype(np.float64)
    bounds, ids = rows_of(start, given.batch)
    as_rows = [ids[bounds[d] : bounds[d + 1]].tolist() for d in range(60)]
    draw = np.random.Generator(np.random.PCG64(shape.seed))
    for epoch in range(2):
        done, planned = epoch * len(ids), 2 * len(ids)
        sgd_epoch(as_rows, soft, weights, draw.permutation(60), rows, output, loss == "ova", shape.rate, done, planned)
    np.testing.assert_allclose(found.rows, rows, atol=2e-5)
    np.testing.assert_allclose(found.output, output, atol=2e-5)


def test_first_weights_come_from_place_and_seed() -> None:
    rows = np.empty((30, 7), np.float32)
    draw_rows(rows, 5)
    np.testing.assert_array_equal(rows, drawn(30, 7, 5))
    assert abs(float(rows.mean())) < 0.02
    assert float(np.abs(rows).max()) < 1 / 7


def test_the_nearest_centroid_is_found() -> None:
    draw = np.random.default_rng(1)
    points, centroids = draw.normal(size=(200, 2)).astype("f4"), draw.normal(size=(9, 2)).astype("f4")
    found = np.empty(200, np.int32)
    nearest_centroid(points, centroids, found)
    assert found.tolist() == nearest(points, centroids)


def test_soft_labels_carry_what_a_teacher_knows() -> None:
    texts, labels = made(600)
    soft = np.full((600, 3), 0.25, np.float32) + 0.25 * np.eye(3, dtype=np.float32)[labels]
    file = fit(dataclasses.replace(examples(texts, labels), targets=soft), dataclasses.replace(SMALL, epochs=20))
    found = classifier_of(file).predict(TextBatch.from_strings(texts)).probabilities
    assert abs(float(found.max(axis=1).mean()) - 0.5) < 0.05
    assert accuracy(file, texts, labels) > 0.9


def test_balanced_weights_give_every_label_the_same_say() -> None:
    targets = np.eye(3, dtype=np.float32)[[0, 0, 0, 0, 0, 0, 1, 1, 2]]
    weights = balanced(targets)
    assert (weights @ targets).tolist() == pytest.approx([3, 3, 3])


@pytest.mark.parametrize("wrong", [{"dim": 0}, {"rate": 0.0}, {"shortest": 3, "longest": 2}])
def test_wrong_shapes_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(WinnowError, match="training:"):
        Shape(**wrong)


def test_texts_without_a_word_are_refused() -> None:
    with pytest.raises(WinnowError, match="hold no word"):
        fit(examples(["", " "], np.array([0, 1])), SMALL)


@pytest.mark.parametrize("seed", [0, 1])
def test_no_worse_than_the_package_on_the_same_rows(real_data: Path, tmp_path: Path, seed: int) -> None:
    fasttext = pytest.importorskip("fasttext")
    import pyarrow.parquet as pq

    table = pq.read_table(real_data / "toxicity/davidson_tweets.parquet", columns=["text", "toxic"])
    texts = [" ".join(t.split()) for t in table["text"].to_pylist()]
    toxic = np.array(table["toxic"].to_pylist())
    order = np.random.default_rng(seed).permutation(len(texts))
    train, held = order[:10_000], order[10_000:]
    targets = np.eye(2, dtype=np.float32)[toxic[train]]
    batch = TextBatch.from_strings([texts[i] for i in train])
    shape = Shape(epochs=5, rate=0.3, buckets=1 << 18, shortest=2, longest=5, word_ngrams=1, seed=seed)
    file = fit(Examples(batch, ("ok", "toxic"), targets, np.ones(len(train), np.float32)), shape)
    ours = accuracy(file, [texts[i] for i in held], toxic[held])
    rows = [f"__label__{toxic[i]} {texts[i]}\n" for i in train]
    (tmp_path / "train.txt").write_text("".join(rows), encoding="utf-8")
    theirs = fasttext.train_supervised(
        str(tmp_path / "train.txt"), thread=12, dim=16, epoch=5, lr=0.3, minn=2, maxn=5, bucket=1 << 18, verbose=0
    )
    said = [theirs.f.predict(texts[i] + "\n", 1, 0.0, "strict")[0][1] for i in held]
    right = float(np.mean([s == f"__label__{toxic[i]}" for s, i in zip(said, held, strict=True)]))
    assert ours > right - 0.005, f"held-out accuracy {ours:.4f}, the package's {right:.4f}"


def test_rows_without_a_label_are_learnt_from() -> None:
    targets = np.array([[1, 0], [0, 1], [0, 0], [0, 0]], np.float32)
    np.testing.assert_allclose(balanced(targets), [4 / 3, 4 / 3, 2 / 3, 2 / 3], rtol=1e-6)
    np.testing.assert_allclose(balanced(targets[:2]), [1, 1], rtol=1e-6)
