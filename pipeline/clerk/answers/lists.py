"""scorers, models, corpora: what there is."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

from pipeline.clerk.desk import Desk
from pipeline.errors import NotFound, did_you_mean
from pipeline.storage import manifest
from scorers import base, models


def scorers(_: Desk, *, name: str | None = None) -> dict[str, Any]:
    """Every scorer (or the one named): version, parameters with their defaults, columns with unit and meaning."""
    if name is not None and name not in base.available():
        raise NotFound(
            f"no scorer {name[:100]!r}; there are {', '.join(sorted(base.available()))}.{did_you_mean(name, base.available())}"
        )
    return {"items": [_scorer(known) for known in sorted(base.available()) if name in (None, known)]}


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
        "scorer": name, "version": built.version, "measures": said, "parameters": base.parameters(built),
        "models": list(base.models_of(built)), "columns": columns,
    }  # fmt: skip


def list_models(_: Desk, *, name: str | None = None) -> dict[str, Any]:
    """Every model that a scorer can name (or the one named), with its card, and whether its file is on this machine."""
    if name is not None and name not in models.names():
        raise NotFound(
            f"no model {name[:100]!r}; there are {', '.join(models.listed())}.{did_you_mean(name, models.listed())}"
        )
    return {"items": [_model(known) for known in models.names() if name in (None, known)]}


def _model(name: str) -> dict[str, Any]:
    found = models.known(name)
    card = dataclasses.asdict(found.card)
    return {"model": name, "origin": found.origin, "here": found.path.is_file(), **card}


def corpora(desk: Desk) -> dict[str, Any]:
    """The corpora of the workspace, each with its tables."""
    store = desk.store
    items = []
    for corpus in store.names("corpora"):
        tables = [
            {
                "kind": kind,
                "key": made.key,
                "rows": made.rows,
                "parts": len(made.parts),
                "bytes": made.bytes,
                "counts": made.counts,
            }
            for kind in store.names(f"corpora/{corpus}")
            for made in manifest.tables(store, corpus, kind)
        ]
        items.append({"corpus": corpus, "tables": tables})
    return {"items": items}
