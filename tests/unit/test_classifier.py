"""Classifiers as scorers: text as they were trained on, labels, calibration, spans, abstention."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.train.classifier import Examples, Shape, fit
from pipeline.train.fasttext_writer import bin_bytes
from scorers import models
from scorers.base import ScorerError, as_struct, build, fingerprint, models_of
from scorers.models.card import Card
from scorers.models.classifier import SHORTEST_SENTENCE_BYTES, normalised, segments
from scorers.models.fasttext_classifier import load_classifier
from scorers.spans import apply_spans
from scorers.text import TextBatch
from tests.oracle_classifier import normalised_text, segment_texts
from tests.unit.test_registry import ODD

WORDS = {
    "nice": "lovely kind warm calm good",
    "nasty": "awful vile rotten foul bad",
    "lewd": "naked lust moan bare kiss",
}
WRITTEN = [*ODD, "Dr. Who. It is so! Is it? Yes.\nA.  B. Long enough sentence here. Short.", "É Straße İ ǅ $5+3=8 «q»"]


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A model of three labels, added under a name with the settings and calibration given."""
    monkeypatch.setenv("WINNOW_MODELS", str(tmp_path / "models"))

    def add(name: str, loss: Any = "softmax", **given: Any) -> None:
        texts = [" ".join(w for _ in range(3) for w in words.split()) for words in WORDS.values() for _ in range(5)]
        targets = np.repeat(np.eye(3, dtype=np.float32), 5, axis=0)
        shape = Shape(dim=8, epochs=60, rate=1.0, word_ngrams=1, loss=loss)
        examples = Examples(TextBatch.from_strings(texts), tuple(WORDS), targets, np.ones(15, np.float32))
        content = bin_bytes(fit(examples, shape))
        path = tmp_path / f"{name}.bin"
        path.write_bytes(content)
        settings = given.pop("settings", {"positive": "nasty", "normalise": "words"})
        models.add(path, Card(
            name, "fasttext", path.name, hashlib.sha256(content).hexdigest(), len(content), "CC0", "A test.",
            tuple(WORDS), settings=settings, **given,
        ))  # fmt: skip

    return add


def measured(scorer: str, texts: list[str], **given: Any) -> dict[str, list[Any]]:
    made = build(scorer, given)
    found = as_struct(made, made.score(TextBatch.from_strings(texts)), len(texts))
    return {f.name: found.field(f.name).to_pylist() for f in found.type}


@pytest.mark.parametrize("how", ["lower", "words"])
def test_text_is_normalised_as_its_twin_says(how: str) -> None:
    batch = TextBatch.from_strings(WRITTEN)
    found = normalised(batch, batch.offsets[:-1], batch.offsets[1:], how).to_arrow().to_pylist()
    assert found == [normalised_text(t, how == "words") for t in WRITTEN]


def test_segments_are_lines_and_sentences() -> None:
    batch = TextBatch.from_strings(WRITTEN)
    found = segments(batch)
    for d, text in enumerate(WRITTEN):
        own = slice(found.bounds[d], found.bounds[d + 1])
        pieces = [bytes(batch.data[a:b]).decode() for a, b in zip(found.starts[own], found.ends[own], strict=True)]
        assert pieces == segment_texts(text, SHORTEST_SENTENCE_BYTES)
        assert "".join(pieces) == text


def test_quality_is_the_probability_of_the_positive_label(put: Any) -> None:
    put("mine")
    found = measured("quality", ["Awful, VILE!", "lovely kind", "", "unheard-of"], model="mine")["probability"]
    assert found[0] > 0.8
    assert found[1] < 0.2
    assert found[2] is None


def test_several_positive_labels_add_up(put: Any) -> None:
    put("mine", settings={"positive": ["nasty", "lewd"], "normalise": "words"})
    alone = measured("domain", ["vile lust"], model="mine")
    found = measured("quality", ["vile lust", "lovely"], model="mine")["probability"]
    assert found[0] == pytest.approx(alone["confidence"][0] + alone["confidence2"][0], abs=1e-6)
    assert found[1] < 0.2


def test_a_score_is_calibrated_by_its_card(put: Any) -> None:
    put("raw")
    put("flat", calibration={"nasty": {"kind": "platt", "a": 0.0, "b": 0.0}})
    put("steps", calibration={"nasty": {"kind": "isotonic", "x": [0.0, 1.0], "y": [0.25, 0.75]}})
    raw = measured("quality", ["awful", "lovely"], model="raw")["probability"]
    assert measured("quality", ["awful", "lovely"], model="flat")["probability"] == [0.5, 0.5]
    steps = measured("quality", ["awful", "lovely"], model="steps")["probability"]
    assert steps == pytest.approx([0.25 + p / 2 for p in raw])


def test_toxic_lines_are_found_and_can_be_cut(put: Any) -> None:
    put("mine", settings={"positive": "nasty", "normalise": "words", "categories": ["lewd"]})
    text = "Lovely and warm and calm.\nAwful vile rotten!\nFoul bad vile awful. Good kind lovely warm."
    found = measured("toxicity", [text, "lovely kind", ""], model="mine")
    assert found["toxic_segments"] == [2, 0, 0]
    assert found["max_segment_probability"][0] > found["probability"][0]
    assert found["max_segment_probability"][2] is None
    made = build("toxicity", {"model": "mine"})
    batch = TextBatch.from_strings([text, "lovely kind", ""])
    left = apply_spans(batch, made.score(batch)["toxic_spans"]).to_arrow().to_pylist()
    assert left == ["Lovely and warm and calm.\nGood kind lovely warm.", "lovely kind", ""]
    assert found["toxic_spans"][0] == [{"start": 26, "end": 66}]
    assert measured("toxicity", ["naked lust"], model="mine")["lewd"][0] > 0.8


def test_kinds_are_shares_of_the_toxicity_of_a_segment(put: Any) -> None:
    put("mine")
    put("sorts", settings={"normalise": "words", "categories": ["lewd", "nasty"]})
    texts = ["vile awful rotten", "awful vile rotten naked.\nLovely kind warm good lewd.", "lovely kind", ""]
    found = measured("toxicity", texts, model="mine", kinds="sorts")
    toxic = found["max_segment_probability"]
    assert found["nasty"][0] > 0.8 * toxic[0]
    assert found["lewd"][0] < 0.2
    assert all(0 <= found[kind][n] <= toxic[n] for kind in ("lewd", "nasty") for n in range(3))
    assert found["nasty"][3:4] == found["lewd"][3:4] == [None]


def test_a_document_is_of_every_kind_that_one_of_its_segments_is(put: Any) -> None:
    put("mine", settings={"positive": ["nasty", "lewd"], "normalise": "words"})
    put("sorts", settings={"normalise": "words", "categories": ["lewd", "nasty"]})
    found = measured("toxicity", ["Naked lust and a moan.\nAwful vile rotten foul."], model="mine", kinds="sorts")
    alone = measured("toxicity", ["Naked lust and a moan.\n", "Awful vile rotten foul."], model="mine", kinds="sorts")
    assert (found["lewd"][0], found["nasty"][0]) == (alone["lewd"][0], alone["nasty"][1])
    assert min(found["lewd"][0], found["nasty"][0]) > 0.7


def test_a_model_with_categories_of_its_own_is_asked_alone(put: Any) -> None:
    put("mine", settings={"positive": "nasty", "normalise": "words", "categories": ["lewd"]})
    made = build("toxicity", {"model": "mine"})
    assert models_of(made) == ("mine",)
    assert [c.name for c in made.columns()][5:] == ["lewd"]


def test_the_fingerprint_of_toxicity_holds_the_model_of_kinds(put: Any) -> None:
    put("mine")
    put("sorts", settings={"normalise": "words", "categories": ["lewd"]})
    before = build("toxicity", {"model": "mine", "kinds": "sorts"})
    assert models_of(before) == ("mine", "sorts")
    fingerprints = {fingerprint(before), fingerprint(build("toxicity", {"model": "mine", "kinds": ""}))}
    put("sorts", loss="ova", settings={"normalise": "words", "categories": ["lewd"]})
    assert len({*fingerprints, fingerprint(build("toxicity", {"model": "mine", "kinds": "sorts"}))}) == 3


def test_without_kinds_there_are_no_columns_of_kinds(put: Any) -> None:
    put("mine")
    made = build("toxicity", {"model": "mine", "kinds": ""})
    assert models_of(made) == ("mine",)
    assert [c.name for c in made.columns()][4:] == ["toxic_spans"]


def test_a_model_of_kinds_must_name_them(put: Any) -> None:
    put("mine")
    with pytest.raises(ScorerError, match="the card of model 'mine' names no categories"):
        build("toxicity", {"model": "mine", "kinds": "mine"})


def test_touching_documents_keep_their_spans_apart(put: Any) -> None:
    put("mine")
    found = measured("toxicity", ["awful vile", "vile rotten foul"], model="mine")["toxic_spans"]
    assert found == [[{"start": 0, "end": 10}], [{"start": 0, "end": 16}]]


def test_a_domain_abstains_below_its_confidence(put: Any) -> None:
    put("mine")
    texts = ["lovely kind warm", "lovely vile", ""]
    sure = measured("domain", texts, model="mine", min_confidence=0.8)
    assert sure["label"] == ["nice", None, None]
    assert sure["confidence"][1] < 0.8
    assert set(measured("domain", texts[1:2], model="mine")["label"] + sure["label2"][1:2]) == {"nice", "nasty"}
    assert sure["confidence"][2] is None


def test_labels_that_exclude_nothing_are_told_each_for_itself(put: Any) -> None:
    put("mine", loss="ova", settings={"positive": "nasty", "categories": ["lewd", "nice"], "normalise": "words"})
    found = measured("toxicity", ["vile awful naked lust"], model="mine")
    assert found["probability"][0] > 0.3
    assert found["lewd"][0] > 0.3
    assert found["nice"][0] < 0.2


def test_a_window_reads_the_start_only(put: Any) -> None:
    put("mine")
    text = "lovely kind warm. " + "vile awful " * 50
    whole, start = (measured("quality", [text], model="mine", window_bytes=w)["probability"][0] for w in (0, 18))
    assert start < 0.3 < whole


@pytest.mark.parametrize("name", ["quality", "toxicity", "domain"])
def test_a_document_is_measured_alone(put: Any, name: str) -> None:
    put("mine", settings={"positive": "nasty", "normalise": "words", "categories": ["lewd"]})
    together = measured(name, ODD + WRITTEN, model="mine")
    for n, text in enumerate(ODD + WRITTEN):
        assert {k: v[0] for k, v in measured(name, [text], model="mine").items()} == {
            k: v[n] for k, v in together.items()
        }


def test_the_fingerprint_holds_the_model(put: Any) -> None:
    put("one")
    before = fingerprint(build("quality", {"model": "one"}))
    put("one", loss="ova")
    other = fingerprint(build("quality", {"model": "one"}))
    put("one", loss="ova", calibration={"nasty": {"kind": "platt", "a": 2.0, "b": 0.0}})
    assert len({before, other, fingerprint(build("quality", {"model": "one"}))}) == 3


def test_a_changed_model_file_is_refused(put: Any) -> None:
    put("mine")
    path = models.find("mine").path
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    load_classifier.cache_clear()
    with pytest.raises(ValueError, match="expected sha256"):
        measured("quality", ["text"], model="mine")


@pytest.mark.parametrize(("settings", "said"), [
    ({}, "its card names None as positive"), ({"positive": "other"}, "its labels are nice, nasty, lewd"),
    ({"positive": "nasty", "normalise": "upper"}, "normalise is 'upper'"),
])  # fmt: skip
def test_a_card_that_says_too_little_is_refused(put: Any, settings: dict[str, Any], said: str) -> None:
    put("mine", settings=settings)
    with pytest.raises(ScorerError, match=said):
        build("quality", {"model": "mine"})


def test_wrong_parameters_are_refused(put: Any) -> None:
    put("mine")
    with pytest.raises(ScorerError, match="min_confidence is 2"):
        build("domain", {"model": "mine", "min_confidence": 2})
    with pytest.raises(ScorerError, match="window_bytes is -1"):
        build("quality", {"model": "mine", "window_bytes": -1})
    with pytest.raises(ScorerError, match="no model 'yours'"):
        build("toxicity", {"model": "yours"})
