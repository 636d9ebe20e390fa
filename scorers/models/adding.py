"""A card for a file that someone brings: written only after the file was read whole as what it is said to be."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from scorers.models.card import Card, Kind, ModelError

KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Brought:
    """A file and what its owner says of it. sha256: the digest it must have (None: whatever it has); settings: how text
    goes in (fasttext: normalise, positive, categories; ngram: tokens, pieces, ...)."""

    path: Path
    name: str
    kind: Kind
    licence: str
    about: str
    sha256: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)


def card_of(brought: Brought) -> Card:
    """Its card, labels included. ModelError, or the kind's own ValueError, for a file that is none of the kind, for another
    digest, or for settings that the model cannot have."""
    with brought.path.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    if brought.sha256 not in (None, digest):
        raise ModelError(f"model file {str(brought.path)!r}: expected sha256 {brought.sha256}, found {digest}")
    labels = {"fasttext": _fasttext_labels, "ngram": _check_ngram, "sentencepiece": _check_pieces}[brought.kind](
        brought, digest
    )
    return Card(
        brought.name, brought.kind, brought.path.name, digest, brought.path.stat().st_size, brought.licence, brought.about,
        labels, settings=brought.settings,
    )  # fmt: skip


def _fasttext_labels(brought: Brought, digest: str) -> tuple[str, ...]:
    from scorers.models.classifier import NORMALISE
    from scorers.models.fasttext_file import read_file

    _check_settings(brought, {"normalise", "positive", "categories"})
    how = brought.settings.get("normalise", "none")
    if how not in NORMALISE:
        raise ModelError(f"normalise {how!r}; there are {', '.join(NORMALISE)}")
    labels = read_file(brought.path, digest).labels
    wrong = {label for key in ("positive", "categories") for label in brought.settings.get(key, ())} - set(labels)
    if wrong:
        raise ModelError(
            f"model {brought.path.name!r} has no label {', '.join(sorted(wrong))}; it has {', '.join(labels)}"
        )
    return labels


def _check_ngram(brought: Brought, _digest: str) -> tuple[str, ...]:
    from dataclasses import fields

    from scorers.models.ngram_file import TextSettings
    from scorers.models.ngram_model import read, settings_from

    _check_settings(brought, {f.name for f in fields(TextSettings)})
    read(brought.path, settings_from(brought.settings))
    return ()


def _check_pieces(brought: Brought, digest: str) -> tuple[str, ...]:
    from scorers.models.pieces import read_pieces

    _check_settings(brought, set())
    read_pieces(brought.path, digest)
    return ()


def _check_settings(brought: Brought, known: set[str]) -> None:
    wrong = sorted(set(brought.settings) - known)
    if wrong:
        there = ", ".join(sorted(known)) or "none"
        raise ModelError(f"a model of kind {brought.kind} has no setting {', '.join(wrong)}; there are {there}")
