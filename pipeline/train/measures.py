"""How well scores tell labels apart: what a search compares and a card tells. (`winnow evaluate` says much more.)"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def area_under_curve(scores: npt.NDArray[Any], positive: npt.NDArray[np.bool_]) -> float:
    """AUC: how often a positive row has the higher score of a pair, ties half; 0.5 where there is only one kind."""
    n_positive, n = int(positive.sum()), len(scores)
    if n_positive in (0, n):
        return 0.5
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2.0)[place]
    return float((ranks[positive].sum() - n_positive * (n_positive + 1) / 2) / (n_positive * (n - n_positive)))


def macro_f1(said: npt.NDArray[Any], right: npt.NDArray[Any], n_labels: int) -> float:
    """Mean F1 over the labels that occur. said, right: numbers of labels, [N]."""
    found = []
    for label in range(n_labels):
        true = int(((said == label) & (right == label)).sum())
        told, there = int((said == label).sum()), int((right == label).sum())
        if there:
            found.append(2 * true / (told + there))
    return float(np.mean(found)) if found else 0.0
