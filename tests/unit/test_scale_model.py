"""The model of cost: lines through the curves, parts that add up, and the bottleneck by name."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.scale_model import (
    RECORD_BYTES,
    Cluster,
    bottleneck,
    constants,
    fit,
    line_of,
    memory,
    openings_s,
    seconds,
    told,
)

SMALL = Cluster(10, 10, 64e9, 1e9, 1e9)


def point(setting: str, workers: int, text_bytes: float, cpu_s: float, worker_bytes: float = 0.0) -> dict[str, Any]:
    stages = [
        {"stage": "notes", "units": 4, "unit_s": 22.5e-9 * text_bytes, "longest_unit_s": 2.0},
        {"stage": "dedup", "units": 1, "unit_s": 0.1 + 2.5e-9 * text_bytes, "longest_unit_s": 1.0},
    ]
    return {
        "setting": setting, "workers": workers, "text_bytes": text_bytes, "documents": text_bytes / 4_000, "cpu_s": cpu_s,
        "driver_bytes": 3e8, "worker_bytes": worker_bytes, "exchanged_bytes": 0.2 * text_bytes, "workspace_bytes": 0.25 * text_bytes,
        "output_bytes": 0.3 * text_bytes, "stages": stages,
    }  # fmt: skip


CURVES = [
    point("1 worker", 1, 1e8, 2.0 + 2.5),
    point("1 worker", 1, 1e9, 2.0 + 25.0),
    point("2 workers", 2, 1e8, 8.0, 4e8 + 100 * 2.5e4),
    point("2 workers", 2, 1e9, 30.0, 4e8 + 100 * 2.5e5),
]


def test_a_line_through_points_on_a_line_is_that_line() -> None:
    points = [{"x": x, "y": 3 + 0.5 * x} for x in (1.0, 10.0, 100.0)]
    assert line_of(points, "y", "x") == (pytest.approx(3), pytest.approx(0.5))
    assert line_of([{"x": 1.0, "y": 5.0}, {"x": 2.0, "y": 3.0}], "y", "x") == (4.0, 0.0)


def test_constants_are_read_off_the_curves() -> None:
    made = constants(CURVES)
    assert made.start_s == pytest.approx(2.0)
    assert made.parallel_s == pytest.approx(0.9 * 25e-9)
    assert made.serial_s == pytest.approx(0.1 * 25e-9)
    assert (made.exchanged, made.document_bytes) == (pytest.approx(0.2), 4_000)
    assert (made.unit_bytes, made.unit_slope) == (pytest.approx(4e8), pytest.approx(100))


def test_parts_of_the_time_follow_the_formulas() -> None:
    parts = seconds(constants(CURVES), SMALL, 1e12)
    assert parts["compute"] == pytest.approx(2 + 22.5e-9 * 1e12 / 100)
    assert parts["one unit"] == pytest.approx(2_500)
    assert parts["exchange"] == pytest.approx(2 * 0.2e12 * 0.9 / 1e10)
    assert memory(constants(CURVES), 1e12)["memory of the unit"] == pytest.approx(4e8 + 100 * 2.5e8)


def test_openings_grow_with_the_square_once_parts_are_full() -> None:
    stages = [{"stage": "text", "units": 30}, {"stage": "bands", "units": 30, "rows": 5_000_000}]
    curves = [{**p, "stages": [*p["stages"], *({"unit_s": 0.0, **s} for s in stages)]} for p in CURVES]
    made = constants(curves)
    assert (made.entries, made.shard_entries) == (pytest.approx(5e-3), pytest.approx(5e6 / 30))
    assert openings_s(made, 1e9) < 0.1, "at most two ranges of thirty parts"
    few, many, more = (openings_s(made, size) for size in (1e12, 1e13, 1e14))
    assert 5e-3 * 1e12 * 24 / 80e6 / 2e6 * 5e-3 * 1e12 * 1.5e-4 < few < 1e4
    assert 50 < many / few < 200
    assert 50 < more / many < 200
    assert seconds(made, SMALL, 1e12)["openings"] == pytest.approx(few / 100)
    assert openings_s(constants(CURVES), 1e14) == 0.0, "no buckets"


def test_memory_that_no_node_has_is_first_in_the_way() -> None:
    made = constants(CURVES)
    assert bottleneck(made, SMALL, 1e12) == "one unit"
    assert bottleneck(made, SMALL, 1e13) == "memory of the unit"
    page = told(made, SMALL, [1e12, 1e13])
    assert "| first in the way | one unit | memory of the unit |" in page
    assert "cutting the stages of one unit by key" in page


def test_a_driver_holds_records_and_clusters_that_spill() -> None:
    rows = {"dedup": 2_000_000, "pairs": 1_000_000}
    more = [{"stage": "pairs", "units": 4, "unit_s": 0.0}, {"stage": "text", "units": 20, "unit_s": 0.0}]
    curves = [{**p, "stages": [{**s, "rows": rows.get(s["stage"], 0)} for s in [*p["stages"], *more]]} for p in CURVES]
    made = constants(curves)
    assert made.clustered == pytest.approx((64 * 2e6 + 28 * 1e6) / 1e9)
    assert memory(made, 5e9)["driver memory"] == pytest.approx(3e8 + 100 * RECORD_BYTES + 5 * 156e6)
    assert memory(made, 1e12)["driver memory"] == pytest.approx(3e8 + 20_000 * RECORD_BYTES + 1e9), "the rest in files"
    assert "| spilled by the unit that clusters, GB | 0.0 | 156.0 |" in told(made, SMALL, [5e9, 1e12])


def test_the_model_stands_beside_what_was_measured() -> None:
    assert "| 1 worker | 1,000 | 27.0 | 27.0 |" in fit(constants(CURVES), CURVES)


def test_how_memory_grows_is_not_told_by_short_curves() -> None:
    short = [point("1 worker", 1, 1e7, 2.25), point("1 worker", 1, 1e8, 4.5)]
    assert constants(short).unit_slope is None
    assert memory(constants(short), 1e12) == {}
    assert bottleneck(constants(short), SMALL, 1e15) == "one unit"


def test_one_size_makes_no_line() -> None:
    with pytest.raises(ValueError, match="one worker at two sizes or more"):
        constants(CURVES[:1])
