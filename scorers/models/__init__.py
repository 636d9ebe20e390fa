"""The models that scorers can name: those that ship, those a user trained or added, those others publish."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from scorers.models import published
from scorers.models.card import CARD, Card, ModelError, ModelMissing, model_file, models_folder, publish

SHIPPED = Path(__file__).parent.parent / "weights"
"""One folder a model that ships: its file and its card.json."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
EVALUATIONS = re.compile(r"evals-[0-9a-f]{16}")
"""Names as `evaluations_name` gives them."""

Origin = Literal["shipped", "added", "published"]


@dataclass(frozen=True)
class Found:
    """A model on this machine. Whoever reads the file checks that its sha256 is the card's."""

    path: Path
    card: Card
    origin: Origin

    @property
    def sha256(self) -> str:
        return self.card.sha256


def known(name: str) -> Found:
    """A model by name, whether its file is here or not. ModelError with the known names where there is no such model."""
    if NAME.fullmatch(name):
        places: tuple[tuple[Origin, Path], ...] = (("shipped", SHIPPED / name / CARD), ("added", _card_path(name)))
        for origin, path in places:
            if path.is_file():
                card = Card.from_json(path.read_bytes().decode("utf-8", "replace"), repr(str(path)))
                folder = path.parent if origin == "shipped" else models_folder() / card.sha256
                return Found(folder / card.file_name, card, origin)
    if name in published.PUBLISHED:
        there = published.known_model(name)
        card = Card(name, "fasttext", there.file_name, there.sha256, there.size_bytes, there.licence, there.about)
        return Found(published.model_path(there), card, "published")
    near = difflib.get_close_matches(name, listed(), n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ModelError(
        f"no model {name!r}; there are {', '.join(listed())}.{hint} Train one with: winnow train; bring one with: winnow models add"
    )


def find(name: str) -> Found:
    """A model whose file is here; ModelMissing, with the command that gets it, where it is not."""
    found = known(name)
    if not found.path.is_file():
        how = {"published": f"winnow models pull {name}", "added": f"winnow models add FILE --name {name}"}
        said = how.get(found.origin, "pip install --force-reinstall winnow-curation")
        if found.card.kind == "evaluations":
            raise ModelMissing(
                f"the evaluation sets {name!r} are not at {str(found.path)!r}; copy that folder from where the recipe was planned, or "
                "set $WINNOW_MODELS to one that every machine sees"
            )
        raise ModelMissing(f"model {name!r} is not at {str(found.path)!r}; get it with: {said}")
    return found


def check(name: str) -> None:
    """Read a model's file whole and compare its digest; ModelError if it is another file than the card's."""
    found = find(name)
    digest = hashlib.sha256(found.path.read_bytes()).hexdigest()
    if digest != found.sha256:
        raise ModelError(
            f"model {name!r} at {str(found.path)!r}: expected sha256 {found.sha256}, found {digest}. "
            "The file changed or is damaged: delete it and get it again"
        )


def names() -> list[str]:
    """Every name that `find` knows, sorted."""
    return sorted({*_in_folder(SHIPPED), *(p.stem for p in _cards_folder().glob("*.json")), *published.PUBLISHED})


def evaluations_name(digest: str) -> str:
    """Of a table of evaluation sets, which recipes that decontaminate make and name by themselves. digest: in hex, of what is in it."""
    return f"evals-{digest[:16]}"


def listed() -> list[str]:
    """Those of `names` that people name: without the evaluation sets that were read for recipes."""
    return [name for name in names() if not EVALUATIONS.fullmatch(name)]


def add(path: Path, card: Card) -> Found:
    """Take a file and its card into the models folder. The same name may be added again: it then means the new file, and
    the old one stays under its digest. ModelError if the file is not the card's, or the name belongs to another."""
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest != card.sha256:
        raise ModelError(f"model file {str(path)!r}: expected sha256 {card.sha256}, found {digest}; it was not added")
    check_name(card.name)
    Card.from_json(card.as_json(), repr(card.name))  # what is written can be read again
    final = model_file(models_folder(), card.sha256, card.file_name)
    if not (final.is_file() and hashlib.sha256(final.read_bytes()).hexdigest() == digest):
        publish(content, final)
    publish(card.as_json().encode(), final.parent / CARD)
    publish(card.as_json().encode(), _card_path(card.name))
    return Found(final, card, "added")


def check_name(name: str) -> None:
    """ModelError for a name that no model of a user's can have."""
    if not NAME.fullmatch(name):
        raise ModelError(f"model name {name!r}: letters, digits, '.', '_' and '-', the first a letter or digit")
    if name in published.PUBLISHED or (SHIPPED / name).is_dir():
        raise ModelError(f"model {name!r} comes with Winnow; choose another name")


def _cards_folder() -> Path:
    return models_folder() / "names"


def _card_path(name: str) -> Path:
    return _cards_folder() / f"{name}.json"


def _in_folder(folder: Path) -> Iterator[str]:
    return (p.parent.name for p in folder.glob(f"*/{CARD}"))
