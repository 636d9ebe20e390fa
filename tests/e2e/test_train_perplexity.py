"""winnow train perplexity, and scoring with what it made, as a user does it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.ngram_texts import story

ROOT = Path(__file__).parent.parent.parent


def winnow(folder: Path, *arguments: str, code: int = 0) -> str:
    """Run the command; what it printed."""
    environment = os.environ | {"WINNOW_MODELS": str(folder / "models"), "PYTHONPATH": str(ROOT)}
    told = subprocess.run(
        [sys.executable, "-m", "pipeline.cli", *arguments], capture_output=True, text=True, cwd=folder, env=environment
    )
    assert told.returncode == code, told.stdout + told.stderr
    return told.stdout if code == 0 else told.stderr


@pytest.fixture
def data(tmp_path: Path) -> Path:
    texts = [" ".join(story(6, seed)) for seed in range(300)]
    table = pa.table({"text": texts, "lang": ["en", "xx"] * 150, "license": ["CC0-1.0"] * 300})
    pq.write_table(table, tmp_path / "a.parquet")
    (tmp_path / "b.jsonl").write_text("".join(json.dumps({"text": t}) + "\n" for t in texts[:50]), encoding="utf-8")
    return tmp_path


def test_train_and_score(data: Path) -> None:
    arguments = ["train", "perplexity", "a.parquet", "--name", "river", "--where", "lang = 'en'", "--order", "3"]
    arguments += ["--licence", "CC0-1.0", "--discount-fallback", "--engine", "own", "--arpa", "river.arpa", "--json"]
    told = json.loads(winnow(data, *arguments))
    assert told["name"] == "river"
    assert len(told["ngrams"]) == 3
    assert (data / "river.arpa").read_text(encoding="utf-8").startswith("\\data\\\nngram 1=")
    card = json.loads((data / "models" / "names" / "river.json").read_text(encoding="utf-8"))
    (used,) = card["data"]
    assert (used["rows"], used["languages"], used["licences"]) == (150, ["en"], ["CC0-1.0"])
    assert card["sha256"] == told["sha256"]
    winnow(data, "score", "b.jsonl", "--scorer", "perplexity:model=river", "--output", "notes", "--quiet")
    notes = pq.read_table(data / "notes")
    assert notes.num_rows == 50
    assert all(1 < row["perplexity"] < 30 for row in notes.column("perplexity").to_pylist())
    again = json.loads(winnow(data, *arguments))
    assert again["sha256"] == told["sha256"]


def test_a_harmful_model_proposes_a_threshold(data: Path) -> None:
    harmful = [
        f"{w} {v} {o} !"
        for w in ["buy", "get", "win", "see"]
        for v in ["now", "cheap", "free", "hot"]
        for o in ["pills", "cash", "cams", "loans"]
    ]
    rows = [{"text": " ".join(harmful[i % 64 : i % 64 + 1 + i % 5] * 3) + f" {i}"} for i in range(300)]
    (data / "bad.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    told = json.loads(winnow(
        data, "train", "perplexity", "bad.jsonl", "--name", "bad", "--harmful", "--contrast", "a.parquet", "--order", "3",
        "--discount-fallback", "--engine", "own", "--json",
    ))  # fmt: skip
    assert told["metrics"]["suspects"]["precision"] > 0.95
    assert told["metrics"]["suspects"]["recall"] > 0.95
    assert told["calibration"]["suspect_below_perplexity"] > 1


def test_slips_are_told(data: Path) -> None:
    assert "--contrast" in winnow(data, "train", "perplexity", "a.parquet", "--name", "x", "--harmful", code=2)
    assert "no string column" in winnow(
        data, "train", "perplexity", "a.parquet", "--name", "x", "--text", "txt", code=2
    )
    assert "--where" in winnow(data, "train", "perplexity", "a.parquet", "--name", "x", "--where", "nope = 1", code=2)
    assert "--prune" in winnow(data, "train", "perplexity", "a.parquet", "--name", "x", "--prune", "a,b", code=2)
    assert "fallback" in winnow(data, "train", "perplexity", "b.jsonl", "--name", "x", code=1)
    assert "there is no folder" in winnow(
        data, "train", "perplexity", "a.parquet", "--name", "x", "--arpa", "nowhere/x.arpa", code=2
    )
