"""The recipe of domain-en: windows labelled by their source, words of our own about each domain, and a teacher."""

from __future__ import annotations

import collections
import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.train.classifier import Shape
from tools.default_models import phrases, teacher, texts
from tools.default_models.material import Material
from tools.default_models.student import Piece, one_hot, train
from tools.default_models.toxicity import embedded

LABELS = tuple(phrases.domain_words())
SHAPE = Shape(dim=16, epochs=4, rate=0.15, word_ngrams=2, buckets=1 << 20, min_count=2)
KEPT_ROWS = 200_000
FOLDS = 5
FAMILY_FOLDS = {
    "arxiv_abstracts": 0,
    "asterisk_docs": 1, "opensource_guide": 1, "react_docs": 1, "openstax_college-algebra-bundle": 1, "tldr": 1,
    "openstax_american-government": 1, "gitenberg_agriculture_beginners": 1, "medquad": 1, "code_civil_fr": 1,
    "sherlock": 1, "openstax_principles-finance": 1,
    "gesetze_de": 2, "digitalgov": 2, "openstax_anatomy-physiology": 2, "coding_interview_univ": 2, "chinese_poetry": 2,
    "openstax_introductory-statistics-bundle": 2, "openstax_principles-economics-bundle": 2, "ecommerce_products": 2,
    "gtfs_docs": 2,
    "openstax_principles-marketing": 3, "gitenberg_railroad_builders": 3, "licensedb": 3, "se_samuel-pepys_the-diary": 3,
    "se_adam-smith_the-wealth-of": 3, "openstax_entrepreneurship": 3,
    "spamassassin_mail": 4, "openstax_introduction-philosophy": 4,
}  # fmt: skip
"""Whole sources, and what is one text in several (translations, editions), so that of two sources of a domain one is left
to learn from. A source that is its domain's only one (Education, Entertainment) is cut by page."""


@dataclass(frozen=True)
class Given:
    """Everything that the recipe learns from. fold: i64[N], snippet_fold: i64[S] (-1: in none)."""

    windows: texts.Texts
    points: npt.NDArray[np.float32]
    fold: npt.NDArray[np.int64]
    own: list[tuple[str, str]]
    own_points: npt.NDArray[np.float32]
    snippets: list[str]
    snippet_points: npt.NDArray[np.float32]
    snippet_fold: npt.NDArray[np.int64]
    words: list[str]
    word_points: npt.NDArray[np.float32]


def given(of: Material) -> Given:
    """Read, draw and embed."""
    windows = texts.read(of.data / "domain" / "domain_dev.parquet", "label")
    own = phrases.domain_texts(40, 0)
    fold = np.array([fold_of(s, u) for s, u in zip(windows.source, windows.url, strict=True)], np.int64)
    # a snippet of a source that is cut by page could come from any page: it teaches no fold's model
    snippet_fold = np.array([FAMILY_FOLDS.get(family(s), -1) for s in of.snippet_sources], np.int64)
    return Given(
        windows, embedded(of.embeddings, windows.text, 2), fold, own, of.embeddings.of([text for text, _ in own]),
        of.snippets, of.embeddings.of(of.snippets), snippet_fold,
        of.words, of.embeddings.of(of.words),
    )  # fmt: skip


def family(source: str) -> str:
    """Sources that are one text in several languages or editions have one name."""
    if source.startswith("react_docs"):
        return "react_docs"
    same = {
        "gitenberg_sherlock": "sherlock",
        "se_arthur-conan-doyle_the-a": "sherlock",
        "gesetze_de_agrar": "gesetze_de",
    }
    return same.get(source, source)


def fold_of(source: str, url: str) -> int:
    """The fold of a window."""
    whole = FAMILY_FOLDS.get(family(source))
    return int(hashlib.sha256(url.encode()).hexdigest()[:8], 16) % FOLDS if whole is None else whole


def content(given: Given, left_out: int | None = None) -> bytes:
    """The model that never saw fold left_out."""
    rows, codes, weights = learnt_rows(given, left_out)
    own_codes = np.array([LABELS.index(domain) for _, domain in given.own], np.int64)
    of_own = np.full(len(own_codes), 20.0 * len(rows) / len(own_codes))
    judge = teacher.regression([given.points[rows], given.own_points], [codes, own_codes], [weights, of_own], c=3.0)
    used = np.flatnonzero((given.snippet_fold != left_out) & ((given.snippet_fold >= 0) | (left_out is None)))
    told = teacher.tell(judge, given.points[rows], len(LABELS))
    n, labels = len(rows), len(LABELS)
    taught = teacher.tell(judge, given.snippet_points[used], labels), teacher.tell(judge, given.word_points, labels)
    pieces = _by_weight(given, rows, told, 0.5 * weights)
    pieces.append(
        Piece("own", [text for text, _ in given.own], one_hot(list(own_codes), labels), 3.0 * n / len(own_codes))
    )
    pieces.append(Piece("snippets", [given.snippets[i] for i in used], taught[0], 3.0 * n / max(1, len(used))))
    pieces.append(Piece("words", given.words, taught[1], 0.5 * n / len(given.words)))
    return train(pieces, LABELS, SHAPE, KEPT_ROWS)


def learnt_rows(given: Given, left_out: int | None) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Any]:
    """Rows that may be learnt from, their labels' codes, and weights of mean 1 under which every domain counts alike and,
    within one, a large source little more than a small one."""
    allowed = [
        i for i, source in enumerate(given.windows.source)
        if given.fold[i] != left_out and source not in texts.NEVER_TRAINED
    ]  # fmt: skip
    rows = np.array(allowed, np.int64)
    codes = np.array([LABELS.index(given.windows.label[i]) for i in rows], np.int64)
    keys = [(family(given.windows.source[i]), int(code)) for i, code in zip(rows, codes, strict=True)]
    size = collections.Counter(keys)
    weights = np.array([size[key] ** -0.7 for key in keys])
    per_domain = np.bincount(codes, weights=weights, minlength=len(LABELS))
    weights = weights / per_domain[codes]
    return rows, codes, weights / weights.mean()


def _by_weight(given: Given, rows: Any, told: Any, weights: Any) -> list[Piece]:
    """Windows of one weight as one piece."""
    found = []
    for number, weight in enumerate(np.unique(weights.round(6))):
        some = np.flatnonzero(weights.round(6) == weight)
        found.append(Piece(f"windows-{number}", [given.windows.text[rows[i]] for i in some], told[some], float(weight)))
    return found
