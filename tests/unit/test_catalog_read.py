"""Pages and sums of the catalog, as the service asks for them. On a disk, but of made-up files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pipeline.catalog import read
from pipeline.catalog.database import Catalog
from pipeline.catalog.read import JobFilter, Page
from pipeline.errors import JobMissing, NotFound
from pipeline.storage.store import Store
from pipeline.totals.tokens import BYTES_PER_TOKEN
from tests.catalogs import Size, make_workspace

SIZE = Size(corpora=3, jobs=4, shards=5, columns=4)


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    folder = tmp_path_factory.mktemp("read")
    store = Store(str(folder / "ws"))
    ids = make_workspace(store, SIZE)
    store.put_json(
        f"{Store.job(ids[0])}/submission.json",
        {"recipe": {"name": "asked"}, "job_id": ids[0], "owner": "ann", "labels": {"team": "web"}, "created_at": "2026-11-20T00:00:00.000Z"},
    )  # fmt: skip
    found = Catalog(store, folder / "c.duckdb")
    yield found
    found.close()


def walked(page: Any) -> list[list[Any]]:
    """Items of all pages; page: from the key to go on after to a page."""
    found, after = [], None
    while True:
        one: Page[Any] = page(after)
        found.append(one.items)
        if one.after is None:
            return found
        after = one.after


@pytest.mark.parametrize("order", ["created_at", "-created_at"])
@pytest.mark.parametrize("size", [1, 5, 12, 100])
def test_pages_of_jobs_have_every_job_once_in_order(catalog: Catalog, order: Any, size: int) -> None:
    pages = walked(lambda after: read.jobs_page(catalog, JobFilter(order_by=order), after, size))
    keys = [(j["created_at"], j["id"]) for page in pages for j in page]
    assert len(keys) == 12
    assert keys == sorted(keys, reverse=order == "-created_at")
    assert [len(page) for page in pages[:-1]] == [size] * (len(pages) - 1)


def test_jobs_are_chosen_by_state_name_owner_label_and_time(catalog: Catalog) -> None:
    def ids(**chosen: Any) -> int:
        return len(read.jobs_page(catalog, JobFilter(**chosen)).items)

    states = [j["state"] for j in read.jobs_page(catalog).items]
    assert ids(states=("failed",)) == states.count("failed")
    assert ids(states=("failed", "completed")) == states.count("failed") + states.count("completed")
    assert ids(states=("paused",)) == 0
    assert (ids(name="recipe-1"), ids(owner="ann"), ids(owner="bob")) == (2, 1, 0)
    assert (ids(labels=(("team", "web"),)), ids(labels=(("team", "web"), ("x", "y")))) == (1, 0)
    assert ids(created_after="2026-11-21T00:00:03.000Z", created_before="2026-11-21T00:00:08.000Z") == 4


def test_a_job_that_is_not_there_says_so(catalog: Catalog) -> None:
    with pytest.raises(JobMissing, match="no job 'job_x'"):
        read.job(catalog, "job_x")


def test_a_job_tells_bytes_and_an_estimate_of_tokens(catalog: Catalog) -> None:
    found = read.jobs_page(catalog).items[0]
    assert found["tokens_estimate"] == round(found["text_bytes"] / BYTES_PER_TOKEN)
    documents, text_bytes = read.became(catalog, found["id"]) or ({}, {})
    assert (documents, text_bytes["kept"]) == (found["funnel"], found["kept_bytes"])
    assert sum(documents.values()) == found["rows"]


@pytest.mark.parametrize("size", [1, 3, 7, 100])
@pytest.mark.parametrize(("stage", "parts"), [(None, 20), ("mix", 5), ("export", 0)])
def test_pages_of_shards_have_every_part_once(catalog: Catalog, size: int, stage: str | None, parts: int) -> None:
    job_id = read.jobs_page(catalog).items[0]["id"]
    pages = walked(lambda after: read.shards_page(catalog, job_id, stage, after, size))
    keys = [(s["table"], s["number"]) for page in pages for s in page]
    assert (len(keys), keys) == (parts, sorted(set(keys)))
    assert all(len(page) == size for page in pages[:-1])


def test_a_shard_tells_its_unit_and_what_was_removed(catalog: Catalog) -> None:
    job = read.jobs_page(catalog).items[0]
    for shard in read.shards_page(catalog, job["id"], "mix").items:
        assert shard["job"] == job["id"]
        assert shard["kept"] + shard["removed"] + shard["quarantined"] == shard["rows"] == sum(shard["counts"].values())
        assert shard["path"].endswith(f"/mix/parts/{shard['part'][:2]}/{shard['part']}.parquet")
        assert shard["kept_bytes"] == 4000 * shard["kept"]


def test_notes_found_again_tell_of_the_job_that_made_them(catalog: Catalog) -> None:
    jobs = read.jobs_page(catalog, JobFilter(order_by="created_at")).items
    found = {s["job"] for s in read.shards_page(catalog, jobs[2]["id"], "notes").items}
    assert found == {jobs[0]["id"]}


def test_a_shard_of_notes_comes_with_its_columns(catalog: Catalog) -> None:
    job_id = read.jobs_page(catalog).items[0]["id"]
    part = read.shards_page(catalog, job_id, "notes").items[3]
    found = read.shard(catalog, job_id, part["part"])
    assert {k: v for k, v in found.items() if k != "columns"} == part
    assert [c["name"] for c in found["columns"]] == [f"scorer0.column_{n}" for n in range(4)]
    for column in found["columns"]:
        edges = [edge for low, high, _ in column["histogram"] for edge in (low, high)]
        assert (len(column["histogram"]), edges) == (30, sorted(edges))
        assert column["mean"] == column["total"] / part["rows"]


def test_a_part_of_another_job_is_not_found(catalog: Catalog) -> None:
    jobs = read.jobs_page(catalog, JobFilter(order_by="created_at")).items
    other = read.shards_page(catalog, jobs[-1]["id"], "mix").items[0]["part"]
    with pytest.raises(NotFound, match="has no part"):
        read.shard(catalog, jobs[0]["id"], other)


def test_columns_of_a_job_are_those_of_its_whole_table(catalog: Catalog) -> None:
    job = read.jobs_page(catalog).items[0]
    found = read.column_statistics(catalog, job["id"])
    assert [(c["name"], c["shards"], c["rows"]) for c in found] == [
        (f"scorer0.column_{n}", SIZE.shards, job["text_rows"]) for n in range(4)
    ]
    assert [c["name"] for c in read.column_statistics(catalog, job["id"], ["scorer0.column_2", "x.y"])] == [
        "scorer0.column_2"
    ]


def test_stages_come_in_order_with_their_counts(catalog: Catalog) -> None:
    job = read.jobs_page(catalog).items[0]
    found = read.stages(catalog, job["id"])
    assert [(s["stage"], s["state"], s["units_done"]) for s in found] == [
        ("text", "reused", 0), ("notes", "reused", 0), ("verdict", "finished", 5), ("mix", "finished", 5),
    ]  # fmt: skip
    assert found[-1]["counts"] == job["funnel"]
