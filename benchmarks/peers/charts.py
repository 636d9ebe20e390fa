"""The rows as pictures for the README, in the report's style."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from benchmarks.peers.comparing import Row
from benchmarks.peers.peer import TASKS
from benchmarks.peers.table import share
from pipeline.report.svg import rect, standalone, svg, text

BAR_PX, HEAD_PX, GAP_PX = 22, 26, 14
LABEL_FRAC, FIGURE_FRAC = 20.0, 12.0
"""Percent of the width for names and for figures."""
DECADES = (-1, 3)
"""The axis goes from 0.1 to 1,000 MB/s."""


def speeds_svg(rows: Sequence[Row]) -> str:
    """MB/s of every task, one under the other; lengths are logarithmic."""
    body: list[str] = []
    y = 0.0
    for task, title in TASKS.items():
        ran = sorted((r for r in rows if r.task == task and not r.reason), key=lambda r: -r.mb_per_s)
        if not ran:
            continue
        body.append(text("0", y + 16, title, "strong"))
        y += HEAD_PX
        for row in ran:
            body += _bar(row, y)
            y += BAR_PX
        y += GAP_PX
    return _whole(
        "Speed of Winnow and its peers on one core, MB of text a CPU second; bars are logarithmic, from 0.1", body, y
    )


def _bar(row: Row, y: float) -> list[str]:
    low, high = DECADES
    room = 100 - LABEL_FRAC - FIGURE_FRAC
    long = room * min(1.0, max(0.01, (math.log10(row.mb_per_s) - low) / (high - low)))
    figure = f"{row.mb_per_s:.3g} MB/s"
    mark = "kept" if not row.version else "before"
    return [
        text("0", y + 14, row.peer, "strong" if not row.version else ""),
        rect(LABEL_FRAC, y + 3, room, BAR_PX - 8, "track", unit="%"),
        rect(LABEL_FRAC, y + 3, long, BAR_PX - 8, mark, f"{row.peer} {row.version}: {figure}; {row.how}", "%"),
        text("100%", y + 14, figure, "end"),
    ]


def found_svg(rows: Sequence[Row]) -> str:
    """Similar pairs found, and removals that are right, of those that remove near-duplicates."""
    ran = sorted(
        (r for r in rows if r.task == "fuzzy" and not r.reason),
        key=lambda r: -r.quality["found"] * r.quality["right"] / max(1, r.quality["removed"]),
    )
    body: list[str] = []
    y = 0.0
    for row in ran:
        q = row.quality
        pairs, right = q["found"] / max(1, q["pairs"]), q["right"] / max(1, q["removed"])
        said = f"found {share(q['found'], q['pairs'])}  ·  right {share(q['right'], q['removed'])}  ·  lost {q['lost']}"
        body += [text("0", y + 14, row.peer, "strong" if not row.version else ""), text("100%", y + 14, said, "end")]
        for top, part, mark in ((y + 20, pairs, "kept"), (y + 29, right, "dedup")):
            body += [rect(0, top, 100, 7, "track", unit="%"), rect(0, top, 100 * part, 7, mark, said, "%")]
        y += BAR_PX + 24
    return _whole(
        "Near-duplicates at Jaccard 0.8: share of similar pairs found (above), share of removals with a kept copy (below)",
        body,
        y,
    )


def _whole(title: str, body: list[str], height_px: float) -> str:
    shifted = Markup(f'<svg y="{HEAD_PX}" width="100%" height="{height_px:g}">{"".join(body)}</svg>')
    return standalone(svg(title, [text("0", 14, title, "soft"), shifted], height_px + HEAD_PX))
