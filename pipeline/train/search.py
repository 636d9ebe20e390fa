"""Hyper-parameters within a budget that is counted in work, so that the same search finds the same on any machine."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.train.classifier import Shape

WEIGHTS_PER_S = 500_000_000
"""Weights of rows that one core reads or changes in a second of training, about (half of it on a busy one): what turns
--budget-s into work."""
BASES = (
    Shape(word_ngrams=2, rate=0.3),
    Shape(word_ngrams=1, shortest=2, longest=5, rate=0.3),
    Shape(word_ngrams=2, shortest=3, longest=5, rate=0.3),
    Shape(word_ngrams=1, rate=0.3),
)
VARIANTS: tuple[dict[str, float], ...] = (
    {"epochs": 10}, {"rate": 0.1}, {"rate": 1.0}, {"epochs": 2}, {"dim": 32}, {"epochs": 20}, {"min_count": 3},
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tried:
    """A shape, how well it did on rows it never saw (higher is better), and the work that it cost."""

    shape: Shape
    value: float
    work: int


def search(measure: Callable[[Shape], Tried], budget_s: float, seed: int) -> list[Tried]:
    """Everything tried, best first: the bases, then one change after another to the best so far, each kept if it helps.
    The first base is tried whatever the budget."""
    left = budget_s * WEIGHTS_PER_S
    tried: list[Tried] = []
    for base in BASES:
        if tried and left <= 0:
            break
        tried.append(measure(dataclasses.replace(base, seed=seed)))
        left -= tried[-1].work
    for change in VARIANTS:
        best = max(tried, key=lambda t: t.value)
        shape = dataclasses.replace(best.shape, **change)  # type: ignore[arg-type]
        if shape in [t.shape for t in tried] or forecast(best, shape) > left:
            continue
        tried.append(measure(shape))
        left -= tried[-1].work
    return sorted(tried, key=lambda t: -t.value)


def forecast(known: Tried, shape: Shape) -> float:
    """The work of a shape that differs from a known one in passes and dimensions."""
    return known.work * shape.epochs / known.shape.epochs * shape.dim / known.shape.dim
