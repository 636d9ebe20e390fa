"""Deduplication against other corpora: what they have goes here, and nothing of theirs is removed, exported or counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import winnow
from pipeline.cli.show import show_plan
from pipeline.errors import PathOutside, PlanError
from pipeline.explain_sentences import sentences
from pipeline.plan import make_plan
from pipeline.recipe import Recipe
from pipeline.recipe_file import validate
from pipeline.report.page import render_report
from pipeline.result import Result
from pipeline.sources.confined import VARIABLE
from pipeline.storage.store import Store
from pipeline.takedown.making import Request, take_down
from tests.corpora import prose
from tests.integration.test_incremental import events
from tests.integration.test_run import digests

RECIPE: dict[str, Any] = {
    "name": "small",
    "score": ["exact", "gopher", "minhash"],
    "rules": {"word_count": {"column": "gopher.word_count", "min": 50}},
    "dedup": {"fuzzy": {"jaccard": 0.8}},
}
MORE = " Here are some words that were put to its end, so that it is longer."


def write(path: Path, texts: dict[str, str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [{"id": i, "text": t, "source": "s", "url": f"https://e.org/{i}"} for i, t in texts.items()]
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path.parent


def against(*names: str, **dedup: Any) -> dict[str, Any]:
    return {**RECIPE, "dedup": {**RECIPE["dedup"], "against": list(names), **dedup}}


def run(root: Path, recipe: dict[str, Any], folder: Path, output: str = "out") -> Result:
    return winnow.run(
        recipe, [str(folder)], workspace=str(root / "ws"), output=str(root / output), executor="local", workers=1
    )


def kept(root: Path, output: str = "out") -> set[str]:
    paths = sorted((root / output / "data").glob("*.parquet"))
    return {i for p in paths for i in pq.read_table(p, columns=["id"]).column("id").to_pylist()}


@pytest.fixture
def corpora(tmp_path: Path) -> tuple[Path, Path]:
    """(old, new): new has an exact copy, a longer near copy and a shorter one of old ones, a pair of its own, and one alone."""
    old = write(
        tmp_path / "old" / "a.parquet", {**{f"old-{n}": prose(n) for n in range(20)}, "old-short": "Too short."}
    )
    new = write(
        tmp_path / "new" / "b.parquet",
        {"same": prose(3), "longer": prose(4) + MORE, "mine": prose(50), "mine-too": prose(50) + MORE, "alone": prose(60),
         "as-short": "Too short."},
    )  # fmt: skip
    return old, new


def test_what_a_corpus_of_the_workspace_has_goes_whatever_its_place_in_the_keeper_order(
    tmp_path: Path, corpora: tuple[Path, Path]
) -> None:
    old, new = corpora
    run(tmp_path, RECIPE, old, "out-old")
    found = run(tmp_path, against("old"), new)
    assert found.funnel == {"dedup.fuzzy": 1, "dedup.reference": 2, "judge.word_count": 1, "kept": 2}
    assert kept(tmp_path) == {"mine-too", "alone"}
    asked = winnow.sql(
        "select doc_id, duplicate_of, reference, method, round(jaccard, 2) as j from duplicates order by 1",
        workspace=str(tmp_path / "ws"),
    )
    told = {r["doc_id"]: r for r in asked.to_pylist()}
    assert set(told) == {"same", "longer", "mine", "mine-too"}
    assert told["same"] | {"j": 1.0} == {
        "doc_id": "same",
        "duplicate_of": "old-3",
        "reference": "old",
        "method": "reference",
        "j": 1.0,
    }
    assert (told["longer"]["duplicate_of"], told["longer"]["method"]) == ("old-4", "reference")
    assert (told["mine"]["duplicate_of"], told["mine"]["reference"]) == ("mine-too", None)
    assert "  duplicate of old-3 in the reference set old: Jaccard 1.0000" in sentences(
        winnow.why("same", workspace=str(tmp_path / "ws"))
    )
    removed = {
        r["id"]: r for p in (tmp_path / "out" / "removed").glob("*.parquet") for r in pq.read_table(p).to_pylist()
    }
    assert (removed["same"]["rule"], removed["same"]["keeper"]) == ("reference", "old-3")


def test_a_plan_shows_the_sets_it_holds_documents_against(
    tmp_path: Path, corpora: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = corpora
    run(tmp_path, RECIPE, old, "out-old")
    files = str(old / "*.parquet")
    recipe = {**against("old", files), "input": {"paths": [str(new)]}}
    told = make_plan(Store(str(tmp_path / "ws")), validate(recipe, "a test")).told(1)
    text_bytes = sum(len(prose(n)) for n in range(20)) + len("Too short.")
    assert told["against"] == [
        {"name": "old", "documents": 20, "text_bytes": text_bytes},
        {"name": files, "files": 1, "text_bytes": told["against"][1]["text_bytes"]},
    ]
    show_plan(told)
    shown = [line for line in capsys.readouterr().out.splitlines() if "what it has is removed here" in line]
    assert [line.split(": ")[0].strip() for line in shown] == ["reference set old", f"reference set {files}"]


def test_a_set_given_by_its_files_does_the_same(tmp_path: Path, corpora: tuple[Path, Path]) -> None:
    old, new = corpora
    run(tmp_path / "elsewhere", RECIPE, old)
    for n, place in enumerate((str(tmp_path / "elsewhere" / "out"), str(old / "*.parquet"))):
        found = run(tmp_path, against(place), new, f"out-{n}")
        assert (found.funnel["dedup.reference"], found.funnel["kept"]) == (2, 2)
        assert kept(tmp_path, f"out-{n}") == {"mine-too", "alone"}


def test_a_document_like_two_references_that_are_like_each_other_is_held_against_both(tmp_path: Path) -> None:
    words = prose(7, 40).split(" ")
    ends = [f"x{k}" for k in range(len(words), 0, -1)]
    chain = [" ".join([*words[: len(words) - n], *ends[len(words) - n :]]) for n in (0, 40, 80)]
    old = write(tmp_path / "old" / "a.parquet", {"first": chain[0], "second": chain[1]})
    new = write(tmp_path / "new" / "b.parquet", {"third": chain[2]})
    found = run(tmp_path, against(str(old)), new)
    assert found.funnel == {"dedup.reference": 1}
    told = winnow.sql("select duplicate_of, jaccard from duplicates", workspace=str(tmp_path / "ws")).to_pylist()
    assert told[0]["duplicate_of"] == "second"
    assert 0.8 <= told[0]["jaccard"] < 0.95


def test_what_was_taken_down_there_stands_for_nothing_here(tmp_path: Path, corpora: tuple[Path, Path]) -> None:
    old, new = corpora
    run(tmp_path, RECIPE, old, "out-old")
    take_down(Store(str(tmp_path / "ws")), Request("ticket", ids=("old-3",)), "old")
    run(tmp_path, RECIPE, old, "out-old")
    assert run(tmp_path, against("old"), new).funnel["dedup.reference"] == 1
    assert "same" in kept(tmp_path)


def test_an_address_that_a_reference_has_goes_too_where_addresses_are_compared(tmp_path: Path) -> None:
    old = write(tmp_path / "old" / "a.parquet", {"one": prose(1), "two": prose(2)})
    new = write(tmp_path / "new" / "b.parquet", {"one": prose(30), "three": prose(31)})
    found = run(tmp_path, against(str(old), url={}), new)
    assert found.funnel == {"dedup.reference": 1, "kept": 1}
    assert kept(tmp_path) == {"three"}


def test_a_cluster_counts_the_keeper_of_a_reference_set_and_none_of_its_copies(tmp_path: Path) -> None:
    alike = {f"old-{n}": prose(1) for n in range(5)} | {"old-other": prose(1) + MORE}
    old = write(tmp_path / "old" / "a.parquet", alike)
    new = write(tmp_path / "new" / "b.parquet", {"same": prose(1), "longer": prose(1) + MORE, "alone": prose(60)})
    found = run(tmp_path, against(str(old), guard={"max_source_loss": 1.0, "max_cluster_docs": 3}), new)
    assert found.funnel == {"dedup.reference": 2, "kept": 1}
    told = winnow.sql(
        "select doc_id, cluster, cluster_size from duplicates", workspace=str(tmp_path / "ws")
    ).to_pylist()
    members = {c: [t["doc_id"] for t in told if t["cluster"] == c] for c in {t["cluster"] for t in told}}
    assert all(t["cluster_size"] == len(members[t["cluster"]]) + 1 for t in told)


def test_the_report_tells_what_a_reference_set_has_from_near_duplicates(
    tmp_path: Path, corpora: tuple[Path, Path]
) -> None:
    old, new = corpora
    run(tmp_path, against(str(old)), new)
    page = render_report(Store(str(tmp_path / "ws")))
    assert '<th scope="row">near-duplicates, verified</th><td class="n">1</td>' in page
    assert '<th scope="row">of a reference set</th><td class="n">2</td>' in page
    assert page.count("near-duplicates, verified</th>") == 1


def test_the_set_is_measured_once_and_its_pairs_are_not_measured_again(
    tmp_path: Path, corpora: tuple[Path, Path]
) -> None:
    old, new = corpora
    first = run(tmp_path, against(str(old)), new)
    assert events(tmp_path, first, "stage_started")["notes"]["units"] == 1  # the set's own, after the corpus's
    before = events(tmp_path, first, "stage_finished")["shingles"]["rows"]
    write(new / "c.parquet", {"another": prose(5), "own": prose(70)})
    second = run(tmp_path, against(str(old)), new)
    assert second.funnel["dedup.reference"] == 3
    assert events(tmp_path, second, "stage_reused")["notes"]["rows"] == 21
    assert events(tmp_path, second, "stage_started")["bands"]["units"] == 1
    assert events(tmp_path, second, "stage_finished")["shingles"]["rows"] <= 2 < before
    whole = run(tmp_path / "whole", against(str(old)), new)
    assert whole.tables == second.tables
    assert digests(tmp_path / "out") == digests(tmp_path / "whole" / "out")


def test_a_confined_process_looks_for_no_set_outside_its_places(
    tmp_path: Path, corpora: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = corpora
    monkeypatch.setenv(VARIABLE, str(new))
    for place in (str(old), str(old / "*.parquet"), str(tmp_path / "nothing")):
        with pytest.raises(PathOutside):
            make_plan(Store(str(tmp_path / "ws")), winnow.recipe(against(place), [str(new)]))


def test_without_a_set_the_recipe_is_the_same_as_ever() -> None:
    assert validate(RECIPE, "test").digest() == validate(against(), "test").digest()
    assert "against" not in validate(RECIPE, "test").canonical()
    assert validate(against("x"), "test").digest() != validate(RECIPE, "test").digest()


@pytest.mark.parametrize(
    ("names", "dedup", "said"),
    [
        (["nobody"], {}, "'nobody' is no corpus"),
        (["new"], {}, "'new' is the corpus itself"),
        (["{root}/ws"], {}, "is a workspace; name the files"),
        (["old"], {"fuzzy": None, "exact": False}, "nothing is compared"),
    ],
)
def test_a_set_that_cannot_be_stops_the_plan(
    tmp_path: Path, corpora: tuple[Path, Path], names: list[str], dedup: dict[str, Any], said: str
) -> None:
    old, new = corpora
    run(tmp_path, RECIPE, old, "out-old")
    recipe: Recipe = winnow.recipe(against(*(n.format(root=tmp_path) for n in names), **dedup), [str(new)])
    with pytest.raises(PlanError) as refused:
        make_plan(Store(str(tmp_path / "ws")), recipe)
    assert said in str(refused.value)


def test_why_tells_the_members_of_a_document_s_own_cluster_where_keepers_have_one_id(tmp_path: Path) -> None:
    texts = [prose(1), prose(1), prose(2), prose(2), prose(2)]
    rows = [{"id": i, "text": t, "dump": i != "x"} for i, t in zip(("x", "b", "x", "c", "d"), texts, strict=True)]
    (tmp_path / "crawl").mkdir()
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "crawl" / "a.parquet")
    workspace = str(tmp_path / "ws")
    recipe = {**RECIPE, "rules": {}, "dedup": {"fuzzy": {"jaccard": 0.8}, "keep": "dump"}}
    winnow.run(recipe, [str(tmp_path / "crawl")], workspace=workspace, workers=1)
    for asked, members in (("b", ["x", "b"]), ("d", ["x", "c", "d"])):
        (said,) = winnow.why(asked, workspace=workspace)
        assert [m["doc_id"] for m in said["cluster_members"]] == members
