"""Any supervised fastText model, held to the fasttext package that made it."""

from __future__ import annotations

import hashlib
import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scorers.models import fasttext_classifier, fasttext_file
from scorers.models.fasttext_classifier import Classifier, classifier_of, load_classifier
from scorers.models.fasttext_file import FastTextError, parse
from scorers.text import TextBatch
from tests.unit.test_language import HARD, SENTENCES

fasttext = pytest.importorskip("fasttext")

TOPICS = {
    "fruit": "apple pear plum cherry quince Äpfel яблоко りんご",
    "tools": "hammer saw wrench drill chisel Säge молоток 金槌",
    "birds": "sparrow finch heron crane osprey Amsel воробей 雀",
}
FILLER = ["the", "a", "of", "and", "to", "in", "is", "it", *(f"rare{n}" for n in range(400))]
SHAPES: dict[str, dict[str, Any]] = {
    "words": {"loss": "softmax", "dim": 7},
    "word_bigrams": {"loss": "softmax", "wordNgrams": 2, "bucket": 3000, "dim": 16},
    "word_fivegrams": {"loss": "softmax", "wordNgrams": 5, "bucket": 1 << 17, "dim": 100},
    "characters": {"loss": "softmax", "minn": 1, "maxn": 3, "bucket": 1000},
    "long_characters": {"loss": "softmax", "minn": 2, "maxn": 8, "bucket": 5000, "wordNgrams": 3},
    "tree": {"loss": "hs", "minn": 2, "maxn": 4, "bucket": 2000, "wordNgrams": 2},
    "one_versus_all": {"loss": "ova", "wordNgrams": 2, "bucket": 3000},
    "negative_sampling": {"loss": "ns", "neg": 2, "minn": 3, "maxn": 3, "bucket": 3000},
}


def write_training(path: Path, lines: int = 600) -> None:
    draw = random.Random(5)
    rows = []
    for _ in range(lines):
        label = draw.choice(list(TOPICS))
        words = [draw.choice(TOPICS[label].split()) if draw.random() < 0.4 else draw.choice(FILLER) for _ in range(12)]
        rows.append(f"__label__{label} {' '.join(words)}")
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("training") / "train.txt"
    write_training(path)
    return path


def trained(training: Path, shape: dict[str, Any]) -> Any:
    # from 10 threads on the package initialises all of its weights
    return fasttext.train_supervised(str(training), thread=12, epoch=6, lr=0.4, minCount=1, verbose=0, **shape)


def reference(path: Path, texts: list[str], loss: str) -> dict[str, np.ndarray[Any, Any]]:
    """The package's probability of each label for each text, less the 1e-5 it adds."""
    model = fasttext.FastText._FastText(str(path))
    labels = model.labels
    found = {label.removeprefix("__label__"): np.zeros(len(texts)) for label in labels}
    for i, text in enumerate(texts):
        for p, label in model.f.predict(text.replace("\n", " ") + "\n", len(labels), 0.0, "strict"):
            found[label.removeprefix("__label__")][i] = p - (0 if loss == "hs" else 1e-5)
    return found


TEXTS = [
    *HARD,
    *SENTENCES.values(),
    "apple saw heron",
    "the hammer and the plum",
    "unknownword",
    "яблоко и молоток " * 300,
]


def assert_same(model: Classifier, path: Path, texts: list[str]) -> None:
    found = model.predict(TextBatch.from_strings(texts))
    expected = reference(path, texts, model.file.loss)
    assert sorted(model.labels) == sorted(expected)
    for column, label in enumerate(model.labels):
        p = found.probabilities[:, column].astype(np.float64)
        if model.file.loss in ("ova", "ns"):
            # the package looks its logistic function up in a table of steps of 1/32
            z = np.log(np.clip(p, 1e-7, 1 - 1e-7)) - np.log1p(-np.clip(p, 1e-7, 1 - 1e-7))
            p = 1 / (1 + np.exp(-(np.floor(np.clip(z, -8, 8) * 32 + 1e-4) / 32)))
            near = np.abs(z) < 7.9
            close = np.abs(p - expected[label]) < 1e-5
            on_the_step = np.abs(z * 32 - np.round(z * 32)) < 1e-2
            assert np.all(close | ~near | on_the_step)
        else:
            # of long texts the package's sum in 32 bits is the worse one; of hs it takes 1e-5 at every node of the tree
            short, long = (found.features > 0) & (found.features < 1000), found.features >= 1000
            extra = 3e-5 if model.file.loss == "hs" else 0
            np.testing.assert_allclose(p[short], expected[label][short], rtol=0, atol=1e-5 + extra)
            np.testing.assert_allclose(p[long], expected[label][long], rtol=0, atol=4e-5 + extra)


@pytest.mark.parametrize("name", SHAPES)
def test_probabilities_are_those_of_the_package(training: Path, tmp_path: Path, name: str) -> None:
    made = trained(training, SHAPES[name])
    path = tmp_path / "model.bin"
    made.save_model(str(path))
    assert_same(classifier_of(parse(path.read_bytes(), "model")), path, TEXTS)


@pytest.mark.parametrize("name", ["words", "word_bigrams", "long_characters", "tree", "one_versus_all"])
@pytest.mark.parametrize("options", [{"cutoff": 350}, {"cutoff": 257, "qnorm": True}])
def test_quantised_and_pruned_models_too(training: Path, tmp_path: Path, name: str, options: dict[str, Any]) -> None:
    made = trained(training, SHAPES[name] | {"dim": 8})
    made.quantize(**options)
    path = tmp_path / "model.ftz"
    made.save_model(str(path))
    assert_same(classifier_of(parse(path.read_bytes(), "model")), path, TEXTS)


def test_a_quantised_output_too(tmp_path: Path) -> None:
    rows = [f"__label__{n % 300} word{n % 300} w{n % 7}" for n in range(900)]
    (tmp_path / "train.txt").write_text("\n".join(rows) + "\n")
    made = trained(tmp_path / "train.txt", {"dim": 9})
    made.quantize(qout=True, qnorm=True, cutoff=280)
    made.save_model(str(tmp_path / "model.ftz"))
    model = classifier_of(parse((tmp_path / "model.ftz").read_bytes(), "model"))
    assert_same(model, tmp_path / "model.ftz", ["word3 w1", "word299", "word17 word18 w2 nothing"])


@pytest.fixture(scope="module")
def model(training: Path, tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    path = tmp_path_factory.mktemp("model") / "model.bin"
    trained(training, SHAPES["long_characters"]).save_model(str(path))
    return load_classifier(path, hashlib.sha256(path.read_bytes()).hexdigest())


def test_a_prediction_does_not_depend_on_the_batch(model: Classifier, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = TEXTS * 2
    whole = model.predict(TextBatch.from_strings(texts))
    alone = np.concatenate([model.predict(TextBatch.from_strings([t])).probabilities for t in texts])
    np.testing.assert_array_equal(whole.probabilities, alone)
    monkeypatch.setattr(fasttext_classifier, "MEMORY_WORDS", 3)
    forgetful = model.predict(TextBatch.from_strings(texts))
    np.testing.assert_array_equal(whole.probabilities, forgetful.probabilities)


def test_spans_are_predicted_as_documents_of_their_own(model: Classifier) -> None:
    text = "apple plum\nhammer é saw\n\nheron"
    batch = TextBatch.from_strings(["before", text])
    lines = text.split("\n")
    ends = np.cumsum([len(line.encode()) + 1 for line in lines]) - 1
    starts = np.array([0, *(ends[:-1] + 1)])
    found = model.predict_spans(batch, batch.offsets[1] + starts, batch.offsets[1] + ends)
    np.testing.assert_array_equal(found.probabilities, model.predict(TextBatch.from_strings(lines)).probabilities)
    assert found.words.tolist() == [2, 3, 0, 1]


def test_a_window_reads_the_start_only(model: Classifier) -> None:
    batch, start = TextBatch.from_strings(["apple plum " + "hammer saw " * 50]), TextBatch.from_strings(["apple plum "])
    np.testing.assert_array_equal(model.predict(batch, 11).probabilities, model.predict(start).probabilities)


def test_a_mapped_file_is_the_same_model(training: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.bin"
    trained(training, SHAPES["word_bigrams"]).save_model(str(path))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    read = classifier_of(fasttext_file.read_file(path, digest)).predict(TextBatch.from_strings(TEXTS))
    monkeypatch.setattr(fasttext_file, "MMAP_BYTES", 1)
    mapped = classifier_of(fasttext_file.read_file(path, digest)).predict(TextBatch.from_strings(TEXTS))
    np.testing.assert_array_equal(read.probabilities, mapped.probabilities)


def test_word_vectors_are_refused(training: Path, tmp_path: Path) -> None:
    made = fasttext.train_unsupervised(str(training), thread=12, epoch=1, dim=4, bucket=100, minCount=1, verbose=0)
    made.save_model(str(tmp_path / "vectors.bin"))
    with pytest.raises(FastTextError, match="holds word vectors"):
        parse((tmp_path / "vectors.bin").read_bytes(), "vectors.bin")


@pytest.mark.parametrize(("content", "said"), [
    (b"\x80\x04\x95abc", "is a Python pickle"), (b"PK\x03\x04rest", "is a zip file"), (b"", "is not a fastText model"),
    (b"\xba\x16\x4f\x2f\x0b\0\0\0", "is not a fastText model of format 12"), (b"hello, world", "is not a fastText model"),
])  # fmt: skip
def test_other_files_are_refused(content: bytes, said: str) -> None:
    with pytest.raises(FastTextError, match=said):
        parse(content, "file")


def test_a_file_cut_anywhere_is_refused(training: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    trained(training, SHAPES["words"]).save_model(str(path))
    content = path.read_bytes()
    for kept in [*range(0, 300, 7), *(b - 1 for _, b in pairwise(range(0, len(content) + 1, len(content) // 40)))]:
        with pytest.raises(FastTextError, match=r"is not a fastText model|ends at byte|dictionary of"):
            parse(content[:kept], "cut")


def test_a_flipped_byte_is_refused(training: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    trained(training, SHAPES["words"]).save_model(str(path))
    content = bytearray(path.read_bytes())
    digest = hashlib.sha256(content).hexdigest()
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(FastTextError, match=f"expected sha256 {digest}, found "):
        load_classifier(path, digest)
