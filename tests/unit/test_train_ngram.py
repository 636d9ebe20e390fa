"""Training n-gram models: lmplz's own models, the definitions, and the same bytes whatever the memory."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.train import records
from pipeline.train.ngram import Plan, train_ngram
from pipeline.train.records import in_order, joined
from pipeline.train.smoothing import FALLBACK, TrainingError, check, discounts
from scorers.kernels.ngram_counts import rotate, unpack
from scorers.kernels.ngram_sort import count_upto
from scorers.models.ngram_file import TextSettings
from scorers.models.ngram_model import read
from scorers.models.ngram_text import tokens_of
from scorers.text import TextBatch
from tests.ngram_texts import story
from tests.oracle_ngrams import Arpa, arpa_of, kneser_ney, line_events, sorted_records

GOLDEN = Path(__file__).parent.parent / "golden" / "ngrams"
AS_IT_IS = TextSettings("none", "whitespace")


def trained(folder: Path, lines: list[str], plan: Plan) -> Arpa:
    """The ARPA file that comes of one document."""
    train_ngram([pa.array(["\n".join(lines)], pa.large_string())], plan, folder / "model", folder / "arpa")
    return arpa_of((folder / "arpa").read_text(encoding="utf-8"))[1]


def assert_same(found: Arpa, expected: Arpa, within: float) -> None:
    assert found.keys() == expected.keys()
    for gram, values in expected.items():
        assert found[gram] == pytest.approx(values, abs=within), gram


@pytest.mark.parametrize(("name", "order", "prune"), [("order3", 3, ()), ("order5pruned", 5, (0, 0, 1))])
def test_the_model_is_that_of_lmplz(tmp_path: Path, name: str, order: int, prune: tuple[int, ...]) -> None:
    expected = arpa_of(gzip.decompress((GOLDEN / f"{name}.arpa.gz").read_bytes()).decode())[1]
    plan = Plan(order, prune, AS_IT_IS, engine="own", fallback=True)
    assert_same(trained(tmp_path, story(600), plan), expected, 2e-6)


LINES = st.lists(
    st.lists(st.sampled_from(["a", "b", "c", "dd"]), min_size=1, max_size=6).map(" ".join), min_size=1, max_size=6
)


@settings(max_examples=40, deadline=None)
@given(lines=LINES, order=st.integers(2, 5), prune=st.sampled_from([(), (0, 1), (0, 0, 2)]))
def test_the_model_is_that_of_the_definitions(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], order: int, prune: tuple[int, ...]
) -> None:
    prune = prune[:order]
    with pytest.MonkeyPatch.context() as patch:
        # so little text has no discounts of its own, or almost: the fixed ones for all
        patch.setattr("pipeline.train.ngram.discounts", lambda stats, _: np.tile([0.0, *FALLBACK], (len(stats), 1)))
        found = trained(tmp_path_factory.mktemp("train"), lines, Plan(order, prune, AS_IT_IS, engine="own"))
    full = (*prune, *[prune[-1] if prune else 0] * order)[:order]
    assert_same(found, kneser_ney([line.split() for line in lines], order, full, [0.0, *FALLBACK]), 2e-6)


def test_the_compact_file_holds_what_the_arpa_file_does(tmp_path: Path) -> None:
    arpa = trained(tmp_path, story(600), Plan(4, (0, 0, 1), AS_IT_IS, engine="own", fallback=True))
    text = "\n".join(story(30, seed=5))
    events, _ = read(tmp_path / "model", AS_IT_IS).events(tokens_of(TextBatch.from_strings([text]), AS_IT_IS))
    expected = [e for line in text.split("\n") for e in line_events(arpa, 4, line.split())]
    np.testing.assert_allclose(events, expected, atol=2e-6)


def test_little_memory_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digests, runs = set(), []
    merged = records._merged
    monkeypatch.setattr(records, "_merged", lambda r, *rest: runs.append(len(r)) or merged(r, *rest))
    for block, memory_bytes in ((1 << 16, 10**9), (64, 1)):
        monkeypatch.setattr(records, "BLOCK", block)
        folder = tmp_path / str(block)
        folder.mkdir()
        plan = Plan(4, (0, 0, 1), AS_IT_IS, memory_bytes, engine="own", fallback=True)
        texts = [pa.array(story(50, seed), pa.large_string()) for seed in range(20)]
        train_ngram(texts, plan, folder / "model", folder / "arpa")
        assert sorted(p.name for p in folder.iterdir()) == ["arpa", "model"]
        digests.add(tuple(hashlib.sha256((folder / n).read_bytes()).hexdigest() for n in ("model", "arpa")))
    assert len(digests) == 1
    assert max(runs) >= 20


def test_batches_may_be_cut_anywhere(tmp_path: Path) -> None:
    made = []
    for size in (1, 7, 600):
        texts = [pa.array(story(600)[i : i + size], pa.large_string()) for i in range(0, 600, size)]
        train_ngram(texts, Plan(3, (), AS_IT_IS, engine="own", fallback=True), tmp_path / f"{size}")
        made.append((tmp_path / f"{size}").read_bytes())
    assert made[0] == made[1] == made[2]


def test_too_little_text_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="--discount-fallback"):
        train_ngram([pa.array(["a b"], pa.large_string())], Plan(3, engine="own"), tmp_path / "m")
    with pytest.raises(TrainingError, match="no word"):
        train_ngram([pa.array(["", "\n"], pa.large_string())], Plan(3, engine="own"), tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("order", "words", "prune"), [(1, 10, ()), (5, 1 << 26, ()), (3, 10, (1,)), (3, 10, (0, 2, 1)), (2, 10, (0, 0, 0))]
)
def test_impossible_plans_are_refused(order: int, words: int, prune: tuple[int, ...]) -> None:
    with pytest.raises(TrainingError, match=r"order|prune"):
        check(order, words, prune)


def test_discounts_follow_chen_and_goodman() -> None:
    found = discounts(np.array([[0] * 6, [0, 100, 40, 20, 10, 170]]), False)
    y = 100 / 180
    assert found[1].tolist() == pytest.approx([0, 1 - 2 * y * 0.4, 2 - 3 * y * 0.5, 3 - 4 * y * 0.5])
    assert discounts(np.array([[0] * 6, [0, 0, 1, 1, 1, 3]]), True)[1].tolist() == [0, *FALLBACK]


KEYS = st.integers(0, (1 << 100) - 1)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.one_of(st.integers(0, 9), KEYS), st.integers(1, 99)), max_size=80), st.integers(1, 9))
def test_records_are_sorted_and_added(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[int, int]], size: int
) -> None:
    made = as_records(pairs)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "BLOCK", 4)
        plain = list(in_order(cut_up(made, size), 100, 1, tmp_path_factory.mktemp("runs"), adding=False))
        added = list(in_order(cut_up(made, size), 100, 1, tmp_path_factory.mktemp("runs"), adding=True))
    expected = sorted_records([(int(h), int(low), int(c)) for h, low, c in made])
    assert [tuple(map(int, r)) for b in plain for r in b] == expected
    sums: dict[int, int] = {}
    for key, n in pairs:
        sums[key] = sums.get(key, 0) + n
    assert [((int(h) << 64) + int(low), int(c)) for b in added for h, low, c in b] == sorted(sums.items())
    if pairs:
        whole = as_records([(k, 0) for k in sorted(k for k, _ in pairs)])
        middle = sorted(k for k, _ in pairs)[len(pairs) // 2]
        found = count_upto(whole, np.uint64(middle >> 64), np.uint64(middle & ((1 << 64) - 1)))
        assert found == sum(k <= middle for k, _ in pairs)


def cut_up(whole: records.Records, size: int) -> Iterator[records.Records]:
    """In pieces of so many."""
    return (whole[i : i + size] for i in range(0, len(whole), size))


def as_records(pairs: list[tuple[int, int]]) -> records.Records:
    """(key, third column) as u64[R, 3]."""
    return np.array([(k >> 64, k & ((1 << 64) - 1), n) for k, n in pairs], np.uint64).reshape(-1, 3)


@settings(max_examples=60, deadline=None)
@given(st.sets(KEYS, max_size=30), st.data())
def test_joining_finds_the_shifted_key(keys: set[int], data: st.DataObject) -> None:
    others = data.draw(st.sets(st.one_of(KEYS, st.sampled_from(sorted(k >> 20 for k in keys) or [0])), max_size=30))
    left, right = as_records([(k, 0) for k in sorted(keys)]), as_records([(k, 0) for k in sorted(others)])
    right.view(np.float64)[:, 2] = np.arange(len(right)) + 0.5
    cut = data.draw(st.integers(1, 7))
    found = [v for _, values in joined(cut_up(left, cut), cut_up(right, cut), 20, -1.0) for v in values]
    values = {k: i + 0.5 for i, k in enumerate(sorted(others))}
    assert found == [values.get(k >> 20, -1.0) for k in sorted(keys)]


@given(st.lists(st.integers(0, (1 << 21) - 1), min_size=2, max_size=6))
def test_keys_turn_and_come_apart(words: list[int]) -> None:
    key = sum(w << (21 * i) for i, w in enumerate(words))
    made = as_records([(key, 7)])
    ids = np.empty((1, len(words)), np.uint32)
    unpack(made, len(words), 21, ids)
    assert ids[0].tolist() == words
    rotate(made, len(words), 21, True)
    unpack(made, len(words), 21, ids)
    assert ids[0].tolist() == [words[-1], *words[:-1]]
    rotate(made, len(words), 21, False)
    assert made.tolist() == as_records([(key, 7)]).tolist()
