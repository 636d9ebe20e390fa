"""A small workspace to ask in SQL, the corpora of questions and attacks, and processes kept ready."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import winnow
from pipeline.sandbox.process import Spares
from pipeline.storage.store import Store
from tests.corpora import write_parquet

TESTS = Path(__file__).parent
QUESTIONS = [q for q in (TESTS / "sql_questions.sql").read_text(encoding="utf-8").split(";\n") if q.strip()]
ATTACKS: list[tuple[str, str]] = [
    (line.partition("\t")[0], line.partition("\t")[2])
    for line in (TESTS / "sql_attacks.tsv").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]
CANARY = "canary-6b1f0c"
RECIPE = {
    "name": "small",
    "score": ["exact", "gopher", {"minhash": {"num_perm": 128}}],
    "rules": {
        "word_count": {"column": "gopher.word_count", "min": 50},
        "alpha_words": {"column": "gopher.alpha_word_frac", "min": 0.8},
    },
    "dedup": {"exact": "raw", "fuzzy": {"on": "minhash", "jaccard": 0.8}, "guard": {"max_source_loss": 1.0}},
}


@pytest.fixture(scope="session")
def sql_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace ws/ with one job; outside/secret.csv, and a link to it in the workspace."""
    made = tmp_path_factory.mktemp("sandbox")
    (made / "outside").mkdir()
    (made / "outside" / "secret.csv").write_text(f"a\n{CANARY}\n")
    winnow.run(RECIPE, [str(write_parquet(made / "in"))], workspace=str(made / "ws"), executor="local", workers=1)
    (made / "ws" / "link.csv").symlink_to(made / "outside" / "secret.csv")
    return made


@pytest.fixture(scope="session")
def sql_store(sql_folder: Path) -> Store:
    return Store(str(sql_folder / "ws"))


@pytest.fixture(scope="session")
def spares() -> Iterator[Spares]:
    os.environ["WINNOW_CANARY"] = CANARY
    with Spares(2) as ready:
        yield ready
    del os.environ["WINNOW_CANARY"]


def digests(folder: Path) -> dict[str, str]:
    files = (p for p in folder.rglob("*") if p.is_file())
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def written(folder: Path, statement: str, port: int = 1) -> str:
    """An attack with its paths."""
    part = next(iter(sorted(folder.glob("ws/corpora/*/text/parts/*/*.parquet"))))
    return statement.format(
        part=part, secret=folder / "outside" / "secret.csv", link=folder / "ws" / "link.csv", folder=folder / "ws",
        new=folder / "ws" / "new", port=port,
    )  # fmt: skip
