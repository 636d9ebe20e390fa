"""winnow evaluate and winnow audit as a user starts them."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.commands import winnow
from tests.labelled import labelled_rows, write_scorer


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluate")
    pq.write_table(pa.Table.from_pylist(labelled_rows()), folder / "rows.parquet")
    write_scorer(folder)
    return folder


def test_evaluate_prints_figures_and_writes_a_page(home: Path) -> None:
    said = winnow(
        "evaluate", "rude.probability", "rows.parquet", "--scorer", "rude.py", "--label", "toxic", "--threshold", "0.5",
        "--by", "source,meta.target", "--output", "rude.html", "-q", cwd=home,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    assert (
        "40 labelled rows, 1 without a label, 1 in quarantine, 1 not measured (null), 1 of them positive" in said.stdout
    )
    assert "0.9855" in said.stdout
    assert "by meta.target" in said.stdout
    page = (home / "rude.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "0.9855" in page


def test_evaluate_prints_json_for_programs(home: Path) -> None:
    said = winnow(
        "evaluate", "rude.probability", "rows.parquet", "--scorer", "rude.py", "--label", "tone", "--positive", "loud",
        "--json", cwd=home,
    )  # fmt: skip
    told = json.loads(said.stdout)
    assert told["positive"] == ["loud"]
    assert told["overall"]["roc_auc"] == pytest.approx(1 - 5.5 / (19 * 21))
    assert told["threshold"] == {"value": 0.5, "origin": "the highest F1 on these rows", "chosen_on_these_rows": True}


def test_a_slip_of_the_pen_is_a_sentence_and_exit_code_2(home: Path) -> None:
    said = winnow("evaluate", "rude.probability", "rows.parquet", "--scorer", "rude.py", "--label", "txic", cwd=home)
    assert said.returncode == 2
    assert "the data have no column 'txic'" in said.stderr
    assert "Did you mean 'toxic'?" in said.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["evaluate", "rude.probability", "rows.parquet", "--scorer", "rude.py", "--label", "toxic"],
        ["audit", "rows.parquet"],
    ],
)
def test_a_page_that_cannot_be_written_is_told_before_anything_is_measured(home: Path, command: list[str]) -> None:
    said = winnow(*command, "--output", "nowhere/page.html", "--workspace", "unused", cwd=home)
    assert (said.returncode, said.stdout) == (2, "")
    assert "--output 'nowhere/page.html': there is no folder 'nowhere'" in said.stderr
    assert not (home / "unused").exists()


def test_audit_prints_groups_and_writes_a_page(home: Path) -> None:
    said = winnow(
        "audit",
        "rows.parquet",
        "--scorer",
        "rude.py",
        "--toxicity",
        "rude.probability",
        "--output",
        "audit.html",
        "-q",
        cwd=home,
    )
    assert said.returncode == 0, said.stderr
    assert "30 of 41 documents (73.2 %) hold an identity term" in said.stdout
    assert "deaf" in (home / "audit.html").read_text(encoding="utf-8")


def test_audit_of_an_empty_workspace_says_what_to_do(home: Path) -> None:
    said = winnow("audit", "--workspace", "nowhere", "--scorer", "rude.py", "--toxicity", "rude.probability", cwd=home)
    assert said.returncode == 2
    assert "no jobs there" in said.stderr
