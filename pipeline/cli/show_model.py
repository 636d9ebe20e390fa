"""A model's card as a person reads it: what it is, where from, how well it does, where it fails."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from scorers.models import Found

WIDTH = 110
MOST_ITEMS = 40
"""Entries of a list that are shown; a card may name every file of a corpus."""


def card_text(found: Found) -> str:
    """The whole card but the steps of calibrations, which say little; --json has them."""
    card = found.card
    size = f"{card.size_bytes / 1e6:,.1f} MB"
    lines = [
        f"{card.name} ({card.kind}, {found.origin})",
        *_wrapped(card.about),
        "",
        f"licence: {card.licence}",
        f"file: {found.path} ({size}{'' if found.path.is_file() else ', not here'})",
        f"sha256: {card.sha256}",
        *_wrapped(f"labels: {', '.join(card.labels)}" if card.labels else ""),
    ]
    lines += _section("settings", card.settings)
    lines += _section("calibration", {k: _without_steps(v) for k, v in card.calibration.items()})
    lines += _section("data", [_entry(dict(d)) for d in card.data])
    lines += _section("metrics", card.metrics)
    return "\n".join([*lines, *_section("limits", list(card.limits))])


def _section(title: str, content: dict[str, Any] | list[str]) -> list[str]:
    """A heading and what is below it; nothing where there is nothing."""
    return ["", f"{title}:", *_below(content, 1)] if content else []


def _below(content: Any, depth: int) -> Iterator[str]:
    """A tree of dictionaries and lists, a level two spaces further in; on one line what fits there."""
    if isinstance(content, dict):
        for key, value in content.items():
            line = f"{key}: {_inline(value)}"
            if not isinstance(value, dict | list) or (not _is_table(value) and len(line) + 2 * depth <= WIDTH):
                yield from _wrapped(line, depth)
            else:
                yield from _wrapped(f"{key}:", depth)
                yield from _below(value, depth + 1)
        return
    for item in content[:MOST_ITEMS]:
        yield from _wrapped(f"- {_inline(item)}", depth)
    if len(content) > MOST_ITEMS:
        yield f"{'  ' * depth}- … and {len(content) - MOST_ITEMS:,} more (--json lists all)"


def _is_table(value: Any) -> bool:
    """Whether values hold values: a level a line."""
    inner = value.values() if isinstance(value, dict) else value
    return any(isinstance(v, dict | list) for v in inner)


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        keys = sorted(value, key=int) if all(str(k).isdigit() for k in value) else value  # percentiles
        return ", ".join(f"{k} {_inline(value[k])}" for k in keys)
    if isinstance(value, list | tuple):
        return ", ".join(_inline(v) for v in value)
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "not defined"}[value]
    if isinstance(value, float):
        return f"{value:,.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _entry(data: dict[str, Any]) -> str:
    """One thing it was trained on: its name first."""
    name = next((str(data.pop(k)) for k in ("name", "file") if k in data), "")
    rest = "; ".join(f"{k} {_inline(v)}" for k, v in data.items() if k != "sha256")
    return f"{name}: {rest}" if name else rest


def _without_steps(fitted: Any) -> Any:
    if isinstance(fitted, dict) and fitted.get("kind") == "isotonic":
        return f"isotonic, {len(fitted['x'])} steps"
    return fitted


def _wrapped(line: str, depth: int = 0) -> list[str]:
    indent = "  " * depth
    return textwrap.wrap(
        line,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
