"""The demo's corpus from a small made-up environment: what is found, in which order, and what breaks nothing."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.demo import gathering, texts

METADATA = """Metadata-Version: 2.1
Name: Alpha
Version: 1.0
License-Expression: MIT
Project-URL: Homepage, https://example.org/alpha

# Alpha

What alpha is for.
"""
MODULE = '''"""About this module, at some length, so that it is rich in docstrings."""

class Thing:
    """What a thing is, at some length too."""

    def act(self):
        """What acting does, at some length as well."""
'''


def install(site: Path, name: str, metadata: str, files: dict[str, bytes]) -> None:
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(metadata, encoding="utf-8")
    for path, data in files.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_bytes(data)
    listed = [f"{name}-1.0.dist-info/METADATA", *files, f"{name}/gone.py"]
    (info / "RECORD").write_text("".join(f"{path},,\n" for path in listed), encoding="utf-8")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """An environment of two packages, one of them half broken."""
    folder = tmp_path / "site-packages"
    install(folder, "beta", "Name: beta\n\n", {"beta/broken.py": b'"""x"""\ndef (', "beta/README.md": b"caf\xe9 \xff"})
    install(
        folder,
        "alpha",
        METADATA,
        {
            "alpha/core.py": MODULE.encode(),
            "alpha/tests/test_core.py": MODULE.encode(),
            "alpha/words.txt": b"a list\nof words",
            "alpha-1.0.dist-info/licenses/LICENSE": b"Permission is hereby granted",
        },
    )
    return folder


def gathered(site: Path, folder: Path) -> gathering.DemoCorpus:
    return gathering.gather(folder, texts.packages([str(site)]))


def test_package_texts_are_jsonl(site: Path, tmp_path: Path) -> None:
    corpus = gathered(site, tmp_path / "input")
    with gzip.open(corpus.paths[0], "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    assert [(r["id"], r["kind"]) for r in rows] == [
        ("alpha/METADATA", "description"),
        ("alpha/alpha-1.0.dist-info/licenses/LICENSE", "licence"),
        ("beta/beta/README.md", "documentation"),
    ]
    assert rows[0] | {"text": ""} == {
        "id": "alpha/METADATA", "text": "", "url": "https://example.org/alpha", "source": "alpha", "license": "MIT", "kind": "description",
    }  # fmt: skip
    assert rows[2]["text"] == "caf\ufffd \ufffd"


def test_docstrings_are_parquet(site: Path, tmp_path: Path) -> None:
    corpus = gathered(site, tmp_path / "input")
    rows = pq.read_table(corpus.paths[1]).to_pylist()
    assert [(r["id"], r["text"]) for r in rows] == [
        ("alpha/alpha/core.py", "About this module, at some length, so that it is rich in docstrings."),
        ("alpha/alpha/core.py#Thing", "What a thing is, at some length too."),
        ("alpha/alpha/core.py#Thing.act", "What acting does, at some length as well."),
    ]
    assert corpus.by_kind == {"description": 1, "docstring": 3, "documentation": 1, "licence": 1, "source": 2}


def test_sources_come_last(site: Path, tmp_path: Path) -> None:
    corpus = gathered(site, tmp_path / "input")
    rows = pq.read_table(corpus.paths[-1]).to_pylist()
    assert [(r["id"], r["kind"]) for r in rows] == [
        ("alpha/alpha/core.py#source", "source"),
        ("beta/beta/broken.py#source", "source"),
    ]
    assert rows[0]["text"] == MODULE


def test_gathering_again_changes_no_file(site: Path, tmp_path: Path) -> None:
    first = gathered(site, tmp_path / "input")
    before = [(p.read_bytes(), p.stat().st_mtime_ns) for p in first.paths]
    second = gathered(site, tmp_path / "input")
    assert [(p.read_bytes(), p.stat().st_mtime_ns) for p in second.paths] == before
    assert sorted(p.name for p in (tmp_path / "input").iterdir()) == [
        "docstrings-000.parquet",
        "packages.jsonl.gz",
        "sources-000.parquet",
    ]


def test_gathering_stops_at_the_cap(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "MAX_TEXT_BYTES", 10)
    assert gathered(site, tmp_path / "input").documents == 1


@pytest.mark.parametrize("source", [b"", b"def (", b"\x00", b'"""\\ud800"""', b"# -*- coding: nonsense -*-\n'''x'''"])
def test_a_module_that_does_not_parse_says_nothing_or_what_can_be_written(source: bytes) -> None:
    for _, text in texts.docstrings_of(source):
        text.encode("utf-8")


@pytest.mark.parametrize(
    ("recipe", "change"), [("minimal", "dedup.fuzzy.jaccard=0.9"), ("gopher", "dedup.keep=text_bytes")]
)
def test_next_commands_go_on_with_the_demos_measurements(recipe: str, change: str) -> None:
    commands = gathering.next_commands("winnow-demo", recipe)
    assert commands[0] == "winnow report --workspace winnow-demo/workspace"
    assert commands[2].endswith(f"--workspace winnow-demo/workspace --corpus demo --set {change}")
    assert all(c.startswith("winnow ") for c in commands)
