"""How a command ends that fails: one sentence, one exit code, whatever state its output and its process are in."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import winnow
from tests.commands import WINNOW
from tests.corpora import write_parquet

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="no /dev/full")


def said(*arguments: str, cwd: Path) -> tuple[int, str]:
    """(exit code, standard error) of a command whose standard output is a full disk."""
    with FULL.open("w") as full:
        ended = subprocess.run(
            [*WINNOW, *arguments], cwd=cwd, stdout=full, stderr=subprocess.PIPE, text=True, timeout=300
        )
    return ended.returncode, ended.stderr


@needs_full
@pytest.mark.parametrize("arguments", [("scorers",), ("scorers", "--json"), ("recipes", "nope", "--json")])
def test_a_full_standard_output_is_one_sentence(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    code, errors = said(*arguments, cwd=tmp_path)
    assert (code, errors.count("\n"), errors.startswith("error: ")) == (2 if "nope" in arguments else 1, 1, True)


@needs_full
def test_an_answer_that_has_no_room_says_where(tmp_path: Path) -> None:
    recipe = {"name": "small", "score": ["gopher"], "rules": {"w": {"column": "gopher.word_count", "min": 50}}}
    folder = write_parquet(tmp_path / "crawl", 40, 1)
    winnow.run(recipe, [str(folder)], workspace=str(tmp_path / "ws"), executor="local", workers=1, until="mix")
    code, errors = said("sql", "select doc_id from documents", "--format", "csv", "-w", "ws", cwd=tmp_path)
    assert code == 1
    assert errors.startswith("error: standard output: no space is left")


def test_a_command_that_fails_leaves_without_taking_the_interpreter_apart(tmp_path: Path) -> None:
    program = (
        "import sys; sys.argv = ['winnow', 'recipes', 'nope', '--json']\n"
        "class Kept:\n    def __del__(self): print('taken apart', file=sys.stderr)\n"
        "kept = Kept()\nfrom pipeline.cli import main\nmain()\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300)
    assert (ended.returncode, json.loads(ended.stdout)["exit_code"]) == (2, 2)
    assert ended.stderr.startswith("error: ")
    assert "taken apart" not in ended.stderr
