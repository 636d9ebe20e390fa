"""A model card as a page of the docs, from card.json alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from scorers.models.card import Card

HELD_OUT = {
    "rows": "rows", "toxic": "toxic", "auc": "AUC", "teacher_auc": "teacher", "plain_fasttext_auc": "plain fastText",
    "word_list_auc": "LDNOOBW", "alt_profanity_check_auc": "alt-profanity-check",
}  # fmt: skip


def page(card: Card) -> str:
    """Markdown."""
    lines = [f"# {card.name}", "", card.about, ""]
    lines += [f"{card.size_bytes / 1e6:.1f} MB, fastText format, `{card.sha256[:16]}…`. {card.licence}.", ""]
    lines += [
        "## Where it fails",
        "",
        *(f"- {limit}" for limit in card.limits),
        "",
        "## Measured on sources it never saw",
        "",
    ]
    for name, value in card.metrics.items():
        lines += _measure(name, value, card)
    lines += ["## Learnt from", "", *_table(["item", "licence", "rows", "origin"], _items(card)), ""]
    return "\n".join(lines)


def _items(card: Card) -> Iterable[list[str]]:
    return ([str(item[k]) for k in ("name", "licence", "rows", "origin")] for item in card.data)


def _measure(name: str, value: Any, card: Card) -> list[str]:
    title = name.replace("_", " ")
    if name == "held_out":
        head = ["set left out", *HELD_OUT.values()]
        rows = [[f"`{s}`", *(str(told.get(k, "–")) for k in HELD_OUT)] for s, told in value.items()]
        return [*_table(head, rows), ""]
    if name.startswith("confusion"):
        short = [label[:5] for label in card.labels]
        rows = [[card.labels[i], *map(str, counts)] for i, counts in enumerate(value)]
        return [f"### {title}", "", *_table(["", *short], rows), ""]
    if isinstance(value, Mapping):
        flat = {
            k: ", ".join(f"{a} {b}" for a, b in v.items()) if isinstance(v, Mapping) else v for k, v in value.items()
        }
        return [f"### {title}", "", *_table(["", ""], [[str(k), str(v)] for k, v in flat.items()]), ""]
    return [f"- {title}: {value}", ""]


def _table(head: list[str], rows: Iterable[list[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows]]
