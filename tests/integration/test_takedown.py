"""Documents that are taken down: gone from every later job, sample and answer, and only what held them is written again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import winnow
from pipeline.catalog.chosen import choose_job, tables_of
from pipeline.catalog.views import open_catalog
from pipeline.errors import UsageError
from pipeline.explain_sentences import sentences
from pipeline.report.page import write_report
from pipeline.report.samples import texts_of
from pipeline.result import Result
from pipeline.storage import packing
from pipeline.storage.integrity import check_export, check_workspace
from pipeline.storage.store import Store
from pipeline.takedown.making import Made, Request, take_down
from pipeline.takedown.records import ids_of
from tests.corpora import documents, prose, write_parquet

RECIPE = {
    "name": "small",
    "score": ["exact", "gopher", "minhash"],
    "rules": {"word_count": {"column": "gopher.word_count", "min": 50}},
    "dedup": {"fuzzy": {"jaccard": 0.8}},
}
KEEPER, COPY = "doc-00066", "doc-00067"
"""Byte-equal; the first stays, by its id."""


class Corpus:
    """A workspace, its input and its output."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.root, self.folder, self.store = root, folder, Store(str(root / "ws"))

    def run(self) -> Result:
        return winnow.run(
            RECIPE,
            [str(self.folder)],
            workspace=self.store.root,
            output=str(self.root / "out"),
            executor="local",
            workers=1,
        )

    def take_down(self, *ids: str, **more: object) -> Made:
        return take_down(self.store, Request("ticket 7", ids=ids, by="jane", **more))  # type: ignore[arg-type]

    def rows(self, kind: str) -> dict[str, dict[str, object]]:
        tables = [pq.read_table(p) for p in sorted((self.root / "out" / kind).glob("*.parquet"))]
        return {r["id"]: r for r in pa.concat_tables(tables).to_pylist()}

    def files(self) -> dict[str, tuple[int, int, bytes]]:
        """By name: inode, time of the last change, bytes."""
        paths = sorted((self.root / "out").glob("*/*.parquet"))
        return {f"{p.parent.name}/{p.name}": (p.stat().st_ino, p.stat().st_mtime_ns, p.read_bytes()) for p in paths}


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    monkeypatch.setattr(packing, "LEAST_FILE_BYTES", 20_000)
    made = Corpus(tmp_path, write_parquet(tmp_path / "crawl"))
    made.run()
    return made


def test_a_keeper_that_is_taken_down_leaves_its_place_to_a_copy_and_only_its_files_are_written(corpus: Corpus) -> None:
    before, kept = corpus.files(), corpus.rows("data")
    assert (KEEPER in kept, COPY in kept, len(corpus.files())) == (True, False, 12)
    corpus.take_down(KEEPER)
    again = corpus.run()
    after, now = corpus.files(), corpus.rows("data")
    assert set(now) == set(kept) - {KEEPER} | {COPY}
    assert now[COPY]["text"] == kept[KEEPER]["text"]
    written = [name for name in after if before.get(name) != after[name]]
    assert sorted(name.partition("/")[0] for name in written) == ["data", "quarantine", "removed"]
    assert len({name.partition("/")[2] for name in written}) == 1
    assert len(set(after) & set(before)) == len(before) - 3
    assert again.funnel["takedown.takedown"] == 1
    assert sum(again.funnel.values()) == 240
    assert check_export(Store(str(corpus.root / "out"))).faults == []


def test_removed_says_that_it_was_taken_down_and_nothing_of_its_text(corpus: Corpus) -> None:
    made = corpus.take_down(KEEPER)
    corpus.run()
    row = corpus.rows("removed")[KEEPER]
    told = {k: row[k] for k in ("stage", "rule", "value", "threshold", "keeper", "rules", "url")}
    assert told == {
        "stage": "takedown", "rule": "takedown", "value": made.takedown.id, "threshold": "ticket 7", "keeper": None, "rules": [], "url": None
    }  # fmt: skip


def test_why_says_who_asked_and_why_before_any_other_job_has_run(corpus: Corpus) -> None:
    made = corpus.take_down(KEEPER)
    told = winnow.why(KEEPER, workspace=corpus.store.root)
    assert told[0]["outcome"] == "removed by takedown"
    assert told[0]["measured"] == {}
    assert sentences(told)[-1] == f"  taken down on {made.takedown.at[:10]} by jane ({made.takedown.id}): ticket 7"
    assert winnow.why(COPY, workspace=corpus.store.root)[0]["measured"]["gopher"]["word_count"] > 50


def test_no_sample_report_or_answer_of_a_job_from_before_shows_it(corpus: Corpus) -> None:
    report = Path(write_report(corpus.store, None))
    made = corpus.take_down(KEEPER)
    assert (report.exists(), made.reports) == (False, 1)
    tables = tables_of(corpus.store, choose_job(corpus.store))
    asked = open_catalog(corpus.store)
    found = asked.sql(
        f"select shard, row, copies, stage, reason, url, gopher from documents where doc_id = '{KEEPER}'"
    ).fetchall()
    assert found[0][2:] == (0, "takedown", "takedown", None, None)
    place = (found[0][0], found[0][1])
    other = asked.sql(
        "select shard, row from text_rows where doc_id = 'doc-00066' or doc_id = 'doc-00065' order by doc_id"
    ).fetchall()
    assert list(texts_of(corpus.store, tables.text, other, 100)) == [other[0]]
    assert place == other[1]
    assert asked.sql("select count(gopher.word_count) from documents").fetchall() == [(239,)]


def test_a_damaged_record_of_a_job_stops_no_takedown_and_is_told(corpus: Corpus) -> None:
    folder = Path(corpus.store.full("jobs/job_000000000001badbadba"))
    folder.mkdir()
    (folder / "job.json").write_text('{"state": "compl')
    (folder / "report.html").write_text("it may quote it")
    made = corpus.take_down(KEEPER)
    assert (made.unread, made.reports) == ((folder.name,), 1)
    assert made.outputs == (str(corpus.root / "out"),)
    assert not (folder / "report.html").exists()


def test_a_source_is_taken_down_with_what_is_added_later(corpus: Corpus) -> None:
    made = take_down(corpus.store, Request("their wish", sources=("site-1",)))
    assert (made.takedown.documents, made.takedown.ids) == (80, 0)
    more = [{**d, "id": f"more-{i}"} for i, d in enumerate(documents(30))]
    pq.write_table(pa.Table.from_pylist(more), corpus.folder / "part-9.parquet")
    again = corpus.run()
    assert again.funnel["takedown.takedown"] == 90
    assert {r["source"] for r in corpus.rows("data").values()} == {"site-0", "site-2"}


def test_a_predicate_is_asked_once_of_what_was_measured(corpus: Corpus) -> None:
    made = take_down(corpus.store, Request("odd", predicate="gopher.word_count < 10 and source = 'site-0'"))
    assert made.takedown.documents == made.takedown.ids == 8
    again = take_down(corpus.store, Request("odd", predicate="gopher.word_count < 10 and source = 'site-0'"))
    assert again.takedown == made.takedown
    assert corpus.run().funnel["takedown.takedown"] == 8


def test_copies_of_a_document_go_with_it_where_that_is_asked(corpus: Corpus) -> None:
    made = corpus.take_down(KEEPER, copies=True)
    assert made.takedown.documents == 2
    corpus.run()
    assert not {KEEPER, COPY} & set(corpus.rows("data"))


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (
            Request("x", ids=("doc-00001", "nobody")),
            "ids that are not in this corpus (1): 'nobody'. Nothing was taken down",
        ),
        (Request("x", sources=("site-9",)), "sources that are not in this corpus (1): 'site-9'"),
        (Request("x", predicate="no_such > 1"), 'column "no_such"'),
        (Request("x", predicate="text_bytes < 0"), "finds no document"),
        (Request(" ", ids=("doc-00001",)), "give the reason"),
        (Request("x"), "name documents"),
    ],
)
def test_a_request_that_means_nothing_is_refused_and_leaves_no_record(
    corpus: Corpus, request_: Request, said: str
) -> None:
    with pytest.raises(UsageError) as refused:
        take_down(corpus.store, request_)
    assert said in str(refused.value)
    assert corpus.store.names("corpora/crawl/takedowns") == []


def test_text_that_was_converted_is_emptied_in_the_workspace(tmp_path: Path) -> None:
    folder = tmp_path / "crawl"
    folder.mkdir()
    lines = [json.dumps({**d, "secret": f"of {d['id']}"}) for d in documents(40)]
    (folder / "a.jsonl").write_text("\n".join(lines))
    corpus = Corpus(tmp_path, folder)
    corpus.run()
    text = documents(40)[1]["text"]
    assert _held(corpus.store, text) == 1
    made = corpus.take_down("doc-00001")
    assert (made.erased, _held(corpus.store, text), _held(corpus.store, "of doc-00001")) == (1, 0, 0)
    assert _held(corpus.store, "of doc-00002") == 1
    assert check_workspace(corpus.store).faults == []
    again = corpus.run()
    assert again.funnel["takedown.takedown"] == 1
    assert (corpus.take_down("doc-00001").erased, check_workspace(corpus.store).faults) == (0, [])


def _held(store: Store, what: str) -> int:
    """Files of the workspace's text that hold a string."""
    paths = (Path(store.root) / "corpora" / "crawl" / "text" / "parts").rglob("*.parquet")
    return sum(any(what in str(v) for row in pq.read_table(p).to_pylist() for v in row.values()) for p in paths)


def test_an_export_in_the_workspace_is_replaced_once_something_is_taken_down(corpus: Corpus) -> None:
    def run() -> Result:
        return winnow.run(RECIPE, [str(corpus.folder)], workspace=corpus.store.root, executor="local", workers=1)

    first = run()
    assert first.output is not None
    inodes = {p.stat().st_ino for p in Path(first.output).glob("data/*.parquet")}
    corpus.take_down(KEEPER)
    second = run()
    assert second.output is not None
    assert second.output != first.output
    assert not list(Path(first.output).glob("data/*.parquet"))
    assert len({p.stat().st_ino for p in Path(second.output).glob("data/*.parquet")} & inodes) == 3


KILLED = """
import os, signal, sys
from pipeline.storage.store import Store
from pipeline.takedown import erasing, making, records
from pipeline.takedown.making import Request, take_down
def stop(*_): os.kill(os.getpid(), signal.SIGKILL)
place, name = {"record": (Store, "commit_json"), "erase": (making, "erase"), "list": (erasing, "_list_again")}[sys.argv[2]]
setattr(place, name, stop)
take_down(Store(sys.argv[1]), Request("ticket 7", ids=("doc-00001",), by="jane"))
"""


@pytest.mark.parametrize("moment", ["record", "erase", "list"])
def test_a_takedown_that_is_killed_holds_or_does_not_and_is_finished_by_the_same_command(
    tmp_path: Path, moment: str
) -> None:
    folder = tmp_path / "crawl"
    folder.mkdir()
    (folder / "a.jsonl").write_text("\n".join(json.dumps(d) for d in documents(40)))
    corpus = Corpus(tmp_path, folder)
    corpus.run()
    died = subprocess.run([sys.executable, "-c", KILLED, corpus.store.root, moment], env={**os.environ}, timeout=120)
    assert died.returncode == -signal.SIGKILL
    if moment != "record":  # a run alone finishes it
        assert corpus.run().funnel["takedown.takedown"] == 1
        assert _held(corpus.store, documents(40)[1]["text"]) == 0
    corpus.take_down("doc-00001")
    assert corpus.run().funnel["takedown.takedown"] == 1
    assert _held(corpus.store, documents(40)[1]["text"]) == 0
    assert check_workspace(corpus.store).faults == []


def test_a_takedown_holds_whoever_expands_the_pattern(corpus: Corpus) -> None:
    corpus.run()
    corpus.take_down("doc-00001")
    files = sorted(str(p) for p in corpus.folder.glob("*.parquet"))
    for given in ([str(corpus.folder / "*.parquet")], files):
        made = winnow.run(RECIPE, given, workspace=corpus.store.root, output=str(corpus.root / "more"), overwrite=True)
        assert made.corpus == "crawl"
        assert not any("takedowns do not hold" in w for w in made.warnings)
        assert "doc-00001" not in pq.read_table(corpus.root / "more" / "data").column("id").to_pylist()


def test_files_whose_takedown_is_of_another_corpus_are_warned_of(corpus: Corpus) -> None:
    corpus.run()
    corpus.take_down("doc-00001")
    one = str(next(corpus.folder.glob("*.parquet")))
    said = "these files are part of corpus 'crawl', too, whose takedowns do not hold for corpus"
    assert said in winnow.plan(RECIPE, [one], workspace=corpus.store.root)["warnings"][0]
    made = winnow.run(RECIPE, [one], workspace=corpus.store.root, output=str(corpus.root / "more"))
    assert [w for w in made.warnings if said in w]
    named = winnow.run(RECIPE, [one], workspace=corpus.store.root, output=str(corpus.root / "one"), corpus="crawl")
    assert not [w for w in named.warnings if said in w]


SAME_NAME: dict[str, Any] = {
    "name": "same",
    "score": ["exact", "minhash"],
    "dedup": {"fuzzy": {"jaccard": 0.8}, "keep": "dump", "guard": {"max_source_loss": 1.0}},
}


def same_name(root: Path, rows: list[tuple[str, str]], **dedup: object) -> Store:
    """A workspace over documents (id, text), of which the first is the best."""
    (root / "crawl").mkdir()
    given = [{"id": i, "text": t, "dump": f"{n:03d}", "url": f"https://a.org/{t[:3]}"} for n, (i, t) in enumerate(rows)]
    pq.write_table(pa.Table.from_pylist(given), root / "crawl" / "a.parquet")
    recipe = {**SAME_NAME, "dedup": {**SAME_NAME["dedup"], **dedup}}
    winnow.run(recipe, [str(root / "crawl")], workspace=str(root / "ws"), executor="local", workers=1)
    return Store(str(root / "ws"))


def named_by(store: Store, *ids: str) -> tuple[list[str], int]:
    """(ids that a takedown of these and their copies records, documents)."""
    made = take_down(store, Request("ticket 7", ids=ids, copies=True)).takedown
    return ids_of(store, made).to_pylist(), made.documents


def test_copies_are_of_its_own_cluster_where_keepers_have_one_id(tmp_path: Path) -> None:
    one, other = prose(1), prose(2)
    near = [f"{text} And a few words more." for text in (one, other)]
    store = same_name(
        tmp_path,
        [("x", one), ("b", one), ("x", other), ("c", other), ("near-b", near[0]), ("near-c", near[1]), ("e", prose(3))],
    )
    sizes = winnow.sql("select cluster, cluster_size from duplicates", workspace=store.root).to_pylist()
    assert sizes == [{"cluster": "x", "cluster_size": 3}] * 6
    # an id names every document that has it: both x go, and of the other's copies none
    assert named_by(store, "b") == (["b", "near-b", "x"], 4)
    assert named_by(store, "near-c") == (["c", "near-c", "x"], 4)


def test_copies_are_of_its_own_cluster_where_an_address_stands_for_a_text(tmp_path: Path) -> None:
    texts = [f"aaa {prose(1)}", f"aaa {prose(4)}", f"bbb {prose(2)}", f"bbb {prose(5)}"]
    store = same_name(tmp_path, list(zip(("x", "by-url-a", "x", "by-url-b"), texts, strict=True)), url={})
    assert named_by(store, "by-url-b") == (["by-url-b", "x"], 3)
    assert named_by(store, "by-url-a") == (["by-url-a", "x"], 3)


def test_copies_that_cannot_be_told_apart_are_refused_and_nothing_is_recorded(tmp_path: Path) -> None:
    def text(*swapped: int) -> str:
        return " ".join("x" if n in swapped else f"word{n}" for n in range(120))

    # the one between is as similar to both keepers, which are too far from one another
    rows = [("x", text(10, 20)), ("x", text(90, 100)), ("between", text()), ("second", text(30, 90, 100))]
    store = same_name(tmp_path, rows, fuzzy={"jaccard": 0.8, "bands": 64, "rows": 2})
    with pytest.raises(
        UsageError, match="what shares a cluster with 'between' cannot be told: several clusters are named 'x'"
    ):
        take_down(store, Request("ticket 7", ids=("between",), copies=True))
    assert store.names("corpora/crawl/takedowns") == []
    take_down(store, Request("ticket 7", ids=("between",)))
