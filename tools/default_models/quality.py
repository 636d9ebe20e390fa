"""The recipe of quality-en: edited prose against listings, spam, and prose that menus and banners were put into."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.train.classifier import Shape
from tools.default_models import material, texts
from tools.default_models.material import Material
from tools.default_models.phrases import FOLDER
from tools.default_models.student import Piece, train, yes_no

LABELS = ("high", "low")
SHAPE = Shape(dim=8, epochs=5, rate=0.3, word_ngrams=2, buckets=1 << 19, min_count=2)
KEPT_ROWS = 100_000
FOLDS = 5
SOURCE_FOLDS = {
    "arxiv_abstracts": 0,
    "ecommerce_products": 0,
    "wikipedia_movies": 1,
    "wikitext2_valid": 1,
    "digitalgov": 2,
}
"""Textbooks: 3, books: 4; what is never learnt from: by page, as any fold's model has not seen it."""
MOST_CHARACTERS = 3000
PER_SOURCE = 400


@dataclass(frozen=True)
class Given:
    """rows: labelled "1" for high; fold: i64[N]; more: other edited prose; lines: the lines of quality_en.toml; messages:
    short messages that are advertising, and other short messages."""

    rows: texts.Texts
    fold: npt.NDArray[np.int64]
    more: list[str]
    more_sources: list[str]
    lines: dict[str, list[str]]
    advertising: list[str]
    chat: list[str]


def given(of: Material) -> Given:
    """Read and draw."""
    rows = texts.read(of.data / "quality" / "reference_high_low.parquet", "quality")
    fold = np.array([fold_of(s, u) for s, u in zip(rows.source, rows.url, strict=True)], np.int64)
    more, sources = material.stretches(of.corpus, PER_SOURCE, (200, MOST_CHARACTERS), 11)
    kept = [
        i for i, s in enumerate(sources) if s.startswith(("openstax", "se_", "digitalgov", "medquad", "opensource"))
    ]
    sms = texts.read(of.data / "quality" / "sms_spam.parquet", "quality", detail="label")
    advertising = [t for t, kind in zip(sms.text, sms.detail, strict=True) if kind == "sms_spam"]
    chat = [t for t, kind in zip(sms.text, sms.detail, strict=True) if kind != "sms_spam"]
    lines = tomllib.loads((FOLDER / "quality_en.toml").read_text(encoding="utf-8"))
    return Given(rows, fold, [more[i] for i in kept], [sources[i] for i in kept], lines, advertising, chat)


def fold_of(source: str, url: str) -> int:
    """The fold of a source; a page's, where the source is never learnt from."""
    if source in texts.NEVER_TRAINED:
        return int(hashlib.sha256(url.encode()).hexdigest()[:8], 16) % FOLDS
    if source.startswith("openstax"):
        return 3
    return SOURCE_FOLDS.get(source, 4)


def content(given: Given, left_out: int | None = None) -> bytes:
    """The model that never saw fold left_out."""
    high = [t for t, s, q, f in _labelled(given) if q == "1" and f != left_out]
    low = [t for t, s, q, f in _labelled(given) if q == "0" and f != left_out and s not in texts.NEVER_TRAINED]
    high += [
        t for t, s in zip(given.more, given.more_sources, strict=True) if fold_of(s, "") != left_out or is_extra(s)
    ]
    around = surrounded(high, given.lines, 21)
    alone = debris(given.lines, 2500, 22)
    pieces = [
        ("high", high, 1.0, 1.0),
        ("low", low, 0.0, 2.0),
        ("surrounded", around, 0.1, 0.6),
        ("debris", alone, 0.0, 1.0),
        ("advertising", given.advertising, 0.0, 1.0),
        ("chat", given.chat, 0.2, 0.2),
    ]
    return train(
        [Piece(name, some, yes_no(np.full(len(some), share)), weight) for name, some, share, weight in pieces],
        LABELS, SHAPE, KEPT_ROWS,
    )  # fmt: skip


def is_extra(source: str) -> bool:
    """Sources of the corpus that are not among the labelled rows: no fold holds them out."""
    return source in ("medquad", "opensource_guide")


def surrounded(prose: list[str], lines: dict[str, list[str]], seed: int) -> list[str]:
    """A page around each: a menu, a stretch of the prose with banners between its paragraphs, a footer."""
    draw = np.random.Generator(np.random.PCG64(seed))
    found = []
    for text in prose:
        start = int(draw.integers(max(1, len(text) - 400)))
        body = text[start : start + int(draw.integers(100, 1500))].split("\n")
        for _ in range(int(draw.integers(1, 6))):
            body.insert(int(draw.integers(len(body) + 1)), _one(lines["banner"], draw))
        page = (
            _some(lines["menu"], int(draw.integers(5, 60)), draw)
            + body
            + _some(lines["menu"], int(draw.integers(0, 30)), draw)
        )
        found.append("\n".join(page + _some(lines["banner"], int(draw.integers(1, 5)), draw)))
    return found


def debris(lines: dict[str, list[str]], n_texts: int, seed: int) -> list[str]:
    """Texts of such lines alone, of one or two kinds."""
    draw = np.random.Generator(np.random.PCG64(seed))
    kinds = sorted(lines)
    found = []
    for _ in range(n_texts):
        pool = [line for k in draw.choice(len(kinds), size=2) for line in lines[kinds[int(k)]]]
        separator = "\n" if draw.integers(2) else " "
        found.append(separator.join(_some(pool, int(draw.integers(3, 60)), draw)))
    return found


def _labelled(given: Given) -> list[tuple[str, str, str, int]]:
    rows = given.rows
    return [(t, s, q, int(f)) for t, s, q, f in zip(rows.text, rows.source, rows.label, given.fold, strict=True)]


def _one(some: list[str], draw: np.random.Generator) -> str:
    return some[int(draw.integers(len(some)))]


def _some(some: list[str], n: int, draw: np.random.Generator) -> list[str]:
    return [_one(some, draw) for _ in range(n)]
