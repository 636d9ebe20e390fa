"""The models that ship: their files are their cards', small, and say the plain things right; their recipes are honest."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from scorers import models
from scorers.base import build
from scorers.models.classifier import named
from scorers.text import TextBatch
from tools.default_models import domain, kinds, material, phrases, quality, texts

CLASSIFIERS = ("toxicity-en", "toxicity-kinds-en", "domain-en", "quality-en")
ALL_TOGETHER_BYTES = 25_000_000


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_shipped_file_is_the_one_its_card_names(name: str) -> None:
    found = models.find(name)
    content = found.path.read_bytes()
    assert found.origin == "shipped"
    assert (hashlib.sha256(content).hexdigest(), len(content)) == (found.card.sha256, found.card.size_bytes)
    assert 900_000 <= len(content) <= (2_000_000 if name == "toxicity-kinds-en" else 6_000_000)


def test_all_shipped_models_together_stay_under_25_mb() -> None:
    assert 0 < sum(p.stat().st_size for p in models.SHIPPED.rglob("*") if p.is_file()) < ALL_TOGETHER_BYTES


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_shipped_card_lists_licensed_data_and_where_the_model_fails(name: str) -> None:
    card = models.known(name).card
    assert all(item["licence"] for item in card.data)
    assert len(card.limits) >= 3
    assert not {item["name"] for item in card.data} & {*texts.NEVER_TRAINED, "dclm_human"}


def test_insults_are_more_toxic_than_thanks() -> None:
    model = named("toxicity-en")
    batch = TextBatch.from_strings(
        ["You stupid piece of shit, go to hell.", "Thank you for the lovely dinner on Sunday."]
    )
    rude, kind = model.positive(model.tell_documents(batch, 0))
    assert rude > 0.8
    assert kind < 0.3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("All immigrants are vermin and Muslims are inferior to us.", "hate"),
        ("You are such a pathetic loser, shut up you stupid moron.", "insult"),
        ("She moaned as he kissed her naked breasts and undressed her.", "sexual"),
        ("I will find you and stab you with a knife.", "violence"),
        ("I want to end my life, I keep cutting myself and I hate myself.", "self_harm"),
    ],
)
def test_a_toxic_text_is_given_its_kind(text: str, expected: str) -> None:
    found = build("toxicity").score(TextBatch.from_strings([text]))
    told = {kind: found[kind][0].as_py() for kind in kinds.LABELS}
    assert max(told, key=lambda kind: told[kind]) == expected
    assert 0.3 < told[expected] <= found["max_segment_probability"][0].as_py()


def test_the_card_of_kinds_says_what_was_reached_and_what_was_not() -> None:
    metrics = models.known("toxicity-kinds-en").card.metrics
    folds, alone = metrics["folds"]["openai_moderation"], metrics["set_left_out"]["openai_moderation"]
    assert folds["accuracy"] > alone["accuracy"] >= 0.6
    assert min(alone[f"auc_{kind}"] for kind in kinds.LABELS) >= 0.8
    rows = sum(told["rows"] for told in metrics["folds"].values())
    assert np.array(metrics["confusion_folds_rows_true_columns_said"]).sum() == rows
    assert metrics["hatecheck_hateful_rows_said"]["hate"] >= 0.8
    assert max(metrics["calibration_error"].values()) <= 0.1


def test_kinds_are_learnt_from_votes_and_marks_and_never_from_hatecheck() -> None:
    assert kinds.shares_of("davidson_tweets", {"hate": 1, "off": 2, "neither": 0}) == [1.0, 2.0, 0.0, 0.0, 0.0]
    assert kinds.shares_of("openai_moderation", {"H": 1, "H2": 1, "V": 1, "S": 0}) == [1.0, 0.0, 0.0, 1.0, 0.0]
    learnt = {item["name"] for item in models.known("toxicity-kinds-en").card.data}
    assert {"davidson_tweets", "openai_moderation"} <= learnt
    assert not learnt & {"hatecheck_en", "hatecheck_multilingual", "surge_toxicity"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The patient was given antibiotics; the infection cleared and the fever fell within two days.", "Medicine"),
        ("Prove that every continuous function on a compact set is bounded. Proof. Suppose the theorem is false.", "Mathematics"),
        ("The film stars two comedians; it was directed by a newcomer and premiered at the festival.", "Entertainment"),
        ("The farmer ploughed the field, spread manure on the soil and sowed barley before the rain.", "Agriculture"),
    ],
)  # fmt: skip
def test_a_plain_text_is_given_its_domain(text: str, expected: str) -> None:
    model = named("domain-en")
    scores = model.tell_documents(TextBatch.from_strings([text]), 0).scores[0]
    assert model.model.labels[int(np.argmax(scores))] == expected


def test_prose_is_of_higher_quality_than_a_menu() -> None:
    prose = "The committee met in spring and agreed on a plan, which its members had discussed for most of a year."
    menu = "Home | About us | Login | Cart (0) | Buy now! | Click here | Free shipping | Accept all cookies"
    model = named("quality-en")
    high, low = model.positive(model.tell_documents(TextBatch.from_strings([prose, menu]), 0))
    assert high > 0.5 > low


def test_the_card_of_domain_reaches_what_was_asked_of_it() -> None:
    metrics = models.known("domain-en").card.metrics
    assert metrics["macro_f1"] >= 0.45
    assert metrics["calibration_error_first"] <= 0.05
    assert np.array(metrics["confusion_rows_true_columns_said"]).sum() == metrics["rows"]


def test_the_card_of_toxicity_beats_its_baselines_wherever_they_had_not_learnt_from_the_set() -> None:
    metrics = models.known("toxicity-en").card.metrics
    beaten = {
        (name, key)
        for name, told in metrics["held_out"].items()
        for key in ("plain_fasttext_auc", "word_list_auc", "alt_profanity_check_auc")
        if told["auc"] > told[key]
    }
    missed = {
        (name, key)
        for name in metrics["held_out"]
        for key in ("plain_fasttext_auc", "word_list_auc", "alt_profanity_check_auc")
    } - beaten
    assert missed == {("davidson_tweets", "alt_profanity_check_auc")}
    assert metrics["calibration_error"] <= 0.05


def test_filled_sentences_are_the_same_every_time_and_of_both_kinds() -> None:
    first = phrases.toxicity_sentences(["darn"], 3, 0)
    assert first == phrases.toxicity_sentences(["darn"], 3, 0)
    assert {s.toxic for s in first} == {True, False}
    assert not [s for s in first if "{" in s.text]


def test_translations_and_editions_of_one_text_share_a_fold() -> None:
    assert domain.fold_of("react_docs_fr", "a") == domain.fold_of("react_docs_ar", "b")
    assert domain.fold_of("gitenberg_sherlock", "a") == domain.fold_of("se_arthur-conan-doyle_the-a", "b")
    assert domain.fold_of("gesetze_de", "a") == domain.fold_of("gesetze_de_agrar", "b")
    assert len({domain.fold_of("wikipedia_movies", str(n)) for n in range(50)}) == domain.FOLDS


def test_what_is_never_learnt_from_is_not_in_a_fold_of_its_own() -> None:
    assert {quality.fold_of("web_pages_raw", str(n)) for n in range(50)} == set(range(quality.FOLDS))
    assert {quality.fold_of("arxiv_abstracts", str(n)) for n in range(50)} == {0}


def test_pieces_are_put_between_words_and_nothing_is_lost() -> None:
    found = material.inserted(["a b c", "d"], ["X"], 100, 0)
    assert [json.dumps([w for w in f.split(" ") if w != "X"]) for f in found] == ['["a", "b", "c"]', '["d"]']
    assert all("X" in f.split(" ") for f in found)


def test_a_long_text_is_cut_into_pieces_from_start_to_end() -> None:
    text = "".join(chr(97 + i % 26) for i in range(3000))
    found = texts.pieces(text, 550, 4)
    assert len(found) == 4
    assert text.startswith(found[0])
    assert text.endswith(found[-1])
    assert texts.pieces("short") == ["short"]
