"""What a job's driver needs once all is measured. It is imported while workers score: until then the driver has nothing to do, and
before that they would wait for it."""

from __future__ import annotations

from importlib import import_module

MODULES = (
    "pipeline.steps.cuts",
    "pipeline.steps.documents",
    "pipeline.steps.references",
    "pipeline.steps.output",
    "pyarrow.acero",  # what the card's funnel is added up with
    "rich.table",  # what the command line draws the result with
)


def load() -> None:
    """Import them, and compile the card's template."""
    for name in MODULES:
        import_module(name)
    from pipeline.card.card import template

    template()
