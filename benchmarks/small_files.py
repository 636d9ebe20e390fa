"""The same documents in one file and in many: what a small file costs.

python -m benchmarks.small_files [FILES]
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.end_to_end import run_once, told
from benchmarks.measuring import machine, texts

FILES, DOCUMENTS = 2_000, 10


def as_parquet(path: Path, rows: list[dict[str, str]]) -> None:
    pq.write_table(pa.Table.from_pylist(rows), path.with_suffix(".parquet"), compression="zstd")


def as_jsonl(path: Path, rows: list[dict[str, str]]) -> None:
    path.with_suffix(".jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))


def make(folder: Path, write: Callable[[Path, list[dict[str, str]]], None], documents: list[str], files: int) -> Path:
    """The documents in so many files, equally many in each."""
    folder.mkdir()
    rows = [{"id": f"d{n}", "text": text} for n, text in enumerate(documents)]
    each = -(-len(rows) // files)
    for n in range(files):
        write(folder / f"{n:06d}", rows[n * each : (n + 1) * each])
    return folder


def main() -> None:
    files = int(sys.argv[1]) if len(sys.argv) > 1 else FILES
    documents = texts().slice(0, files * DOCUMENTS).to_pylist()
    megabytes = sum(len(d.encode()) for d in documents) / 1e6
    print(machine())
    print(
        f"recipe fineweb, one worker, {len(documents)} documents, {megabytes:.1f} MB of text; wall time of the whole process"
    )
    with tempfile.TemporaryDirectory() as made:
        for write in (as_parquet, as_jsonl):
            for count in (1, files):
                name = f"{write.__name__.removeprefix('as_')}-{count}"
                source = make(Path(made) / name, write, documents, count)
                told(f"{name.replace('-', ' in ')} files", run_once(Path(made), source, 1, name), megabytes)


if __name__ == "__main__":
    main()
