"""Answers as tables of any kind, in notebooks and for programs."""

from __future__ import annotations

import io
import json
import sys

import pyarrow as pa
import pytest

from pipeline.errors import UsageError
from winnow.client import Answer, Event, Rows
from winnow.client.show import Lines
from winnow.client.words import html_table

HOSTILE = "<script>alert(1)</script>"


def arrow(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


TABLE = pa.table({"reason": ["kept", None, HOSTILE], "n": pa.array([3, 2, 1], pa.int64())})


def test_an_answer_is_a_table_of_whatever_kind_one_wants() -> None:
    answer = Answer(arrow(TABLE))
    assert answer.to_arrow().equals(TABLE)
    assert answer.columns == ["reason", "n"]
    assert len(answer) == 3
    assert answer.rows[0] == {"reason": "kept", "n": 3}
    assert answer.to_pandas()["n"].sum() == 6
    assert answer.to_polars()["reason"].to_list() == ["kept", None, HOSTILE]


@pytest.mark.parametrize("package", ["pandas", "polars"])
def test_a_package_that_is_not_there_is_said_with_its_command(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UsageError, match=rf"pip install 'winnow-curation\[{package}\]'"):
        getattr(Answer(arrow(TABLE)), f"to_{package}")()


def test_a_notebook_shows_text_and_runs_none() -> None:
    shown = Answer(arrow(TABLE), truncated=True, said=f"10 rows {HOSTILE}")._repr_html_()
    assert "<script" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert "truncated: 10 rows &lt;script" in shown
    assert "<td>kept</td><td>3</td>" in shown


def test_column_names_are_hostile_too() -> None:
    assert "<script" not in html_table([{HOSTILE: 1}], caption=HOSTILE)


def test_long_tables_say_what_is_left_out() -> None:
    shown = Rows(tuple({"n": i} for i in range(60)))._repr_html_()
    assert shown.count("<tr>") == 51
    assert "10 more rows" in shown
    many = Answer(arrow(pa.table({"n": list(range(1200))})))._repr_html_()
    assert "1,150 more rows" in many


def test_rows_are_a_sequence_and_a_table() -> None:
    rows = Rows(({"a": 1}, {"a": 2}), "mine")
    assert (len(rows), rows[1], rows[1:].rows, next(iter(rows))) == (2, {"a": 2}, ({"a": 2},), {"a": 1})
    assert rows.to_arrow().to_pydict() == {"a": [1, 2]}
    assert rows.to_polars()["a"].sum() == 3
    assert Rows(()).to_arrow().num_rows == 0


def test_lines_for_programs_keep_events_whole() -> None:
    stream = io.StringIO()
    Lines(stream).tell(Event(7, "progress", {"stage": "notes", "units_done": 3}))
    assert json.loads(stream.getvalue()) == {
        "id": 7,
        "event": "progress",
        "data": {"stage": "notes", "units_done": 3},
    }
