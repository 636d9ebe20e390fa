"""winnow models: the list, a card, and files that are brought."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from pipeline.cli import commands
from pipeline.decontamination.eval_sets import index_of
from pipeline.errors import UsageError
from pipeline.train.ngram import Plan, train_ngram
from scorers import models
from scorers.models.ngram_file import TextSettings
from tests.ngram_texts import story

HAS_PIECES = importlib.util.find_spec("sentencepiece") is not None


def run(*arguments: str) -> str:
    result = CliRunner().invoke(commands(), ["models", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(autouse=True)
def own_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WINNOW_MODELS", str(tmp_path / "models"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def arpa(tmp_path: Path) -> Path:
    """An n-gram model as others publish it: no card, no settings in the file."""
    plan = Plan(2, settings=TextSettings("none", "whitespace"), engine="own", fallback=True)
    train_ngram([pa.array(story(300), pa.large_string())], plan, tmp_path / "m.ngram", tmp_path / "m.arpa")
    return tmp_path / "m.arpa"


def test_evaluation_sets_that_recipes_read_are_listed_where_asked_for(tmp_path: Path) -> None:
    pq.write_table(pa.table({"question": ["what is the answer to everything here"]}), tmp_path / "quiz.parquet")
    name = index_of([str(tmp_path / "quiz.parquet")])
    assert name not in [row["model"] for row in json.loads(run("--json"))]
    assert name in [row["model"] for row in json.loads(run("--json", "--all"))]
    assert "recipes that decontaminate: 1; winnow models --all" in run()
    with pytest.raises(models.ModelError) as told:
        models.known("nosuch")
    assert name not in str(told.value)


def test_every_model_is_listed_and_shown() -> None:
    listed: list[dict[str, Any]] = json.loads(run("--json"))
    assert [row["model"] for row in listed] == models.names()
    for row in listed:
        assert json.loads(run(row["model"], "--json"))["sha256"].startswith(row["sha256"][:16])
        assert f"licence: {row['licence']}" in run(row["model"])


def test_a_card_tells_what_it_is_its_data_its_metrics_and_its_limits() -> None:
    told = run("ngram-en")
    assert told.startswith("ngram-en (ngram, shipped)\n")
    parts = [told.index(f"\n{part}:\n") for part in ("settings", "calibration", "data", "metrics", "limits")]
    assert parts == sorted(parts)
    assert "  - part-00.parquet: rows 3,154;" in told
    assert "perplexity_percentiles: 5 18.68, 10 40.51" in told
    assert "  - Demonstration grade: " in told
    assert max(map(len, told.split("\nsettings:")[1].splitlines())) <= 110
    assert run("show", "ngram-en") == told


def test_a_name_that_is_no_model_says_which_there_are() -> None:
    with pytest.raises(UsageError, match=r"no model 'ngram-eng'; there are .*ngram-en.* Did you mean 'ngram-en'\?"):
        run("ngram-eng")


def test_an_n_gram_model_is_added_with_its_settings_and_used(arpa: Path, tmp_path: Path) -> None:
    settings = ["--set", "normalisation=none", "--set", "tokens=whitespace", "--set", "one_line=true"]
    run("add", str(arpa), "--name", "theirs", "--kind", "ngram", *settings)
    card = models.find("theirs").card
    assert (card.kind, card.settings["one_line"], card.settings["tokens"]) == ("ngram", True, "whitespace")
    pq.write_table(pa.table({"text": story(3), "id": ["a", "b", "c"]}), "pages.parquet")
    scored = ["score", "pages.parquet", "--scorer", "perplexity:model=theirs", "--output", "notes", "--json"]
    assert CliRunner().invoke(commands(), scored, catch_exceptions=False).exit_code == 0
    rows = pq.read_table(next((tmp_path / "notes").rglob("*.parquet"))).to_pylist()
    assert all(1 < row["perplexity"]["perplexity"] < 50 for row in rows)


@pytest.mark.parametrize(("options", "said"), [
    (["--kind", "onnx"], "expected one of fasttext, ngram, sentencepiece"),
    (["--kind", "ngram", "--positive", "hq"], "a model of kind ngram has no setting positive; there are blank_lines"),
    (["--kind", "ngram", "--set", "tokens=letters"], "settings are not text settings: tokens"),
    (["--kind", "ngram", "--set", "tokens"], "expected key=value"),
    (["--kind", "ngram", "--sha256", "0" * 64], "expected sha256 0000"),
    (["--kind", "fasttext"], "is not a fastText model"),
    (["--kind", "sentencepiece"], "is not a SentencePiece model" if HAS_PIECES else r"pip install .*\[sentencepiece\]"),
])  # fmt: skip
def test_what_does_not_fit_its_kind_is_refused(arpa: Path, options: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        run("add", str(arpa), "--name", "x", *options)
    assert "x" not in models.names()


def test_pieces_are_added_as_a_model_of_their_own(tmp_path: Path) -> None:
    sentencepiece = pytest.importorskip("sentencepiece", reason="pieces need the extra sentencepiece")
    (tmp_path / "text").write_text("\n".join(story(600)), encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(tmp_path / "text"), model_prefix=str(tmp_path / "sp"), vocab_size=90, minloglevel=2
    )
    told = json.loads(run("add", "sp.model", "--name", "pieces", "--kind", "sentencepiece", "--json"))
    assert models.find("pieces").sha256 == told["sha256"]
    assert models.find("pieces").card.kind == "sentencepiece"
