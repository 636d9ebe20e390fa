"""The house table as tests: imports point down, siblings never import one another, heavy packages have one home."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PACKAGES = ("api", "pipeline", "scorers", "winnow")

LAYERS = (
    ("scorers.kernels",),
    tuple(f"scorers.{n}" for n in ("base", "text", "words", "spans", "line_bounds", "models")),
    ("scorers",),
    ("pipeline.errors", "pipeline.measures"),
    ("pipeline",),
    ("pipeline.stages",),
    (
        "pipeline.steps",
        "pipeline.last_steps",
        "pipeline.run",
        "pipeline.sweep",
        "pipeline.plan",
        "pipeline.report",
        "pipeline.card",
        "pipeline.demo",
    ),
    ("pipeline.control", "pipeline.clerk"),
    tuple(f"pipeline.catalog.{n}" for n in ("logs", "jobs", "taking", "database", "read")),
    ("pipeline.train",),
    ("pipeline.evaluate",),
    ("api",),
    ("pipeline.cli", "winnow"),
)
"""From the bottom up; a module belongs to the longest prefix that fits, and imports only its own layer or lower ones."""

HOMES = {
    "numba": ("scorers.kernels",),
    "llvmlite": ("scorers.kernels",),
    "ray": ("pipeline.execution.on_ray",),
    "duckdb": ("pipeline",),
    "fastapi": ("api",),
    "uvicorn": ("api",),
    "starlette": ("api",),
    "httpx": ("winnow.client",),
    "fasttext": ("scorers.models.fasttext_model",),
    "kenlm": ("scorers.models.ngram_model",),
    "typer": ("pipeline.cli",),
}


def modules() -> Iterator[tuple[str, ast.Module]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            yield name, ast.parse(path.read_text(encoding="utf-8"))


def imports(tree: ast.Module) -> Iterator[str]:
    """Imported module names, those inside functions too, those only for types not."""
    typing_only = {
        id(n)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for n in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield from (f"{node.module}.{a.name}" for a in node.names)


def layer_of(name: str) -> int:
    fits = [
        (len(prefix), i)
        for i, prefixes in enumerate(LAYERS)
        for prefix in prefixes
        if name == prefix or name.startswith(prefix + ".")
    ]
    return max(fits)[1]


ALL = dict(modules())


@pytest.mark.parametrize("name", sorted(ALL))
def test_imports_point_down(name: str) -> None:
    ours = [i for i in imports(ALL[name]) if i.split(".")[0] in PACKAGES]
    upward = [i for i in ours if layer_of(i) > layer_of(name)]
    assert upward == [], f"{name} imports from a higher layer"


@pytest.mark.parametrize("name", sorted(ALL))
def test_heavy_packages_stay_at_home(name: str) -> None:
    for package in (i.split(".")[0] for i in imports(ALL[name])):
        homes = HOMES.get(package, (name,))
        assert any(name == h or name.startswith(h + ".") for h in homes), (
            f"{name} imports {package}, whose home is {homes}"
        )


@pytest.mark.parametrize("name", sorted(n for n in ALL if n.startswith("pipeline.measures")))
def test_measures_need_numpy_alone(name: str) -> None:
    """No disk, no tables: training and evaluation both stand on them."""
    outside = {i.split(".")[0] for i in imports(ALL[name])} - set(sys.stdlib_module_names) - set(PACKAGES)
    assert outside <= {"numpy"}
    assert not {i for i in imports(ALL[name]) if i.split(".")[0] in ("io", "os", "pathlib", "shutil", "tempfile")}


@pytest.mark.parametrize(
    "folder", ["pipeline.stages", *(f"pipeline.stages.{n}" for n in ("documents", "lines", "substrings")), "scorers"]
)
def test_siblings_never_import_one_another(folder: str) -> None:
    shared = {f"scorers.{n}" for n in ("base", "text", "words", "spans", "line_bounds", "models", "kernels")}
    own_pieces = {"pipeline.stages.export_columns", "pipeline.stages.export_beside"}
    siblings = {n for n in ALL if n.rpartition(".")[0] == folder} - shared - own_pieces
    for name in siblings:
        for imported in imports(ALL[name]):
            assert not any(s != name and (imported == s or imported.startswith(s + ".")) for s in siblings), (
                f"{name} imports its sibling {imported}"
            )


@pytest.mark.parametrize(("module", "heavy"), [
    ("scorers", ["numpy", "pyarrow", "numba"]),
    ("winnow", ["numpy", "pyarrow", "numba", "duckdb", "ray", "httpx"]),
    ("winnow.client", ["numpy", "pyarrow", "numba", "duckdb", "ray", "pydantic", "fsspec", "fastapi"]),
    ("api.server", ["numba", "ray", "scorers", "pandas", "schemathesis", "pipeline.plan", "pipeline.run"]),
    ("pipeline.cli", ["numpy", "pyarrow", "numba", "duckdb", "ray", "pydantic", "fastapi", "httpx"]),
])  # fmt: skip
def test_importing_it_loads_nothing_heavy(module: str, heavy: list[str]) -> None:
    code = f"import {module}, sys; print([m for m in {heavy!r} if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert said.stdout.strip() == "[]"
