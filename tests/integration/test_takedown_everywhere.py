"""Nothing of a document that is taken down stays where a question, a file or a folder could show it."""

from __future__ import annotations

import json
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import winnow
from pipeline import run as runner
from pipeline.catalog.chosen import jobs
from pipeline.catalog.views import open_catalog
from pipeline.clerk.desk import Desk
from pipeline.clerk.verbs import answer
from pipeline.result import Result
from pipeline.sql.engine import rows_as_dicts
from pipeline.storage.integrity import check_workspace
from pipeline.storage.store import Store
from pipeline.takedown.making import Request, take_down
from tests.corpora import prose

MENU = "Home, contact, imprint and all that stands on top of every page."
RECIPE: dict[str, Any] = {
    "name": "everything",
    "score": ["exact", "gopher", "minhash"],
    "rules": {"word_count": {"column": "gopher.word_count", "min": 20}},
    "dedup": {"fuzzy": {"jaccard": 0.8}, "lines": {}, "substrings": {"min_bytes": 200}},
}
QUOTED = " ".join(f"quoted{n}" for n in range(40))


def texts() -> dict[str, str]:
    """A keeper and its copy, three pages of one menu, three that quote one passage, one too short, some alone."""
    menus = {f"menu-{n}": f"{MENU}\n{prose(10 + n)}" for n in range(3)}
    quotes = {f"quote-{n}": f"{prose(20 + n)} {QUOTED}" for n in range(3)}
    alone = {f"alone-{n}": f"secret{n}x {prose(30 + n)}" for n in range(8)}
    return {"copy-0": prose(1), "copy-1": prose(1), **menus, **quotes, "short": "Too short a secret.", **alone}


@pytest.fixture
def ran(tmp_path: Path) -> Path:
    """A workspace with one job over converted input."""
    folder = tmp_path / "crawl"
    folder.mkdir()
    lines = [json.dumps({"id": i, "text": t, "source": "s"}) for i, t in texts().items()]
    (folder / "a.jsonl").write_text("\n".join(lines))
    run(tmp_path, RECIPE)
    return tmp_path


def run(root: Path, recipe: dict[str, Any], output: str = "out") -> Result:
    return winnow.run(
        recipe,
        [str(root / "crawl")],
        workspace=str(root / "ws"),
        output=str(root / output),
        executor="local",
        workers=1,
    )


def exported(root: Path, output: str = "out") -> dict[str, str]:
    rows = [r for p in sorted((root / output / "data").glob("*.parquet")) for r in pq.read_table(p).to_pylist()]
    return {r["id"]: r["text"] for r in rows}


def test_the_next_copy_gets_back_a_line_and_a_passage_whose_first_copy_is_taken_down(ran: Path) -> None:
    before = exported(ran)
    assert [i for i, t in before.items() if MENU in t] == ["menu-0"]
    assert [i for i, t in before.items() if QUOTED in t] == ["quote-0"]
    take_down(Store(str(ran / "ws")), Request("ticket 7", ids=("menu-0", "quote-0")))
    result = run(ran, RECIPE)
    after = exported(ran)
    assert [i for i, t in after.items() if MENU in t] == ["menu-1"]
    assert [i for i, t in after.items() if QUOTED in t] == ["quote-1"]
    assert result.funnel == {"kept": 13, "takedown.takedown": 2, "judge.word_count": 1, "dedup.exact": 1}


def test_no_view_of_an_older_job_tells_what_was_measured_of_it(ran: Path) -> None:
    gone = ("copy-0", "menu-1", "quote-1", "short")
    store = Store(str(ran / "ws"))
    ids = {r["doc_id"]: (r["shard"], r["row"]) for r in asked(store, "select doc_id, shard, row from documents")}
    assert (
        len(asked(store, "select * from removed_lines")) == len(asked(store, "select * from removed_substrings")) == 2
    )
    take_down(store, Request("ticket 7", ids=gone))
    for view in ("duplicates", "removed_lines", "removed_substrings"):
        left = {(r["shard"], r["row"]) for r in asked(store, f"select shard, row from {view}")}
        assert left.isdisjoint(ids[i] for i in gone)
        assert len(left) == 1
    verdicts = {r["doc_id"]: (r["kept"], r["failed"]) for r in asked(store, "select * from verdicts")}
    assert {verdicts[i] for i in gone if verdicts[i][1]} == set()
    assert [verdicts[i][0] for i in (*gone, "menu-2")] == [False, False, False, False, True]


def asked(store: Store, sql: str) -> list[dict[str, Any]]:
    return rows_as_dicts(open_catalog(store, jobs(store)[0]), sql)


def test_takedowns_at_once_empty_the_text_of_all(ran: Path) -> None:
    store = Store(str(ran / "ws"))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: take_down(store, Request("ticket 7", ids=(f"alone-{n}",))), range(8)))
    assert [n for n in range(8) if holding(ran / "ws", f"secret{n}x")] == []
    assert check_workspace(store).faults == []
    assert run(ran, RECIPE).funnel["takedown.takedown"] == 8


def test_tables_beside_reference_sets_say_what_the_emptied_parts_are_now(ran: Path) -> None:
    (ran / "old").mkdir()
    (ran / "old" / "a.jsonl").write_text(json.dumps({"id": "old", "text": prose(31)}))
    store = Store(str(ran / "ws"))
    winnow.run(RECIPE, [str(ran / "old")], workspace=store.root, executor="local", workers=1)
    recipe = {**RECIPE, "dedup": {**RECIPE["dedup"], "against": ["old"]}}
    run(ran, recipe, "held-against-old")
    take_down(store, Request("ticket 7", ids=("alone-0",)), corpus="crawl")
    take_down(store, Request("ticket 8", ids=("old",)), corpus="old")
    assert check_workspace(store).faults == []
    assert run(ran, recipe, "held-against-old").funnel["takedown.takedown"] == 1


def test_what_a_killed_job_left_lying_goes_with_a_takedown(ran: Path) -> None:
    store, dead = Store(str(ran / "ws")), 2**22 + 1
    job = jobs(store)[0]
    record = store.read_json(f"jobs/{job}/job.json") | {"state": "running", "pid": dead, "host": socket.gethostname()}
    store.put_json(f"jobs/{job}/job.json", record)
    scratch = ran / "ws" / "jobs" / job / "scratch"
    scratch.mkdir()
    (scratch / "contexts.parquet").write_text("secret0x")
    os.makedirs(ran / "ws" / "tmp", exist_ok=True)
    (ran / "ws" / "tmp" / f"{socket.gethostname()}~{dead}~0.parquet").write_text("secret0x")
    take_down(store, Request("ticket 7", ids=("alone-0",)))
    assert holding(ran / "ws", "secret0x") == []


def holding(folder: Path, what: str) -> list[str]:
    """Files that hold a string, Parquet looked into."""

    def holds(path: Path) -> bool:
        raw = path.read_bytes()
        return what.encode() in (repr(pq.read_table(path).to_pylist()).encode() if raw[:4] == b"PAR1" else raw)

    return [str(p) for p in folder.rglob("*") if p.is_file() and holds(p)]


def test_a_clerk_that_knows_a_job_already_hides_what_is_taken_down_since(ran: Path) -> None:
    store = Store(str(ran / "ws"))
    desk, job = Desk(store, 1, 256_000_000), jobs(store)[0]

    def told() -> tuple[int, int, int, set[str]]:
        kept = answer(desk, "samples", {"job": job, "outcome": "kept", "size": 100})
        preview = answer(desk, "preview", {"job": job, "changes": ["rules.word_count.min=1"]})
        clusters = answer(desk, "clusters", {"job": job})["items"]
        sizes = (kept["documents"], preview["documents"], preview["present"]["kept"]["documents"])
        return (*sizes, {c["keeper"] for c in clusters})

    assert told() == (15, 17, 16, {"copy-0"})
    take_down(store, Request("ticket 7", ids=("alone-0", "copy-0")))
    assert told() == (13, 15, 14, {None})


@pytest.mark.parametrize("stage", ["Judge", "Mix"])
def test_a_job_decides_again_about_what_is_taken_down_while_it_runs(
    ran: Path, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, real = Store(str(ran / "ws")), getattr(runner, stage)

    def beside(*given: Any) -> Any:
        take_down(store, Request("ticket 7", ids=("menu-0", "quote-0")))
        return real(*given)

    monkeypatch.setattr(runner, stage, beside)
    recipe = {**RECIPE, "dedup": {**RECIPE["dedup"], "substrings": {"min_bytes": 150}}}
    result = run(ran, recipe, "beside")
    assert result.funnel == {"kept": 13, "takedown.takedown": 2, "judge.word_count": 1, "dedup.exact": 1}
    assert [len(keys) for kind, keys in result.tables.items() if kind in ("verdict", "mix", "export")] == [1, 1, 1]
    assert [i for i, t in exported(ran, "beside").items() if QUOTED in t] == ["quote-1"]
    assert check_workspace(store).faults == []
