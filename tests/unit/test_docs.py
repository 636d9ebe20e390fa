"""What the pages name is there: tests, files and folders that they link to."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("benchmarks/*.md")])
TEST = re.compile(r"(tests/[\w/]+\.py)?::(\w+)")
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")


@cache
def source(path: Path) -> str:
    return path.read_text() if path.is_file() else ""


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_tests_and_files_that_a_page_names_exist(page: Path) -> None:
    text = page.read_text()
    named = [(file, name) for file, name in TEST.findall(text) if name.startswith("test_")]
    assert [n for file, n in named if not re.search(rf"^def {n}\(", source(ROOT / file), re.MULTILINE)] == []
    assert [file for file in re.findall(r"tests/[\w/]+\.py", text) if not (ROOT / file).exists()] == []
    assert [link for link in LINK.findall(text) if not (page.parent / link).exists()] == []
