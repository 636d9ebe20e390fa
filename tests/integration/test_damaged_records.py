"""One damaged file of a workspace is the trouble of its own job: the service starts, lists and runs the others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import winnow
from api.models.jobs import Job
from pipeline.catalog.chosen import choose_job, tables_of
from pipeline.catalog.database import Catalog
from pipeline.catalog.read import jobs_page
from pipeline.control.events import read_events
from pipeline.control.state import job_state
from pipeline.control.submission import accept, finish_claims
from pipeline.control.wish import wanted
from pipeline.errors import IntegrityError, UsageError
from pipeline.storage.store import Store
from tests.control import RECIPE, submission
from tests.corpora import write_parquet

SOUND_JOB = {"recipe": RECIPE | {"input": {"paths": ["/nowhere/*.parquet"]}}, "job_id": "job_sound"}
DAMAGED_CLAIMS = [
    '{"job_id": "jo',
    "[]",
    "{}",
    json.dumps({"job_id": "job_other", "fingerprint": "x", "submission": {"recipe": {"unknown": 1}}}),
    json.dumps({"job_id": "job_other", "fingerprint": "x", "submission": {"job_id": "job_other"}}),
]
DAMAGED_RECORDS = [
    '{"state": "run',
    '["running"]',
    '{"state": "interrupted", "name": "x", "created_at": "2026-01-01T00:00:00.000Z"}',
    '{"state": "completed", "name": null, "created_at": "2026-01-01T00:00:00.000Z"}',
    '{"state": "completed", "name": "x", "created_at": "2026-01-01T00:00:00.000Z", "rows": "many"}',
    '{"state": "completed", "name": "x", "created_at": "2026-01-01T00:00:00.000Z", "tables": [1]}',
]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "ws"))


@pytest.fixture
def sound(store: Store) -> str:
    return accept(store, submission(), "a key").job_id


def listed(store: Store, folder: Path) -> list[str]:
    """Ids of the jobs as GET /v1/jobs would answer them."""
    catalog = Catalog(store, folder / "catalog.duckdb")
    try:
        return [Job.model_validate(row).id for row in jobs_page(catalog).items]
    finally:
        catalog.close()


@pytest.mark.parametrize("damaged", DAMAGED_CLAIMS)
def test_a_damaged_claim_keeps_no_other_from_being_finished(store: Store, damaged: str) -> None:
    store.put("requests/000.json", damaged)
    store.put_json("requests/fff.json", {"job_id": "job_sound", "fingerprint": "x", "submission": SOUND_JOB})
    assert finish_claims(store) == 1
    assert job_state(store, "job_sound")["state"] == "queued"


def test_a_claim_of_a_later_version_is_finished(store: Store) -> None:
    later = SOUND_JOB | {"field_of_a_later_version": 1}
    store.put_json("requests/000.json", {"job_id": "job_sound", "fingerprint": "x", "submission": later})
    assert finish_claims(store) == 1


@pytest.mark.parametrize("name", ["job.json", "submission.json"])
@pytest.mark.parametrize("damaged", DAMAGED_RECORDS)
def test_a_damaged_job_hides_no_other(store: Store, tmp_path: Path, sound: str, name: str, damaged: str) -> None:
    store.put(f"jobs/job_0damaged/{name}", damaged)
    assert listed(store, tmp_path) == [sound]
    with pytest.raises(IntegrityError, match=f"job_0damaged/{name}"):
        job_state(store, "job_0damaged")


def test_a_folder_in_place_of_a_record_hides_no_other_job(store: Store, tmp_path: Path, sound: str) -> None:
    Path(store.full("jobs/job_0folder/job.json")).mkdir(parents=True)
    assert listed(store, tmp_path) == [sound]


def test_a_wish_that_is_none_is_told_as_damage(store: Store, sound: str) -> None:
    store.put(f"jobs/{sound}/wish.json", "[]")
    with pytest.raises(IntegrityError, match=r"wish\.json"):
        wanted(store, sound)


def test_a_question_without_a_job_passes_damaged_records_over(store: Store, sound: str) -> None:
    store.put("jobs/job_zdamaged/job.json", '{"state": "run')
    assert choose_job(store).id == sound


def test_a_job_that_failed_before_it_was_planned_has_no_tables(store: Store) -> None:
    store.put_json("jobs/job_failed/job.json", {"state": "failed", "name": "x"})
    with pytest.raises(UsageError, match="no text table yet"):
        tables_of(store, choose_job(store, "job_failed"))


def test_lines_of_a_log_that_are_no_events_are_left_out(store: Store) -> None:
    odd = [{"at": 5, "verb": "state"}, {"at": "now", "verb": ["state"]}]
    for line in [*odd, {"at": "now", "verb": "state", "state": "running"}]:
        store.append("jobs/job_1/events.jsonl", json.dumps(line))
    assert [e.fields for e in read_events(store, "job_1")[0]] == [{"state": "running"}]


def test_a_torn_record_of_another_job_stops_no_run(tmp_path: Path) -> None:
    folder, ws = write_parquet(tmp_path / "crawl", count=60, files=1), tmp_path / "ws"
    torn = ws / "jobs" / "job_000000000001aaaaaaaa" / "job.json"
    torn.parent.mkdir(parents=True)
    for content in (b'{"state": "runn', b"", b"[1]", b"\xff\xfe"):
        torn.write_bytes(content)
        assert winnow.run(RECIPE, [str(folder)], workspace=str(ws), executor="local", workers=1).funnel["kept"] > 0
        assert torn.read_bytes() == content
