"""Accepting work: on the disk before anybody is told, once whatever the number of askers."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.control.state import delete_job, job_state, retry
from pipeline.control.submission import Accepted, Submission, accept, finish_claims, read_submission
from pipeline.control.wish import want, wanted
from pipeline.errors import JobMissing, KeyReused, NotSupervised, QueueFull, RecipeError, WrongState
from pipeline.job import Job
from pipeline.progress import Silent
from pipeline.recipe_file import validate
from pipeline.storage.store import Store
from tests.control import RECIPE, submission

ASKER = """
import sys
from pipeline.control.submission import accept
from pipeline.storage.store import Store
from tests.control import submission
sys.stdin.readline()
print(accept(Store(sys.argv[1]), submission(), "a key").job_id)
"""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "ws"))


def ended(store: Store, state: str) -> str:
    """A job that a runner ended so."""
    job_id = accept(store, submission()).job_id
    path = f"{Store.job(job_id)}/job.json"
    store.put_json(path, store.read_json(path) | {"state": state})
    return job_id


def test_what_was_asked_is_read_back_with_its_rules_in_order(store: Store) -> None:
    asked = submission(labels={"team": "web"}, owner="ada", output="/out", workers=3)
    job_id = accept(store, asked).job_id
    found = read_submission(store, job_id)
    assert found is not None
    assert list(found.recipe["rules"]) == ["word_count", "repeats"]
    assert validate(found.recipe, "").digest() == validate(asked.recipe, "").digest()
    assert replace(found, recipe=asked.recipe) == asked


def test_an_accepted_job_is_queued(store: Store) -> None:
    asked = submission(labels={"team": "web"}, owner="ada")
    record = job_state(store, accept(store, asked).job_id)
    assert (record["state"], record["name"], record["attempt"], record["supervised"]) == ("queued", "small", 0, True)
    assert (record["owner"], record["labels"], record["created_at"]) == ("ada", {"team": "web"}, asked.created_at)
    assert record["recipe_digest"] == validate(asked.recipe, "").digest()


def test_what_is_no_recipe_makes_no_job(store: Store) -> None:
    with pytest.raises(RecipeError, match="nmae"):
        accept(store, Submission(recipe={"nmae": "x"}))
    assert store.names("jobs") == []


def test_the_same_key_makes_one_job(store: Store) -> None:
    first = accept(store, submission(), "k")
    again = accept(store, submission(request_id="another"), "k")
    assert again == Accepted(first.job_id, replayed=True)
    assert not first.replayed
    assert store.names("jobs") == [first.job_id]


def test_keys_of_two_owners_are_two_keys(store: Store) -> None:
    both = {accept(store, submission(owner=o), "k").job_id for o in ("ada", "bob")}
    assert len(both) == 2


@pytest.mark.parametrize("change", [
    {"output": "/elsewhere"}, {"workers": 2}, {"labels": {"a": "b"}},
    {"recipe": {**submission().recipe, "rules": dict(reversed(RECIPE["rules"].items()))}},
])  # fmt: skip
def test_another_body_under_the_same_key_is_refused(store: Store, change: dict[str, object]) -> None:
    accept(store, submission(), "k")
    with pytest.raises(KeyReused, match="stands for another request"):
        accept(store, replace(submission(), **change), "k")
    assert len(store.names("jobs")) == 1


def test_sixty_four_threads_with_one_key_make_one_job(store: Store) -> None:
    ready = threading.Barrier(64)

    def ask() -> Accepted:
        ready.wait()
        return accept(store, submission(), "k")

    with ThreadPoolExecutor(64) as threads:
        said = [f.result() for f in [threads.submit(ask) for _ in range(64)]]
    assert {a.job_id for a in said} == set(store.names("jobs"))
    assert len(store.names("jobs")) == 1
    assert sum(not a.replayed for a in said) == 1


def test_processes_with_one_key_make_one_job(store: Store) -> None:
    askers = [
        subprocess.Popen(
            [sys.executable, "-c", ASKER, store.root], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    for asker in askers:
        assert asker.stdin is not None
        asker.stdin.write("go\n")
        asker.stdin.flush()
    said = {asker.communicate(timeout=60)[0].strip() for asker in askers}
    assert said == set(store.names("jobs"))
    assert len(said) == 1


def test_a_full_queue_takes_no_new_job_but_answers_a_repeated_request(store: Store) -> None:
    first = accept(store, submission(), "k")

    def full() -> None:
        raise QueueFull("100 jobs wait")

    assert accept(store, submission(), "k", full).job_id == first.job_id
    for key in (None, "new"):
        with pytest.raises(QueueFull):
            accept(store, submission(), key, full)
    assert store.names("jobs") == [first.job_id]
    assert len(store.names("requests")) == 1


@pytest.mark.parametrize(
    "gone", [["job.json"], ["job.json", "recipe.json"], ["job.json", "recipe.json", "submission.json"]]
)
def test_a_service_that_ended_between_claim_and_job_loses_nothing(store: Store, gone: list[str]) -> None:
    job_id = accept(store, submission(), "k").job_id
    for name in gone:
        store.remove(f"{Store.job(job_id)}/{name}")
    assert finish_claims(store) == 1
    assert (job_state(store, job_id)["state"], job_state(store, job_id)["name"]) == ("queued", "small")
    assert store.exists(f"{Store.job(job_id)}/recipe.json")
    assert finish_claims(store) == 0


def test_a_repeated_request_makes_the_job_that_a_crash_left_out(store: Store) -> None:
    job_id = accept(store, submission(), "k").job_id
    store.remove(Store.job(job_id))
    assert accept(store, submission(), "k") == Accepted(job_id, replayed=True)
    assert job_state(store, job_id)["state"] == "queued"


def test_wishes_show_in_the_state(store: Store) -> None:
    job_id = accept(store, submission()).job_id
    shown = [want(store, job_id, what, "ada")["state"] for what in ("pause", "pause", "run", "cancel", "cancel")]
    assert shown == ["paused", "paused", "queued", "cancelling", "cancelling"]
    wish = store.read_json(f"{Store.job(job_id)}/wish.json")
    assert (wish["serial"], wish["by"], wanted(store, job_id)) == (3, "ada", "cancel")


def test_a_cancelled_job_takes_no_other_wish(store: Store) -> None:
    job_id = accept(store, submission()).job_id
    want(store, job_id, "cancel", "ada")
    with pytest.raises(WrongState, match="is cancelling: it cannot be resumed"):
        want(store, job_id, "run", "ada")


@pytest.mark.parametrize("state", ["completed", "completed_with_quarantine", "failed", "cancelled"])
def test_an_ended_job_takes_no_wish(store: Store, state: str) -> None:
    job_id = ended(store, state)
    for what in ("run", "pause", "cancel"):
        with pytest.raises(WrongState):
            want(store, job_id, what, "ada")
    assert job_state(store, job_id)["state"] == state


def test_a_job_of_the_command_line_is_not_steered(store: Store) -> None:
    job = Job(store, validate(RECIPE, ""), Silent())
    job.start()
    assert (job_state(store, job.id)["state"], job_state(store, job.id)["supervised"]) == ("running", False)
    with pytest.raises(NotSupervised, match="winnow run"):
        want(store, job.id, "cancel", "ada")


@pytest.mark.parametrize("name", ["job_0", "../jobs", "a/b", "", "x" * 100])
def test_a_job_that_is_not_there_is_said_so(store: Store, name: str) -> None:
    with pytest.raises(JobMissing):
        job_state(store, name)


def test_a_retry_is_a_new_job_for_the_same_work(store: Store) -> None:
    job_id = ended(store, "failed")
    again = retry(store, job_id, owner="bob")
    record = job_state(store, accept(store, again).job_id)
    before = job_state(store, job_id)
    assert (record["retry_of"], record["owner"], record["state"]) == (job_id, "bob", "queued")
    assert record["recipe_digest"] == before["recipe_digest"]
    assert record["id"] != job_id


@pytest.mark.parametrize("state", ["queued", "running", "completed"])
def test_only_what_failed_or_was_cancelled_is_retried(store: Store, state: str) -> None:
    with pytest.raises(WrongState):
        retry(store, ended(store, state))


def test_an_ended_job_can_be_deleted_and_its_key_is_free(store: Store) -> None:
    job_id = accept(store, submission(), "k").job_id
    with pytest.raises(WrongState, match="cancel it first"):
        delete_job(store, job_id)
    path = f"{Store.job(job_id)}/job.json"
    store.put_json(path, store.read_json(path) | {"state": "cancelled"})
    delete_job(store, job_id)
    assert store.names("jobs") == []
    assert finish_claims(store) == 0
    assert accept(store, submission(), "k").job_id != job_id


def test_a_request_repeated_while_its_job_is_deleted_brings_it_not_back(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id, exists = accept(store, submission(), "k").job_id, Store.exists
    path = f"{Store.job(job_id)}/job.json"
    store.put_json(path, store.read_json(path) | {"state": "cancelled"})

    def deleted_first(of: Store, name: str) -> bool:
        if name == path and exists(of, name):
            delete_job(of, job_id)
        return exists(of, name)

    monkeypatch.setattr(Store, "exists", deleted_first)
    again = accept(store, submission(), "k")
    assert (again.job_id != job_id, again.replayed) == (True, False)
    assert store.names("jobs") == [again.job_id]
    assert accept(store, submission(), "k") == Accepted(again.job_id, replayed=True)


def test_files_of_a_job_are_json_a_person_can_read(store: Store) -> None:
    job_id = accept(store, submission()).job_id
    text = Path(store.full(f"{Store.job(job_id)}/submission.json")).read_text()
    assert json.loads(text)["job_id"] == job_id
    assert text.count("\n") > 20
