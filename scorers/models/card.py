"""Model files and their cards: where they lie on this machine, and how one is written.

A model is data that is read, never code that is run: no pickle, and nothing is taken whose digest is not the one named.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

FOLDER_VARIABLE = "WINNOW_MODELS"

CARD = "card.json"
"""Beside a model's file."""
DIGEST = re.compile(r"[0-9a-f]{64}")

Kind = Literal["fasttext", "ngram", "sentencepiece", "evaluations"]


class ModelError(ValueError):
    """A model is unknown, cannot be obtained, or is not the one it should be."""


class ModelMissing(ModelError):
    """A known model is not on this machine."""


@dataclass(frozen=True)
class Card:
    """What is known about a model: its identity, and all a user needs to judge it.

    labels: what it tells apart, in its own order; settings: how text goes in and scores come out (normalisation, positive
    label, …); calibration: from its scores to probabilities, by label; data: one entry an item it was trained on (name,
    licence, rows, …); metrics: measured on text it never saw; limits: where it fails, in sentences.
    """

    name: str
    kind: Kind
    file_name: str
    sha256: str
    size_bytes: int
    licence: str
    about: str
    labels: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    calibration: dict[str, Any] = field(default_factory=dict)
    data: tuple[dict[str, Any], ...] = ()
    metrics: dict[str, Any] = field(default_factory=dict)
    limits: tuple[str, ...] = ()

    def as_json(self) -> str:
        """The text of card.json: equal cards, equal text."""
        return json.dumps(dataclasses.asdict(self), indent=1, sort_keys=True, ensure_ascii=False) + "\n"

    @staticmethod
    def from_json(text: str, where: str) -> Card:
        """A card from its text; ModelError names the place and what is wrong."""
        try:
            given = json.loads(text)
            card = Card(**{**given, **{k: tuple(given.get(k, ())) for k in ("labels", "data", "limits")}})
        except (ValueError, TypeError) as error:
            raise ModelError(f"model card {where}: {error}; write it again with: winnow models add") from None
        wrong = [n for n, expected in _FIELDS.items() if not isinstance(getattr(card, n), expected)]
        if wrong or not all(isinstance(label, str) for label in card.labels):
            raise ModelError(
                f"model card {where}: {', '.join(wrong) or 'labels'} of the wrong type; write it again with: winnow models add"
            )
        if Path(card.file_name).name != card.file_name or card.file_name in ("", CARD):
            raise ModelError(f"model card {where}: file_name {card.file_name!r} is not a plain file name")
        if not DIGEST.fullmatch(card.sha256):
            raise ModelError(f"model card {where}: sha256 {card.sha256!r} is not 64 hexadecimal digits")
        return card


_FIELDS: dict[str, type] = {
    "name": str, "kind": str, "file_name": str, "sha256": str, "size_bytes": int, "licence": str, "about": str,
    "settings": dict, "calibration": dict, "metrics": dict,
}  # fmt: skip
"""What a card that was written by hand is held to."""


def models_folder() -> Path:
    """Where models lie: $WINNOW_MODELS, else the user's cache."""
    if FOLDER_VARIABLE in os.environ:
        return Path(os.environ[FOLDER_VARIABLE])
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "winnow" / "models"


def model_file(folder: Path, sha256: str, file_name: str) -> Path:
    """Where a model is or would be: a folder by its digest, so that two versions of one name never meet."""
    return folder / sha256 / file_name


def publish(content: bytes, path: Path) -> None:
    """Write beside the final place, sync, rename: a reader sees all of it or nothing. ModelError where it cannot be."""
    beside = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False) as file:
            beside = Path(file.name)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.chmod(0o644)
        beside.replace(path)
    except OSError as error:
        if beside is not None:
            beside.unlink(missing_ok=True)
        raise ModelError(
            f"{str(path)!r} ({len(content)} bytes) cannot be written: {error}; make room, or set ${FOLDER_VARIABLE} to another folder"
        ) from error
