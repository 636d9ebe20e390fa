"""Questions asked while a takedown empties text: they are answered, and what is written down quotes nothing of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
import s3fs
from s3fs.utils import FileExpired

import winnow
from pipeline.catalog.views import open_catalog
from pipeline.report import page
from pipeline.report.page import write_report
from pipeline.sql.engine import again, rows_as_dicts
from pipeline.storage.store import Store
from pipeline.takedown.making import Request, take_down
from tests.corpora import documents
from tests.fixtures_bucket import bucket, server

__all__ = ["bucket", "server"]
RECIPE: dict[str, Any] = {
    "name": "small",
    "score": ["gopher"],
    "rules": {"word_count": {"column": "gopher.word_count", "min": 50}},
}


def ran(folder: Path, workspace: str) -> Store:
    folder.mkdir()
    (folder / "a.jsonl").write_text("\n".join(json.dumps(d) for d in documents(40)))
    winnow.run(RECIPE, [str(folder)], workspace=workspace, executor="local", workers=1, until="mix")
    return Store(workspace)


def test_a_file_of_a_bucket_that_is_replaced_while_it_is_read_is_read_again(
    tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ran(tmp_path / "crawl", f"{bucket}/ws")
    connection = open_catalog(store)
    connection.execute("set enable_external_file_cache=false")
    real, expired = s3fs.core.S3File._fetch_range, [0]

    def fetch(file: Any, start: int, end: int) -> Any:
        if "/text/parts/" in file.path and expired[0] < 2:
            expired[0] += 1
            raise FileExpired(filename=file.path, e_tag="before")
        return real(file, start, end)

    monkeypatch.setattr(s3fs.core.S3File, "_fetch_range", fetch)
    (counted,) = rows_as_dicts(connection, "select count(*) as n, sum(text_bytes) > 0 as some from documents")
    assert (counted, expired) == ({"n": 40, "some": True}, [2])
    expired[0] = 0
    assert take_down(store, Request("ticket 7", predicate="text_bytes > 0 and doc_id = 'doc-00003'")).takedown.ids == 1


def test_what_is_wrong_for_another_reason_is_not_asked_again() -> None:
    asked = []

    def wrong() -> None:
        asked.append(1)
        raise duckdb.BinderException("no such column")

    with pytest.raises(duckdb.BinderException):
        again(wrong)
    assert asked == [1]


def test_a_report_that_was_being_written_quotes_nothing_that_is_taken_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, real, rendered = ran(tmp_path / "crawl", str(tmp_path / "ws")), page.render_report, list[str]()

    def render(*arguments: Any) -> str:
        rendered.append(real(*arguments))
        if len(rendered) == 1:  # short documents are quoted as samples of what was removed
            take_down(store, Request("ticket 7", ids=("doc-00009",)))
        return rendered[-1]

    monkeypatch.setattr(page, "render_report", render)
    written = Path(write_report(store)).read_text()
    assert written == rendered[-1]
    assert ["doc-00009" in r for r in rendered] == [True, False]
