"""Records of takedowns that are damaged or gone: nothing goes on without them, `verify` sees it, and the same request mends it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import winnow
from pipeline.cli import commands
from pipeline.errors import IntegrityError
from pipeline.storage.integrity import check_workspace, repair
from pipeline.storage.store import Store
from pipeline.takedown.making import Made, Request, take_down
from pipeline.takedown.records import every_takedown, ids_of, ids_path, record_path, undo_path
from pipeline.takedown.undoing import undo_takedown
from tests.corpora import documents
from tests.integration.test_ingest_s3 import bucket, server

__all__ = ["bucket", "server"]

RECIPE = {"name": "small", "score": ["exact"]}
ONE, OTHER = "doc-00001", "doc-00003"
TEXTS = {d["id"]: d["text"] for d in documents(40)}


class Corpus:
    """A workspace over converted input, with one takedown."""

    def __init__(self, root: Path) -> None:
        self.root, self.store = root, Store(str(root / "ws"))
        (root / "crawl").mkdir()
        (root / "crawl" / "a.jsonl").write_text("\n".join(json.dumps(d) for d in documents(40)))
        self.run()
        self.made = self.take_down(ONE)

    def run(self) -> dict[str, int]:
        where = {"workspace": self.store.root, "output": str(self.root / "out")}
        return winnow.run(RECIPE, [str(self.root / "crawl")], executor="local", workers=1, **where).funnel

    def take_down(self, *ids: str, why: str = "ticket 7", sources: tuple[str, ...] = ()) -> Made:
        return take_down(self.store, Request(why, ids=ids, sources=sources, by="jane"))

    def down(self) -> int:
        return self.run().get("takedown.takedown", 0)

    def file(self, path: Callable[[str, str], str], made: Made | None = None) -> Path:
        return Path(self.store.full(path("crawl", (made or self.made).takedown.id)))

    def faults(self) -> list[tuple[str, bool]]:
        """(path, whether a person has to do something) of each."""
        return [(f.path, f.remedy is not None) for f in check_workspace(self.store).faults]


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    return Corpus(tmp_path)


def flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 4
    path.write_bytes(data)


IDS_DAMAGES: dict[str, Callable[[Path], object]] = {
    "gone": Path.unlink,
    "cut short": lambda p: p.write_bytes(p.read_bytes()[:200]),
    "empty": lambda p: p.write_bytes(b""),
    "flipped": flipped,
    "said by whom it was written": lambda p: p.write_bytes(p.read_bytes().replace(b"parquet-cpp", b"parquet-cqq")),
}
RECORD_DAMAGES: dict[str, Callable[[str], str]] = {
    "empty": lambda _: "",
    "cut short": lambda s: s[:50],
    "no object": lambda _: "[]",
    "a field of another name": lambda s: s.replace('"why"', '"whi"'),
    "a field of another type": lambda s: s.replace('"ids": 1', '"ids": "1"'),
    "no ids": lambda s: s.replace('"ids": 1', '"ids": 0'),
    "more ids": lambda s: s.replace('"ids": 1', '"ids": 3'),
    "another reason": lambda s: s.replace("ticket 7", "ticket 5"),
    "another source": lambda s: s.replace('"sources": []', '"sources": ["site-1"]'),
    "another id": lambda s: s.replace('"id": "td_', '"id": "td-'),
    "another corpus": lambda s: s.replace('"corpus": "crawl"', '"corpus": "crawm"'),
}


def refusals(corpus: Corpus) -> list[str]:
    """What a job and a question say that go no further."""
    said = []
    for asked in (corpus.run, lambda: winnow.sql("select 1 from documents", workspace=corpus.store.root)):
        with pytest.raises(IntegrityError) as refused:
            asked()
        said.append(str(refused.value))
    return said


@pytest.mark.parametrize("how", IDS_DAMAGES)
def test_ids_that_are_damaged_stop_everything_and_are_written_anew_by_the_same_request(
    corpus: Corpus, how: str
) -> None:
    path = corpus.file(ids_path)
    whole = path.read_bytes()
    IDS_DAMAGES[how](path)
    assert (not path.exists()) or path.read_bytes() != whole
    assert corpus.faults() == [(str(path), True)]
    for said in refusals(corpus):
        assert str(path) in said
        assert f"Give takedown {corpus.made.takedown.id} of corpus 'crawl' again" in said
        assert "1 id that it named and --why 'ticket 7'" in said
    repair(corpus.store, check_workspace(corpus.store))
    assert corpus.faults() == [(str(path), True)]
    assert corpus.take_down(ONE).takedown == corpus.made.takedown
    assert path.read_bytes() == whole
    assert (corpus.faults(), corpus.down()) == ([], 1)


@pytest.mark.parametrize("how", RECORD_DAMAGES)
def test_a_record_that_is_damaged_stops_everything_and_is_written_anew_by_the_same_request(
    corpus: Corpus, how: str
) -> None:
    path = corpus.file(record_path)
    whole = path.read_text()
    path.write_text(RECORD_DAMAGES[how](whole))
    assert path.read_text() != whole
    told = corpus.file(ids_path) if how == "more ids" else path
    assert corpus.faults() == [(str(told), True)]
    for said in refusals(corpus):
        assert str(told) in said
        assert corpus.made.takedown.id in said
        assert "again" in said
    repair(corpus.store, check_workspace(corpus.store))
    assert path.exists()
    corpus.take_down(ONE)
    now, before = json.loads(path.read_text()), json.loads(whole)
    assert {**now, "at": before["at"]} == before
    assert (corpus.faults(), corpus.down()) == ([], 1)


def test_a_record_of_sources_is_held_against_its_id_too(corpus: Corpus) -> None:
    made = corpus.take_down(why="their wish", sources=("site-1",))
    path = corpus.file(record_path, made)
    path.write_text(path.read_text().replace("site-1", "site-2"))
    assert corpus.faults() == [(str(path), True)]
    with pytest.raises(IntegrityError, match=r"is of another reason, ids or sources .* Give the same takedown again"):
        corpus.run()
    corpus.take_down(why="their wish", sources=("site-1",))
    assert corpus.faults() == []


def test_two_that_are_damaged_at_once_are_given_again_one_after_the_other(corpus: Corpus) -> None:
    other = corpus.take_down(OTHER)
    corpus.file(ids_path).unlink()
    corpus.file(record_path, other).write_text("{")
    assert len(corpus.faults()) == 2
    with pytest.raises(IntegrityError, match=other.takedown.id):
        corpus.take_down(ONE)
    corpus.take_down(OTHER)
    assert (corpus.faults(), corpus.down()) == ([], 2)


def test_a_record_from_before_digests_holds_and_is_held_against_its_id(corpus: Corpus) -> None:
    path, other = corpus.file(record_path), corpus.take_down(OTHER)
    older = {k: v for k, v in json.loads(path.read_text()).items() if k != "sha256"}
    path.write_text(json.dumps(older))
    assert (corpus.faults(), corpus.down()) == ([], 2)
    corpus.file(ids_path).write_bytes(corpus.file(ids_path, other).read_bytes())
    assert corpus.faults() == [(str(path), True)]
    corpus.take_down(ONE)
    assert (corpus.faults(), corpus.down()) == ([], 2)


def test_one_whose_ids_are_lost_may_be_undone_and_its_text_comes_back(corpus: Corpus) -> None:
    corpus.file(ids_path).write_bytes(b"")
    undo_takedown(corpus.store, corpus.made.takedown.id, "its ids are lost", "joe")
    assert corpus.faults() == [(str(corpus.file(ids_path)), False)]
    assert corpus.down() == 0
    assert TEXTS[ONE] in exported_texts(corpus)
    repair(corpus.store, check_workspace(corpus.store))
    assert (corpus.faults(), corpus.down()) == ([], 0)
    told = winnow.why(ONE, workspace=corpus.store.root)
    assert told[0]["outcome"] == "kept"


@pytest.mark.parametrize("how", ["cut short", "another reason"])
def test_the_damaged_record_of_one_that_is_undone_stops_nothing_and_may_be_set_aside(corpus: Corpus, how: str) -> None:
    corpus.take_down(OTHER)
    undo_takedown(corpus.store, corpus.made.takedown.id, "withdrawn", "joe")
    path = corpus.file(record_path)
    path.write_text(RECORD_DAMAGES[how](path.read_text()))
    assert corpus.faults() == [(str(path), False)]
    assert corpus.down() == 1
    assert {TEXTS[ONE], TEXTS[OTHER]} & exported_texts(corpus) == {TEXTS[ONE]}
    repair(corpus.store, check_workspace(corpus.store))
    assert (corpus.faults(), corpus.down()) == ([], 1)
    again = corpus.take_down(ONE)
    assert again.takedown.id != corpus.made.takedown.id
    assert (corpus.faults(), corpus.down()) == ([], 2)


def exported_texts(corpus: Corpus) -> set[str]:
    return {r["text"] for p in (corpus.root / "out" / "data").glob("*.parquet") for r in pq.read_table(p).to_pylist()}


def test_a_record_of_an_undo_that_is_damaged_is_written_anew_by_undoing_again(corpus: Corpus) -> None:
    undo_takedown(corpus.store, corpus.made.takedown.id, "withdrawn", "joe")
    path = corpus.file(undo_path)
    for damaged in ("", "[]", path.read_text().replace('"why"', '"whi"'), path.read_text().replace("td_", "td-")):
        path.write_text(damaged)
        assert corpus.faults() == [(str(path), True)]
        with pytest.raises(IntegrityError, match=rf"{path.name}.*winnow takedown --undo {corpus.made.takedown.id}"):
            corpus.run()
        repair(corpus.store, check_workspace(corpus.store))
        assert path.exists()
        undo_takedown(corpus.store, corpus.made.takedown.id, "withdrawn", "joe")
        assert corpus.faults() == []
    assert corpus.down() == 0


def test_ids_without_a_record_are_told_of_and_stop_nothing(corpus: Corpus) -> None:
    corpus.file(record_path).unlink()
    assert corpus.faults() == [(str(corpus.file(ids_path)), True)]
    assert corpus.down() == 0
    corpus.take_down(ONE)
    assert (corpus.faults(), corpus.down()) == ([], 1)


def test_the_same_request_after_an_undo_is_held_against_its_own_id(corpus: Corpus) -> None:
    undo_takedown(corpus.store, corpus.made.takedown.id, "withdrawn", "joe")
    again = corpus.take_down(ONE)
    assert again.takedown.id != corpus.made.takedown.id
    assert ids_of(corpus.store, again.takedown).to_pylist() == [ONE]
    assert (corpus.faults(), corpus.down()) == ([], 1)
    with pytest.raises(IntegrityError, match="is of another reason"):
        ids_of(corpus.store, dataclasses.replace(again.takedown, why="ticket 8"))


def test_the_mark_of_a_text_that_was_emptied_is_its_name_alone(corpus: Corpus) -> None:
    for mark in Path(corpus.store.full("corpora/crawl/takedowns/emptied")).iterdir():
        mark.write_text("{")
    undo_takedown(corpus.store, corpus.made.takedown.id, "withdrawn", "joe")
    assert corpus.down() == 0
    assert TEXTS[ONE] in exported_texts(corpus)


def test_a_damaged_record_of_one_corpus_stops_no_other(corpus: Corpus, tmp_path: Path) -> None:
    (tmp_path / "else").mkdir()
    (tmp_path / "else" / "a.jsonl").write_text("\n".join(json.dumps(d) for d in documents(10)))
    corpus.file(record_path).write_text("{")
    made = winnow.run(RECIPE, [str(tmp_path / "else")], workspace=corpus.store.root, executor="local", workers=1)
    assert made.corpus == "else"
    take_down(corpus.store, Request("ticket 8", ids=(ONE,)), corpus="else")
    assert [t.documents for t in every_takedown(corpus.store, "else")] == [1]


def test_verify_says_what_to_do_and_repair_leaves_takedowns_alone(corpus: Corpus) -> None:
    path = corpus.file(ids_path)
    flipped(path)
    for options in ([], ["--repair"]):
        said = CliRunner().invoke(commands(), ["verify", "--workspace", corpus.store.root, *options])
        assert said.exit_code == 1
        assert "1 takedown," in said.stdout
        assert "1 faults" in said.stdout
        assert f"Give takedown {corpus.made.takedown.id} of corpus 'crawl' again" in str(said.exception)
        assert "files set aside" not in said.stdout
    assert path.exists()
    told = CliRunner().invoke(commands(), ["verify", "--json", "--workspace", corpus.store.root]).stdout
    assert json.loads(told)["faults"][0]["remedy"].startswith("Give takedown")


def test_in_a_bucket_the_same_request_writes_anew_what_is_damaged(bucket: str, tmp_path: Path) -> None:
    (tmp_path / "crawl").mkdir()
    (tmp_path / "crawl" / "a.jsonl").write_text("\n".join(json.dumps(d) for d in documents(10)))
    store, asked = Store(f"{bucket}/ws"), Request("ticket 7", ids=(ONE,), by="jane")
    winnow.run(RECIPE, [str(tmp_path / "crawl")], workspace=store.root, executor="local", workers=1)
    made = take_down(store, asked).takedown
    for path in (record_path("crawl", made.id), ids_path("crawl", made.id)):
        store.put(path, "no such thing")
        assert [(f.path, f.remedy is not None) for f in check_workspace(store).faults] == [(store.full(path), True)]
        with pytest.raises(IntegrityError, match=made.id):
            winnow.sql("select 1 from documents", workspace=store.root)
        assert take_down(store, asked).takedown.sha256 == made.sha256
        assert check_workspace(store).faults == []
    store.remove(ids_path("crawl", made.id))
    assert len(check_workspace(store).faults) == 1
    assert take_down(store, asked).takedown.sha256 == made.sha256
    assert check_workspace(store).faults == []
