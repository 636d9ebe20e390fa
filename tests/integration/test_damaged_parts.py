"""A part of an exchanged table that is damaged: what is said is where it lies and what to do."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import IntegrityError
from pipeline.storage.store import Store


def _damage(path: Path, how: str) -> None:
    whole = bytearray(path.read_bytes())
    path.unlink()
    if how == "truncated":
        path.write_bytes(whole[: len(whole) // 2])
    elif how == "flipped":
        whole[len(whole) // 3] ^= 0xFF
        path.write_bytes(whole)


@pytest.mark.parametrize("how", ["truncated", "flipped", "gone"])
def test_a_range_of_a_damaged_part_says_how_to_set_it_aside(tmp_path: Path, how: str) -> None:
    store = Store(str(tmp_path))
    keys = pa.table({"hash": pa.array(range(5000), pa.int64())})
    store.commit_table("corpora/c/bands/parts/a.parquet", keys)
    assert store.rows_between("corpora/c/bands/parts/a.parquet", "hash", 7, 9, ["hash"]).num_rows == 3
    path = tmp_path / "corpora/c/bands/parts/a.parquet"
    assert pq.read_metadata(path).num_rows == 5000
    _damage(path, how)
    with pytest.raises(IntegrityError, match=f"{re.escape(str(path))}.*winnow verify --repair --workspace {tmp_path}"):
        store.rows_between("corpora/c/bands/parts/a.parquet", "hash", 7, 9, ["hash"])
