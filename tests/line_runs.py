"""Pages with boilerplate, and runs over them, for the tests of lines, addresses and copies."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

import winnow
from tests.corpora import prose

BOILERPLATE = ["Home | About | Contact", "All rights reserved.", "Subscribe to our newsletter", "Read more"]


def pages(count: int = 90) -> list[str]:
    """Pages with menus, footers and shared paragraphs; some are nothing else, some are copies, one is empty."""
    made = []
    for i in range(count):
        pick = random.Random(i)
        body = prose(i, 6).split("\n")
        if i % 9 == 4:
            body = body[:1] + prose(i - 4, 6).split("\n")[:1]
        text = "\n".join([pick.choice(BOILERPLATE), "", *body, pick.choice(BOILERPLATE), BOILERPLATE[1]])
        made.append(text if i % 11 else "\n".join(pick.sample(BOILERPLATE, 3)))
    made[7], made[8] = made[6], ""
    return made


def write(folder: Path, texts: list[str], files: int = 3, row_groups: int = 2, **columns: list[Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    ids = [f"d{i}" for i in range(len(texts))]
    table = pa.table({"id": ids, "text": pa.array(texts, pa.string()), **columns})
    rows = -(-len(texts) // files)
    for n in range(files):
        part = table.slice(n * rows, rows)
        pq.write_table(part, folder / f"part-{n}.parquet", row_group_size=-(-rows // row_groups))
    return folder


def recipe(lines: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    dedup = {"exact": "raw", "guard": {"max_source_loss": 1.0}, **({"lines": lines} if lines is not None else {})}
    return {"name": "lines", "score": ["exact", "gopher"], "dedup": dedup | more.pop("dedup", {}), **more}


def run(made: dict[str, Any], source: Path, folder: Path, **settings: Any) -> winnow.Result:
    how = {"executor": "local", "workers": 1} | settings
    return winnow.run(made, [str(source)], workspace=str(folder / "ws"), output=str(folder / "out"), **how)


def exported(folder: Path) -> dict[str, str]:
    rows = pq.read_table(folder / "out" / "data", columns=["id", "text"]).to_pylist()
    return {r["id"]: r["text"] for r in rows}


def bytes_of(folder: Path) -> dict[str, str]:
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*.parquet"))
    }
