"""A corpus that is already there: the text of the Python environment Winnow runs in. No download, real duplicates."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from pipeline.demo.texts import DemoText, Package, docstrings, packages, pages, sources
from pipeline.recipe_file import load_recipe
from pipeline.sql.engine import rows_as_dicts
from pipeline.storage.parquet import write_parquet

CORPUS = "demo"
"""Its name in the workspace: a run that names it, too, finds the measurements of the demo."""
MAX_TEXT_BYTES = 40_000_000
PARQUET_TEXT_BYTES = 8_000_000
SCHEMA = pa.schema([(name, pa.string()) for name in ("id", "text", "url", "source", "license", "kind")])


@dataclass(frozen=True, slots=True)
class DemoCorpus:
    """What was gathered. by_kind: documents by what they are."""

    paths: tuple[Path, ...]
    documents: int
    text_bytes: int
    by_kind: dict[str, int]


@dataclass(frozen=True, slots=True)
class DemoCluster:
    """A duplicate cluster to print: its keeper and some of the documents removed for it."""

    keeper: str
    documents: int
    members: str


def gather(folder: Path, found: list[Package] | None = None) -> DemoCorpus:
    """Write the environment's text: docstrings and sources as Parquet, everything else as one JSONL.gz. Files whose bytes would
    not change are left alone, so that a second demo is all reuse. found: packages to read (None: this environment)."""
    folder.mkdir(parents=True, exist_ok=True)
    chosen = packages() if found is None else found
    told = _Told({}, 0)
    paths = [_write_jsonl(folder / "packages.jsonl.gz", told.count(p for c in chosen for p in pages(c)))]
    for kind, texts in (("docstrings", docstrings(chosen)), ("sources", sources(chosen))):
        for number, table in enumerate(_tables(told.count(texts))):
            path = folder / f"{kind}-{number:03d}.parquet"
            with _Replacing(path) as temporary:
                write_parquet(temporary, table)
            paths.append(path)
    return DemoCorpus(tuple(paths), sum(told.by_kind.values()), told.text_bytes, dict(sorted(told.by_kind.items())))


@dataclass(slots=True)
class _Told:
    """Counts what goes by, and stops at the cap."""

    by_kind: dict[str, int]
    text_bytes: int

    def count(self, texts: Iterable[DemoText]) -> Iterator[DemoText]:
        if self.text_bytes >= MAX_TEXT_BYTES:
            return
        for text in texts:
            self.text_bytes += len(text.text.encode())
            self.by_kind[text.kind] = self.by_kind.get(text.kind, 0) + 1
            yield text
            if self.text_bytes >= MAX_TEXT_BYTES:
                return


@dataclass(frozen=True, slots=True)
class _Replacing:
    """A private file that takes the place of `path` at the end, only where it differs."""

    path: Path

    @property
    def temporary(self) -> Path:
        return self.path.with_name(f".{self.path.name}.{os.getpid()}")

    def __enter__(self) -> Path:
        return self.temporary

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        same = kind is None and self.path.exists() and self.path.read_bytes() == self.temporary.read_bytes()
        if kind is None and not same:
            os.replace(self.temporary, self.path)
        self.temporary.unlink(missing_ok=True)


def _write_jsonl(path: Path, texts: Iterable[DemoText]) -> Path:
    with (
        _Replacing(path) as temporary,
        temporary.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=6, mtime=0) as file,
    ):
        for text in texts:
            file.write(json.dumps(asdict(text), ensure_ascii=False).encode() + b"\n")
    return path


def _tables(texts: Iterable[DemoText]) -> Iterator[pa.Table]:
    """Tables of about PARQUET_TEXT_BYTES."""
    rows: list[dict[str, str | None]] = []
    gathered_bytes = 0
    for text in texts:
        rows.append(asdict(text))
        gathered_bytes += len(text.text)
        if gathered_bytes >= PARQUET_TEXT_BYTES:
            yield pa.Table.from_pylist(rows, schema=SCHEMA)
            rows, gathered_bytes = [], 0
    if rows:
        yield pa.Table.from_pylist(rows, schema=SCHEMA)


def largest_clusters(connection: duckdb.DuckDBPyConnection, n: int = 3) -> list[DemoCluster]:
    """The n largest duplicate clusters of a catalog, by size and then by name."""
    found = rows_as_dicts(
        connection,
        """
        select cluster as keeper, max(cluster_size) as documents, min(doc_id, 3) filter (not keep) as members
        from duplicates group by cluster order by documents desc, cluster limit ?
        """,
        [n],
    )
    return [DemoCluster(f["keeper"], f["documents"], ", ".join(f["members"] or [])) for f in found]


def next_commands(folder: str, recipe: str) -> list[str]:
    """What to try after the demo, ready to paste."""
    workspace = f"{folder}/workspace"
    inputs = f"{folder}/input/packages.jsonl.gz '{folder}/input/*.parquet'"
    reasons = "select stage, reason, count(*) as documents from documents group by all order by 3 desc"
    dedup = load_recipe(recipe).dedup
    change = "dedup.fuzzy.jaccard=0.9" if dedup and dedup.fuzzy else "dedup.keep=text_bytes"
    return [
        f"winnow report --workspace {workspace}",
        f'winnow sql --workspace {workspace} "{reasons}"',
        f"winnow run {recipe} {inputs} --workspace {workspace} --corpus {CORPUS} --set {change}",
        "winnow scorers",
    ]
