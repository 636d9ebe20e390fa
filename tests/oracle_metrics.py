"""What a ranking is worth, the slow and obvious way: every pair, every threshold, every bin."""

from __future__ import annotations

from collections.abc import Sequence


def auc_by_pairs(
    scores: Sequence[float], positive: Sequence[bool], weights: Sequence[float] | None = None
) -> float | None:
    """The weight of pairs in which the positive scores higher, ties half, over the weight of all."""
    w = [1.0] * len(scores) if weights is None else list(weights)
    won = whole = 0.0
    for a, pa, wa in zip(scores, positive, w, strict=True):
        for b, pb, wb in zip(scores, positive, w, strict=True):
            if pa and not pb:
                won += wa * wb * (1.0 if a > b else 0.5 if a == b else 0.0)
                whole += wa * wb
    return won / whole if whole else None


def average_precision_by_thresholds(scores: Sequence[float], positive: Sequence[bool]) -> float | None:
    """Precision at every distinct score, weighted by the recall it adds."""
    found, before = 0.0, 0.0
    if not any(positive):
        return None
    for threshold in sorted(set(scores), reverse=True):
        flagged = [p for s, p in zip(scores, positive, strict=True) if s >= threshold]
        recall = sum(flagged) / sum(positive)
        found += (recall - before) * sum(flagged) / len(flagged)
        before = recall
    return found


def calibration_error_by_width(probability: Sequence[float], positive: Sequence[bool], bins: int) -> float | None:
    """|observed - predicted| of every bin of one width, weighted by its rows; a bin holds its upper edge."""
    if not len(probability):
        return None
    held: dict[int, list[tuple[float, bool]]] = {}
    for p, y in zip(probability, positive, strict=True):
        k = next(k for k in range(bins) if p <= (k + 1) / bins or k == bins - 1)
        held.setdefault(k, []).append((p, y))
    gaps = (abs(sum(y for _, y in rows) - sum(p for p, _ in rows)) for rows in held.values())
    return sum(gaps) / len(probability)
