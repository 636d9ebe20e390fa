"""Two jobs that export at once: their files never mix, and whoever comes second says that it waits."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import winnow
from pipeline.job import Job, end_dead_jobs
from pipeline.progress import Silent
from pipeline.recipe import Recipe
from pipeline.result import Result
from pipeline.steps import output as exporting
from pipeline.storage import destination, packing, temporary
from pipeline.storage import manifest as manifests
from pipeline.storage.integrity import check_export, check_workspace
from pipeline.storage.manifest import load, manifest_path
from pipeline.storage.naming import link, set_aside
from pipeline.storage.store import Store
from pipeline.takedown.making import Request, take_down
from tests.corpora import documents

RECIPE: dict[str, Any] = {
    "name": "small",
    "score": ["gopher"],
    "rules": {"word_count": {"column": "gopher.word_count", "min": 50}},
}
FILES = 5


@pytest.fixture(autouse=True)
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "LEAST_FILE_BYTES", 20_000)


def write(root: Path, *files: int) -> None:
    folder, rows = root / "crawl", documents(90)
    folder.mkdir(exist_ok=True)
    for n in files:
        part = rows[n * 18 : (n + 1) * 18]
        (folder / f"part-{n}.jsonl").write_text("\n".join(map(json.dumps, part)))


def run(
    root: Path, output: str = "out", workspace: str = "ws", recipe: dict[str, Any] | None = None, **more: Any
) -> Result:
    return winnow.run(
        recipe or RECIPE,
        [str(root / "crawl")],
        workspace=str(root / workspace),
        output=str(root / output),
        executor="local",
        workers=1,
        **more,
    )


def content(folder: Path) -> dict[str, bytes]:
    files = (p for p in sorted(folder.rglob("*")) if p.is_file())
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}


class Meanwhile:
    """Something that another job does while this one is where it is told: until it is done, or waits for this one."""

    def __init__(self, work: Callable[[], object]) -> None:
        self.work, self.told = work, threading.Event()
        self.errors: list[BaseException] = []
        self.thread: threading.Thread | None = None

    def begin(self) -> None:
        if self.thread is None:
            self.thread = threading.Thread(target=self._work, daemon=True)
            self.thread.start()
            assert self.told.wait(60)

    def end(self) -> None:
        assert self.thread is not None
        self.thread.join(60)
        assert not self.thread.is_alive()
        if self.errors:
            raise self.errors[0]

    def _work(self) -> None:
        try:
            self.work()
        except BaseException as error:
            self.errors.append(error)
        finally:
            self.told.set()


def before(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, other: Meanwhile) -> None:
    """Let the other begin when this thread first calls a function."""
    real, this = getattr(owner, name), threading.get_ident()

    def called(*arguments: Any, **more: Any) -> Any:
        if threading.get_ident() == this:
            other.begin()
        return real(*arguments, **more)

    monkeypatch.setattr(owner, name, called)


@pytest.mark.parametrize("where", ["settle", "write_card", "claim"])
def test_a_job_that_adds_to_a_corpus_waits_until_the_one_before_has_written_its_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    write(tmp_path, 0, 1, 2, 3)
    notes: list[str] = []

    def grow() -> None:
        write(tmp_path, 4)
        run(tmp_path)

    def note(job: Job, message: str) -> None:
        notes.append(message)
        other.told.set()

    other = Meanwhile(grow)
    monkeypatch.setattr(Job, "note", note)
    before(monkeypatch, exporting if where == "write_card" else destination, where, other)
    run(tmp_path)
    other.end()
    assert [n for n in notes if "waits" in n] == [f"another job writes to {tmp_path}/out; this one waits for it"]
    assert check_export(Store(str(tmp_path / "out"))).faults == []
    assert check_workspace(Store(str(tmp_path / "ws"))).faults == []
    got = content(tmp_path / "out")
    (tmp_path / "ws").rename(tmp_path / "ws.before")
    (tmp_path / "out").rename(tmp_path / "out.before")
    run(tmp_path)
    assert got == content(tmp_path / "out")


@pytest.mark.parametrize("where", ["claim", "settle"])
def test_a_job_of_another_workspace_waits_until_the_one_before_has_written_their_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    write(tmp_path, *range(FILES))
    notes: list[str] = []
    shorter = RECIPE | {"rules": {"word_count": {"column": "gopher.word_count", "min": 40}}}

    def replace() -> None:
        run(tmp_path, workspace="elsewhere", recipe=shorter, overwrite=True)

    def note(job: Job, message: str) -> None:
        notes.append(message)
        other.told.set()

    other = Meanwhile(replace)
    monkeypatch.setattr(Job, "note", note)
    run(tmp_path, until="mix")
    before(monkeypatch, destination, where, other)
    run(tmp_path)
    other.end()
    assert [n for n in notes if "waits" in n] == [f"another job writes to {tmp_path}/out; this one waits for it"]
    out = Store(str(tmp_path / "out"))
    assert check_export(out).faults == []
    assert "min: 40" in (tmp_path / "out" / "recipe.lock.yaml").read_text()
    assert not out.exists(f"{destination.TURNS}.lock")


def test_an_output_that_another_workspace_took_over_is_left_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, *range(FILES))
    run(tmp_path)
    out = Store(str(tmp_path / "out"))
    made = load(out, destination.MANIFEST)
    assert made is not None
    out.put_json(destination.CLAIM, {"export": "f" * 32, "recipe": "e" * 32})
    (tmp_path / "out" / "data" / "theirs.parquet").write_bytes(b"what they write")
    with pytest.raises(Exception, match="another job took it"):
        destination.settle(out, made, ("data",))
    assert (tmp_path / "out" / "data" / "theirs.parquet").exists()


def test_what_is_taken_down_while_the_output_is_written_is_not_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, *range(FILES))
    store = Store(str(tmp_path / "ws"))
    other = Meanwhile(lambda: take_down(store, Request("ticket 7", ids=("doc-00003",))))
    winnow.run(RECIPE, [str(tmp_path / "crawl")], workspace=store.root, executor="local", workers=1, until="mix")
    before(monkeypatch, destination, "settle", other)
    run(tmp_path)
    other.end()
    rows = [r["id"] for p in (tmp_path / "out" / "data").glob("*.parquet") for r in pq.read_table(p).to_pylist()]
    assert "doc-00002" in rows
    assert "doc-00003" not in rows
    assert check_export(Store(str(tmp_path / "out"))).faults == []


def test_a_folder_of_attempts_that_another_job_tidies_away_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, real, tidied = Store(str(tmp_path)), Path.mkdir, [0]

    def mkdir(path: Path, *arguments: Any, **more: Any) -> None:
        real(path, *arguments, **more)
        if path.name == "tmp" and tidied[0] == 0:
            tidied[0] += 1
            store.sweep(tidy=True)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    store.commit_json("a.json", {"a": 1})
    assert (tidied, store.read_json("a.json")) == ([1], {"a": 1})
    with temporary.temporary_file(tmp_path / "tmp", ".json") as path:
        store.sweep(tidy=True)
        path.write_text("{}")


def test_sweeping_a_folder_that_goes_meanwhile_finds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.listdir
    (tmp_path / "tmp").mkdir()

    def listdir(path: Any) -> list[str]:
        os.rmdir(path)
        return real(path)

    monkeypatch.setattr(os, "listdir", listdir)
    assert Store(str(tmp_path)).sweep() == 0


def test_a_job_that_ends_while_another_looks_for_dead_ones_stays_as_it_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(str(tmp_path))
    job = Job(store, Recipe.model_validate({"name": "x", "score": ["gopher"], "input": {"paths": ["a"]}}), Silent())
    job.start()

    def gone(pid: int) -> bool:
        job.state("completed")  # and then its process ends
        return False

    monkeypatch.setattr("pipeline.job.alive", gone)
    end_dead_jobs(store)
    assert store.read_json(f"{Store.job(job.id)}/job.json")["state"] == "completed"


def test_a_table_that_is_set_aside_while_it_is_read_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, path, real = Store(str(tmp_path)), manifest_path("c", "mix", "0" * 32), Store.exists
    manifests.commit(store, manifests.Manifest("mix", "0" * 32, "c", (), 0, {}), path)

    def exists(self: Store, asked: str) -> bool:
        there = real(self, asked)
        set_aside(self, asked)
        return there

    monkeypatch.setattr(Store, "exists", exists)
    found = load(store, path)
    assert found is None or found.key == "0" * 32
    set_aside(store, "not/there.json")


def test_a_file_that_another_job_links_meanwhile_is_linked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, real = Store(str(tmp_path)), os.link
    store.put("a", "1")

    def linked(path: str, name: str) -> None:
        real(path, name)
        real(path, name)

    monkeypatch.setattr(os, "link", linked)
    link(store, "a", "b")
    assert (tmp_path / "b").read_text() == "1"
