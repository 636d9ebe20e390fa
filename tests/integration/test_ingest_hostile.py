"""Input that is broken or means harm: nothing of it kills a worker, passes silently, or goes uncounted."""

from __future__ import annotations

import dataclasses
import gzip
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.plan import make_plan
from pipeline.recipe import Budget, Recipe
from pipeline.sources import pages
from pipeline.sources.quarantine import over_budget
from pipeline.storage.store import Store
from tests.taking_in import GOOD, good_bytes, take_in, write_docs

CONTAINERS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "zero_bytes": (lambda b: b"", "empty_file"),
    "three_bytes": (lambda b: b[:3], "not_parquet"),
    "magic_only": (lambda b: b[:4], "corrupt"),
    "half": (lambda b: b[: len(b) // 2], "truncated"),
    "minus_last_byte": (lambda b: b[:-1], "truncated"),
    "minus_last_8_bytes": (lambda b: b[:-8], "truncated"),
    "bad_magic": (lambda b: b"XXXX" + b[4:-4] + b"XXXX", "not_parquet"),
    "encrypted": (lambda b: b"PARE" + b[4:-4] + b"PARE", "encrypted"),
    "footer_of_2_gb": (lambda b: b[:-8] + (2**31 - 1).to_bytes(4, "little") + b"PAR1", "corrupt"),
    "footer_of_4_gb": (lambda b: b[:-8] + (2**32 - 1).to_bytes(4, "little") + b"PAR1", "corrupt"),
    "footer_of_zero": (lambda b: b[:-8] + bytes(4) + b"PAR1", "corrupt"),
    "footer_garbled": (lambda b: b[:-200] + os.urandom(192) + b[-8:], "corrupt"),
    "html_instead": (lambda b: b"<html>404 not found</html>" * 10, "not_parquet"),
    "gzipped_parquet": (gzip.compress, "not_parquet"),
}


@pytest.mark.parametrize("case", CONTAINERS)
def test_broken_parquet_file_goes_to_quarantine(tmp_path: Path, case: str) -> None:
    damage, reason = CONTAINERS[case]
    (tmp_path / "bad.parquet").write_bytes(damage(good_bytes(tmp_path)))
    write_docs(tmp_path / "ok.parquet", ["fine"])
    taken = take_in(tmp_path / "ws", tmp_path)
    assert taken.bad_files() == {"bad.parquet": reason}
    assert taken.texts() == ["fine"]


def _flip(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 0x10]) + content[at + 1 :]


@pytest.mark.parametrize("copy", [False, True])
def test_a_corrupt_page_costs_its_row_group_only(tmp_path: Path, copy: bool) -> None:
    content = good_bytes(tmp_path, write_page_checksum=True)
    path = tmp_path / "a.parquet"
    path.write_bytes(content)
    chunk = pq.ParquetFile(path).metadata.row_group(2).column(1)
    path.write_bytes(_flip(content, chunk.data_page_offset + chunk.total_compressed_size // 2))
    taken = take_in(tmp_path / "ws", path, copy=copy)
    assert taken.reasons() == {"corrupt_page": 100}
    assert taken.text.counts == {"documents": 300, "quarantined": 100}
    assert taken.texts() == [*GOOD[:200], *[None] * 100, *GOOD[300:]]
    assert [r["file_row"] for r in taken.ids()] == list(range(400))


def test_any_flipped_bit_is_found_or_harmless(tmp_path: Path) -> None:
    content = good_bytes(tmp_path, write_page_checksum=True, compression="zstd")
    path, chance = tmp_path / "a.parquet", random.Random(7)
    for attempt in range(60):
        at = chance.randrange(4, len(content) - 8)
        path.write_bytes(_flip(content, at))
        taken = take_in(tmp_path / f"ws{attempt}", path)
        texts = taken.texts()
        if not taken.bad_files():
            assert all(t is None or t == good for t, good in zip(texts, GOOD, strict=True)), f"bit at {at}"
            assert taken.text.counts["quarantined"] == sum(t is None for t in texts)


def test_no_flipped_bit_of_a_footer_ends_the_process(tmp_path: Path) -> None:
    """One bit in a column chunk's metadata made PyArrow call terminate(): so in a process of its own."""
    pq.write_table(
        pa.table({"id": [str(i) for i in range(40)], "text": GOOD[:40]}), tmp_path / "a.parquet", row_group_size=20
    )
    code = (
        "import sys, pathlib; from pipeline.errors import PlanError; from tests.taking_in import take_in\n"
        "path = pathlib.Path(sys.argv[1]); content = path.read_bytes()\n"
        "first = len(content) - 8 - int.from_bytes(content[-8:-4], 'little')\n"
        "found = set()\n"
        "for at in range(first, len(content) - 8, 5):\n"
        "    path.write_bytes(content[:at] + bytes([content[at] ^ 8]) + content[at + 1 :])\n"
        "    try: taken = take_in(path.parent / str(at), path)\n"
        "    except PlanError: continue\n"  # the column's name was hit
        "    found |= {*taken.bad_files().values(), *taken.reasons()}\n"
        "print(sorted(found))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "a.parquet")]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=root, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "corrupt" in done.stdout


def test_a_dictionary_bomb_is_not_decoded(tmp_path: Path) -> None:
    values = pa.DictionaryArray.from_arrays(pa.array([0] * 100_000, pa.int32()), pa.array(["x" * 135_000]))
    pq.write_table(pa.table({"text": values}), tmp_path / "bomb.parquet", compression="zstd", store_schema=False)
    assert (tmp_path / "bomb.parquet").stat().st_size < 60_000
    peak_kb, said = _in_child(tmp_path, tmp_path / "bomb.parquet")
    assert said == "{'bomb': 100000} {'documents': 0, 'quarantined': 100000}"
    assert peak_kb < 1_500_000


def test_a_shared_prefix_bomb_is_not_decoded(tmp_path: Path) -> None:
    table = pa.table({"text": pa.array(["y" * 1_000_000 + str(i) for i in range(2_000)], pa.large_string())})
    options = {"use_dictionary": False, "column_encoding": {"text": "DELTA_BYTE_ARRAY"}, "compression": "zstd"}
    pq.write_table(table, tmp_path / "bomb.parquet", **options)
    del table
    assert (tmp_path / "bomb.parquet").stat().st_size < 1_100_000
    peak_kb, said = _in_child(tmp_path, tmp_path / "bomb.parquet")
    assert said == "{'bomb': 2000} {'documents': 0, 'quarantined': 2000}"
    assert peak_kb < 1_500_000


def test_an_all_identical_corpus_is_no_bomb(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["the same page " * 20] * 300_000}), tmp_path / "a.parquet")
    assert take_in(tmp_path / "ws", tmp_path).text.counts == {"documents": 300_000, "quarantined": 0}


def _in_child(workspace: Path, path: Path) -> tuple[int, str]:
    """Ingest in a process of its own: (peak memory in kB, reasons and counts)."""
    code = (
        "import sys; from tests.taking_in import take_in\n"
        "taken = take_in(sys.argv[1], sys.argv[2])\n"
        "assert set(taken.texts()) <= {None}\n"
        "print(taken.reasons(), taken.text.counts); print(next(x for x in open('/proc/self/status') if x.startswith('VmHWM')).split()[1])"
    )
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", code, str(workspace / "ws"), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=root, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    said, peak_kb = done.stdout.strip().splitlines()
    return int(peak_kb), said


def _nested(depth: int) -> pa.Array:
    value = pa.array([1])
    for _ in range(depth):
        value = pa.StructArray.from_arrays([value], ["x"])
    return value


class _Pickled(pa.ExtensionType):
    """As in CVE-2023-47248: reading such a type must not run what it carries."""

    def __init__(self) -> None:
        super().__init__(pa.string(), "winnow.test.pickled")

    def __arrow_ext_serialize__(self) -> bytes:
        return b"cos\nsystem\n(S'touch /tmp/winnow-owned'\ntR."

    @classmethod
    def __arrow_ext_deserialize__(cls, storage_type: pa.DataType, serialized: bytes) -> _Pickled:
        return cls()


TABLES: dict[str, Callable[[], pa.Table]] = {
    "ten_thousand_columns": lambda: pa.table({"text": ["x"], **{f"c{i}": [i] for i in range(10_000)}}),
    "nested_deep": lambda: pa.table({"text": ["x"], "deep": _nested(90)}),
    "duplicate_other_columns": lambda: pa.table([["x"], [1], ["2"]], names=["text", "n", "n"]),
    "duplicate_id_columns": lambda: pa.table([["x"], ["1"], ["2"]], names=["text", "id", "id"]),
    "null_typed_columns": lambda: pa.table({"text": ["x"], "id": pa.nulls(1), "url": pa.nulls(1)}),
    "list_id": lambda: pa.table({"text": ["x"], "id": [[1, 2]]}),
    "dotted_names": lambda: pa.table({"text": ["x"], "text.extra": ["no"], "metadata.url": ["u"]}),
    "metadata_not_utf8": lambda: pa.table({"text": ["x"]}).replace_schema_metadata({b"\xff": b"\xfe"}),
    "extension_type": lambda: pa.table(
        {"text": ["x"], "e": pa.ExtensionArray.from_storage(_Pickled(), pa.array(["s"]))}
    ),
    "years_0_and_9999": lambda: pa.table({"text": ["x"], "date": pa.array([-62_167_219_200], pa.timestamp("s"))}),
    "timestamp_far_out": lambda: pa.table({"text": ["x"], "date": pa.array([2**62], pa.timestamp("us"))}),
}


@pytest.mark.parametrize("copy", [False, True])
@pytest.mark.parametrize("case", TABLES)
def test_odd_tables_give_their_document(tmp_path: Path, case: str, copy: bool) -> None:
    if copy and case == "dotted_names":
        pytest.skip("nothing of it depends on how text is kept")
    pq.write_table(TABLES[case](), tmp_path / "a.parquet")
    taken = take_in(tmp_path / "ws", tmp_path, copy=copy)
    assert taken.texts() == ["x"]
    assert taken.text.counts == {"documents": 1, "quarantined": 0}
    assert not Path("/tmp/winnow-owned").exists()


def test_two_text_columns_of_one_name_are_no_text_column(tmp_path: Path) -> None:
    pq.write_table(pa.table([["x"], ["y"]], names=["text", "text"]), tmp_path / "a.parquet")
    write_docs(tmp_path / "b.parquet", ["fine"])
    assert take_in(tmp_path / "ws", tmp_path).bad_files() == {"a.parquet": "no_text_column"}


def test_many_tiny_row_groups(tmp_path: Path) -> None:
    write_docs(tmp_path / "a.parquet", [str(i) for i in range(3_000)], row_group_size=1)
    taken = take_in(tmp_path / "ws", tmp_path)
    assert taken.texts() == [str(i) for i in range(3_000)]
    assert len(taken.text.shards) == 1


def test_a_hundred_megabyte_document(tmp_path: Path) -> None:
    write_docs(tmp_path / "a.parquet", ["small", "z" * 100_000_000, "z" * 100_000_001], compression="zstd")
    taken = take_in(tmp_path / "ws", tmp_path)
    assert [r["quarantine"] for r in taken.ids()] == [None, None, "too_long"]
    assert [r["text_bytes"] for r in taken.ids()] == [5, 100_000_000, None]


def test_dictionary_page_size_is_read_from_its_header(tmp_path: Path) -> None:
    write_docs(tmp_path / "a.parquet", ["w" * 1_000, "v" * 500], compression="none")
    chunk = pq.ParquetFile(tmp_path / "a.parquet").metadata.row_group(0).column(1)
    header = (tmp_path / "a.parquet").read_bytes()[chunk.dictionary_page_offset :][:32]
    assert pages.dictionary_bytes(header) == 1_000 + 500 + 2 * 4
    assert pages.dictionary_bytes(b"") == 0
    assert pages.dictionary_bytes(b"\x15\xff\xff") == 0


def test_over_budget_says_what_where_and_what_to_do(tmp_path: Path) -> None:
    write_docs(tmp_path / "a.parquet", ["x", None, None, "y"])
    (tmp_path / "b.parquet").write_bytes(b"PAR1")
    text = take_in(tmp_path / "ws", tmp_path).text
    said = over_budget(text, Budget(max_row_frac=0.1, max_file_frac=0.1))
    assert said is not None
    assert said.startswith("2 of 4 rows (50.00%) are in quarantine, allowed are 10.00%. null_text: 2 (a.parquet). ")
    assert "--set input.quarantine.max_row_frac=0.551" in said
    assert "1 of 2 files (50.00%) are in quarantine, allowed are 10.00%. corrupt: 1 (b.parquet)" in said
    assert over_budget(text, Budget(max_row_frac=0.5, max_file_frac=0.5)) is None


def test_a_plan_says_which_files_cannot_be_read_and_that_a_run_will_stop_at_that(tmp_path: Path) -> None:
    write_docs(tmp_path / "in" / "a.parquet", ["x", "y"])
    for i in range(7):
        (tmp_path / "in" / f"b{i}.parquet").write_bytes(b"PAR1")
    (tmp_path / "in" / "notes.xyz").write_bytes(b"what is this")
    store = Store(str(tmp_path / "ws"))
    recipe = Recipe(name="r", input={"paths": [str(tmp_path / "in")]})
    said = make_plan(store, recipe).told(1)["warnings"]
    assert said[0].startswith("left out of the given folders: 1 file without a known extension, such as notes.xyz; ")
    assert said[1] == f"{tmp_path}/in/b0.parquet goes to quarantine: corrupt"
    assert said[6] == "7 files go to quarantine"
    assert said[7].startswith(
        "a run will stop: 7 of 8 files (87.50%) are in quarantine, allowed are 1.00%. corrupt: 7 ("
    )
    patient = recipe.model_copy(
        update={"input": recipe.input.model_copy(update={"quarantine": Budget(max_file_frac=1)})}
    )
    assert make_plan(store, patient).told(1)["warnings"] == said[:7]


def test_over_budget_says_that_there_are_more_reasons(tmp_path: Path) -> None:
    write_docs(tmp_path / "a.parquet", ["x", None])
    text = take_in(tmp_path / "ws", tmp_path).text
    reasons = [{"reason": reason, "rows": 1, "files": ["a.parquet"]} for reason in "abcde"]
    text = dataclasses.replace(text, details={**text.details, "quarantine_reasons": reasons})
    said = over_budget(text, Budget(max_row_frac=0.1))
    assert said is not None
    assert "a: 1 (a.parquet); b: 1 (a.parquet); c: 1 (a.parquet); 2 more reasons. " in said
