"""scorers, models, corpora: what there is."""

from __future__ import annotations

import inspect
from typing import Any

from pipeline.clerk.desk import Desk
from pipeline.errors import NotFound
from scorers import base


def scorers(_: Desk, *, name: str | None = None) -> list[dict[str, Any]]:
    """Every scorer (or the one named): version, parameters with their defaults, columns with unit and meaning."""
    if name is not None and name not in base.available():
        raise NotFound(f"no scorer {name!r}; there are {', '.join(sorted(base.available()))}")
    return [_scorer(known) for known in sorted(base.available()) if name in (None, known)]


def _scorer(name: str) -> dict[str, Any]:
    built = base.build(name)
    columns = [
        {
            "name": f"{name}.{c.name}",
            "type": str(c.type),
            "unit": c.unit,
            "meaning": c.meaning,
            "low": c.low,
            "high": c.high,
        }
        for c in built.columns()
    ]
    said = " ".join((inspect.getdoc(type(built)) or "").split()).partition(". ")[0].rstrip(".")
    return {
        "name": name, "version": built.version, "measures": said, "parameters": base.parameters(built),
        "models": list(base.models_of(built)), "columns": columns,
    }  # fmt: skip
