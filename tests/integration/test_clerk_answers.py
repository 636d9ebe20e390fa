"""What clerks answer, held against the tables themselves."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

import winnow
from pipeline.clerk.answers import numbers
from pipeline.clerk.bands import bands_of
from pipeline.clerk.desk import Desk
from pipeline.clerk.verbs import answer
from pipeline.errors import (
    ClusterNotFound,
    ColumnNotFound,
    DocumentNotFound,
    NotReadyYet,
)
from tests.corpora import documents
from tests.fixtures_clerk import JOB_RECIPE, run_job

Asked = tuple[Path, winnow.Result]
TEXTS = {d["id"]: d["text"] for d in documents()}


def sql(asked: Asked, query: str, job: str | None = None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = winnow.sql(
        query, workspace=str(asked[0] / "ws"), job=job or asked[1].job_id
    ).to_pylist()
    return found


def test_why_a_document_is_where_it_is(asked: Asked, desk: Desk) -> None:
    (told,) = answer(desk, "explain", {"job": asked[1].job_id, "doc_id": "doc-00009"})["items"]
    assert told["outcome"] == "removed by judge"
    assert [f["rule"] for f in told["failed"]] == ["word_count"]
    assert told["measured"]["gopher"]["word_count"] == 2
    assert told["measured"]["buckets"] == {"length": "short"}
    assert told == winnow.why("doc-00009", workspace=str(asked[0] / "ws"), job=asked[1].job_id)[0]
    with pytest.raises(DocumentNotFound, match="doc-00009"):
        answer(desk, "explain", {"job": asked[1].job_id, "doc_id": "doc-0009"})


def test_samples_are_the_same_each_time_and_others_with_another_seed(asked: Asked, desk: Desk) -> None:
    question = {"job": asked[1].job_id, "outcome": "kept", "size": 12, "text_chars": 40}
    told = answer(desk, "samples", question)
    assert told == answer(desk, "samples", question)
    ids = [d["doc_id"] for d in told["items"]]
    assert ids != [d["doc_id"] for d in answer(desk, "samples", {**question, "seed": 2})["items"]]
    assert told["documents"] == asked[1].funnel["kept"]
    assert len(set(ids)) == 12
    for one in told["items"]:
        assert (one["outcome"], one["stage"], one["reason"], one["failed"]) == ("kept", None, None, [])
        assert (one["text"], one["text_cut"], one["text_chars"]) == (
            TEXTS[one["doc_id"]][:40],
            True,
            len(TEXTS[one["doc_id"]]),
        )


def test_samples_of_what_was_removed_by_reason(asked: Asked, desk: Desk) -> None:
    for reason in ("word_count", "sources", "exact", "fuzzy"):
        told = answer(desk, "samples", {"job": asked[1].job_id, "outcome": "removed", "reason": reason, "size": 200})
        stage = "dedup" if reason in ("exact", "fuzzy") else "judge"
        assert told["documents"] == asked[1].funnel[f"{stage}.{reason}"] == len(told["items"])
        assert {(d["stage"], d["reason"]) for d in told["items"]} == {(stage, reason)}
        assert all((d["failed"][0]["rule"] == reason) == (stage == "judge") for d in told["items"] if d["failed"])
    whole = answer(desk, "samples", {"job": asked[1].job_id, "outcome": "removed", "size": 200})
    assert whole["documents"] == sum(n for k, n in asked[1].funnel.items() if k.startswith(("judge", "dedup")))


def test_samples_of_quarantine_say_what_was_found_and_show_no_text(asked: Asked, desk: Desk) -> None:
    (one,) = answer(desk, "samples", {"job": asked[1].job_id, "outcome": "quarantined"})["items"]
    assert (one["doc_id"], one["text"], one["stage"], one["source"]) == ("no-text", None, "quarantine", "site-9")
    assert one["reason"] == sql(asked, "select reason from quarantine")[0]["reason"]


def test_clusters_come_page_by_page_the_largest_first(asked: Asked, desk: Desk) -> None:
    all_ = sql(
        asked,
        "select cluster, max(cluster_size) as n, min(jaccard) filter (not keep) as least from duplicates group by 1 order by 2 desc, 1",
    )
    pages, after = [], None
    while True:
        told = answer(desk, "clusters", {"job": asked[1].job_id, "size": 7, "after": after})
        pages.append(told["items"])
        after = told["next"]
        if after is None:
            break
    assert [len(p) for p in pages[:-1]] == [7] * (len(pages) - 1)
    assert [(c["cluster"], c["cluster_size"], c["min_jaccard"]) for p in pages for c in p] == [
        (c["cluster"], c["n"], c["least"]) for c in all_
    ]
    assert all(c["keeper"] == c["cluster"] for p in pages for c in p)
    fuzzy = answer(desk, "clusters", {"job": asked[1].job_id, "size": 1000, "method": "fuzzy"})["items"]
    assert {"fuzzy" in c["method"] for c in fuzzy} == {True}
    assert len(fuzzy) < len(all_)


def test_a_cluster_shows_its_members_beside_the_keeper(asked: Asked, desk: Desk) -> None:
    near = answer(desk, "clusters", {"job": asked[1].job_id, "method": "fuzzy"})["items"][0]["cluster"]
    told = answer(desk, "cluster", {"job": asked[1].job_id, "cluster": near, "diff": True, "text_chars": 50})
    keeper, *others = told["members"]
    assert (keeper["doc_id"], keeper["keep"], keeper["text"]) == (near, True, TEXTS[near][:50])
    assert told["cluster_size"] == len(told["members"])
    for one in others:
        assert one["duplicate_of"] == near
        assert 0.8 <= one["jaccard"] <= 1
        changed = [line[1:] for line in one["diff"][2:] if line.startswith(("+", "-"))]
        lines = {*TEXTS[near].splitlines(), *TEXTS[one["doc_id"]].splitlines()}
        assert changed
        assert set(changed) <= lines
    with pytest.raises(ClusterNotFound):
        answer(desk, "cluster", {"job": asked[1].job_id, "cluster": "doc-00009"})


@pytest.fixture(params=[None, 70], ids=["one band", "small bands"])
def bands(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param is not None:
        monkeypatch.setattr(numbers, "bands_of", lambda text: bands_of(text, request.param))


@pytest.mark.usefixtures("bands")
def test_the_funnel_is_the_jobs(asked: Asked, desk: Desk) -> None:
    told = answer(desk, "funnel", {"job": asked[1].job_id})
    steps = {f"{s['stage']}.{s['reason']}": s["documents"] for s in told["items"] if s["documents"] and s["reason"]}
    assert steps | {"kept": told["items"][-1]["documents"]} == {k: n for k, n in asked[1].funnel.items() if n}
    sizes = sql(asked, "select sum(text_bytes)::bigint as n from documents where copies > 0")[0]["n"]
    assert told["items"][-1]["bytes"] == sizes
    assert told["items"][-1]["tokens_estimate"] == round(sizes / told["bytes_per_token"])
    assert sum(e["documents"] for e in told["ends"]) == 241


@pytest.mark.usefixtures("bands")
@pytest.mark.parametrize("bins", [2, 10, 48, 512])
@pytest.mark.parametrize("column", ["gopher.word_count", "gopher.alpha_word_frac", "text_bytes", "exact.text_chars"])
def test_a_histogram_counts_every_document_in_its_bin(asked: Asked, desk: Desk, column: str, bins: int) -> None:
    told = answer(desk, "histogram", {"job": asked[1].job_id, "column": column, "bins": bins})
    values = sql(asked, f"select {column}::double as v, copies > 0 as kept from documents where quarantine is null")
    assert sum(told["kept"]) + sum(told["removed"]) + told["unmeasured"] == told["documents"] == 240
    kept, removed = [0] * len(told["kept"]), [0] * len(told["kept"])
    for row in values:
        at = math.log10(1 + row["v"]) if told["scale"] == "log" else row["v"]
        bin_ = next((i for i, edge in enumerate(told["edges"][1:]) if at < edge), len(kept) - 1)
        (kept if row["kept"] else removed)[bin_] += 1
    assert (told["kept"], told["removed"]) == (kept, removed)
    assert (told["low"], told["high"]) == (min(r["v"] for r in values), max(r["v"] for r in values))
    assert len(told["edges"]) == len(kept) + 1 <= bins + 1


def test_a_histogram_draws_the_recipes_bounds(asked: Asked, desk: Desk) -> None:
    told = answer(desk, "histogram", {"job": asked[1].job_id, "column": "gopher.word_count"})
    assert told["cuts"] == [{"rule": "word_count", "bound": "min 50", "at": 50.0, "removes": "below", "documents": 24}]
    assert told["rules"] == ["word_count", "sources"]
    assert (told["unit"], told["kind"]) == ("words", "numbers")


def test_a_column_of_names_is_counted_by_value(asked: Asked, desk: Desk) -> None:
    told = answer(desk, "histogram", {"job": asked[1].job_id, "column": "source"})
    rows = sql(
        asked,
        "select source, count(*) filter (copies > 0) as kept, count(*) as n from documents where quarantine is null group by 1 order by 3 desc, 1",
    )
    assert [(v["value"], v["kept"], v["removed"]) for v in told["values"]] == [
        (r["source"], r["kept"], r["n"] - r["kept"]) for r in rows
    ]
    with pytest.raises(ColumnNotFound, match=r"gopher.word_count"):
        answer(desk, "histogram", {"job": asked[1].job_id, "column": "gopher.wordcount"})


def test_two_jobs_of_one_corpus_document_by_document(asked: Asked, desk: Desk) -> None:
    folder, result = asked
    recipe = {
        **JOB_RECIPE,
        "rules": {
            **JOB_RECIPE["rules"],
            "word_count": {"column": "gopher.word_count", "min": 165},
            "sources": {"sql": "true"},
        },
    }
    other = run_job(folder, recipe, until="mix")
    told = answer(desk, "compare", {"job": result.job_id, "other": other.job_id})
    assert told["same_corpus"] is True
    assert {d["path"]: (d["this"], d["other"]) for d in told["differences"]} == {
        "rules.word_count.min": (50.0, 165.0),
        "rules.sources.sql": (JOB_RECIPE["rules"]["sources"]["sql"], "true"),
    }
    ends = [
        {
            r["doc_id"]: (r["became"], r["text_bytes"])
            for r in sql(
                asked,
                "select doc_id, coalesce(stage || '.' || reason, 'kept') as became, text_bytes from documents",
                job,
            )
        }
        for job in (result.job_id, other.job_id)
    ]
    for name, picks in {
        "both": (True, True),
        "only_this": (True, False),
        "only_other": (False, True),
        "neither": (False, False),
    }.items():
        ids = [i for i in ends[0] if tuple(e[i][0] == "kept" for e in ends) == picks]
        assert told["documents"]["kept_by"][name]["documents"] == len(ids)
        assert told["documents"]["kept_by"][name]["bytes"] == sum(ends[0][i][1] or 0 for i in ids)
    assert sum(m["documents"] for m in told["documents"]["moved"]) == sum(
        ends[0][i][0] != ends[1][i][0] for i in ends[0]
    )
    for name, kept in (("only_this", 0), ("only_other", 1)):
        for one in told["documents"]["examples"][name]:
            assert ends[kept][one["doc_id"]][0] == "kept"
            assert ends[1 - kept][one["doc_id"]][0] != "kept"
    assert told["documents"]["examples"]["only_this"]


def test_two_jobs_of_different_corpora_are_put_side_by_side(asked: Asked, desk: Desk, tmp_path: Path) -> None:
    folder, result = asked
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "part-0.parquet").write_bytes((folder / "in" / "part-0.parquet").read_bytes())
    other = winnow.run(
        JOB_RECIPE, [str(tmp_path / "in")], workspace=str(folder / "ws"), executor="local", workers=1, until="mix"
    )
    told = answer(desk, "compare", {"job": result.job_id, "other": other.job_id})
    assert (told["same_corpus"], told["documents"]) == (False, None)
    assert [f[0]["documents"] for f in told["funnels"].values()] == [241, 60]


def test_a_job_that_has_not_come_so_far_is_not_ready_yet(asked: Asked, desk: Desk) -> None:
    folder, _ = asked
    early = run_job(folder, JOB_RECIPE, until="score")
    for verb, more in {
        "funnel": {},
        "report": {},
        "preview": {"changes": []},
        "samples": {"outcome": "kept"},
        "histogram": {"column": "text_bytes"},
    }.items():
        with pytest.raises(NotReadyYet):
            answer(desk, verb, {"job": early.job_id, **more})
    desk.store.put_json("jobs/job_waiting/submission.json", {})
    with pytest.raises(NotReadyYet, match="not started"):
        answer(desk, "funnel", {"job": "job_waiting"})
    desk.store.remove("jobs/job_waiting")
