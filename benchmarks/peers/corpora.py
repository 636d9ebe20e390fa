"""The texts that all are run on: a generated corpus in three sizes, each the beginning of the next, and labelled real text where it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.data import DATA
from benchmarks.generator import items, sources
from benchmarks.generator.chain import learn
from benchmarks.generator.corpus import corpus
from benchmarks.generator.kinds import Shares
from benchmarks.generator.shards import LEDGER, TEXT, write_corpus
from benchmarks.language_codes import ALIASES

SIZES_MB = (5, 30, 100)
"""The smallest is what all are judged on; the others are for the speed of those that are fast enough."""
SEED = 11
LEARNT_BYTES = 10_000_000
SHARES = Shares(exact=300, near=1_000)
NO_SPACES = ("zh", "ja", "th", "my", "km", "lo")
"""Languages without spaces between words: every system cuts them another way."""


@dataclass(frozen=True, slots=True)
class Text:
    """A folder of Parquet with id and text. labels: language by id, where known."""

    name: str
    folder: Path
    text_bytes: int
    documents: int
    labels: dict[str, str] | None = None


def generated(folder: Path) -> tuple[list[Text], str]:
    """(the corpus by size, what it was learnt from)."""
    real = (DATA / "corpus").is_dir()
    told = "the English part of the test corpus" if real else "the text of this Python environment"
    learnt = (
        sources.parquet([DATA / "corpus"], LEARNT_BYTES, frozenset({"en"}))
        if real
        else sources.environment(LEARNT_BYTES)
    )
    made = corpus(learn(learnt), SEED, SHARES, items.made_up(SEED))
    found = []
    for size in SIZES_MB:
        place = folder / f"generated-{size}"
        written = write_corpus(made, place, size * 10**6, max(1, size // 10), {})
        found.append(Text(f"{size} MB generated", place / TEXT, written.text_bytes, written.documents))
    return found, told


def reformatted(text: Text) -> frozenset[str]:
    """Documents of a generated corpus that differ from another in white space, capitals and marks alone."""
    rows = pq.read_table(text.folder.parent / LEDGER, columns=["doc_id", "change"]).to_pylist()
    return frozenset(r["doc_id"] for r in rows if r["change"] == "reformatted")


def neardup(folder: Path) -> Text | None:
    """Revisions, licences and editions with many near-duplicates; None without the test data."""
    path = DATA / "neardup" / "docs.parquet"
    if not path.exists():
        return None
    table = pq.read_table(path, columns=["id", "text", "lang"])
    spaced = [not str(lang).startswith(NO_SPACES) for lang in table["lang"].to_pylist()]
    return _written(
        "near-duplicates of the test data", folder / "neardup", table.filter(pa.array(spaced)).select(["id", "text"])
    )


def languages(folder: Path) -> Text | None:
    """Documents of known language; None without the test data."""
    names = ("opensource_guide_docs", "contributor_covenant_docs")
    paths = [DATA / "lid" / f"{name}.parquet" for name in names]
    if not all(p.exists() for p in paths):
        return None
    table = pa.concat_tables(pq.read_table(p, columns=["text", "label"]) for p in paths)
    ids = [str(n) for n in range(len(table))]
    labels = {i: ALIASES.get(la, la) for i, la in zip(ids, table["label"].to_pylist(), strict=True)}
    return _written(
        "documents of 50 languages", folder / "languages", pa.table({"id": ids, "text": table["text"]}), labels
    )


def _written(name: str, folder: Path, table: pa.Table, labels: dict[str, str] | None = None) -> Text:
    folder.mkdir(parents=True)
    pq.write_table(table, folder / "part-0.parquet", compression="zstd")
    return Text(name, folder, pc.sum(pc.binary_length(table["text"])).as_py(), len(table), labels)
