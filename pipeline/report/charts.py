"""The report's pictures as inline SVG.

Bars that stand beside text are laid out in percent of the width and pixels of height: their labels keep their size from
a telephone to a wall.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from markupsafe import Markup

from pipeline.report.histograms import Categories, Cut, Histogram
from pipeline.report.svg import rect, shown, svg, text
from pipeline.totals.funnel import End, FunnelRow
from pipeline.wording import count, measure, share, short_count, size

ROW_PX = 40
HISTOGRAM_PX = (320, 176)
PLOT = (8, 35, 312, 148)
"""Left, top, right and bottom of a histogram's axes."""


def funnel_svg(rows: Sequence[FunnelRow]) -> Markup:
    """One step a line: what went on, and at its end what the step took; thick for documents, thin for bytes."""
    whole, whole_bytes = max(1, rows[0].documents), max(1, rows[0].bytes)
    body = []
    for i, row in enumerate(rows):
        y = i * ROW_PX
        ends = row.stage in ("input", "kept")
        taken = 0 if ends else row.documents
        sign = "" if ends or not taken else "−"
        said = f"{sign}{count(row.documents)}  ·  {share(row.documents, whole)}"
        mark = "" if ends or taken else "soft"
        tip = f"{row.title}: {count(row.documents)} documents, {size(row.bytes)}; {count(row.left_documents)} go on"
        body.append(text("0", y + 14, row.title, f"{mark} strong" if ends else mark))
        body.append(text("100%", y + 14, said, f"end {mark} strong" if ends else f"end {mark}"))
        for top, height, left, part, all_ in (
            (y + 20, 9, row.left_documents, taken, whole),
            (y + 31, 3, row.left_bytes, 0 if ends else row.bytes, whole_bytes),
        ):
            body.append(rect(0, top, 100, height, "track", unit="%"))
            body.append(rect(0, top, 100 * left / all_, height, "kept", tip, "%"))
            body.append(rect(100 * left / all_, top, 100 * part / all_, height, row.stage, tip, "%"))
    return svg("Funnel: documents and bytes left after every step", body, len(rows) * ROW_PX)


def proportion_svg(ends: Sequence[End]) -> Markup:
    """One bar for everything."""
    whole = max(1, sum(e.documents for e in ends))
    at, body = 0.0, []
    for end in ends:
        tip = f"{end.label}: {count(end.documents)} ({share(end.documents, whole)})"
        body.append(rect(at, 0, 100 * end.documents / whole, 22, end.mark, tip, "%"))
        at += 100 * end.documents / whole
    told = ", ".join(f"{e.label} {share(e.documents, whole)}" for e in ends)
    return svg(f"What became of the input: {told}", body, 22)


def meter_svg(part: float, whole: float, mark: str) -> Markup:
    """A share as a thin bar, for a table's cell."""
    body = [rect(0, 0, 100, 8, "track", unit="%"), rect(0, 0, 100 * part / max(1, whole), 8, mark, unit="%")]
    return svg(share(part, whole), body, 8)


def histogram_svg(of: Histogram) -> Markup:
    """Height: documents, on a square root scale, so that tails are seen; colours: what share of a bin is kept."""
    left, top, right, bottom = PLOT
    highest = max(1, *(k + r for k, r in zip(of.kept, of.removed, strict=True)))
    body = _grid()
    width = (right - left) / len(of.kept)
    body += [_beyond(c, of) for c in of.cuts if 0 < of.place(c.at) < 1]
    for i, (kept, removed, (low, high)) in enumerate(zip(of.kept, of.removed, pairwise(of.edges), strict=True)):
        if kept + removed == 0:
            continue
        tall = (bottom - top) * math.sqrt((kept + removed) / highest)
        blue = tall * kept / (kept + removed)
        between = f"{measure(of.value(low))} to {measure(of.value(high))}"
        tip = f"{between}: {count(kept)} kept, {count(removed)} left out"
        x = left + i * width
        bars = rect(x, bottom - tall, width - 0.6, tall - blue, "removed") if removed else ""
        bars += rect(x, bottom - blue, width - 0.6, blue, "kept") if kept else ""
        body.append(f"<g><title>{shown(tip)}</title>{bars}</g>")
    body += [part for n, c in enumerate(of.cuts) for part in _cut_line(c, of, n)]
    body += [*_value_axis(of), *_count_axis(highest, of.every)]
    told = "; ".join(f"{c.rule} {c.bound} removes {count(c.documents)}" for c in of.cuts)
    return svg(f"Distribution of {of.column}. {told}", body, HISTOGRAM_PX[1], _view())


def _view() -> str:
    return f' viewBox="0 0 {HISTOGRAM_PX[0]} {HISTOGRAM_PX[1]}" class="scaled"'


GRID_FRACS = (0.0, 0.25, 1.0)


def _grid() -> list[str]:
    left, top, right, bottom = PLOT
    heights = [bottom - (bottom - top) * math.sqrt(f) for f in GRID_FRACS]
    return [f'<line class="grid" x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>' for y in heights]


def _count_axis(highest: int, every: int) -> Iterable[str]:
    """Drawn last: a bound's line may run through the numbers."""
    _, top, right, bottom = PLOT
    for frac in GRID_FRACS[1:]:
        y = bottom - (bottom - top) * math.sqrt(frac)
        yield text(right, y - 3, short_count(frac * highest * every), "axis end")


def _beyond(cut: Cut, of: Histogram) -> str:
    left, top, right, bottom = PLOT
    x = left + (right - left) * of.place(cut.at)
    start, end = (left, x) if cut.removes == "below" else (x, right)
    return rect(start, top, end - start, bottom - top, "beyond")


def _cut_line(cut: Cut, of: Histogram, n: int) -> Iterable[str]:
    """The bound, named; one that lies off the axis is named at the edge it lies behind."""
    left, top, right, bottom = PLOT
    place = of.place(cut.at)
    x = left + (right - left) * min(1, max(0, place))
    said = f"‹ {cut.bound}" if place < 0 else f"{cut.bound} ›" if place > 1 else cut.bound
    if 0 <= place <= 1:
        yield f'<line class="cut" x1="{x:.2f}" x2="{x:.2f}" y1="{top - 4}" y2="{bottom}"/>'
    anchor = "end" if place > 0.8 else "mid" if place > 0.2 else ""
    yield text(x, 10 if n % 2 == 0 else 21, said, f"cutname {anchor}")


def _value_axis(of: Histogram) -> Iterable[str]:
    left, _, right, bottom = PLOT
    for value in _ticks(of):
        place = of.place(value)
        anchor = "end" if place > 0.94 else "mid" if place > 0.06 else ""
        yield text(left + (right - left) * place, bottom + 13, short_count(value), f"axis {anchor}")
    scale = f"{of.unit}, logarithmic" if of.scale == "log" else of.unit
    yield text((left + right) / 2, bottom + 26, scale, "axis mid")


def _ticks(of: Histogram) -> list[float]:
    """Round values on the axis."""
    low, high = of.value(of.edges[0]), of.value(of.edges[-1])
    if of.scale == "log":
        powers = [0.0, *(10.0**p for p in range(12))]
        inside = [p for p in powers if low <= p <= high]
        return inside[:: max(1, math.ceil(len(inside) / 7))]
    step = 10 ** math.floor(math.log10((high - low) / 2))
    step *= next(m for m in (1, 2, 5, 10) if (high - low) / (m * step) <= 6)
    return [n * step for n in range(math.ceil(low / step), math.floor(high / step) + 1)]


def categories_svg(of: Categories) -> Markup:
    """Names and flags as bars, kept and left out."""
    whole = max(1, *(kept + removed for _, kept, removed in of.values))
    body = []
    for i, (value, kept, removed) in enumerate(of.values):
        y = i * 32
        tip = f"{value}: {count(kept)} kept, {count(removed)} left out"
        body.append(text("0", y + 13, value))
        body.append(
            text(
                "100%",
                y + 13,
                f"{short_count(kept * of.every)} of {short_count((kept + removed) * of.every)}",
                "end soft",
            )
        )
        body.append(rect(0, y + 18, 100 * kept / whole, 7, "kept", tip, "%"))
        body.append(rect(100 * kept / whole, y + 18, 100 * removed / whole, 7, "removed", tip, "%"))
    return svg(f"Values of {of.column}, kept and left out", body, 32 * len(of.values))


def languages_svg(rows: Sequence[dict[str, Any]]) -> Markup:
    """Each language's share of the documents before (grey) and after (blue)."""
    before, after = (max(1, sum(r[c] for r in rows)) for c in ("documents", "kept"))
    body = []
    for i, row in enumerate(rows):
        y = i * ROW_PX
        was, now = share(row["documents"], before), share(row["kept"], after)
        body.append(text("0", y + 14, str(row["language"])))
        body.append(text("100%", y + 14, f"{was} → {now}", "end"))
        body.append(rect(0, y + 20, 100 * row["documents"] / before, 5, "before", f"before: {was}", "%"))
        body.append(rect(0, y + 26, 100 * row["kept"] / after, 7, "kept", f"kept: {now}", "%"))
    return svg("Language mix before and after", body, ROW_PX * len(rows))


def cluster_sizes_svg(rows: Sequence[dict[str, Any]]) -> Markup:
    """Clusters by their size, both axes logarithmic."""
    left, top, right, bottom = 34, 20, 470, 190
    wide, tall = (max(1.0, math.ceil(math.log10(max(r[c] for r in rows)))) for c in ("size", "clusters"))
    body = []
    for power in range(int(wide) + 1):
        x = left + (right - left) * power / wide
        body.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}"/>')
        body.append(text(x, bottom + 14, short_count(10**power), "axis mid"))
    for power in range(int(tall) + 1):
        y = bottom - (bottom - top) * power / tall
        body.append(f'<line class="grid" x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        body.append(text(left - 5, y + 3, short_count(10**power), "axis end"))
    for row in rows:
        x = left + (right - left) * math.log10(row["size"]) / wide
        y = bottom - (bottom - top) * math.log10(max(1, row["clusters"])) / tall
        tip = f"{count(row['clusters'])} clusters of {count(row['size'])} documents"
        body.append(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="4"><title>{shown(tip)}</title></circle>')
    body.append(text((left + right) / 2, bottom + 28, "documents in a cluster", "axis mid"))
    body.append(text(left, 10, "clusters of that size", "axis"))
    return svg("Sizes of duplicate clusters, both axes logarithmic", body, 224, ' viewBox="0 0 480 224" class="scaled"')
