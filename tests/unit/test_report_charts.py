"""The pictures: their lengths add up to the numbers, and nothing that is drawn can be more than a picture."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from pipeline.recipe import Recipe
from pipeline.recipe.rules import Rule
from pipeline.report import charts
from pipeline.report.histograms import Categories, Cut, Histogram
from pipeline.report.svg import standalone
from pipeline.report.texts import compare, visible
from pipeline.totals.funnel import FunnelRow, condensed, ends, funnel_of
from pipeline.wording import count, duration, measure, measure_beside, share, short_count, size

HOSTILE = "</svg><script>alert(1)</script>"
RECIPE = Recipe.model_validate(
    {
        "name": "small",
        "rules": {"long_enough": Rule(column="exact.text_chars", min=50), "never": Rule(column="x.y", max=1)},
        "dedup": {"exact": "raw", "fuzzy": {}},
    }
)
COUNTS = {"kept": 60, "judge.long_enough": 25, "dedup.exact": 10, "quarantine.bad_utf8": 5}
BYTES = {"kept": 6000, "judge.long_enough": 500, "dedup.exact": 1500}


def widths(svg: str, mark: str) -> list[float]:
    return [float(w) for w in re.findall(rf'class="{mark}" x="[\d.]+%" y="[\d.]+" width="([\d.]+)%"', svg)]


def histogram(**changes: object) -> Histogram:
    cut = Cut("long_enough", "min 2", 2.0, "below", 3)
    told = {
        "column": "exact.text_chars", "unit": "characters", "meaning": "length", "scale": "linear",
        "edges": (0.0, 1.0, 2.0, 3.0), "kept": (0, 0, 4), "removed": (1, 2, 0), "cuts": (cut,), "unmeasured": 0, "every": 1,
    }  # fmt: skip
    return Histogram(**{**told, **changes})  # type: ignore[arg-type]


def test_a_funnel_goes_from_the_input_to_what_is_kept() -> None:
    rows = funnel_of(COUNTS, BYTES, RECIPE)
    assert [(r.stage, r.reason, r.documents, r.bytes, r.left_documents) for r in rows] == [
        ("input", "", 100, 8000, 100),
        ("quarantine", "bad_utf8", 5, 0, 95),
        ("judge", "long_enough", 25, 500, 70),
        ("judge", "never", 0, 0, 70),
        ("dedup", "exact", 10, 1500, 60),
        ("dedup", "fuzzy", 0, 0, 60),
        ("kept", "", 60, 6000, 60),
    ]
    assert [(e.label, e.documents) for e in ends(rows)] == [
        ("kept", 60),
        ("removed by rules", 25),
        ("duplicates", 10),
        ("quarantined", 5),
    ]


def test_small_rules_beside_each_other_become_one_step() -> None:
    counts = {"kept": 940, "judge.a": 3, "judge.b": 7, "judge.c": 50}
    rules = {name: Rule(column="x.y", max=1) for name in "abcd"}
    rows = condensed(funnel_of(counts, dict.fromkeys(counts, 1), Recipe(name="small", rules=rules)), 0.01)
    assert [(r.title, r.documents, r.left_documents) for r in rows] == [
        ("input", 1000, 1000),
        ("2 rules, each under 1.0 %", 10, 990),
        ("c", 50, 940),
        ("d", 0, 940),
        ("kept", 940, 940),
    ]


def test_funnel_bars_are_as_long_as_their_counts() -> None:
    svg = charts.funnel_svg(funnel_of(COUNTS, BYTES, RECIPE))
    assert widths(svg, "judge") == [25.0, 6.25, 0.0, 0.0]
    assert widths(svg, "kept")[:6] == [100.0, 100.0, 95.0, 100.0, 70.0, 93.75]
    assert "−25  ·  25.0 %" in svg


def test_the_parts_of_the_proportion_bar_fill_it() -> None:
    svg = charts.proportion_svg(ends(funnel_of(COUNTS, BYTES, RECIPE)))
    assert [widths(svg, mark) for mark in ("kept", "judge", "dedup", "quarantine")] == [[60.0], [25.0], [10.0], [5.0]]


def test_a_bar_of_a_histogram_is_split_by_what_was_kept() -> None:
    svg = charts.histogram_svg(histogram(kept=(0, 0, 3), removed=(1, 0, 1)))
    heights = {m: float(h) for m, h in re.findall(r'<rect class="(\w+)" [^>]*height="([\d.]+)"', svg.split("</g>")[1])}
    assert heights["kept"] / heights["removed"] == pytest.approx(3.0, rel=0.01)


def test_a_bound_off_the_axis_is_named_at_its_edge() -> None:
    far = Cut("long_enough", "max 90", 90.0, "above", 0)
    svg = charts.histogram_svg(histogram(cuts=(far,)))
    assert "max 90 ›" in svg
    assert 'class="cut"' not in svg


@pytest.mark.parametrize(
    ("low", "high", "scale"), [(0.0, 1.0, "linear"), (0.0, 5.0, "log"), (-0.5, 8.5, "linear"), (0, 1e-6, "linear")]
)
def test_every_axis_has_a_few_round_values(low: float, high: float, scale: str) -> None:
    svg = charts.histogram_svg(
        histogram(edges=(low, (low + high) / 2, high), kept=(1, 1), removed=(0, 0), scale=scale, cuts=())
    )
    values = re.findall(r'class="axis (?:end|mid)?">([^<]+)<', svg)
    assert 3 <= len(values) <= 11


def test_text_in_a_picture_stays_text() -> None:
    drawn = [
        charts.categories_svg(Categories(HOSTILE, HOSTILE, ((HOSTILE, 1, 2),), (HOSTILE,), 1)),
        charts.languages_svg([{"language": HOSTILE, "documents": 3, "kept": 1}]),
        charts.histogram_svg(histogram(column=HOSTILE, unit=HOSTILE, cuts=(Cut(HOSTILE, HOSTILE, 1.0, "below", 1),))),
        charts.funnel_svg([FunnelRow("judge", HOSTILE, 1, 1, 1, 1)]),
    ]
    for svg in drawn:
        assert "<script" not in svg
        assert "alert(1)" in "".join(ET.fromstring(svg).itertext())


def test_pictures_of_nothing_are_pictures() -> None:
    nothing = funnel_of({}, {}, Recipe(name="empty"))
    for svg in (charts.funnel_svg(nothing), charts.proportion_svg(ends(nothing)), charts.meter_svg(0, 0, "kept")):
        ET.fromstring(svg)
    charts.cluster_sizes_svg([{"size": 2, "clusters": 1}])


def test_a_standalone_picture_brings_its_style() -> None:
    tree = ET.fromstring(standalone(charts.funnel_svg(funnel_of(COUNTS, BYTES, RECIPE))))
    assert tree.tag == "{http://www.w3.org/2000/svg}svg"
    assert "prefers-color-scheme:dark" in (tree[0].text or "")


def test_numbers_read_as_people_write_them() -> None:
    assert [count(12345), short_count(12345), short_count(0.25)] == ["12,345", "12.3k", "0.25"]
    assert [share(0, 9), share(1, 100_000), share(1, 3), share(9_999, 10_000), share(3, 3)] == [
        "0 %",
        "< 0.01 %",
        "33.3 %",
        "> 99.9 %",
        "100 %",
    ]
    assert [size(999), size(1_234_567), size(0)] == ["999 B", "1.2 MB", "0 B"]
    assert [duration(3.14), duration(125), duration(7_300)] == ["3.1 s", "2 min 5 s", "2 h 1 min"]
    assert [measure(50.0), measure(0.123456)] == ["50", "0.1235"]


def test_characters_that_hide_or_reorder_are_shown() -> None:
    assert visible("a\x00b\u202ec\nd\te") == "a␀b‹U+202E›c\nd\te"
    assert visible("می‌خواهم") == "می‌خواهم"


def test_a_comparison_marks_what_only_one_side_has() -> None:
    told = compare("one two three", "one 2 three")
    assert [(p.text, p.own) for p in told.left] == [("one ", False), ("two", True), (" three", False)]
    assert [(p.text, p.own) for p in told.right] == [("one ", False), ("2", True), (" three", False)]


def test_a_comparison_starts_where_long_texts_first_differ() -> None:
    same = "word " * 500
    told = compare(same + "left", same + "right")
    assert told.start == 2_500 - 160
    assert [p.text for p in told.right if p.own] == ["right"]


@pytest.mark.parametrize(
    ("value", "limit", "told"),
    [
        (0.50003, 0.5, "0.50003"), (0.5000000000000001, 0.5, "0.5000000000000001"), (0.49996, 0.5, "0.49996"),
        (0.649999999, 0.65, "0.649999999"), (0.5, 0.5, "0.5"), (0.123456, 0.5, "0.1235"), (12_000.0, 50, "12,000"),
        (0.499999, 0.4999995, "0.499999"),
    ],
)  # fmt: skip
def test_a_value_that_fails_a_bound_does_not_look_like_it(value: float, limit: float, told: str) -> None:
    assert measure_beside(value, limit) == told
