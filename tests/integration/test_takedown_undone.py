"""A takedown that is undone: a further record, after which its documents are judged as before, with their text."""

from __future__ import annotations

import hashlib
import json
import threading
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import winnow
from pipeline import run as runner
from pipeline.cli import commands
from pipeline.errors import PlanError, UsageError
from pipeline.explain_sentences import sentences
from pipeline.result import Result
from pipeline.storage.integrity import check_workspace
from pipeline.storage.store import Store
from pipeline.storage.turns import in_turn
from pipeline.takedown import erasing
from pipeline.takedown.making import Made, Request, take_down
from pipeline.takedown.records import takedowns
from pipeline.takedown.undoing import undo_takedown
from tests.corpora import documents, write_parquet

RECIPE: dict[str, Any] = {
    "name": "small",
    "score": ["exact", "gopher", "minhash"],
    "rules": {"word_count": {"column": "gopher.word_count", "min": 50}},
    "dedup": {"fuzzy": {"jaccard": 0.8}, "guard": {"max_source_loss": 1.0}},
}
ONE, OTHER = "doc-00001", "doc-00003"
TEXTS = {d["id"]: d["text"] for d in documents(40)}


class Corpus:
    """A workspace with its input, converted (JSONL) or as it is (Parquet)."""

    def __init__(self, root: Path, converted: bool, copied: bool = False) -> None:
        self.root, self.store, self.copied = root, Store(str(root / "ws")), copied
        if converted:
            (root / "crawl").mkdir()
            (root / "crawl" / "a.jsonl").write_text("\n".join(json.dumps(d) for d in documents(40)))
        else:
            write_parquet(root / "crawl", count=40, files=2)

    def run(self, recipe: dict[str, Any] = RECIPE, workspace: str = "ws") -> Result:
        return winnow.run(
            recipe, [str(self.root / "crawl")], workspace=str(self.root / workspace), copy=self.copied,
            output=str(self.root / f"out-{workspace}-{recipe['name']}"), executor="local", workers=1,
        )  # fmt: skip

    def output(self, workspace: str = "ws", name: str = "small") -> dict[str, str]:
        folder = self.root / f"out-{workspace}-{name}"
        return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.glob("*/*.parquet"))}

    def take_down(self, *ids: str) -> Made:
        return take_down(self.store, Request("ticket 7", ids=ids, by="jane"))

    def undo(self, made: Made) -> None:
        undo_takedown(self.store, made.takedown.id, "withdrawn", "joe")

    def holds(self, doc_id: str) -> bool:
        """Whether the workspace's text has this document's."""
        parts = (self.root / "ws" / "corpora" / "crawl" / "text" / "parts").rglob("*.parquet")
        return any(TEXTS[doc_id] in str(row.get("text")) for p in parts for row in pq.read_table(p).to_pylist())


@pytest.fixture(params=["as it is", "converted", "copied"])
def corpus(request: pytest.FixtureRequest, tmp_path: Path) -> Corpus:
    made = Corpus(tmp_path, converted=request.param == "converted", copied=request.param == "copied")
    made.run()
    return made


@pytest.fixture
def converted(tmp_path: Path) -> Corpus:
    made = Corpus(tmp_path, converted=True)
    made.run()
    return made


def test_the_next_run_gives_what_there_was_before(corpus: Corpus) -> None:
    before = corpus.output()
    made = corpus.take_down(ONE)
    assert corpus.run().funnel["takedown.takedown"] == 1
    assert corpus.output() != before
    corpus.undo(made)
    again = corpus.run()
    assert "takedown.takedown" not in again.funnel
    assert sorted(corpus.output().values()) == sorted(before.values())
    assert check_workspace(corpus.store).faults == []


def test_it_may_be_undone_before_any_run(corpus: Corpus) -> None:
    before = corpus.output()
    corpus.undo(corpus.take_down(ONE))
    corpus.run()
    assert sorted(corpus.output().values()) == sorted(before.values())


def test_emptied_text_is_converted_again_once(converted: Corpus) -> None:
    made = converted.take_down(ONE)
    assert not converted.holds(ONE)
    converted.undo(made)
    assert not converted.holds(ONE)
    first = converted.run()
    assert converted.holds(ONE)
    again = converted.run()
    events = (converted.root / "ws" / "jobs" / again.job_id / "events.jsonl").read_text()
    assert "unit_done" not in events
    assert again.funnel == first.funnel


def test_what_was_measured_of_the_empty_text_meanwhile_is_measured_again(converted: Corpus) -> None:
    later = {**RECIPE, "name": "later", "score": [*RECIPE["score"], "repetition", "lines"]}
    made = converted.take_down(ONE)
    converted.run(later)
    converted.undo(made)
    converted.run(later)
    converted.run(later, "fresh")
    assert sorted(converted.output("ws", "later").values()) == sorted(converted.output("fresh", "later").values())
    asked = f"select gopher, repetition, lines from documents where doc_id = '{ONE}'"
    told, expected = (winnow.sql(asked, workspace=str(converted.root / w)).to_pylist() for w in ("ws", "fresh"))
    assert told == expected


def test_another_takedown_goes_on_holding(converted: Corpus) -> None:
    made, other = converted.take_down(ONE), converted.take_down(OTHER)
    converted.undo(made)
    assert converted.run().funnel["takedown.takedown"] == 1
    assert (converted.holds(ONE), converted.holds(OTHER)) == (True, False)
    assert [t.id for t in takedowns(converted.store, "crawl")] == [other.takedown.id]


def test_a_document_of_two_takedowns_stays_down_until_both_are_undone(converted: Corpus) -> None:
    made, both = converted.take_down(ONE), converted.take_down(ONE, OTHER)
    converted.undo(made)
    assert converted.run().funnel["takedown.takedown"] == 2
    assert not converted.holds(ONE)
    converted.undo(both)
    assert "takedown.takedown" not in converted.run().funnel
    assert (converted.holds(ONE), converted.holds(OTHER)) == (True, True)


def test_the_same_request_holds_again_after_it_was_undone_and_may_be_undone_again(converted: Corpus) -> None:
    before, seen = converted.output(), set()
    for _ in range(3):
        made = converted.take_down(ONE)
        assert converted.take_down(ONE).takedown == made.takedown
        assert (converted.holds(ONE), converted.run().funnel["takedown.takedown"]) == (False, 1)
        converted.undo(made)
        assert "takedown.takedown" not in converted.run().funnel
        assert converted.holds(ONE)
        assert sorted(converted.output().values()) == sorted(before.values())
        seen.add(made.takedown.id)
    assert len(seen) == 3
    assert check_workspace(converted.store).faults == []


def test_a_job_that_was_planned_before_does_not_go_on_with_the_empty_text(
    converted: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, plan = converted.take_down(ONE), runner.make_plan

    def undone_after(*given: Any) -> Any:
        planned = plan(*given)
        converted.undo(made)
        return planned

    monkeypatch.setattr(runner, "make_plan", undone_after)
    with pytest.raises(PlanError, match="undone since this was planned: run it again"):
        converted.run()
    monkeypatch.undo()
    assert "takedown.takedown" not in converted.run().funnel
    assert converted.holds(ONE)


def test_an_undo_waits_for_text_that_is_being_emptied(converted: Corpus) -> None:
    made = converted.take_down(ONE)
    undoing = threading.Thread(target=converted.undo, args=(made,))
    with in_turn(converted.store, erasing.TURNS):
        undoing.start()
        undoing.join(1.0)
        assert undoing.is_alive()
        assert takedowns(converted.store, "crawl") == [made.takedown]
    undoing.join(30)
    assert takedowns(converted.store, "crawl") == []


def test_why_of_a_job_from_before_says_that_it_was_undone(converted: Corpus) -> None:
    made = converted.take_down(ONE)
    converted.run()
    converted.undo(made)
    told = sentences(winnow.why(ONE, workspace=converted.store.root))
    assert told[-2].endswith(f"by jane ({made.takedown.id}): ticket 7")
    assert told[-1].endswith("by joe: withdrawn; the next run judges it again")
    converted.run()
    assert "takedown" not in " ".join(sentences(winnow.why(ONE, workspace=converted.store.root)))


def test_list_and_view_show_what_was_undone_by_whom(converted: Corpus) -> None:
    made, other = converted.take_down(ONE), converted.take_down(OTHER)
    place = ["--workspace", converted.store.root]
    said = CliRunner().invoke(
        commands(),
        ["takedown", "--undo", made.takedown.id, "--why", "withdrawn", "--by", "joe", *place],
        catch_exceptions=False,
    )
    assert said.exit_code == 0
    assert "undone by joe: withdrawn" in said.stdout
    assert "taken in again from the input" in said.stdout
    listed = json.loads(
        CliRunner().invoke(commands(), ["takedown", "--list", "--json", *place], catch_exceptions=False).stdout
    )
    assert {t["id"]: t["undone"] and t["undone"]["by"] for t in listed} == {
        made.takedown.id: "joe",
        other.takedown.id: None,
    }
    rows = winnow.sql("select id, undone_by, undone_why from takedowns", workspace=converted.store.root).to_pylist()
    assert {r["id"]: (r["undone_by"], r["undone_why"]) for r in rows} == {
        made.takedown.id: ("joe", "withdrawn"), other.takedown.id: (None, None),
    }  # fmt: skip


def test_what_cannot_be_undone_is_refused_and_the_first_reason_stays(converted: Corpus) -> None:
    made = converted.take_down(ONE)
    with pytest.raises(UsageError, match=rf"no takedown 'td_0'.*{made.takedown.id}"):
        undo_takedown(converted.store, "td_0", "withdrawn")
    with pytest.raises(UsageError, match="give the reason with --why"):
        undo_takedown(converted.store, made.takedown.id, " ")
    assert takedowns(converted.store, "crawl") == [made.takedown]
    converted.undo(made)
    assert undo_takedown(converted.store, made.takedown.id, "another").undo.why == "withdrawn"
