"""What pictures are made of: the palette, marks and escaped pieces of inline SVG.

Colours are classes, so that a page's style says them once, for light and dark.
"""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup
from markupsafe import escape as escaped

from pipeline.report.texts import visible

PALETTE = """
:root{--kept:#1f6fb2;--removed:#d55e00;--dedup:#b2679b;--quarantine:#77736a;--takedown:#22211f;--ink:#22211f;--soft:#6a675f;--line:#dcd8cf;
--track:#efece5;--page:#fcfbf8;--card:#ffffff}
@media (prefers-color-scheme:dark){:root{--kept:#5aa9e6;--removed:#f08a3c;--dedup:#d59ac3;--quarantine:#a09b90;--takedown:#eceae4;
--ink:#eceae4;--soft:#a8a49a;--line:#3a3833;--track:#2b2925;--page:#191816;--card:#211f1c}}
""".strip()
"""Blue, vermilion and purple of Okabe and Ito, told apart by every kind of colour vision; all is labelled too."""

MARKS = """
svg{display:block;overflow:visible;font-family:system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
svg text{fill:var(--ink);font-size:13px;font-variant-numeric:tabular-nums}svg .soft{fill:var(--soft)}
svg .axis{fill:var(--soft);font-size:10px;paint-order:stroke;stroke:var(--card);stroke-width:2.5px}
svg .end{text-anchor:end}svg .mid{text-anchor:middle}svg .strong{font-weight:600}svg.scaled{height:auto}
svg .kept{fill:var(--kept)}svg .judge,svg .removed{fill:var(--removed)}svg .dedup{fill:var(--dedup)}
svg .quarantine{fill:var(--quarantine)}svg .takedown{fill:var(--takedown)}svg .track{fill:var(--track)}svg .before{fill:var(--soft);opacity:.45}
svg .grid{stroke:var(--line);stroke-width:1}svg .cut{stroke:var(--ink);stroke-width:1.2;stroke-dasharray:3 2}
svg .beyond{fill:var(--removed);opacity:.09}svg .dot{fill:var(--dedup);fill-opacity:.75}
svg .cutname{font-size:10px;font-weight:600}
""".strip()


def standalone(svg: str, width_px: int = 880, margin_px: int = 16) -> str:
    """A picture with its own style and ground, as a file for a README."""
    height_px = float(svg.partition('height="')[2].partition('"')[0])
    style = f"<style>{PALETTE}{MARKS}</style>"
    ground = '<rect width="100%" height="100%" rx="8" fill="var(--page)"/>'
    size = f'width="{width_px}" height="{height_px + 2 * margin_px:g}"'
    place = f'x="{margin_px}" y="{margin_px}" width="{width_px - 2 * margin_px}"'
    inside = str(svg).replace("<svg ", f"<svg {place} ", 1)
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{style}{ground}{inside}</svg>\n'


def svg(title: str, body: Iterable[str], height_px: float, view: str = "") -> Markup:
    inside = "".join(body)
    return Markup(f'<svg role="img" aria-label="{shown(title)}" height="{height_px:g}"{view}>{inside}</svg>')  # noqa: S704 - every text is escaped


def shown(text: str) -> Markup:
    """Text from outside: names of languages, sources and rules."""
    return escaped(visible(text))


def rect(x: float, y: float, width: float, height: float, mark: str, tip: str = "", unit: str = "") -> str:
    """A rectangle; unit '%' lays x and width out in percent."""
    inside = f"<title>{shown(tip)}</title>" if tip else ""
    place = f'x="{x:.3f}{unit}" y="{y:.2f}" width="{max(width, 0):.3f}{unit}" height="{max(height, 0):.2f}"'
    return f'<rect class="{mark}" {place}>{inside}</rect>'


def text(x: str | float, y: float, said: str, mark: str = "") -> str:
    at = x if isinstance(x, str) else f"{x:.2f}"
    return f'<text x="{at}" y="{y:.2f}" class="{mark}">{shown(said)}</text>'
