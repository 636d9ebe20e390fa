"""winnow train and winnow models add, from files to a scorer that a recipe uses."""

from __future__ import annotations

import hashlib
import json
import random
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from pipeline.cli import commands
from pipeline.errors import PlanError, UsageError, WinnowError
from pipeline.train import making
from scorers import models
from scorers.models import published
from scorers.models.card import ModelError

WORDS = {"good": "careful study shows the method", "bad": "click cheap pills buy now", "odd": "zig zag zog zug zeg"}


def write_labelled(path: Path, rows: int = 400, labels: int = 2) -> None:
    draw = random.Random(1)
    filler = [f"word{n}" for n in range(200)]
    table: dict[str, list[str]] = {"text": [], "label": [], "site": []}
    for n in range(rows):
        label = list(WORDS)[n % labels]
        own = WORDS[label].split()
        table["text"].append(
            " ".join(draw.choice(own) if draw.random() < 0.3 else draw.choice(filler) for _ in range(20))
        )
        table["label"].append(label)
        table["site"].append(f"site {n % 12}")
    if path.suffix == ".parquet":
        pq.write_table(pa.table(table), path)
    else:
        path.write_text(
            "\n".join(json.dumps(dict(zip(table, row, strict=True))) for row in zip(*table.values(), strict=True))
        )


def run(*arguments: str) -> Any:
    result = CliRunner().invoke(commands(), list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


@pytest.fixture(autouse=True)
def own_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WINNOW_MODELS", str(tmp_path / "models"))
    monkeypatch.chdir(tmp_path)


OPTIONS = ["--name", "mine", "--group", "site", "--budget-s", "0", "--json"]


@pytest.mark.parametrize("ending", ["parquet", "jsonl"])
def test_a_quality_model_is_trained_described_and_used(tmp_path: Path, ending: str) -> None:
    write_labelled(tmp_path / f"rated.{ending}")
    told = run("train", "quality", f"rated.{ending}", "--positive", "good", *OPTIONS)
    card = told["card"]
    assert card["metrics"]["auc"] > 0.95
    assert card["metrics"]["calibration_error"]["good"] < 0.15
    assert card["data"][0]["sha256"] == hashlib.sha256((tmp_path / f"rated.{ending}").read_bytes()).hexdigest()
    assert card["data"][0]["rows"] == 400
    assert card["settings"]["positive"] == ["good"]
    texts = pa.table({"text": ["A careful study: THE METHOD shows.", "Buy cheap pills now", ""], "id": ["a", "b", "c"]})
    pq.write_table(texts, "pages.parquet")
    run("score", "pages.parquet", "--scorer", "quality:model=mine", "--output", "notes", "--json")
    found = pq.read_table(next((tmp_path / "notes").rglob("*.parquet"))).to_pylist()
    probabilities = [row["quality"]["probability"] for row in found]
    assert probabilities[0] > 0.7
    assert probabilities[1] < 0.3


def test_training_twice_gives_the_same_file(tmp_path: Path) -> None:
    write_labelled(tmp_path / "rated.parquet", labels=3)
    first = run("train", "domain", "rated.parquet", *OPTIONS)
    second = run("train", "domain", "rated.parquet", *OPTIONS)
    assert first["card"] == second["card"]
    assert first["card"]["metrics"]["macro_f1"] > 0.9
    assert set(first["card"]["calibration"]) == {"first", "second"}


def test_rows_with_several_labels_make_a_model_of_categories(tmp_path: Path) -> None:
    texts = ["buy now", "zig zag", "buy now zig zag", "careful study"] * 60
    labels = ["toxic+bad", "toxic+odd", "toxic+bad+odd", "ok"] * 60
    table = pa.table({"text": texts, "label": labels, "site": [f"{n % 7}" for n in range(240)]})
    pq.write_table(table, "rated.parquet")
    card = run("train", "toxicity", "rated.parquet", "--positive", "toxic", "--separator", "+", *OPTIONS)["card"]
    assert card["settings"]["categories"] == ["bad", "odd", "ok"]
    assert sorted(card["labels"]) == ["bad", "odd", "ok", "toxic"]
    assert card["metrics"]["auc"] > 0.99


def test_a_larger_budget_tries_more(tmp_path: Path) -> None:
    write_labelled(tmp_path / "rated.parquet", rows=120)
    options = ["train", "quality", "rated.parquet", "--positive", "good", "--name", "mine", "--group", "site", "--json"]
    assert len(run(*options, "--budget-s", "0")["tried"]) == 1
    tried = run(*options, "--budget-s", "1")["tried"]
    assert len(tried) > 4
    assert [t["value"] for t in tried] == sorted((t["value"] for t in tried), reverse=True)


@pytest.mark.parametrize(("arguments", "said"), [
    (["--positive", "great"], "name one or more of the labels, bad, good"),
    ([], "positive label: name one or more"),
    (["--positive", "good", "--label", "lable"], "have no column 'lable'; they have label, site. Did you mean 'label'"),
    (["--positive", "good", "--normalise", "upper"], "there are none, lower, words"),
    (["--positive", "good", "--teacher", "minilm"], "belong together"),
    (["--positive", "good", "--positive", "bad"], "all 20 rows are good or bad"),
])  # fmt: skip
def test_wrong_wishes_are_refused(tmp_path: Path, arguments: list[str], said: str) -> None:
    write_labelled(tmp_path / "rated.parquet", rows=20)
    with pytest.raises(UsageError, match=said):
        CliRunner().invoke(
            commands(), ["train", "quality", "rated.parquet", "--name", "m", *arguments], catch_exceptions=False
        )


@pytest.mark.parametrize("name", ["../x", "lid.176", "ünï"])
def test_a_wrong_name_is_told_before_the_training(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def searching(*_: Any) -> None:
        raise AssertionError("it began to train")

    monkeypatch.setattr(making, "search", searching)
    write_labelled(tmp_path / "rated.parquet", rows=20)
    with pytest.raises(ModelError, match=r"letters, digits|comes with Winnow"):
        run("train", "quality", "rated.parquet", "--positive", "good", "--name", name)


def test_rows_of_one_group_cannot_be_measured_fairly(tmp_path: Path) -> None:
    write_labelled(tmp_path / "rated.parquet", rows=20)
    table = pq.read_table("rated.parquet").drop_columns("site").append_column("site", pa.array(["one"] * 20))
    pq.write_table(table, "rated.parquet")
    with pytest.raises(UsageError, match="all rows are of one group"):
        run("train", "domain", "rated.parquet", *OPTIONS)


@pytest.fixture
def public(tmp_path: Path) -> Path:
    """A fastText file as someone else would publish it."""
    write_labelled(tmp_path / "rated.parquet")
    run("train", "quality", "rated.parquet", "--positive", "good", *OPTIONS)
    path = tmp_path / "public.ftz"
    path.write_bytes(models.find("mine").path.read_bytes())
    return path


def test_a_public_model_is_added_by_file_and_used(public: Path) -> None:
    digest = hashlib.sha256(public.read_bytes()).hexdigest()
    options = ["--name", "theirs", "--positive", "good", "--sha256", digest, "--normalise", "words", "--licence", "MIT"]
    assert run("models", "add", str(public), *options, "--json")["labels"] == ["bad", "good"]
    assert models.find("theirs").card.licence == "MIT"
    pq.write_table(pa.table({"text": ["careful study", "buy pills"], "id": ["a", "b"]}), "pages.parquet")
    run("score", "pages.parquet", "--scorer", "quality:model=theirs", "--output", "notes", "--json")


@pytest.mark.parametrize(("content", "options", "said"), [
    (b"\x80\x04\x95pickle", [], "is a Python pickle"), (None, ["--sha256", "0" * 64], "expected sha256 0000"),
    (None, ["--positive", "great"], "has no label great; it has bad, good"), (b"hello", [], "is not a fastText model"),
])  # fmt: skip
def test_what_is_no_such_model_is_refused(public: Path, content: bytes | None, options: list[str], said: str) -> None:
    if content is not None:
        public.write_bytes(content)
    with pytest.raises(WinnowError, match=said):
        CliRunner().invoke(commands(), ["models", "add", str(public), "--name", "x", *options], catch_exceptions=False)
    assert "x" not in models.names()


def test_an_address_that_drips_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Drip(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            while not ended.wait(0.05):
                self.wfile.write(b"x")

        def log_message(self, format: str, *args: object) -> None:
            return

    ended = threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Drip)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(published, "DOWNLOAD_LIMIT_S", 0.5)
    address = f"http://127.0.0.1:{server.server_port}/model.bin"
    try:
        with pytest.raises(WinnowError, match=r"could not be fetched: .* bytes in .* expected 10000 a second"):
            run("models", "add", address, "--sha256", "0" * 64, "--name", "x")
    finally:
        ended.set()
        server.shutdown()
        server.server_close()


def test_an_address_needs_a_digest() -> None:
    with pytest.raises(UsageError, match="an address needs --sha256"):
        CliRunner().invoke(
            commands(), ["models", "add", "https://example.org/m.bin", "--name", "x"], catch_exceptions=False
        )


def test_a_flipped_byte_stops_the_job_before_it_starts(public: Path, tmp_path: Path) -> None:
    run("models", "add", str(public), "--name", "theirs", "--positive", "good", "--json")
    path = models.find("theirs").path
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    pq.write_table(pa.table({"text": ["careful study"], "id": ["a"]}), "pages.parquet")
    recipe = "version: 1\nname: r\nscore: [{quality: {model: theirs}}]\nrules: {q: {column: quality.probability, min: 0.5}}\n"
    (tmp_path / "r.yaml").write_text(recipe)
    with pytest.raises(PlanError, match="expected sha256"):
        CliRunner().invoke(commands(), ["run", "r.yaml", "pages.parquet", "--output", "out"], catch_exceptions=False)
    assert not (tmp_path / "out").exists()
