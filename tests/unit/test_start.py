"""What a command imports before it works: nothing that it does not use."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from pipeline.cli import COMMANDS, commands
from tests.corpora import write_parquet

HEAVY = ("numba", "llvmlite", "httpx", "jinja2", "ray", "fastapi")
WORKERS_ONLY = ("numba", "fsspec")
"""What a driver whose text and workers are on this machine does without: it would be waited for before anything is measured."""
RUN = f"""
import sys
from pipeline.recipe_file import load_recipe
from pipeline.run import Settings, run

if __name__ == "__main__":
    source, workspace, output = sys.argv[1:]
    made = run(load_recipe("fineweb", [], [source]), workspace, Settings(executor="local", workers=2, output=output))
    print(made.funnel["kept"] > 0, [m for m in {WORKERS_ONLY} if m in sys.modules])
"""


@pytest.mark.parametrize("module", ["pipeline.cli", "pipeline.cli.show", "pipeline.run", "scorers.gopher"])
def test_heavy_packages_are_imported_when_they_are_used(module: str) -> None:
    code = f"import sys, {module}; print([m for m in {HEAVY} if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_a_driver_leaves_kernels_to_its_workers(tmp_path: Path) -> None:
    source = write_parquet(tmp_path / "in", count=1_200)  # more ids than are sorted without a kernel
    asked = [sys.executable, "-c", RUN, str(source), str(tmp_path / "workspace"), str(tmp_path / "out")]
    told = subprocess.run(asked, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "True []"


def test_every_module_of_the_command_line_has_the_commands_it_is_listed_with() -> None:
    for module, names in COMMANDS.items():
        app = typer.Typer()
        importlib.import_module(f"pipeline.cli.{module}").register(app)
        alone = [c.name or getattr(c.callback, "__name__", "") for c in app.registered_commands]
        groups = [str(g.name or (g.typer_instance and g.typer_instance.info.name)) for g in app.registered_groups]
        assert (*alone, *groups) == names


@pytest.mark.parametrize("asked", ["run", "takedown", "keys", "no-such-command"])
def test_one_command_is_asked_for_as_if_all_were_there(asked: str) -> None:
    alone, among_all = (CliRunner().invoke(app, [asked, "--help"]) for app in (commands(asked), commands()))
    assert (alone.exit_code, alone.output) == (among_all.exit_code, among_all.output)
    assert f" {asked} " in alone.output or alone.exit_code == 2
