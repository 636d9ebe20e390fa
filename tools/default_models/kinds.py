"""The recipe of toxicity-kinds-en: what kind of toxic a toxic text is, from two labelled sets and sentences of our own."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.train.classifier import Shape
from tools.default_models import material, phrases, texts
from tools.default_models.material import Material
from tools.default_models.student import Piece, train
from tools.default_models.toxicity import unescaped

LABELS = ("hate", "insult", "sexual", "violence", "self_harm")
SHAPE = Shape(dim=8, epochs=10, rate=0.2, word_ngrams=1, buckets=1)
KEPT_ROWS = 120_000
SETS = ("davidson_tweets", "openai_moderation")
"""surge_toxicity says no kind, and hatecheck_en is measured on only."""
OF_MODERATION = {"H": "hate", "HR": "insult", "S": "sexual", "V": "violence", "SH": "self_harm"}
OF_FRAME = {"hate": "hate", "insult": "insult", "sexual": "sexual", "threat": "violence", "self-harm": "self_harm"}
"""Not the frames called profane: they are filled with words of every kind, and unteach what is sexual."""
F32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Weights:
    """What all rows of a piece count together; within one every kind counts alike."""

    davidson_tweets: float = 0.3
    openai_moderation: float = 0.3
    sentences: float = 2.0
    mixed: float = 2.0
    clean: float = 1.0


@dataclass(frozen=True)
class Given:
    """Everything that the recipe learns from. shares: of each set f32[N, L], a toxic row's adding up to 1."""

    sets: dict[str, list[str]]
    shares: dict[str, F32]
    hatecheck: texts.Texts
    sentences: list[str]
    sentence_codes: npt.NDArray[np.int64]
    mixed: list[str]
    mixed_codes: npt.NDArray[np.int64]
    clean: list[str]
    weights: Weights = field(default_factory=Weights)


def given(of: Material) -> Given:
    """Read, fill and mix."""
    sets: dict[str, list[str]] = {}
    shares: dict[str, F32] = {}
    for name in SETS:
        rows = texts.read(of.data / "toxicity" / f"{name}.parquet", "toxic", name, "meta")
        told = np.array([shares_of(name, json.loads(detail)) for detail in rows.detail], np.float32)
        toxic = [i for i, label in enumerate(rows.label) if label == "1" and told[i].sum() > 0]
        sets[name] = [rows.text[i] for i in toxic]
        shares[name] = told[toxic] / told[toxic].sum(axis=1, keepdims=True)
    hatecheck = texts.read(of.data / "toxicity" / "hatecheck_en.parquet", "toxic", "hatecheck_en", "meta")
    said = {unescaped(t) for some in (*sets.values(), hatecheck.text) for t in some}
    filled = phrases.toxicity_sentences(texts.toxic_words(of.data, "en"), 30, 0)
    own = [
        (s.text, LABELS.index(OF_FRAME[s.kind]))
        for s in filled
        if s.toxic and s.kind in OF_FRAME and s.text not in said
    ]
    clean = material.stretches(of.corpus, 150, (20, 1500), 1)[0]
    mixed: list[tuple[str, int]] = []
    for code in range(len(LABELS)):
        pieces = [text for text, c in own if c == code]
        mixed += [(text, code) for text in material.inserted(clean[code :: len(LABELS)], pieces, 250, code)]
    return Given(
        sets, shares, hatecheck, [t for t, _ in own], np.array([c for _, c in own], np.int64),
        [t for t, _ in mixed], np.array([c for _, c in mixed], np.int64), clean,
    )  # fmt: skip


def shares_of(name: str, said: dict[str, Any]) -> list[float]:
    """What a row's annotation says of each kind: votes of three or more readers, or marks of which several may be set."""
    if name == "davidson_tweets":
        return [float(said["hate"]), float(said["off"]), 0.0, 0.0, 0.0]
    marked = {kind for mark, kind in OF_MODERATION.items() if said.get(mark) == 1}
    return [float(kind in marked) for kind in LABELS]


def content(given: Given, left_out: dict[str, npt.NDArray[np.int64]] | None = None) -> bytes:
    """The model that never saw the rows left_out of each set."""
    pieces = []
    for name, some in given.sets.items():
        kept = np.setdiff1d(np.arange(len(some)), (left_out or {}).get(name, np.zeros(0, np.int64)))
        weight = getattr(given.weights, name)
        pieces += _even(name, [some[i] for i in kept], given.shares[name][kept], weight)
    hot = np.eye(len(LABELS), dtype=np.float32)
    for name, some, codes in (
        ("sentences", given.sentences, given.sentence_codes),
        ("mixed", given.mixed, given.mixed_codes),
    ):
        pieces += _even(name, some, hot[codes], getattr(given.weights, name))
    # clean words say nothing of a kind: without these rows those of stories mean sexual, those of tweets insult
    nothing = np.full((len(given.clean), len(LABELS)), 1 / len(LABELS), np.float32)
    pieces.append(Piece("clean", given.clean, nothing, given.weights.clean / max(1, len(given.clean))))
    return train(pieces, LABELS, SHAPE, KEPT_ROWS)


def _even(name: str, some: list[str], shares: F32, weight: float) -> list[Piece]:
    """The rows by their likeliest kind: all together count `weight`, every kind alike."""
    codes = shares.argmax(axis=1)
    kinds = [(LABELS[code], np.flatnonzero(codes == code)) for code in np.unique(codes)]
    return [
        Piece(f"{name}-{kind}", [some[i] for i in rows], shares[rows], weight / len(kinds) / len(rows))
        for kind, rows in kinds
    ]
