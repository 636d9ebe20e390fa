"""The measured S-curve as inline SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from markupsafe import Markup

from pipeline.dedup.documents.bands import match_probability
from pipeline.report.svg import rect, shown, svg, text
from pipeline.wording import count, short_count

WIDTH, HEIGHT = 480, 232
LEFT, TOP, RIGHT, BOTTOM = 34, 22, 446, 190
STEPS = 100


def s_curve_svg(rows: Sequence[dict[str, Any]], bands: int, rows_a_band: int, jaccard: float) -> Markup:
    """Line: the share of pairs that the bands should find; dots: the share they did; bars: pairs found, their part at or above
    the threshold in blue, on a linear scale of their own."""
    body = [*_axes(), *_bars(rows)]
    points = [(i / STEPS, match_probability(i / STEPS, bands, rows_a_band)) for i in range(STEPS + 1)]
    path = " ".join(f"{_x(s):.1f},{_y(p):.1f}" for s, p in points)
    body.append(f'<polyline points="{path}" fill="none" stroke="var(--ink)" stroke-width="1.5"/>')
    x = _x(jaccard)
    body.append(f'<line class="cut" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 6}" y2="{BOTTOM}"/>')
    body.append(text(x, TOP - 9, f"threshold {jaccard:g}", "cutname mid"))
    for row in rows:
        if row["measured_frac"] is not None:
            middle = (row["jaccard_low"] + row["jaccard_high"]) / 2
            tip = f"{_range(row)}: {row['measured_frac']:.4f} found, {count(row['sampled'])} pairs looked at"
            body.append(
                f'<circle class="dot" cx="{_x(middle):.1f}" cy="{_y(row["measured_frac"]):.1f}" r="4"><title>{shown(tip)}</title></circle>'
            )
    body.append(text((LEFT + RIGHT) / 2, BOTTOM + 30, "exact Jaccard similarity", "axis mid"))
    title = (
        f"Share of similar pairs found by {bands} bands of {rows_a_band}, expected and measured, by their similarity"
    )
    return svg(title, body, HEIGHT, f' viewBox="0 0 {WIDTH} {HEIGHT}" class="scaled"')


def _x(jaccard: float) -> float:
    return LEFT + (RIGHT - LEFT) * jaccard


def _y(frac: float) -> float:
    return BOTTOM - (BOTTOM - TOP) * frac


def _range(row: dict[str, Any]) -> str:
    return f"{row['jaccard_low']:.2f} to {row['jaccard_high']:.2f}"


def _axes() -> Iterator[str]:
    for frac in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = _y(frac)
        yield f'<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield text(LEFT - 5, y + 3, f"{frac:g}", "axis end")
    for tenth in range(0, 11, 2):
        yield text(_x(tenth / 10), BOTTOM + 14, f"{tenth / 10:g}", "axis mid")


def _bars(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    highest = max(1, *(row["pairs"] for row in rows)) if rows else 1
    for row in rows:
        if not row["pairs"]:
            continue
        x, wide = _x(row["jaccard_low"]), _x(row["jaccard_high"]) - _x(row["jaccard_low"]) - 1
        tall = (BOTTOM - TOP) * row["pairs"] / highest
        blue = tall * row["pairs_verified"] / row["pairs"]
        missed = f", about {count(round(row['missed']))} missed" if row["missed"] < 1e12 else ""
        tip = f"{_range(row)}: {count(row['pairs'])} candidate pairs{missed}"
        inside = rect(x, BOTTOM - tall, wide, tall - blue, "track") + rect(x, BOTTOM - blue, wide, blue, "before")
        yield f"<g><title>{shown(tip)}</title>{inside}</g>"
    yield text(RIGHT + 4, TOP + 4, short_count(highest), "axis")
    yield text(RIGHT + 4, TOP + 15, "pairs", "axis")
