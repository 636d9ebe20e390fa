"""Finding text, id and provenance in a schema, and bringing values to strings."""

from __future__ import annotations

import pyarrow as pa
import pytest

from pipeline.errors import PlanError
from pipeline.sources.columns import (
    Columns,
    as_strings,
    check_named,
    doc_ids,
    find_columns,
    made_ids,
    names_apart,
    schema_details,
    source_schema,
)


def _schema(**types: pa.DataType) -> pa.Schema:
    return pa.schema(list(types.items()))


def test_usual_names_are_found_in_their_order() -> None:
    schema = _schema(
        body=pa.string(), content=pa.large_string(), uuid=pa.binary(16), digest=pa.string(), url=pa.string()
    )
    assert find_columns(schema, None, None) == Columns("content", "digest", (("url", "url"),))


def test_a_usual_name_of_a_wrong_type_is_passed_over() -> None:
    schema = _schema(text=pa.int64(), raw_text=pa.binary(), id=pa.list_(pa.int64()), doc_id=pa.int32())
    assert find_columns(schema, None, None) == Columns("raw_text", "doc_id", ())


def test_named_columns_are_taken_and_only_those() -> None:
    schema = _schema(text=pa.string(), page=pa.string(), key=pa.int64(), id=pa.string())
    assert find_columns(schema, "page", "key") == Columns("page", "key", ())
    assert find_columns(schema, "pages", None) == (
        "no string column 'pages'; it has text (string), page (string), key (int64), id (string)"
    )


def test_provenance_is_found_inside_metadata_where_it_is_not_outside() -> None:
    inner = pa.struct([("url", pa.string()), ("date", pa.timestamp("s")), ("dump", pa.list_(pa.string()))])
    schema = _schema(text=pa.string(), url=pa.string(), meta=inner)
    found = find_columns(schema, None, None)
    assert isinstance(found, Columns)
    assert found.provenance == (("url", "url"), ("date", "meta.date"))
    assert found.paths == ["text", "url", "meta.date"]


def test_named_columns_must_be_somewhere_and_fit() -> None:
    schemas = [_schema(a=pa.string()), _schema(page=pa.string(), tags=pa.list_(pa.string()))]
    check_named(schemas, "page", "a")
    with pytest.raises(PlanError, match=r"input\.text: no file has a column 'pagé'; there are a \(string\), page"):
        check_named(schemas, "pagé", None)
    with pytest.raises(
        PlanError, match=r"input\.id: column 'tags' is list<item: string>, expected a column of single values"
    ):
        check_named([_schema(tags=pa.list_(pa.field("item", pa.string())))], None, "tags")


@pytest.mark.parametrize(
    ("values", "strings"),
    [
        (pa.array([1, None], pa.uint8()), ["1", None]),
        (pa.array([1.5, float("nan")]), ["1.5", "nan"]),
        (pa.array([0], pa.timestamp("ms", "UTC")), ["1970-01-01T00:00:00.000Z"]),
        (pa.array([0], pa.timestamp("us")), ["1970-01-01T00:00:00.000000"]),
        (pa.array([b"ok", b"\xff", b"\xfe"]), ["ok", r"\xff", r"\xfe"]),
        (pa.array([b"\x01\x02"], pa.binary(2)), ["0102"]),
        (pa.array(["a", "b", "a"]).dictionary_encode(), ["a", "b", "a"]),
        (pa.array([], pa.int64()), []),
    ],
)
def test_scalars_as_strings(values: pa.Array, strings: list[str | None]) -> None:
    assert as_strings(values).to_pylist() == strings


def test_made_ids_hash_the_name_and_keep_the_place() -> None:
    one, two = made_ids("a.jsonl", pa.array([0, 12345678901])).to_pylist()
    assert (len(one), one[16:], two[16:]) == (18, "-0", "-12345678901")
    assert one[:16] == two[:16] != made_ids("b.jsonl", pa.array([0])).to_pylist()[0][:16]


def test_ids_of_exactly_a_kilobyte_are_kept() -> None:
    own = pa.array(["k" * 1_000, "k" * 1_001, "ü" * 501], pa.large_string())
    ids, missing, long = doc_ids(own, made_ids("a", pa.array([0, 1, 2])))
    assert ids[0].as_py() == "k" * 1_000
    assert [len(i) for i in ids.to_pylist()[1:]] == [32, 32]
    assert (missing, long) == (0, 2)


@pytest.mark.parametrize(
    ("names", "ours", "apart"),
    [
        (["a", "b"], (), ["a", "b"]),
        (["x", "x", "x"], (), ["x", "source_x", "source_source_x"]),
        (["text", "source_text"], ("text",), ["source_source_text", "source_text"]),
        (["", ""], ("source_",), ["", "source_source_"]),
    ],
)
def test_names_are_told_apart(names: list[str], ours: tuple[str, ...], apart: list[str]) -> None:
    assert names_apart(names, ours) == apart


def test_source_columns_survive_a_manifest() -> None:
    schema = _schema(text=pa.large_string(), tags=pa.list_(pa.struct([("k", pa.string())])))
    details = schema_details(schema)
    assert details["source_columns"][0] == ["text", "large_string"]
    assert source_schema(details) == schema
