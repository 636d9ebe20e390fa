"""Deduplication by ranges and units: the clusters of a brute force, however the corpus is cut, ordered and worked on."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import winnow
from pipeline.dedup import ranges, room
from pipeline.dedup.documents import graph, pair_units, shard_runs
from pipeline.errors import GuardHeld
from tests import oracle_dedup as oracle
from tests.corpora import prose
from tests.line_runs import bytes_of, recipe, run

DEDUP = {"fuzzy": {"bands": 64, "rows": 2}}
Told = dict[str, tuple[str, float, str | None]]


def corpus() -> dict[str, str]:
    """By id: originals, revisions of some of them, copies in other letters, copies, and texts without a word."""
    made = {}
    for i in range(24):
        text = prose(i, 8)
        made[f"original-{i:02d}"] = text
        words = text.split(" ")
        for n in range(i % 4):
            pick = random.Random(100 * i + n)
            changed = [w if pick.random() > 0.004 * (n + 1) * (i % 7) else "changed" for w in words]
            made[f"revision-{i:02d}-{n}"] = " ".join(changed)
        if i % 5 == 0:
            made[f"capital-{i:02d}"] = text.upper()
        if i % 6 == 0:
            made[f"copy-{i:02d}"] = text
    return made | {"bare-0": "...", "bare-1": "...", "bare-2": "!", "empty-0": "", "empty-1": ""}


def by_brute_force(texts: dict[str, str], threshold: float) -> dict[str, str]:
    """The keeper of every document: all pairs compared, longest first, then by id."""
    ids = sorted(texts, key=lambda i: (-len(texts[i].encode()), i))
    sets = [set(oracle.shingles(texts[i], 5)) for i in ids]
    # without a word a text is only ever equal to the same bytes
    names = [oracle.normalised(texts[i]) if s else ("bare", texts[i]) for i, s in zip(ids, sets, strict=True)]
    edges = {}
    for i, one in enumerate(sets):
        for j in range(i + 1, len(ids)):
            shared = len(one & sets[j])
            similarity = 1.0 if names[i] == names[j] else shared / max(1, len(one) + len(sets[j]) - shared)
            if similarity >= threshold:
                edges[i, j] = similarity
    keeper, _, _ = oracle.stars(list(range(len(ids))), edges, [True] * len(ids))
    return {one: ids[keeper[i]] for i, one in enumerate(ids)}


def write_files(folder: Path, texts: dict[str, str], order: list[str], files: int) -> Path:
    folder.mkdir(parents=True)
    size = -(-len(order) // files)
    for n in range(files):
        ids = order[n * size : (n + 1) * size]
        pq.write_table(pa.table({"id": ids, "text": [texts[i] for i in ids]}), folder / f"part-{n}.parquet")
    return folder


def told(folder: Path) -> Told:
    """Of every document in a cluster: its keeper, how similar it is to it, and by what it was found."""
    rows = winnow.sql("select * from duplicates", workspace=str(folder / "ws")).to_pylist()
    return {r["doc_id"]: (r["cluster"], r["jaccard"], r["method"]) for r in rows}


@pytest.fixture
def small_units(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Makes ranges and units that even this corpus fills several of."""

    def make() -> None:
        monkeypatch.setattr(ranges, "RANGE_BYTES", 6_000)
        monkeypatch.setattr(pair_units, "HELD_BYTES", 20_000)
        monkeypatch.setattr(room, "HELD_BYTES", 0)
        monkeypatch.setattr(graph, "KEPT_ROWS", 0)
        monkeypatch.setattr(room, "CHUNK", 7)
        monkeypatch.setattr("pipeline.stages.documents.candidates.GROUP_ROWS", 16)
        monkeypatch.setattr("pipeline.stages.documents.asked.RUN_BYTES", 1_000)
        monkeypatch.setattr("pipeline.dedup.layout.HASH_ROWS", 64)
        monkeypatch.setattr("pipeline.storage.sections.READ_BYTES", 4_000)

    return make


def fuzzy(**more: Any) -> dict[str, Any]:
    return recipe(None, dedup=DEDUP | more) | {"score": ["exact", "minhash"]}


def test_clusters_are_those_of_a_brute_force_however_the_corpus_is_cut(
    tmp_path: Path, small_units: Callable[[], None]
) -> None:
    texts = corpus()
    expected = by_brute_force(texts, 0.8)
    assert 20 < sum(keeper != one for one, keeper in expected.items()) < len(texts) - 20
    found: list[Told] = []
    for n, files in enumerate((1, 5, 5)):
        order = sorted(texts)
        random.Random(n).shuffle(order)
        source = write_files(tmp_path / f"in-{n}", texts, order, files)
        if n == 2:
            small_units()
        run(fuzzy(), source, tmp_path / str(n))
        found.append(told(tmp_path / str(n)))
    removed = {one: keeper for one, keeper in expected.items() if one != keeper}
    assert {i: keeper for i, (keeper, _, _) in found[0].items() if i != keeper} == removed
    assert found[0] == found[1] == found[2]
    parts = {
        kind: len(list((tmp_path / "2" / "ws").glob(f"corpora/*/{kind}/parts/*/*")))
        for kind in ("bands", "candidates", "digests", "pairs")
    }
    assert parts["bands"] < 5, "shards share a part"
    assert parts["digests"] < 5
    assert parts["candidates"] > 2, "the corpus filled several ranges"
    assert parts["pairs"] > 2, "and several units of pairs"


def test_runs_of_several_shards_say_what_shards_by_themselves_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = corpus()
    source = write_files(tmp_path / "in", texts, sorted(texts), 5)
    run(fuzzy(), source, tmp_path / "alone")
    monkeypatch.setattr(shard_runs, "shard_runs", lambda *_: [range(2), range(2, 3), range(3, 5)])
    run(fuzzy(), source, tmp_path / "together")
    for kind in ("bands", "digests"):
        parts = [len([*(tmp_path / n / "ws").glob(f"corpora/*/{kind}/parts/*/*")]) for n in ("alone", "together")]
        assert parts == [5, 3]
    assert told(tmp_path / "together") == told(tmp_path / "alone")


def test_two_workers_write_the_bytes_of_one(tmp_path: Path) -> None:
    texts = corpus()
    source = write_files(tmp_path / "in", texts, sorted(texts), 3)
    for workers in (1, 2):
        run(fuzzy(), source, tmp_path / str(workers), workers=workers, executor="local")
    kinds = ("bands", "candidates", "pairs", "digests", "equals", "dedup")
    one, two = (
        {k: v for k, v in bytes_of(tmp_path / str(n) / "ws" / "corpora").items() if k.split("/")[1] in kinds}
        for n in (1, 2)
    )
    assert len(one) >= 9
    assert one == two


def test_a_new_file_leaves_the_buckets_and_digests_of_the_others_alone(tmp_path: Path) -> None:
    texts = corpus()
    order = sorted(texts)
    source = write_files(tmp_path / "in", texts, order[:-10], 3)
    run(fuzzy(), source, tmp_path)
    before = bytes_of(tmp_path / "ws" / "corpora")
    pq.write_table(pa.table({"id": order[-10:], "text": [texts[i] for i in order[-10:]]}), source / "part-9.parquet")
    winnow.run(fuzzy(), [str(source)], workspace=str(tmp_path / "ws"), executor="local", workers=1, corpus="in")
    for kind in ("bands", "digests"):
        old = {k for k in before if k.split("/")[1] == kind}
        new = {k for k in bytes_of(tmp_path / "ws" / "corpora") if k.split("/")[1] == kind}
        assert len(old) == 3
        assert len(new - old) == 1
    assert told(tmp_path) == told_of_all(tmp_path, texts)


def told_of_all(tmp_path: Path, texts: dict[str, str]) -> Told:
    """Of the whole corpus taken in at once."""
    source = write_files(tmp_path / "whole", texts, sorted(texts), 2)
    run(fuzzy(), source, tmp_path / "at-once")
    return told(tmp_path / "at-once")


@pytest.mark.parametrize(("exact", "methods"), [
    ("raw", {"exact": 5 + 2, "fuzzy": 5}), ("normalised", {"exact": 5 + 5 + 2}), (False, {"fuzzy": 5 + 5}),
])  # fmt: skip
def test_what_counts_as_a_copy_is_what_the_recipe_says(
    tmp_path: Path, exact: str | bool, methods: dict[str, int]
) -> None:
    texts = {f"{k}-{i}": f(prose(i)) for i in range(5) for k, f in (("a", str), ("b", str), ("c", str.upper))}
    texts |= {"bare-0": "...", "bare-1": "...", "empty-0": "", "empty-1": ""}
    source = write_files(tmp_path / "in", texts, sorted(texts), 2)
    result = run(fuzzy(exact=exact), source, tmp_path)
    assert {k.removeprefix("dedup."): n for k, n in result.funnel.items() if k.startswith("dedup.")} == methods


def test_a_poisoned_corpus_costs_a_bounded_number_of_pairs_and_is_told(tmp_path: Path) -> None:
    # every text is one long notice and a line of its own: all share most of their buckets
    notice = prose(1, 60)
    texts = {f"{i:04d}": f"{notice}\n{prose(i + 10, 1)}" for i in range(400)}
    source = write_files(tmp_path / "in", texts, sorted(texts), 4)
    made = recipe(None, dedup={"fuzzy": {"max_bucket": 20}}) | {"score": ["exact", "minhash"]}
    result = run(made, source, tmp_path)
    found = winnow.sql(
        "select count(*) as n, max(cluster_size) as size from duplicates", workspace=str(tmp_path / "ws")
    )
    assert found.to_pylist() == [{"n": 400, "size": 400}]
    assert any("LSH buckets held more than 20 distinct documents" in w for w in result.warnings)
    pairs = sum(pq.read_metadata(p).num_rows for p in (tmp_path / "ws").glob("corpora/*/pairs/parts/*/*"))
    assert 399 <= pairs <= 21 * 9 * 400


def test_the_guard_counts_a_source_over_all_shards(tmp_path: Path) -> None:
    texts = {f"{i:03d}": prose(0 if i % 10 else i) for i in range(200)}
    folder = tmp_path / "in"
    folder.mkdir()
    ids = sorted(texts)
    for n in range(2):
        some = ids[n::2]
        table = {"id": some, "text": [texts[i] for i in some], "source": ["one" if i < "150" else "two" for i in some]}
        pq.write_table(pa.table(table), folder / f"part-{n}.parquet")
    made = recipe(None, dedup={"guard": {"max_source_loss": 0.85, "min_source_docs": 100}})
    with pytest.raises(GuardHeld, match=r"max_source_loss is 0.85: one loses 135 of 150\."):
        run(made, folder, tmp_path)
