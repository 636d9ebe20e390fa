"""Line deduplication against a dictionary of strings, over any texts, however they are cut into shards and ranges."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.dedup.lines.bloom import Bloom
from pipeline.dedup.lines.lines import (
    Found,
    Keys,
    Repeated,
    bounds,
    cut,
    emptied,
    find_lines,
    keys_of,
    repeated,
)
from pipeline.dedup.ranges import range_bounds, range_of
from pipeline.recipe.dedup import Lines
from scorers.kernels.bloom import holds, remember
from scorers.spans import apply_spans, joined_spans, spans_array
from scorers.text import TextBatch
from tests import oracle_lines as oracle

# few lines, so that they repeat; case, digits, marks, sigmas, controls and spaces that normalisation folds
LINES = ["", " ", "a", "A", "a ", "b b", "b  b", "one 1", "one 2", "ΟΔΟΣ", "οδος", "οδοσ", "İ", "a\x0bb", "«a»", "a。", "１", "٣",
         "x\ry", "\u3000", "three short words", "😀 A"]  # fmt: skip
texts = st.lists(
    st.one_of(
        st.lists(st.sampled_from(LINES), max_size=8).map("\n".join),
        st.text(alphabet="aA1\n \tΣσ«\x85é", max_size=12),
    ),
    max_size=8,
)


def choice(draw: st.DrawFn) -> Lines:
    most = draw(st.integers(1, 3))
    return Lines(
        unit=draw(st.sampled_from(["line", "paragraph"])),
        normalise=draw(st.sampled_from(["none", "ccnet"])),
        skip_blank=draw(st.booleans()),
        min_bytes=draw(st.sampled_from([0, 0, 2, 5])),
        min_words=draw(st.sampled_from([0, 0, 1, 2])),
        count=draw(st.sampled_from(["occurrences", "documents"])),
        max_count=most,
        keep=draw(st.integers(0, most)),
    )


one_line = st.one_of(st.sampled_from("aAΣσς1٣«。\x85\t İǅẞ"), st.characters(codec="utf-8", exclude_characters="\n"))
settings_of = st.composite(choice)()


def sliced(found: list[str]) -> TextBatch:
    """A batch whose offsets do not start at zero."""
    return TextBatch.from_arrow(pa.array(["before it", *found, "behind"], type=pa.large_string()).slice(1, len(found)))


def counted(shards: list[Keys], ranges: int, chosen: Lines) -> Repeated:
    """What the keys of all shards say, asked range by range as the stages do."""
    found = []
    for n in range(ranges):
        low, high = range_bounds(n, ranges)
        here = [(k.hash >= np.uint64(low)) & (k.hash <= np.uint64(high)) for k in shards]
        assert [(range_of(k.hash, ranges) == n).tolist() for k in shards] == [h.tolist() for h in here]
        shard = np.concatenate([np.full(int(h.sum()), i, np.int32) for i, h in enumerate(here)])
        columns = (
            np.concatenate([getattr(k, c)[h] for k, h in zip(shards, here, strict=True)])
            for c in ("hash", "count", "first_row")
        )
        hashes, count, first = columns
        found.append(repeated(shard, hashes, count, first, chosen.max_count, chosen.keep))
    return Repeated(*(np.concatenate([getattr(r, f.name) for r in found]) for f in dataclasses.fields(Repeated)))


def deduplicated(shards: list[list[str]], ranges: int, chosen: Lines) -> list[str]:
    """The texts as a run would export them; '' where a document is left empty."""
    per_document = chosen.count == "documents"
    batches = [sliced(s) for s in shards]
    lines = [find_lines(b, chosen) for b in batches]
    often = counted([keys_of(x, per_document) for x in lines], ranges, chosen)
    made: list[str] = []
    for i, (batch, found) in enumerate(zip(batches, lines, strict=True)):
        goes, _ = cut(found, often.take(often.shard == i), per_document)
        start, end = bounds(found, goes)
        spans = spans_array(np.searchsorted(found.row[goes], np.arange(len(batch) + 1)), start, end)
        left = apply_spans(batch, spans).to_arrow().to_pylist()
        empty = set(emptied(found, goes).tolist())
        made += ["" if row in empty else text for row, text in enumerate(left)]
    return made


@settings(deadline=None, max_examples=600)
@given(texts, settings_of, st.integers(1, 3), st.sampled_from([1, 2, 7]))
def test_what_is_left_is_what_a_dictionary_leaves(found: list[str], chosen: Lines, size: int, ranges: int) -> None:
    shards = [found[i : i + size] for i in range(0, len(found), size)] or [[]]
    assert deduplicated(shards, ranges, chosen) == oracle.without_repeated_lines(found, chosen)


@settings(deadline=None, max_examples=300)
@given(texts, settings_of)
def test_lines_are_found_where_python_finds_them(found: list[str], chosen: Lines) -> None:
    lines = find_lines(sliced(found), chosen)
    expected = []
    for row, text in enumerate(found):
        at = 0
        for content, after in oracle.line_units(text, chosen):
            size = len((content + after).encode())
            if content.strip() or not chosen.skip_blank:
                expected.append((row, at, size, oracle.line_key(content, chosen) is not None))
            at += size
    sizes = zip(lines.row.tolist(), lines.start.tolist(), lines.size.tolist(), (lines.hash != 0).tolist(), strict=True)
    assert list(sizes) == expected


@settings(deadline=None, max_examples=400)
@given(st.lists(st.text(alphabet=one_line, max_size=20), max_size=8))
def test_lines_have_one_hash_exactly_where_cc_net_makes_one_text_of_them(found: list[str]) -> None:
    hashes = find_lines(sliced(found), Lines(normalise="ccnet", skip_blank=False)).hash.tolist()
    keys = [oracle.ccnet_normalised(t) for t in found if t]
    assert len(hashes) == len(keys)
    assert [hashes.index(h) for h in hashes] == [keys.index(k) for k in keys]


@settings(deadline=None, max_examples=200)
@given(st.lists(st.integers(1, 40), max_size=60), st.sampled_from([0.5, 0.01, 1e-6]))
def test_a_filter_forgets_nothing_and_knows_in_order(drawn: list[int], rate: float) -> None:
    hashes = np.array(drawn, np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    bloom = Bloom.of(max(1, len(hashes)), rate)
    bits, known = np.zeros(bloom.words, np.uint64), np.empty(len(hashes), np.bool_)
    remember(hashes, bits, bloom.probes, known)
    oracle.remembered(drawn, known.tolist())
    after = np.empty(len(hashes), np.bool_)
    holds(hashes, bits, bloom.probes, after)
    assert after.all()


@pytest.mark.parametrize("rate", [0.5, 0.1, 0.01, 1e-4])
def test_a_filter_keeps_its_rate(rate: float) -> None:
    n = 200_000
    hashes = np.random.default_rng(3).integers(1, 1 << 63, 2 * n, dtype=np.uint64)
    bloom = Bloom.of(n, rate)
    bits, known = np.zeros(bloom.words, np.uint64), np.empty(n, np.bool_)
    remember(hashes[:n], bits, bloom.probes, known)
    wrong_while_filling = int(known.sum())
    assert bloom.distinct(n - wrong_while_filling) == pytest.approx(n, rel=0.01)
    holds(hashes[n:], bits, bloom.probes, known)
    assert bloom.rate(n) <= rate
    for wrong, expected in ((int(known.sum()), rate * n), (wrong_while_filling, bloom.wrong(n))):
        assert abs(wrong - expected) < 5 * expected**0.5 + 1


@settings(deadline=None, max_examples=200)
@given(st.lists(st.lists(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 6)), max_size=4), min_size=3, max_size=3), min_size=1, max_size=3))  # fmt: skip
def test_joined_spans_name_the_bytes_that_any_of_them_names(drawn: list[list[list[tuple[int, int]]]]) -> None:
    arrays = []
    for per_document in drawn:
        clean = [_apart(spans) for spans in per_document]
        flat = [s for spans in clean for s in spans]
        cuts = np.cumsum([0, *(len(spans) for spans in clean)])
        start, end = (np.array([s[k] for s in flat], np.int64) for k in (0, 1))
        arrays.append(spans_array(cuts, start, end))
    joined = joined_spans(arrays).to_pylist()
    for d, spans in enumerate(joined):
        named = {b for a in arrays for s in a[d].as_py() for b in range(s["start"], s["end"])}
        assert {b for s in spans for b in range(s["start"], s["end"])} == named
        assert all(x["end"] <= y["start"] for x, y in pairwise(spans))


def _apart(drawn: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in order that do not overlap."""
    made: list[tuple[int, int]] = []
    for start, size in sorted(drawn):
        if not made or start >= made[-1][1]:
            made.append((start, start + size))
    return made


def test_a_shard_without_lines_is_normal() -> None:
    nothing = find_lines(TextBatch.from_strings(["", "  "]), Lines())
    assert isinstance(nothing, Found)
    assert len(keys_of(nothing, per_document=False).hash) == 0
    assert deduplicated([["", " "], []], 2, Lines()) == ["", " "]
