"""A recipe from end to end: the account of every row, the same bytes from every executor, work done once."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import winnow
from pipeline.errors import GuardHeld, PlanError, RecipeError, UsageError
from pipeline.storage.store import Store
from tests.corpora import documents, write_parquet

RECIPE = {
    "name": "small",
    "score": ["exact", "gopher", "repetition", {"minhash": {"num_perm": 128}}],
    "rules": {
        "word_count": {"column": "gopher.word_count", "min": 50},
        "repeats": {"column": "repetition.dup_line_frac", "max": 0.3},
    },
    "dedup": {"exact": "raw", "fuzzy": {"on": "minhash", "jaccard": 0.8}, "guard": {"max_source_loss": 1.0}},
}


def digests(folder: Path) -> dict[str, str]:
    """Every data file and manifest under a folder by its content."""
    files = [p.relative_to(folder) for p in sorted(folder.rglob("*")) if p.is_file()]
    found = {
        str(p): hashlib.sha256((folder / p).read_bytes()).hexdigest() for p in files if not {"jobs", "tmp"} & {*p.parts}
    }
    assert found, f"{folder}: no file to compare"
    return found


def verbs(workspace: Path, job_id: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in (workspace / "jobs" / job_id / "events.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_parquet(tmp_path_factory.mktemp("crawl") / "crawl")


@pytest.fixture(scope="module")
def done(crawl: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, winnow.Result]:
    folder = tmp_path_factory.mktemp("done")
    result = winnow.run(
        RECIPE, [str(crawl)], workspace=str(folder / "ws"), output=str(folder / "out"), executor="local", workers=1
    )
    return folder, result


def test_every_row_is_accounted_for(done: tuple[Path, winnow.Result]) -> None:
    folder, result = done
    assert result.rows == 240
    assert result.funnel == {"kept": 168, "judge.word_count": 24, "dedup.exact": 24, "dedup.fuzzy": 24}
    kept = pq.read_table(folder / "out" / "data")
    removed = pq.read_table(folder / "out" / "removed")
    assert sorted([*kept.column("id").to_pylist(), *removed.column("id").to_pylist()]) == [d["id"] for d in documents()]


def test_kept_text_is_the_input_text(done: tuple[Path, winnow.Result]) -> None:
    folder, _ = done
    texts = {d["id"]: d["text"] for d in documents()}
    kept = pq.read_table(folder / "out" / "data").to_pylist()
    assert all(row["text"] == texts[row["id"]] for row in kept)
    assert list(kept[0])[:4] == ["text", "id", "url", "file_path"]


def test_a_removed_row_says_why(done: tuple[Path, winnow.Result]) -> None:
    folder, _ = done
    removed = {r["id"]: r for r in pq.read_table(folder / "out" / "removed").to_pylist()}
    assert (removed["doc-00009"]["rule"], removed["doc-00009"]["value"], removed["doc-00009"]["threshold"]) == (
        "word_count",
        "2",
        "min 50",
    )
    assert (removed["doc-00005"]["rule"], removed["doc-00005"]["keeper"]) == ("fuzzy", "doc-00008")
    near = removed["doc-00005"]
    assert 0.8 <= float(near["value"]) < 1.0


def test_why_names_rule_and_keeper(done: tuple[Path, winnow.Result]) -> None:
    folder, _ = done
    short = winnow.why("doc-00009", workspace=str(folder / "ws"))[0]
    assert short["outcome"] == "removed by judge"
    assert short["failed"] == [{"rule": "word_count", "value": "2", "bound": "min 50"}]
    copy = winnow.why("doc-00005", workspace=str(folder / "ws"))[0]
    assert (copy["outcome"], copy["duplicate"]["duplicate_of"]) == ("removed by dedup", "doc-00008")


def test_sql_sees_documents_with_their_measures(done: tuple[Path, winnow.Result]) -> None:
    folder, _ = done
    found = winnow.sql("select count(*) as n from documents where gopher.word_count < 50", workspace=str(folder / "ws"))
    assert found.column("n").to_pylist() == [24]


@pytest.mark.parametrize(("executor", "workers"), [("local", 2), ("local", 3)])
def test_any_worker_count_gives_the_same_bytes(
    done: tuple[Path, winnow.Result], crawl: Path, tmp_path: Path, executor: str, workers: int
) -> None:
    folder, _ = done
    winnow.run(
        RECIPE,
        [str(crawl)],
        workspace=str(tmp_path / "ws"),
        output=str(tmp_path / "out"),
        executor=executor,
        workers=workers,
    )
    assert digests(tmp_path / "ws" / "corpora") == digests(folder / "ws" / "corpora")
    assert digests(tmp_path / "out") == digests(folder / "out")


def test_ray_gives_the_same_bytes(done: tuple[Path, winnow.Result], crawl: Path, tmp_path: Path) -> None:
    folder, _ = done
    winnow.run(
        RECIPE, [str(crawl)], workspace=str(tmp_path / "ws"), output=str(tmp_path / "out"), executor="ray", workers=2
    )
    assert digests(tmp_path / "ws" / "corpora") == digests(folder / "ws" / "corpora")
    assert digests(tmp_path / "out") == digests(folder / "out")


def test_a_second_run_does_no_work(done: tuple[Path, winnow.Result], crawl: Path) -> None:
    folder, _ = done
    again = winnow.run(
        RECIPE, [str(crawl)], workspace=str(folder / "ws"), output=str(folder / "out"), executor="local", workers=1
    )
    said = verbs(folder / "ws", again.job_id)
    assert [e for e in said if e["verb"] == "unit_done"] == []
    assert len([e for e in said if e["verb"] == "stage_reused"]) == 14


def test_a_changed_threshold_opens_no_text(
    done: tuple[Path, winnow.Result], crawl: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = done

    def no_text(*_: object) -> None:
        raise AssertionError("text was opened")

    monkeypatch.setattr("pipeline.storage.shard.open_source", no_text)
    again = winnow.run(
        RECIPE | {"rules": {"word_count": {"column": "gopher.word_count", "min": 150}}},
        [str(crawl)], workspace=str(folder / "ws"), executor="local", workers=1, until="mix",
    )  # fmt: skip
    assert again.funnel["judge.word_count"] > 24


def test_a_new_file_is_the_only_one_scored(crawl: Path, tmp_path: Path) -> None:
    folder = write_parquet(tmp_path / "crawl")
    first = winnow.run(RECIPE, [str(folder)], workspace=str(tmp_path / "ws"), executor="local", workers=1)
    write_parquet(tmp_path / "more", count=60, files=1)
    (tmp_path / "more" / "part-0.parquet").rename(folder / "part-9.parquet")
    second = winnow.run(RECIPE, [str(folder)], workspace=str(tmp_path / "ws"), executor="local", workers=1)
    scored = [
        [e for e in verbs(tmp_path / "ws", r.job_id) if e["verb"] == "unit_done" and e["stage"] == "notes"]
        for r in (first, second)
    ]
    assert [len(s) for s in scored] == [4, 1]


def test_a_scorer_added_later_is_a_pass_of_its_own(crawl: Path, tmp_path: Path) -> None:
    workspace = str(tmp_path / "ws")
    winnow.run({"name": "a", "score": ["exact"]}, [str(crawl)], workspace=workspace, executor="local", workers=1)
    later = winnow.run(
        {"name": "b", "score": ["exact", "gopher"]}, [str(crawl)], workspace=workspace, executor="local", workers=1
    )
    passes = Store(workspace).names("corpora/crawl/notes")
    assert len([p for p in passes if p != "parts"]) == 2
    alone = winnow.plan({"name": "c", "score": ["gopher"]}, [str(crawl)], workspace=workspace)
    assert (alone["passes"], alone["measured"]) == ([["gopher"]], [True])
    assert len(later.tables["notes"]) == 2
    found = winnow.sql(
        "select count(*) as n from documents where gopher.word_count > 0 and exact.text_chars > 0", workspace=workspace
    )
    assert found.column("n").to_pylist() == [240]


def test_the_guard_holds_a_source_that_would_vanish(tmp_path: Path) -> None:
    import pyarrow as pa

    text = documents(1)[0]["text"]
    rows = [{"id": str(i), "text": text, "source": "one-page-site"} for i in range(150)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "same.parquet")
    recipe = {"name": "g", "score": ["exact"], "dedup": {"exact": "raw"}}
    with pytest.raises(GuardHeld, match="one-page-site loses 149 of 150"):
        winnow.run(recipe, [str(tmp_path / "same.parquet")], workspace=str(tmp_path / "ws"))
    allowed = recipe | {"dedup": {"exact": "raw", "guard": {"max_source_loss": 1.0}}}
    assert winnow.run(allowed, [str(tmp_path / "same.parquet")], workspace=str(tmp_path / "ws")).funnel == {
        "dedup.exact": 149,
        "kept": 1,
    }


def test_an_export_made_elsewhere_is_made_in_the_workspace_too(crawl: Path, tmp_path: Path) -> None:
    workspace, output = str(tmp_path / "ws"), str(tmp_path / "out")
    first = winnow.run(RECIPE, [str(crawl)], workspace=workspace, output=output, workers=1)
    second = winnow.run(RECIPE, [str(crawl)], workspace=workspace, workers=1)
    third = winnow.run(RECIPE, [str(crawl)], workspace=workspace, output=output, workers=1)
    assert first.funnel == second.funnel == third.funnel
    assert second.output is not None
    assert second.output.startswith(workspace)
    assert digests(Path(second.output)) == digests(tmp_path / "out")


def test_another_level_of_compression_writes_the_same_rows_in_smaller_files(
    done: tuple[Path, winnow.Result], crawl: Path, tmp_path: Path
) -> None:
    folder, _ = done
    smaller = RECIPE | {"export": {"zstd_level": 19}}
    winnow.run(smaller, [str(crawl)], workspace=str(folder / "ws"), output=str(tmp_path / "out"), workers=1)
    usual, small = (sorted((at / "data").iterdir()) for at in (folder / "out", tmp_path / "out"))
    assert pq.read_table(tmp_path / "out" / "data").equals(pq.read_table(folder / "out" / "data"))
    assert sum(p.stat().st_size for p in small) < sum(p.stat().st_size for p in usual)
    assert not {p.name for p in small} & {p.name for p in usual}


def test_a_foreign_output_folder_is_left_alone(crawl: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"holds 1 other file \(thesis.txt\)"):
        winnow.run(
            RECIPE,
            [str(crawl)],
            workspace=str(tmp_path / "ws"),
            output=str(tmp_path / "out"),
            executor="local",
            workers=1,
        )
    with pytest.raises(UsageError, match="replaces only a Winnow export"):
        winnow.run(
            RECIPE,
            [str(crawl)],
            workspace=str(tmp_path / "ws"),
            output=str(tmp_path / "out"),
            executor="local",
            workers=1,
            overwrite=True,
        )
    assert (tmp_path / "out" / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize(("rule", "said"), [
    ({"column": "gopher.word_cuont", "min": 5}, "Did you mean 'gopher.word_count'"),
    ({"column": "gopher.word_count", "min": 0}, "can never remove a document"),
    ({"column": "gopher.alpha_word_frac", "max": 1.0}, "can never remove a document"),
    ({"column": "gopher.alpha_word_frac", "min": 1.5}, "would remove every document"),
    ({"column": "gopher.word_count", "min": 9, "max": 3}, "nothing is both at least 9 and at most 3"),
    ({"column": "url", "min": 3}, "needs a number"),
    ({"column": "gopher.word_count", "in": ["many"]}, "'many' is str"),
    ({"sql": "gopher.word_cuont > 3"}, "word_count"),
    ({"sql": "gopher.word_count + 1"}, "expected bool"),
])  # fmt: skip
def test_a_rule_that_cannot_be_meant_stops_the_plan(
    crawl: Path, tmp_path: Path, rule: dict[str, object], said: str
) -> None:
    with pytest.raises(PlanError, match=said):
        winnow.plan(RECIPE | {"rules": {"r": rule}}, [str(crawl)], workspace=str(tmp_path / "ws"))
    assert not (tmp_path / "ws").exists()


@pytest.mark.parametrize(("change", "said"), [
    ({"scoer": []}, "unknown key 'scoer'; here are .* Did you mean 'score'"),
    ({"rules": {"r": {"column": "a.b"}}}, "has no bound"),
    ({"rules": {"r": {"column": "a.b", "mni": 1}}}, "Did you mean 'min'"),
    ({"dedup": {"fuzzy": {"jaccard": 1.2}}}, "less than or equal to 1"),
    ({"export": {"shard_bytes": "many"}}, "is not a size"),
])  # fmt: skip
def test_a_recipe_that_is_none_says_where(change: dict[str, object], said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        winnow.recipe(RECIPE | change)


def test_unknown_scorer_and_parameter_say_what_there_is() -> None:
    with pytest.raises(PlanError, match="Did you mean 'gopher'"):
        winnow.plan({"name": "x", "score": ["gophr"]}, ["x"])
    with pytest.raises(PlanError, match="Did you mean 'num_perm'"):
        winnow.plan({"name": "x", "score": [{"minhash": {"numperm": 3}}]}, ["x"])


def test_changes_hold_for_a_recipe_given_as_data_and_leave_the_data_alone() -> None:
    before = json.dumps(RECIPE)
    made = winnow.recipe(RECIPE, ["in.parquet"], ["rules.word_count.min=7", "input.text=content"])
    assert (made.rules["word_count"].min, made.input.text, made.input.paths) == (7, "content", ("in.parquet",))
    assert json.dumps(RECIPE) == before
    with pytest.raises(RecipeError, match=r"expected a\.b=value"):
        winnow.recipe(RECIPE, changes=["rules.word_count.min"])
