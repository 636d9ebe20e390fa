"""The labelled and plain texts that default models may learn from, by source, with the licence of each."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

NEVER_TRAINED = frozenset({"web_pages_raw", "spamassassin_mail"})
"""Third parties' pages and private mail: measured on, never learnt from."""


@dataclass(frozen=True)
class Texts:
    """N texts. source, url, label, detail: what the data says of each ('' where it says nothing)."""

    text: list[str]
    source: list[str]
    url: list[str]
    label: list[str]
    detail: list[str]

    def __len__(self) -> int:
        return len(self.text)


def read(path: Path, label: str, source: str | None = None, detail: str = "label") -> Texts:
    """A Parquet table of the data folder; source: one name for all rows."""
    table = pq.read_table(path)
    names = [source] * len(table) if source else _strings(table, "source")
    return Texts(
        _strings(table, "text"), names, _strings(table, "url"), _strings(table, label), _strings(table, detail)
    )


def corpus(data: Path, languages: tuple[str, ...] = ("en",)) -> Texts:
    """The documents of the corpus in these languages that may be learnt from."""
    table = pa.concat_tables([pq.read_table(path) for path in sorted((data / "corpus").glob("part-*.parquet"))])
    kept = pc.and_(
        pc.is_in(table["lang"], pa.array(languages)),
        pc.invert(pc.is_in(table["source"], pa.array(sorted(NEVER_TRAINED)))),
    )
    table = table.filter(kept)
    return Texts(*(_strings(table, name) for name in ("text", "source", "url", "domain", "kind")))


def toxic_words(data: Path, language: str) -> list[str]:
    """LDNOOBW's words of a language."""
    table = pq.read_table(data / "toxicity" / "ldnoobw_words.parquet")
    return sorted(
        w for w, lang in zip(_strings(table, "word"), _strings(table, "lang"), strict=True) if lang == language
    )


def provenance(data: Path, names: list[str]) -> list[dict[str, Any]]:
    """The rows of PROVENANCE.csv whose file or corpus source is one of names: name, licence, rows, repository."""
    with (data / "PROVENANCE.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = []
    for name in names:
        matches = [r for r in rows if r["out"].endswith((f"/{name}.parquet", f"[source={name}]"))]
        for row in matches:
            found.append({"name": name, "licence": row["licence"], "rows": row["rows"], "origin": row["repo"]})
    return found


def pieces(text: str, n_characters: int = 550, most: int = 4) -> list[str]:
    """A text, or up to `most` stretches of it spread evenly, short enough for a sentence encoder."""
    if len(text) <= n_characters * 1.3:
        return [text]
    parts = [text[i : i + n_characters] for i in range(0, len(text), n_characters)]
    if len(parts[-1]) < n_characters // 3:
        parts.pop()
    if len(parts) > most:
        parts = [parts[int(i)] for i in np.rint(np.linspace(0, len(parts) - 1, most))]
    return parts


def _strings(table: pa.Table, name: str) -> list[str]:
    return [str(v) for v in pc.fill_null(table[name].cast(pa.large_string()), "").to_pylist()]
