"""`winnow evaluate`: a scorer's column against labels, as one tree of numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import UsageError, did_you_mean
from pipeline.evaluate import binary, several
from pipeline.evaluate.data import Measured
from pipeline.evaluate.groups import Grouping, grouped
from pipeline.evaluate.hatecheck import describe
from pipeline.evaluate.resampling import LEAST_GROUPS, USUAL, How
from pipeline.evaluate.threshold import Cut, Side
from scorers.base import Column

TRUTHS = (("1", "0"), ("true", "false"))
"""Labels that say by themselves which is positive."""
MOST_CLASSES = 200


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. column: full name; positive: labels that count as positive (empty: 1 or true); by: fields to group
    by; low: low scores mean positive; cut: the threshold (None: the best on the rows); keeps: the side that stays where no
    rule says it; confidence: the column that says how sure a predicted label is; clusters: the field resampled by."""

    column: str
    about: Column
    label: str
    positive: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    low: bool = False
    cut: Cut | None = None
    keeps: Side = "negative"
    confidence: str | None = None
    clusters: str | None = None
    how: How = USUAL

    def columns(self) -> list[str]:
        """What has to be measured."""
        return [self.column, *([self.confidence] if self.confidence else [])]

    def fields(self) -> list[str]:
        """What has to be read of the data."""
        return list(dict.fromkeys([self.label, *self.by, *([self.clusters] if self.clusters else [])]))


def evaluate(question: Question, measured: Measured) -> dict[str, Any]:
    """The report's numbers. Rows without a label are counted, and are in no other figure."""
    labels = measured.rows.column(f"field:{question.label}")
    rows = measured.rows.filter(pc.is_valid(labels))
    if not rows.num_rows:
        raise UsageError(f"no row has a label in {question.label!r}: {measured.rows.num_rows} rows, all null")
    told: dict[str, Any] = {
        "column": question.column,
        "unit": question.about.unit,
        "meaning": question.about.meaning,
        "label": question.label,
        "left_out": None,
        "counts": {
            "rows": measured.rows.num_rows + measured.quarantined,
            "quarantined": measured.quarantined,
            "without_label": measured.rows.num_rows - rows.num_rows,
            "labelled": rows.num_rows,
        },
        "labels": dict(Counter(rows.column(f"field:{question.label}").to_pylist()).most_common(50)),
    }
    kind = question.about.type
    told["kind"] = "classes" if pa.types.is_string(kind) or pa.types.is_large_string(kind) else "binary"
    told |= _classes(question, rows) if told["kind"] == "classes" else _binary(question, rows)
    told["resampling"] = _resampling(question, rows)
    return told


def _binary(question: Question, rows: pa.Table) -> dict[str, Any]:
    labels = rows.column(f"field:{question.label}").combine_chunks()
    positive = chosen_positive(labels, question.positive, question.label)
    is_positive = np.asarray(pc.is_in(labels, pa.array(positive, labels.type)))
    bounded = question.about.low is not None and question.about.low >= 0 and question.about.high == 1
    data = binary.Rows(
        _numbers(rows, question.column, question.about), is_positive, question.low, bounded, _clusters(question, rows)
    )
    best = binary.best_cut(data)
    cut = question.cut or best
    keeps = (cut.keeps(question.low) if cut else None) or question.keeps
    threshold = (
        None
        if cut is None
        else {"value": cut.value, "origin": cut.origin, "chosen_on_these_rows": question.cut is None}
    )
    overall = binary.metrics(data, cut, question.how)
    by_best = binary.metrics(data, best, How(times=0)) if best else {}
    return {
        "positive": list(positive),
        "low": question.low,
        "threshold": threshold,
        "keeps": keeps,
        "overall": overall,
        "best": {
            "threshold": best.value if best else None,
            **{k: by_best.get(k) for k in ("f1", "precision", "recall")},
        },
        "curve": binary.threshold_curve(data, keeps),
        "reliability": binary.reliability_curves(data),
        "groups": [
            _group(by, g, binary.by_group(data, g.groups, cut, question.how, by))
            for by, g in _groupings(question, rows)
        ],
    }


def _classes(question: Question, rows: pa.Table) -> dict[str, Any]:
    truth = rows.column(f"field:{question.label}").to_pylist()
    predicted = rows.column(question.column).to_pylist()
    if len(set(truth)) > MOST_CLASSES:
        raise UsageError(
            f"{question.label!r} has {len(set(truth))} different values: expected a label of at most {MOST_CLASSES} classes"
        )
    if not set(truth) & set(predicted):
        raise UsageError(
            f"no label of {question.label!r} ({', '.join(sorted(set(truth))[:8])}) is ever predicted by {question.column} "
            f"({', '.join(sorted(p for p in set(predicted) if p is not None)[:8])}): are these labels of the same kind?"
        )
    sure = None if question.confidence is None else _floats(rows.column(question.confidence))
    data = several.labelled(truth, predicted, sure, _clusters(question, rows))
    return {
        "confidence": question.confidence,
        "overall": several.metrics(data, question.how),
        "classes": several.per_class(data),
        "confusion": several.confusion(data),
        "coverage": several.coverage(data),
        "groups": [
            _group(by, g, several.by_group(data, g.groups, question.how, by)) for by, g in _groupings(question, rows)
        ],
    }


def chosen_positive(labels: pa.Array, wanted: Sequence[str], label: str) -> tuple[str, ...]:
    """The labels that count as positive; what was asked for must be there."""
    there = pc.unique(labels).to_pylist()
    if not wanted:
        pair = next((yes for yes, no in TRUTHS if set(there) <= {yes, no}), None)
        if pair is None:
            raise UsageError(
                f"--positive is missing: {label!r} holds {', '.join(map(repr, sorted(there)[:12]))}; say which means positive"
            )
        return (pair,)
    for value in wanted:
        if value not in there:
            known = ", ".join(map(repr, sorted(there)[:12]))
            raise UsageError(f"--positive {value!r}: {label!r} holds {known}.{did_you_mean(value, there)}")
    return tuple(wanted)


def _numbers(rows: pa.Table, column: str, about: Column) -> npt.NDArray[np.float64]:
    kind = about.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
        raise UsageError(f"{column} is {kind}: expected a column of numbers, flags or names")
    return _floats(rows.column(column))


def _floats(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    """f64[N], NaN for null."""
    one = column.combine_chunks()
    if pa.types.is_boolean(one.type):
        one = one.cast(pa.int8())
    return np.asarray(one.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), np.float64)


def _clusters(question: Question, rows: pa.Table) -> npt.NDArray[np.object_] | None:
    if question.clusters is None:
        return None
    return np.array([v or "" for v in rows.column(f"field:{question.clusters}").to_pylist()], dtype=object)


def _resampling(question: Question, rows: pa.Table) -> dict[str, Any]:
    groups = 0 if question.clusters is None else len(pc.unique(rows.column(f"field:{question.clusters}")))
    by = question.clusters if groups >= LEAST_GROUPS else "rows"
    return {"by": by, "groups": groups, "times": question.how.times, "seed": question.how.seed, "level": 0.95}


def _groupings(question: Question, rows: pa.Table) -> list[tuple[str, Grouping]]:
    return [(by, grouped(rows.column(f"field:{by}").to_pylist())) for by in question.by]


def _group(by: str, grouping: Grouping, told: list[dict[str, Any]]) -> dict[str, Any]:
    """One grouping, with what HateCheck's functionalities test."""
    for row in told:
        row["about"] = describe(row["group"]) if by.rpartition(".")[2] == "functionality" else ""
    return {
        "by": by,
        "groups": told,
        "left_out": {"groups": grouping.left_out_groups, "rows": grouping.left_out_rows},
    }
