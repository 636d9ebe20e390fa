"""The Python clients against a service as its users start it."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.corpora import write_parquet
from tests.service_process import ServiceProcess, service_process
from winnow.client import AsyncClient, Client, Job
from winnow.client.errors import JobCancelled, NotFound, Refused, WaitTimeout, WrongState

RECIPE = """
version: 1
name: small
score: [exact, gopher, minhash]
rules:
  word_count: {column: gopher.word_count, min: 50}
dedup:
  fuzzy: {jaccard: 0.8}
"""
FUNNEL = {"input": 240, "word_count": 24, "exact": 24, "fuzzy": 24, "kept": 168}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    folder = tmp_path_factory.mktemp("service")
    write_parquet(folder / "crawl")
    (folder / "base.yaml").write_text(RECIPE)
    (folder / "small.yaml").write_text(
        "extends: base.yaml\nrules:\n  word_count: {column: gopher.word_count, min: 40}\n"
    )
    with service_process(folder) as started:
        yield started


def until(met: Callable[[], bool], seconds: float = 60.0) -> None:
    give_up = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < give_up
        time.sleep(0.2)


@pytest.fixture(scope="module")
def client(service: ServiceProcess) -> Iterator[Client]:
    with service.client() as made:
        yield made


@pytest.fixture(scope="module")
def job(service: ServiceProcess, client: Client) -> Job:
    """A job from a file that extends another, with a change: 50 words are wanted again."""
    return client.submit(
        service.folder / "small.yaml", service.folder / "crawl", output=service.folder / "curated",
        changes=["rules.word_count.min=50"], labels={"team": "english"},
    ).wait(timeout_s=240)  # fmt: skip


def test_submit_wait_funnel(job: Job) -> None:
    assert job.state == "completed"
    steps = {step["reason"] or step["stage"]: step["documents"] for step in job.funnel()}
    assert steps == FUNNEL
    assert job.funnel().to_polars()["left_documents"].to_list()[-1] == 168
    assert job.record["rows"] == 240
    assert job.output == str(Path(str(job.output)))


def test_the_same_from_an_event_loop(service: ServiceProcess, job: Job) -> None:
    async def submit() -> tuple[str, list[int], int]:
        async with AsyncClient(service.url, "") as client:
            made = await client.submit(
                service.folder / "base.yaml", [service.folder / "crawl"], output=service.folder / "by_loop"
            )
            await made.wait(timeout_s=240)
            shards = [shard["rows"] async for shard in made.shards(stage="text")]
            return made.state, shards, len(await client.sql("select 1 from documents", job=made.id))

    state, shard_rows, documents = asyncio.run(submit())
    assert (state, sum(shard_rows), documents) == ("completed", 240, 240)


def test_jobs_are_listed_by_what_one_knows_of_them(client: Client, job: Job) -> None:
    assert [j.id for j in client.jobs(labels={"team": "english"})] == [job.id]
    assert [j.id for j in client.jobs(labels={"team": "french"})] == []
    assert client.job(job.id[:-3]).id == job.id
    ended = [j.id for j in client.jobs(state=["completed", "failed"])]
    assert job.id in ended
    assert job.id not in [j.id for j in client.jobs(created_before=job.record["created_at"])]
    assert [j.id for j in client.jobs(limit=1, order_by="created_at")] == [job.id]


def test_a_job_that_is_not_there(client: Client, job: Job) -> None:
    with pytest.raises(NotFound, match="Did you mean"):
        client.job(job.id[:-1] + "_")


def test_answers_in_sql(client: Client, job: Job) -> None:
    query = "select coalesce(reason, 'kept') as became, count(*) as n from documents group by 1 order by 2 desc, 1"
    answer = client.sql(query, job=job.id)
    rows = [{"became": "kept", "n": 168}, *({"became": r, "n": 24} for r in ("exact", "fuzzy", "word_count"))]
    assert answer.rows == rows
    assert answer.to_arrow().schema.names == ["became", "n"]
    assert answer.to_pandas()["n"].sum() == 240
    assert answer.to_polars()["became"].to_list() == [r["became"] for r in rows]
    assert not answer.truncated
    cut = client.sql("select doc_id from documents", job=job.id, max_rows=10)
    assert (len(cut), cut.truncated) == (10, True)
    assert "10" in cut.said


def test_a_wrong_statement_is_refused_in_words(client: Client, job: Job) -> None:
    with pytest.raises(Refused, match="document") as raised:
        client.sql("select * from document", job=job.id)
    assert raised.value.status == 422
    assert raised.value.code.startswith("sql_")


def test_a_wrong_recipe_is_refused_at_its_place(client: Client, service: ServiceProcess) -> None:
    tree = {"name": "x", "score": ["gopher"], "rules": {"short": {"column": "gopher.word_cout", "min": 50}}}
    with pytest.raises(Refused, match=r"Did you mean 'gopher\.word_count'") as raised:
        client.submit(tree, service.folder / "crawl")
    assert raised.value.errors[0]["pointer"].startswith("/recipe/rules/short")


def test_a_path_outside_is_refused(client: Client) -> None:
    with pytest.raises(Refused) as raised:
        client.submit("minimal", "/etc")
    assert raised.value.code == "path_outside"


def test_why_and_samples(job: Job) -> None:
    (found,) = job.explain("doc-00009")
    assert [f["rule"] for f in found["failed"]] == ["word_count"]
    with pytest.raises(NotFound):
        job.explain("no/such document?")
    removed = job.samples(outcome="removed", reason="word_count", size=5, seed=1)
    assert len(removed) == 5
    assert {s["text"] for s in removed} == {"Too short."}
    assert removed.rows == job.samples(outcome="removed", reason="word_count", size=5, seed=1).rows


def test_clusters_come_page_by_page(job: Job) -> None:
    found = list(job.clusters())
    assert len(found) == 48
    assert sorted((c["cluster_size"] for c in found), reverse=True) == [c["cluster_size"] for c in found]
    detail = job.cluster(found[0]["cluster"])
    assert len(detail["members"]) == detail["cluster_size"]
    assert [m["keep"] for m in detail["members"]].count(True) == 1


def test_stages_shards_histogram_and_recipe(job: Job) -> None:
    assert {"text", "notes", "verdict", "mix", "export"} <= {s["stage"] for s in job.stages()}
    shards = list(job.shards(stage="notes"))
    assert sum(s["rows"] for s in shards) == 240
    assert len(job.shard(shards[0]["part"])["columns"]) > 5
    histogram = job.histogram("gopher.word_count", bins=10)
    assert sum(histogram["kept"]) == 168
    assert [c["rule"] for c in histogram["cuts"]] == ["word_count"]
    assert job.recipe()["rules"]["word_count"]["min"] == 50


def test_a_stricter_rule_is_previewed(job: Job) -> None:
    told = job.preview(changes=["rules.word_count.min=1000000"])
    assert told["proposed"]["kept"]["documents"] == 0
    assert told["present"]["kept"]["documents"] == 216
    assert job.preview(rules={})["proposed"]["kept"]["documents"] == 240


def test_files_of_the_output_come_whole(job: Job, tmp_path: Path) -> None:
    names = [f["name"] for f in job.artifacts()]
    assert "manifest.json" in names
    (data, *_) = [n for n in names if n.startswith("data/")]
    path = job.download(data, tmp_path)
    there = Path(str(job.output)) / data
    assert hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(there.read_bytes()).digest()
    assert pq.read_table(path).num_rows <= 168
    with pytest.raises(NotFound):
        job.download("data/none.parquet", tmp_path)


def test_report_and_log(job: Job, tmp_path: Path) -> None:
    assert "<html" in job.report(tmp_path / "report.html").read_text()[:2000].lower()
    assert isinstance(job.logs(), str)
    assert "".join(job.follow_logs()).endswith(job.logs()[-200:])


def test_an_ended_job_cannot_be_steered_but_deleted(client: Client, service: ServiceProcess) -> None:
    made = client.submit("minimal", service.folder / "crawl", labels={"n": "1"}).wait(timeout_s=240)
    assert made.compare(made.id)
    for steer in (made.cancel, made.pause, made.resume, made.retry):
        with pytest.raises(WrongState, match="completed"):
            steer()
    made.delete()
    with pytest.raises(NotFound):
        made.refresh()


def test_a_job_is_paused_resumed_cancelled_and_tried_again(client: Client, service: ServiceProcess) -> None:
    made = client.submit("minimal", service.folder / "crawl", corpus="steered", output=service.folder / "steered")
    made.pause()
    until(lambda: made.refresh().state == "paused")
    with pytest.raises(WaitTimeout):
        made.wait(timeout_s=1)
    made.resume()
    assert made.cancel().state in ("cancelling", "cancelled")
    with pytest.raises(JobCancelled, match=made.id):
        made.wait(timeout_s=60)
    assert made.cancel().state == "cancelled"
    again = made.retry()
    assert again.wait(timeout_s=240).state == "completed"
    assert (again.record["retry_of"], again.output) == (made.id, made.output)


def test_what_there_is(client: Client, job: Job) -> None:
    assert "gopher" in {s["scorer"] for s in client.scorers()}
    assert "fineweb" in {r["recipe"] for r in client.recipes()}
    assert client.recipe("fineweb")["recipe"]["name"] == "fineweb"
    assert {v["view"] for v in client.schema()["views"]} >= {"documents", "jobs"}
    assert client.version()["version"]
    assert client.limits()["limits"]["sql_rows"] > 0
    assert "lid.176" in {m["model"] for m in client.models()}
    assert job.record["corpus"] in {c["corpus"] for c in client.corpora()}


def test_a_plan_does_no_work(client: Client, service: ServiceProcess) -> None:
    before = len(list(client.jobs()))
    told = client.plan(service.folder / "base.yaml", service.folder / "crawl", corpus="other")
    assert told["stages"][:3] == ["ingest", "score", "judge"]
    assert len(list(client.jobs())) == before
