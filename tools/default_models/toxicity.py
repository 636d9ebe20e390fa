"""The recipe of toxicity-en: labelled sets, sentences of our own, words of LDNOOBW put into clean text, and a teacher."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.train.classifier import Shape
from tools.default_models import material, phrases, teacher, texts
from tools.default_models.embeddings import Embeddings
from tools.default_models.material import Material
from tools.default_models.student import Piece, train, yes_no

LABELS = ("toxic", "clean")
SHAPE = Shape(dim=8, epochs=4, rate=0.3, word_ngrams=2, shortest=4, longest=4, buckets=1 << 21, min_count=2)
KEPT_ROWS = 400_000
SETS = ("davidson_tweets", "surge_toxicity", "hatecheck_en", "hatecheck_multilingual", "openai_moderation")
TAUGHT_SETS = ("davidson_tweets", "surge_toxicity", "hatecheck_en", "openai_moderation")
"""MiniLM reads English: the other languages of HateCheck are measured on only."""
FAMILIES = {"hatecheck_multilingual": "hatecheck", "hatecheck_en": "hatecheck"}
"""Sets that share templates are left out together."""

Set = texts.Texts


@dataclass(frozen=True)
class Weights:
    """How much a text of each piece counts, and how much of a label is the teacher's."""

    sets: dict[str, float] = field(
        default_factory=lambda: {
            "davidson_tweets": 0.1,
            "surge_toxicity": 3,
            "hatecheck_en": 0.5,
            "openai_moderation": 1,
        }
    )
    sentences: float = 6.0
    clean: float = 0.8
    rude: float = 0.7
    mixed: float = 0.1
    words: float = 0.25
    snippets: float = 0.5
    teacher_share: float = 0.3


@dataclass(frozen=True)
class Given:
    """Everything that the recipe learns from, read once."""

    sets: dict[str, Set]
    points: dict[str, npt.NDArray[np.float32]]
    sentences: list[phrases.Sentence]
    sentence_points: npt.NDArray[np.float32]
    clean: list[str]
    rude: list[str]
    mixed: list[str]
    words: list[str]
    word_points: npt.NDArray[np.float32]
    snippets: list[str]
    snippet_points: npt.NDArray[np.float32]
    weights: Weights = Weights()


def given(of: Material) -> Given:
    """Read, fill, mix and embed."""
    sets = {name: texts.read(of.data / "toxicity" / f"{name}.parquet", "toxic", name, "meta") for name in SETS}
    words = texts.toxic_words(of.data, "en")
    said = {unescaped(t) for s in sets.values() for t in s.text}
    sentences = [s for s in phrases.toxicity_sentences(words, 30, 0) if s.text not in said]
    clean = material.stretches(of.corpus, 300, (20, 1500), 1)[0] + short_messages(of)
    clean += [s.text for s in sentences if s.kind == "plain"]
    rude = phrases.with_plurals(words)
    toxic = [s.text for s in sentences if s.toxic]
    points = {name: embedded(of.embeddings, [unescaped(t) for t in sets[name].text]) for name in TAUGHT_SETS}
    return Given(
        sets, points, sentences, of.embeddings.of([s.text for s in sentences]), clean,
        material.inserted(clean, rude, 250, 5), material.inserted(clean, toxic, 300, 6),
        of.words, of.embeddings.of(of.words), of.snippets, of.embeddings.of(of.snippets),
    )  # fmt: skip


def short_messages(of: Material) -> list[str]:
    """SMS and English sentences: what people write when they write little."""
    sms = texts.read(of.data / "quality" / "sms_spam.parquet", "label").text
    sentences = texts.read(of.data / "lid" / "tatoeba_sentences.parquet", "label")
    return sms + [t for t, lang in zip(sentences.text, sentences.label, strict=True) if lang == "eng"] * 2


def content(given: Given, left_out: frozenset[str] = frozenset()) -> bytes:
    """The model that never saw the sets left_out."""
    used = [name for name in TAUGHT_SETS if name not in left_out]
    judge = taught(given, used)
    share = given.weights.teacher_share
    pieces = []
    for name in used:
        told = teacher.tell(judge, given.points[name], 2)[:, 1]
        pieces.append(
            Piece(
                name,
                given.sets[name].text,
                mixed_labels(told, truth(given.sets[name]), share),
                given.weights.sets[name],
            )
        )
    own = np.array([s.toxic for s in given.sentences], np.float64)
    told = teacher.tell(judge, given.sentence_points, 2)[:, 1]
    pieces.append(
        Piece("sentences", [s.text for s in given.sentences], mixed_labels(told, own, share), given.weights.sentences)
    )
    for name, some, toxic, weight in (
        ("clean", given.clean, 0.0, given.weights.clean),
        ("rude", given.rude, 1.0, given.weights.rude),
        ("mixed", given.mixed, 1.0, given.weights.mixed),
    ):
        pieces.append(Piece(name, some, yes_no(np.full(len(some), toxic)), weight))
    for name, some, points, weight in (
        ("words", given.words, given.word_points, given.weights.words),
        ("snippets", given.snippets, given.snippet_points, given.weights.snippets),
    ):
        pieces.append(Piece(name, some, yes_no(teacher.tell(judge, points, 2)[:, 1]), weight))
    return train(pieces, LABELS, SHAPE, KEPT_ROWS)


def taught(given: Given, used: list[str]) -> Any:
    """The teacher, learnt from these sets and the sentences; a set counts by the root of its size."""
    own = np.array([s.toxic for s in given.sentences], np.int64)
    of_own = 300.0 * np.where(own == 1, 0.5 / max(1, own.sum()), 0.5 / max(1, (1 - own).sum()))
    codes = [truth(given.sets[name]).astype(np.int64) for name in used]
    return teacher.regression(
        [given.points[name] for name in used] + [given.sentence_points],
        [*codes, own],
        [np.full(len(c), len(c) ** -0.5) for c in codes] + [of_own],
        c=10.0,
    )


def mixed_labels(told: npt.NDArray[Any], right: npt.NDArray[Any], share: float) -> npt.NDArray[np.float32]:
    """The teacher's word for `share` of a label, the data's for the rest."""
    return yes_no(share * told + (1 - share) * right)


def truth(rows: Set) -> npt.NDArray[np.float64]:
    """1 for a toxic text."""
    return np.array([label == "1" for label in rows.label], np.float64)


def unescaped(text: str) -> str:
    """Without HTML entities, which the tweets still hold, some twice."""
    return html.unescape(html.unescape(text))


def embedded(embeddings: Embeddings, some: list[str], most_pieces: int = 4) -> npt.NDArray[np.float32]:
    """The mean embedding of a text's pieces, of length 1."""
    parts = [texts.pieces(text, most=most_pieces) for text in some]
    points = embeddings.of([p for text in parts for p in text])
    starts = np.concatenate([[0], np.cumsum([len(text) for text in parts])[:-1]]).astype(np.int64)
    means = np.add.reduceat(points, starts, axis=0)
    return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True), np.float32)
