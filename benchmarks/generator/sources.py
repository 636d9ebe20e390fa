"""Text to learn from: Parquet files with a column `text`, or what the Python environment says about itself."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow.parquet as pq

from pipeline.demo.texts import docstrings, packages, pages

UNKNOWN = "und"
LEAST_LANGUAGE_BYTES = 50_000
"""A language with less text than this has too few sentences to make others of."""


def parquet(paths: Sequence[Path], most_bytes: int, languages: frozenset[str] = frozenset()) -> list[tuple[str, str]]:
    """(language, text) of whole documents spread over the files, up to a size; languages: only these, all where empty."""
    files = sorted(f for p in paths for f in (p.glob("*.parquet") if p.is_dir() else [p]))
    if not files:
        raise FileNotFoundError(
            f"no Parquet files in {', '.join(map(str, paths))}; name files or folders with a column 'text'"
        )
    found: list[tuple[str, str]] = []
    for file in files:
        columns = [c for c in ("text", "lang") if c in pq.read_schema(file).names]
        rows = pq.read_table(file, columns=columns).to_pylist()
        pairs = ((r.get("lang") or UNKNOWN, r["text"]) for r in rows if r["text"])
        found += [p for p in pairs if not languages or p[0] in languages]
    return _up_to(found, most_bytes)


def environment(most_bytes: int) -> list[tuple[str, str]]:
    """Descriptions, licences, documentation and docstrings of the packages installed: mostly English."""

    def texts() -> Iterator[str]:
        found = packages()
        for package in found:
            yield from (page.text for page in pages(package))
        yield from (d.text for d in docstrings(found))

    made, size = [], 0
    for text in texts():
        made.append(("en", text))
        size += len(text.encode())
        if size >= most_bytes:
            break
    return made


def digest(documents: Sequence[tuple[str, str]]) -> str:
    """SHA-256 of what is learnt from: with the seed it names a corpus."""
    told = hashlib.sha256()
    for language, text in documents:
        told.update(f"{language}\0{text}\0".encode("utf-8", "surrogatepass"))
    return told.hexdigest()


def _up_to(documents: list[tuple[str, str]], most_bytes: int) -> list[tuple[str, str]]:
    """Every nth document, so that all sources are there; languages with next to nothing left out."""
    sizes = [len(text.encode()) for _, text in documents]
    step = max(1, -(-sum(sizes) // most_bytes))
    chosen = documents[::step]
    by_language: dict[str, int] = {}
    for language, text in chosen:
        by_language[language] = by_language.get(language, 0) + len(text.encode())
    return [(la, t) for la, t in chosen if by_language[la] >= min(LEAST_LANGUAGE_BYTES, most_bytes // 20)]
