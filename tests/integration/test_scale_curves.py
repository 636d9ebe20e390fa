"""A point of the curves: one real run over generated text, with what it took and left."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.generator import items
from benchmarks.generator.chain import learn
from benchmarks.generator.corpus import corpus
from benchmarks.generator.kinds import Shares
from benchmarks.generator.shards import TEXT, write_corpus
from benchmarks.scale import DEDUP, Setting, line, point
from tests.corpora import prose


def test_a_point_tells_units_bytes_and_memory(tmp_path: Path) -> None:
    made = corpus(learn(("en", prose(n, 40)) for n in range(60)), 5, Shares(near=2_000), items.made_up(5, 10))
    told = write_corpus(made, tmp_path / "made", 300_000, 2, {})
    recipe = tmp_path / "dedup.yaml"
    recipe.write_text(json.dumps(DEDUP))
    about = {"text_bytes": told.text_bytes, "documents": told.documents}
    found = point(Setting(1), tmp_path / "made" / TEXT, about, str(recipe), tmp_path / "run")
    stages = {s["stage"]: s for s in found["stages"]}
    assert stages["notes"]["rows"] == told.documents
    assert stages["notes"]["units"] == 2
    assert found["exchanged_bytes"] == sum(
        s["bytes"] for n, s in stages.items() if n not in ("text", "notes", "verdict", "mix", "export")
    )
    assert found["workspace_bytes"] > found["exchanged_bytes"] > 0
    assert found["driver_bytes"] > 50_000_000
    assert found["output_bytes"] == pytest.approx(stages["export"]["bytes"], rel=0.5)
    assert line(found).startswith("1 worker")
