"""Model files and their cards: where they lie on this machine, and how one is written.

A model is data that is read, never code that is run: no pickle, and nothing is taken whose digest is not the one named.
"""

from __future__ import annotations

import dataclasses
import json
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

FOLDER_VARIABLE = "WINNOW_MODELS"

Kind = Literal["fasttext", "ngram", "sentencepiece"]


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
        if Path(card.file_name).name != card.file_name or not card.file_name:
            raise ModelError(f"model card {where}: file_name {card.file_name!r} is not a plain file name")
        return card


def models_folder() -> Path:
    """Where models lie: $WINNOW_MODELS, else the user's cache."""
    if FOLDER_VARIABLE in os.environ:
        return Path(os.environ[FOLDER_VARIABLE])
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "winnow" / "models"


def model_file(folder: Path, sha256: str, file_name: str) -> Path:
    """Where a model is or would be: a folder by its digest, so that two versions of one name never meet."""
    return folder / sha256 / file_name


def publish(content: bytes, path: Path) -> None:
    """Write beside the final place, sync, rename: a reader sees all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).chmod(0o644)
    os.replace(file.name, path)
