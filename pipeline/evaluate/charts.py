"""Pictures of an evaluation as inline SVG: curves in a square, and intervals as bars."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from markupsafe import Markup

from pipeline.report.svg import rect, shown, svg, text
from pipeline.wording import count, measure, share, short_count

PICTURE_PX = (320, 250)
PLOT = (34, 14, 310, 214)
"""Left, top, right and bottom of the axes."""
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
LONG_TAIL = 20
"""A largest value of more than so many times the middle one is drawn on a logarithmic axis."""
Points = Sequence[tuple[float, float]]


def threshold_svg(points: Sequence[dict[str, Any]], cut: float | None) -> Markup:
    """What is kept of all rows, of the positives and of the negatives, at every threshold."""
    place, ticks = _scale([p["threshold"] for p in points])
    body = _axes(ticks, "threshold", "kept")
    kinds = (
        ("kept_negatives", "kept", "negatives"),
        ("kept_positives", "removed", "positives"),
        ("kept", "all", "all"),
    )
    for key, mark, said in kinds:
        body += _line([(place(p["threshold"]), p[key]) for p in points if p[key] is not None], mark, f"{said} kept")
    if cut is not None and 0 <= place(cut) <= 1:
        body += _upright(place(cut), measure(cut))
    return _picture("Share kept at every threshold: all rows, positives and negatives", body)


def _scale(values: Sequence[float]) -> tuple[Callable[[float], float], list[tuple[str, float]]]:
    """Where a threshold lies between the least and the largest, and three ticks; logarithmic where a tail is long."""
    low, high, middle = min(values), max(values), sorted(values)[len(values) // 2]
    if low > 0 and high > LONG_TAIL * middle:
        width = math.log(high / low)
        return lambda v: math.log(max(v, low / 2) / low) / width, [
            (short_count(low * math.exp(t * width)), t) for t in (0.0, 0.5, 1.0)
        ]
    width = (high - low) or 1.0
    return lambda v: (v - low) / width, [(f"{low + t * width:.3g}", t) for t in (0.0, 0.5, 1.0)]


def reliability_svg(curves: dict[str, Sequence[dict[str, float]]]) -> Markup:
    """Observed share of positives over the mean probability, by bin; on the diagonal a probability means what it says."""
    body = _axes([(f"{t:g}", t) for t in TICKS], "predicted probability", "observed")
    body += _line([(0.0, 0.0), (1.0, 1.0)], "ideal", "perfect calibration")
    for strategy, mark in (("equal_mass", "kept"), ("equal_width", "dedup")):
        bins = curves.get(strategy, ())
        body += _line([(b["predicted"], b["observed"]) for b in bins], mark, strategy.replace("_", " "))
        for b in bins:
            tip = f"{count(b['rows'])} rows: predicted {b['predicted']:.3f}, observed {b['observed']:.3f}"
            body.append(_dot(b["predicted"], b["observed"], mark, tip))
    return _picture("Reliability: observed share of positives over predicted probability", body)


def precision_recall_svg(points: Sequence[dict[str, Any]]) -> Markup:
    """Precision over recall."""
    body = _axes([(f"{t:g}", t) for t in TICKS], "recall", "precision")
    line = [(p["recall"], p["precision"]) for p in points if p["recall"] is not None and p["precision"] is not None]
    body += _line(line, "kept", "precision at this recall")
    return _picture("Precision over recall", body)


def coverage_svg(points: Sequence[dict[str, float]]) -> Markup:
    """Accuracy among the surest rows, over how many are answered."""
    body = _axes([(f"{t:g}", t) for t in TICKS], "share of rows answered", "accuracy")
    body += _line([(p["coverage"], p["accuracy"]) for p in points], "kept", "accuracy at this coverage")
    for p in points:
        tip = f"{p['coverage']:.0%} answered: accuracy {p['accuracy']:.3f}, confidence from {p['confidence']:.3f}"
        body.append(_dot(p["coverage"], p["accuracy"], "kept", tip))
    return _picture("Accuracy at coverage", body)


def rate_svg(value: float | None, between: tuple[float, float] | None, mark: str) -> Markup:
    """A share as a bar with its interval, for a table's cell."""
    if value is None:
        return Markup("")
    body = [rect(0, 2, 100, 6, "track", unit="%"), rect(0, 2, 100 * min(value, 1), 6, mark, unit="%")]
    if between is not None:
        low, high = (100 * min(max(b, 0), 1) for b in between)
        body.append(f'<line class="whisker" x1="{low:.2f}%" x2="{high:.2f}%" y1="5" y2="5"/>')
    return svg(share(value, 1), body, 10)


def confusion_svg(classes: Sequence[str], counts: Sequence[Sequence[int]]) -> Markup:
    """A matrix of true classes (rows) and predicted ones (columns, abstentions last), each row shaded by its shares."""
    left, top, cell = 150, 16, 26
    body = []
    for i, name in enumerate(classes):
        y = top + i * cell
        whole = max(1, sum(counts[i]))
        body.append(text(left - 6, y + 17, name[:20], "end axis"))
        for j, n in enumerate(counts[i]):
            predicted = classes[j] if j < len(classes) else "abstained"
            tip = f"{name} taken for {predicted}: {count(n)} of {count(whole)}"
            mark = "kept" if i == j else "quarantine" if j == len(classes) else "removed"
            body.append(f'<rect class="track" x="{left + j * cell}" y="{y}" width="{cell - 2}" height="{cell - 2}"/>')
            body.append(
                f'<rect class="{mark}" fill-opacity="{n / whole:.3f}" x="{left + j * cell}" y="{y}" width="{cell - 2}" '
                f'height="{cell - 2}"><title>{shown(tip)}</title></rect>'
            )
            if n:
                body.append(text(left + j * cell + (cell - 2) / 2, y + 16, f"{100 * n / whole:.0f}", "axis mid"))
    for j in range(len(classes) + 1):
        said = str(j + 1) if j < len(classes) else "–"
        body.append(text(left + j * cell + (cell - 2) / 2, 10, said, "axis mid"))
    width, height = left + (len(classes) + 1) * cell, top + len(classes) * cell
    return svg(
        "Confusion matrix in percent of each true class",
        body,
        height,
        f' viewBox="0 0 {width} {height}" class="scaled"',
    )


def _picture(title: str, body: Iterable[str]) -> Markup:
    width, height = PICTURE_PX
    return svg(title, body, height, f' viewBox="0 0 {width} {height}" class="scaled"')


def _place(x: float, y: float) -> tuple[float, float]:
    left, top, right, bottom = PLOT
    return left + (right - left) * x, bottom - (bottom - top) * y


def _axes(ticks: Sequence[tuple[str, float]], across: str, up: str) -> list[str]:
    left, top, right, bottom = PLOT
    body = []
    for t in TICKS:
        _, y = _place(0, t)
        body.append(f'<line class="grid" x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        body.append(text(left - 5, y + 3, f"{t:g}", "axis end"))
    for said, t in ticks:
        x, _ = _place(t, 0)
        body.append(text(x, bottom + 13, said, "axis mid"))
    body.append(text((left + right) / 2, bottom + 27, across, "axis mid"))
    body.append(text(left, top - 5, up, "axis"))
    return body


def _line(points: Points, mark: str, tip: str) -> list[str]:
    if not points:
        return []
    placed = " ".join(f"{x:.1f},{y:.1f}" for x, y in (_place(*p) for p in points))
    return [f'<polyline class="line {mark}" points="{placed}"><title>{shown(tip)}</title></polyline>']


def _upright(at: float, said: str) -> list[str]:
    x, top = _place(at, 1)
    _, bottom = _place(at, 0)
    line = f'<line class="cut" x1="{x:.1f}" x2="{x:.1f}" y1="{top:.1f}" y2="{bottom:.1f}"/>'
    anchor = "end" if at > 0.8 else "mid" if at > 0.2 else ""
    return [line, text(x, bottom - 6, said, f"cutname {anchor}")]


def _dot(x: float, y: float, mark: str, tip: str) -> str:
    cx, cy = _place(x, y)
    return f'<circle class="{mark}" cx="{cx:.1f}" cy="{cy:.1f}" r="2.6"><title>{shown(tip)}</title></circle>'
