"""The perplexity scorer: cc_net's figure, the worst window, the ratio of two models, a model a language."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.train.ngram import Plan, train_ngram
from scorers import models
from scorers.base import ScorerError, as_struct, build, fingerprint
from scorers.models.card import Card
from scorers.models.ngram_file import NgramError, TextSettings
from scorers.models.ngram_model import read, settings_from
from scorers.models.ngram_text import tokens_of
from scorers.perplexity import Perplexity
from scorers.text import TextBatch
from tests.ngram_texts import story
from tests.oracle_ngrams import worst_window

ENGLISH = "the miller watches the river . the baker sells three loaves by the mill ."
GERMAN = "der müller sieht den fluss . die bäckerin verkauft drei brote an der mühle ."


@pytest.fixture
def two_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """'river' of the story, 'german' of another; in a models folder of their own."""
    monkeypatch.setenv("WINNOW_MODELS", str(tmp_path / "models"))
    german = [f"{GERMAN} das jahr {i} war {w} ." for i, w in enumerate(["kalt", "lang", "schön", "kalt"] * 20)]
    for name, lines in (("river", story(600)), ("german", german)):
        path = tmp_path / f"{name}.ngram"
        train_ngram([pa.array(["\n".join(lines)], pa.large_string())], Plan(3, engine="own", fallback=True), path)
        content = path.read_bytes()
        models.add(
            path, Card(name, "ngram", path.name, hashlib.sha256(content).hexdigest(), len(content), "CC0-1.0", "t")
        )
    return tmp_path


def measured(scorer: Perplexity, texts: list[str]) -> list[dict[str, float | None]]:
    rows: list[dict[str, float | None]] = as_struct(
        scorer, scorer.score(TextBatch.from_strings(texts)), len(texts)
    ).to_pylist()
    return rows


def test_perplexity_is_over_tokens_and_line_ends(two_models: Path) -> None:
    text = "The miller, the river.\n\nNobody watches"
    model = read(models.find("river").path, TextSettings())
    events, unknown = model.events(tokens_of(TextBatch.from_strings([text]), model.settings))
    (row,) = measured(Perplexity("river", window_words=4), [text])
    assert len(events) == 8 + 2
    assert row["tokens"] == 8
    assert row["perplexity"] == pytest.approx(10 ** (-events.sum() / 10))
    assert row["bits_per_byte"] == pytest.approx(-events.sum() * math.log2(10) / len(text.encode()))
    assert row["oov_frac"] == unknown.sum() / 8
    assert row["worst_window_perplexity"] == pytest.approx(10 ** -worst_window(events.tolist(), 4)[0])


def test_a_bad_passage_shows_in_its_window(two_models: Path) -> None:
    good = " ".join(story(40))
    bad = "qqq zz17 {{ ]] buy cheap xx yy " * 5
    whole, spoiled = measured(Perplexity("river", window_words=30), [good, f"{good} {bad} {good}"])
    assert spoiled["perplexity"] < 3 * whole["perplexity"]
    assert spoiled["worst_window_perplexity"] > 10 * whole["worst_window_perplexity"]
    assert len(good) < spoiled["worst_window_byte"] + 30 < len(good) + len(bad)


def test_a_document_without_tokens_has_nulls(two_models: Path) -> None:
    scorer = Perplexity("river", against="german")
    for row in measured(scorer, ["", " \n\n ", "\x00"]):
        assert row.pop("tokens") == 0
        assert set(row.values()) == {None}


def test_the_ratio_is_positive_for_what_the_model_likes_better(two_models: Path) -> None:
    rows = measured(Perplexity("river", against="german"), [ENGLISH, GERMAN])
    alone = [measured(Perplexity(n), [ENGLISH, GERMAN]) for n in ("river", "german")]
    for i, row in enumerate(rows):
        assert row["log_ratio"] == pytest.approx(alone[1][i]["bits_per_byte"] - alone[0][i]["bits_per_byte"])
    assert rows[0]["log_ratio"] > 0.5
    assert rows[1]["log_ratio"] < -0.5
    assert "log_ratio" not in alone[0][0]


def test_each_language_has_its_model(two_models: Path, lid_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WINNOW_MODELS", str(two_models / "models"))
    there = models.find("lid.176").path if lid_model.is_relative_to(two_models) else None
    if there is None:
        target = two_models / "models" / lid_model.parent.name / lid_model.name
        target.parent.mkdir(parents=True)
        target.write_bytes(lid_model.read_bytes())
    texts = [ENGLISH * 3, GERMAN * 3, "", "Быстрая коричневая лиса перепрыгивает через ленивую собаку."]
    both = measured(Perplexity("", ("en=river", "de=german")), texts)
    assert both[0] == measured(Perplexity("river"), texts)[0]
    assert both[1] == measured(Perplexity("german"), texts)[1]
    assert set(both[2].values()) == set(both[3].values()) == {None}
    assert measured(Perplexity("river", ("de=german",)), texts)[3]["perplexity"] > 1


def test_wrong_parameters_say_what_was_expected(two_models: Path) -> None:
    for given, said in (
        ({"window_words": 0}, "window_words"),
        ({"by_language": ["de"]}, "CODE=MODEL"),
        ({"model": ""}, "no model"),
        ({"model": "lid.176"}, "kind fasttext"),
    ):
        with pytest.raises(ScorerError, match=said):
            build("perplexity", {"model": "river", **given})
    with pytest.raises(ScorerError, match="Did you mean 'river'"):
        build("perplexity", {"model": "rivr"})


def test_a_changed_model_file_is_refused(two_models: Path) -> None:
    path = models.find("river").path
    content = bytearray(path.read_bytes())
    content[-1000] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(NgramError, match="expected sha256"):
        measured(Perplexity("river"), ["the miller"])


def test_another_model_is_another_fingerprint(two_models: Path) -> None:
    prints = {
        fingerprint(Perplexity("river")),
        fingerprint(Perplexity("german")),
        fingerprint(Perplexity("river", against="german")),
    }
    assert len(prints) == 3


def test_a_cards_settings_must_be_text_settings() -> None:
    assert settings_from({"normalisation": "none", "order": 5}) == TextSettings("none")
    with pytest.raises(NgramError, match="tokens"):
        settings_from({"tokens": "syllables"})


def test_the_model_that_ships_prefers_prose_to_noise() -> None:
    prose = "The government of the United States is divided into three branches, and each of them has its own powers."
    rows = measured(Perplexity(), [prose, "zx qq7 lorem ]] fghj wv {{ plk mnb 5x vcx"])
    assert rows[0]["perplexity"] < 300
    assert rows[1]["perplexity"] > 10 * rows[0]["perplexity"]


def test_pieces_are_scored_where_a_model_is_of_pieces(two_models: Path) -> None:
    sentencepiece = pytest.importorskip("sentencepiece", reason="pieces need the extra sentencepiece")
    (two_models / "text").write_text("\n".join(story(600)), encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(two_models / "text"), model_prefix=str(two_models / "sp"), vocab_size=90, minloglevel=2
    )
    processor = sentencepiece.SentencePieceProcessor(model_file=str(two_models / "sp.model"))
    cut = [" ".join(processor.encode(line, out_type=str)) for line in story(600)]
    plan = Plan(3, settings=TextSettings("none", "whitespace"), engine="own", fallback=True)
    train_ngram([pa.array(cut, pa.large_string())], plan, two_models / "pieces.ngram", two_models / "pieces.arpa")
    for kind, file, settings in (
        ("sentencepiece", "sp.model", {}),
        ("ngram", "pieces.arpa", {"tokens": "sentencepiece", "pieces": "sp", "one_line": True}),
    ):
        content = (two_models / file).read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        name = file.partition(".")[0]
        card = Card(name, kind, file, digest, len(content), "CC0-1.0", "t", settings=settings)  # type: ignore[arg-type]
        models.add(two_models / file, card)
    texts = ["The miller watches\nthe river.", "", "a grey heron counts winter . the bells"]
    rows = measured(Perplexity("pieces"), texts)
    model = read(two_models / "pieces.ngram", TextSettings())
    for text, row in zip(texts, rows, strict=True):
        line = " ".join(processor.encode(text.lower().replace("\n", ""), out_type=str))
        events, _ = model.events(tokens_of(TextBatch.from_strings([line]), model.settings))
        assert row["tokens"] == len(line.split())
        assert row["perplexity"] == (pytest.approx(10 ** -events.mean(), rel=1e-5) if line else None)
    assert Perplexity("pieces").models() == ("pieces", "sp")


def test_pieces_and_their_model_go_together() -> None:
    with pytest.raises(NgramError, match="go together"):
        settings_from({"tokens": "sentencepiece"})
