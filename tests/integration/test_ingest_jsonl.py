"""JSONL input: every line a row, whatever the line is and however the file is cut."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import PlanError
from pipeline.sources import part, streams
from pipeline.sources.lines import line_batches
from pipeline.sources.records import parse
from pipeline.stages import ingest
from tests.taking_in import Taken, take_in


def _take(tmp_path: Path, content: bytes, name: str = "a.jsonl", **options: Any) -> Taken:
    (tmp_path / "in").mkdir(exist_ok=True)
    (tmp_path / "in" / name).write_bytes(content)
    return take_in(tmp_path / "ws", tmp_path / "in", **options)


def test_lines_become_rows_with_id_provenance_and_the_rest_as_json(tmp_path: Path) -> None:
    lines = [
        {"id": 7, "text": "ü", "url": "http://a", "n": 1.5, "tags": ["x"]},
        {"text": "b", "metadata": {"url": "http://m", "date": "2020"}, "source": "s"},
    ]
    taken = _take(tmp_path, b"".join(json.dumps(line).encode() + b"\n" for line in lines))
    first, second = taken.ids()
    assert taken.texts() == ["ü", "b"]
    assert (first["doc_id"], first["url"], first["text_bytes"]) == ("7", "http://a", 2)
    assert json.loads(first["metadata"]) == {"n": 1.5, "tags": ["x"]}
    assert (second["url"], second["date"], second["source"]) == ("http://m", "2020", "s")
    assert second["doc_id"].endswith(f"-{second['file_row']}")
    assert json.loads(second["metadata"]) == {"metadata": lines[1]["metadata"]}


LINES: dict[str, tuple[bytes, str | None, str | None]] = {
    "plain": (b'{"text": "x"}', None, "x"),
    "carriage_return": (b'{"text": "x"}\r', None, "x"),
    "surrounding_space": (b'  {"text": "x"}\t', None, "x"),
    "empty_text": (b'{"text": ""}', None, ""),
    "nul_escape": (b'{"text": "a\\u0000b"}', None, "a\0b"),
    "line_separator_inside": ('{"text": "a\u2028b\u0085c"}'.encode(), None, "a\u2028b\u0085c"),
    "escaped_pair": (b'{"text": "\\ud83d\\ude00"}', None, "\N{GRINNING FACE}"),
    "nan_elsewhere": (b'{"text": "x", "score": NaN}', None, "x"),
    "lone_surrogate_elsewhere": (b'{"text": "x", "url": "\\ud800"}', None, "x"),
    "huge_integer": (b'{"text": "x", "n": ' + b"9" * 60 + b"}", None, "x"),
    "content_field": (b'{"content": "x", "text": 5}', None, "x"),
    "not_json": (b'{"text": "x"', "not_json", None),
    "bare_word": (b"hello", "not_json", None),
    "array": (b'[{"text": "x"}]', "not_an_object", None),
    "number": (b"5", "not_an_object", None),
    "null": (b"null", "not_an_object", None),
    "no_text": (b'{"title": "x"}', "no_text_field", None),
    "empty_object": (b"{}", "no_text_field", None),
    "null_text": (b'{"text": null}', "null_text", None),
    "number_text": (b'{"text": 5}', "text_not_string", None),
    "list_text": (b'{"text": ["x"]}', "text_not_string", None),
    "lone_surrogate": (b'{"text": "a\\ud800b"}', "not_utf8", None),
    "raw_surrogate": (b'{"text": "a\xed\xa0\x80b"}', "not_utf8", None),
    "latin_1": (b'{"text": "caf\xe9"}', "not_utf8", None),
    "nested_a_thousand_deep": (b'{"text": "x", "d": ' + b"[" * 1_000 + b"]" * 1_000 + b"}", None, "x"),
    "nested_a_million_deep": (b"[" * 1_000_000, "not_json", None),
    "too_long": (b'{"text": "' + b"x" * 2_000_001 + b'"}', "too_long", None),
    "line_too_long": (b'{"text": "x", "junk": "' + b"x" * 9_000_000 + b'"}', "too_long", None),
    "html_and_formula": (b'{"text": "<script>=cmd|x</script>"}', None, "<script>=cmd|x</script>"),
}


@pytest.mark.parametrize("case", LINES)
def test_a_line_is_a_document_or_a_named_fault(tmp_path: Path, case: str) -> None:
    line, reason, text = LINES[case]
    content = b'{"text": "before"}\n' + line + b'\n{"text": "after"}\n'
    taken = _take(tmp_path, content, max_doc_bytes=2_000_000)
    assert taken.texts() == ["before", text, "after"]
    assert [r["quarantine"] for r in taken.ids()] == [None, reason, None]
    assert taken.text.counts == {"documents": 2 + (reason is None), "quarantined": int(reason is not None)}
    assert taken.ids()[1]["file_row"] == 19


FILES: dict[str, tuple[bytes, list[str]]] = {
    "no_newline_at_end": (b'{"text": "a"}\n{"text": "b"}', ["a", "b"]),
    "crlf": (b'{"text": "a"}\r\n{"text": "b"}\r\n', ["a", "b"]),
    "byte_order_mark": (b'\xef\xbb\xbf{"text": "a"}\n', ["a"]),
    "blank_lines": (b'\n\n{"text": "a"}\n  \n\r\n{"text": "b"}\n\n', ["a", "b"]),
    "only_newlines": (b"\n\n\n", []),
    "nothing": (b"", []),
}


@pytest.mark.parametrize("case", FILES)
def test_file_endings_and_beginnings(tmp_path: Path, case: str) -> None:
    content, texts = FILES[case]
    taken = _take(tmp_path, content)
    assert taken.texts() == texts
    assert taken.bad_files() == {}


@pytest.mark.parametrize("packer", ["gz", "zst", "bz2"])
def test_compressed_files_are_read_whole(tmp_path: Path, packer: str) -> None:
    import bz2

    pack = {"gz": gzip.compress, "zst": zstandard.ZstdCompressor().compress, "bz2": bz2.compress}[packer]
    content = b"".join(b'{"text": "%d %s"}\n' % (i, b"y" * 90) for i in range(100_000))
    taken = _take(tmp_path, pack(content), f"a.json.{packer}")
    assert [t[:7].split()[0] for t in taken.texts() if t] == [str(i) for i in range(100_000)]
    assert len(taken.stage.units()) == 1
    assert len(taken.text.shards) == 2


def test_a_fifty_megabyte_line_among_ranges(tmp_path: Path) -> None:
    small = b'{"text": "small"}\n'
    content = small * 100 + b'{"text": "' + b"w" * 50_000_000 + b'"}\n' + small * 100
    taken = _take(tmp_path, content)
    assert len(taken.stage.units()) == 6
    assert [len(t) for t in taken.texts() if t] == [5] * 100 + [50_000_000] + [5] * 100


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.one_of(
            st.text(max_size=30).map(lambda t: json.dumps({"text": t}).encode()),
            st.binary(max_size=30).map(lambda b: b.replace(b"\n", b"")),
            st.integers(0, 300).map(lambda n: b'{"text": "' + b"z" * n + b'"}'),
        ),
        max_size=40,
    ),
    ending=st.sampled_from([b"", b"\n", b"\r\n"]),
    cuts=st.lists(st.integers(0, 3_000), max_size=8),
    block_bytes=st.integers(1, 200),
    max_line_bytes=st.integers(1, 400),
)
def test_ranges_give_the_rows_of_the_whole_file(
    tmp_path: Path, rows: list[bytes], ending: bytes, cuts: list[int], block_bytes: int, max_line_bytes: int
) -> None:
    content = b"\n".join(rows) + ending
    path = tmp_path / "any.jsonl"
    path.write_bytes(content)
    edges = sorted({0, *(c for c in cuts if c < len(content))})
    ends = [*edges[1:], None]
    whole = [(o, len(x) if len(x) > max_line_bytes else x) for o, x in _offsets(content)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams, "BLOCK_BYTES", block_bytes)
        found = []
        for start, end in zip(edges, ends, strict=True):
            blocks = streams.plain_blocks(str(path), max(0, start - 1))
            found += [line for batch in line_batches(blocks, start, end, max_line_bytes) for line in batch]
    assert [line for line in found if line[1] != b""] == [line for line in whole if line[1] != b""]
    assert parse(found, None, None) == parse(whole, None, None)


def _offsets(content: bytes) -> list[tuple[int, bytes]]:
    offset, found = 0, []
    for line in content.split(b"\n"):
        found.append((offset, line))
        offset += len(line) + 1
    return found


def test_units_of_any_size_give_the_same_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"".join(b'{"text": "%s"}\n' % (b"%d " % i * (i % 97)) for i in range(20_000))
    rows = {}
    for size in (50_000, 1_000_003, 10**9):
        monkeypatch.setattr(ingest, "MIN_UNIT_BYTES", size)
        (tmp_path / str(size)).mkdir()
        taken = _take(tmp_path / str(size), content)
        rows[size] = [(r["doc_id"], r["file_row"], r["text"]) for r in taken.ids()]
    assert rows[50_000] == rows[1_000_003] == rows[10**9]
    assert len(rows[50_000]) == 20_000


def test_the_recipe_may_name_text_and_id(tmp_path: Path) -> None:
    taken = _take(tmp_path, b'{"text": "no", "page": "yes", "key": 5}\n', text="page", id="key")
    assert taken.texts() == ["yes"]
    assert taken.ids()[0]["doc_id"] == "5"
    assert json.loads(taken.ids()[0]["metadata"]) == {"text": "no"}


def test_no_text_field_in_any_file_is_an_error_of_the_recipe(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"no file has a text column\. a\.jsonl: no text field; it has txt, n\."):
        _take(tmp_path, b'{"txt": "x", "n": 1}\n' * 5)
    with pytest.raises(PlanError, match=r"Did you mean 'txt'\?.*input\.text=NAME \(now 'txxt'\)"):
        _take(tmp_path, b'{"txt": "x", "n": 1}\n' * 5, text="txxt")


def test_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    content = b"".join(b'{"text": "%d", "id": "%d"}\n' % (i, i) for i in range(5_000))
    (tmp_path / "a.jsonl").write_bytes(content)
    one, two = (take_in(tmp_path / ws, tmp_path / "a.jsonl") for ws in ("ws1", "ws2"))
    assert one.text == two.text
    assert [p.sha256 for p in one.text.parts] == [p.sha256 for p in two.text.parts]


def test_short_documents_are_cut_into_shards_by_their_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part, "RUN_ROWS", 25)
    monkeypatch.setattr(streams, "BLOCK_BYTES", 120)  # ten lines
    taken = _take(tmp_path, b'{"text":""}\n' * 100)
    assert [s.rows for s in taken.text.shards] == [30, 30, 30, 10]
    assert taken.texts() == [""] * 100


def test_ids_and_fields_keep_integers_of_any_size_and_objects(tmp_path: Path) -> None:
    large = 2**64
    lines = [
        {"text": "a", "id": large, "n": [large + 1, 0.5, 1e300]},
        {"text": "b", "id": large + 1},
        {"text": "c", "id": {"$oid": "5f"}},
        {"text": "d", "id": "k", "surrogate": "\ud800", "n": 1e300},
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps(line) for line in lines))
    taken = take_in(tmp_path / "ws", tmp_path / "a.jsonl")
    ids = [r["doc_id"] for r in taken.ids()]
    assert (ids[0], ids[1], ids[3]) == (str(large), str(large + 1), "k")
    fields = [json.loads(r["metadata"] or "null") for r in taken.ids()]
    assert fields == [{"n": [large + 1, 0.5, 1e300]}, None, {"id": {"$oid": "5f"}}, {"surrogate": "?", "n": 1e300}]


def test_fields_that_no_json_can_say_are_null(tmp_path: Path) -> None:
    large, deep = 2**70, b'{"text": "c", "n": ' + b"[" * 300 + b"-1e999" + b"]" * 300 + b"}"
    first = b'{"text": "a", "id": 1e400, "n": [%d, 1e400, {"x": -1e999}, 1e308]}' % large
    (tmp_path / "a.jsonl").write_bytes(b"\n".join([first, b'{"text": "b", "n": [%d, NaN, 1e400]}' % large, deep]))
    found = take_in(tmp_path / "ws", tmp_path / "a.jsonl").ids()
    assert [r["doc_id"].split("-")[1] for r in found] == ["0", str(len(first) + 1), str(found[2]["file_row"])]
    said = [r["metadata"] for r in found]
    assert [json.loads(m)["n"] for m in said[:2]] == [[large, None, {"x": None}, 1e308], [large, None, None]]
    assert said[2].count("null") == 1
    assert not any("Infinity" in m for m in said)
