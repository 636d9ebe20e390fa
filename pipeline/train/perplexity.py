"""winnow train perplexity: an n-gram model and its card, from plain text; and, for harmful text, a proposed threshold."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.errors import UsageError
from pipeline.train.clusters import Found, Mixture, found_below, two_clusters
from pipeline.train.ngram import Plan, Trained, train_ngram
from pipeline.train.plain import PlainText
from pipeline.train.smoothing import TrainingError
from scorers import models
from scorers.models import Found as FoundModel
from scorers.models.card import Card
from scorers.models.ngram_model import read, score
from scorers.text import TextBatch

F64 = npt.NDArray[np.float64]
HELD_OUT_SHARE = 50
"""One document of so many is kept from training and measured afterwards."""
HARMFUL_HELD_OUT_SHARE = 5
WINDOW = 100
PERCENTILES = (5, 10, 30, 50, 60, 90, 95)


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user wants. name: of the model; licence: of the model file; contrast: harmless text, for a model of
    harmful text; language: of the text, where it is one;
    limits: what the user knows of where it fails."""

    name: str
    plan: Plan
    licence: str
    contrast: PlainText | None = None
    language: str = ""
    limits: tuple[str, ...] = ()


def train(data: PlainText, wish: Wish, arpa: Path | None = None) -> tuple[FoundModel, Trained]:
    """Train, measure on held-out documents, add the model under its name."""
    models.check_name(wish.name)  # now, not after the training
    if arpa is not None and not arpa.parent.is_dir():
        raise UsageError(f"--arpa {str(arpa)!r}: there is no folder {str(arpa.parent)!r}")
    share = HARMFUL_HELD_OUT_SHARE if wish.contrast else HELD_OUT_SHARE
    with tempfile.TemporaryDirectory(prefix="winnow-train-") as made:
        compact = Path(made) / f"{wish.name}.ngram"
        trained = train_ngram(_part(data, share, False), wish.plan, compact, arpa)
        held_out = _perplexities(compact, wish.plan, _part(data, share, True))
        if len(held_out) == 0:
            raise TrainingError(f"no document was held out to measure: expected {share} documents or more")
        metrics, limits = _measured(compact, wish, trained, held_out)
        card = Card(
            name=wish.name, kind="ngram", file_name=compact.name,
            sha256=hashlib.sha256(compact.read_bytes()).hexdigest(), size_bytes=compact.stat().st_size,
            licence=wish.licence, about=_about(wish, trained), settings=_settings(wish, trained),
            calibration=metrics.pop("calibration"), data=(*data.described(), *_contrast(wish)), metrics=metrics,
            limits=tuple(limits),
        )  # fmt: skip
        return models.add(compact, card), trained


def _contrast(wish: Wish) -> tuple[dict[str, Any], ...]:
    return tuple({"contrast": True} | d for d in wish.contrast.described()) if wish.contrast else ()


def _about(wish: Wish, trained: Trained) -> str:
    kind = "harmful text only: low perplexity is suspect (arXiv:2212.10440)" if wish.contrast else "plain text"
    return f"{trained.header.order}-gram model, modified Kneser-Ney, of {trained.tokens:,} tokens of {kind}."


def _settings(wish: Wish, trained: Trained) -> dict[str, Any]:
    told = asdict(trained.header.settings) | {
        "order": trained.header.order, "counts": list(trained.header.counts), "prune": list(wish.plan.prune),
        "engine": trained.engine,
    }  # fmt: skip
    return told | ({"language": wish.language} if wish.language else {})


def _part(data: PlainText, share: int, held_out: bool) -> Iterator[pa.Array]:
    """The documents to train on, or those held out: by a hash of the text, so that copies fall on one side."""
    for column in data.batches():
        digests = [hashlib.blake2b(v.as_py().encode(), digest_size=8).digest() for v in column]
        chosen = np.array([int.from_bytes(d, "little") % share == 0 for d in digests], np.bool_)
        yield column.filter(pa.array(chosen if held_out else ~chosen))


def _perplexities(compact: Path, plan: Plan, texts: Iterator[pa.Array]) -> F64:
    """log10 perplexity of every document that has tokens."""
    model = read(compact, plan.settings)
    found = [np.zeros(0)]
    for column in texts:
        there = score(model, TextBatch.from_arrow(column), WINDOW)
        events = there.tokens + there.lines
        found.append((-there.log10 / np.maximum(events, 1))[there.tokens > 0])
    return np.concatenate(found)


def _measured(compact: Path, wish: Wish, trained: Trained, held_out: F64) -> tuple[dict[str, Any], list[str]]:
    levels = np.quantile(held_out, np.array(PERCENTILES) / 100)
    metrics: dict[str, Any] = {
        "held_out_documents": len(held_out),
        "tokens": trained.tokens,
        "lines": trained.lines,
        "text_bytes": trained.text_bytes,
        "calibration": {"perplexity_percentiles": {str(p): round(float(10**v), 2) for p, v in zip(PERCENTILES, levels, strict=True)}},
    }  # fmt: skip
    limits = [*wish.limits, "Perplexities depend on the training text: compare them within one model only."]
    if wish.contrast is None:
        return metrics, limits
    mixture, found = harmful_threshold(held_out, _perplexities(compact, wish.plan, wish.contrast.batches()))
    metrics["calibration"] |= {
        "suspect_below_perplexity": round(float(10**mixture.threshold), 2), "mixture": asdict(mixture),
        "separation": round(mixture.separation, 3),
    }  # fmt: skip
    metrics |= {"suspects": asdict(found)}
    limits.append(
        f"At the proposed threshold precision is {found.precision:.2f} and recall {found.recall:.2f} on held-out harmful text "
        "beside the contrast, in equal parts."
    )
    if mixture.separation < 2:
        limits.append(f"The clusters are {mixture.separation:.1f} spreads apart; below 2 the threshold is a guess.")
    return metrics, limits


def harmful_threshold(harmful: F64, harmless: F64) -> tuple[Mixture, Found]:
    """Two clusters over log10 perplexity of a sample with as much of the one as of the other, not knowing which is which;
    and what the threshold between them finds."""
    if min(len(harmful), len(harmless)) < 20:
        raise TrainingError(
            f"{len(harmful)} harmful and {len(harmless)} harmless documents to find a threshold with; expected 20 of each"
        )
    size = min(len(harmful), len(harmless))
    picked = [values[np.linspace(0, len(values) - 1, size).astype(np.int64)] for values in (harmful, harmless)]
    sample = np.concatenate(picked)
    mixture = two_clusters(sample)
    suspect = np.arange(len(sample)) < size
    return mixture, found_below(sample, suspect, mixture.threshold)
