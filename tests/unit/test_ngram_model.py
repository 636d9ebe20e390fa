"""Reading n-gram models and scoring with them, held to ARPA's definition and to KenLM's stored scores."""

from __future__ import annotations

import gzip
import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from scorers.kernels.ngram_table import document_scores
from scorers.models.ngram_arpa import read_arpa
from scorers.models.ngram_file import (
    Entries,
    Header,
    NgramError,
    Table,
    TextSettings,
    new_table,
    put,
    write_packed,
    write_table,
)
from scorers.models.ngram_model import NgramModel, load, read, score
from scorers.models.ngram_text import tokens_of
from scorers.text import TextBatch
from tests.oracle_ngrams import arpa_of, line_events, worst_window

GOLDEN = Path(__file__).parent.parent / "golden" / "ngrams"
AS_IT_IS = TextSettings("none", "whitespace", blank_lines=True)
STORED = json.loads((GOLDEN / "kenlm_scores.json").read_text(encoding="utf-8"))
TINY = """\\data\\
ngram 1=5
ngram 2=4
ngram 3=2

\\1-grams:
-1.5\t<unk>\t0
0\t<s>\t-0.25
-1.0\t</s>\t0
-0.75\ta\t-0.5
-1.25e+00\tb\t-1e-1

\\2-grams:
-0.5\t<s> a\t-0.125
-0.4\ta b\t-0.0625
-0.3\tb </s>\t0
-0.35\ta a\t-0.2

\\3-grams:
-0.1\t<s> a b
-0.2\ta b </s>

\\end\\
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.arpa"
    path.write_text(TINY, encoding="utf-8")
    return path


def events(path: Path, text: str) -> list[float]:
    return read(path, AS_IT_IS).events(tokens_of(TextBatch.from_strings([text]), AS_IT_IS))[0].tolist()


def test_the_longest_ngram_counts_and_back_offs_are_added(tiny: Path) -> None:
    assert events(tiny, "a b") == pytest.approx([-0.5, -0.1, -0.2])
    assert events(tiny, "b a") == pytest.approx([-0.25 - 1.25, -0.1 - 0.75, -0.5 - 1.0])
    assert events(tiny, "zzz a") == pytest.approx([-0.25 - 1.5, -0.75, -0.5 - 1.0])
    assert events(tiny, "a a b") == pytest.approx([-0.5, -0.125 - 0.35, -0.2 - 0.4, -0.2])


@pytest.mark.parametrize("name", ["order3", "order5pruned"])
def test_scores_are_those_of_kenlm(name: str) -> None:
    model = read(GOLDEN / f"{name}.arpa.gz", AS_IT_IS)
    found = score(model, TextBatch.from_strings([line if line else line + "\n" for line in STORED["lines"]]), 10)
    expected = np.array(STORED["log10"][name]) * np.array([1 if line else 2 for line in STORED["lines"]])
    np.testing.assert_allclose(found.log10, expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize("name", ["order3", "order5pruned"])
def test_every_event_is_that_of_the_definition(name: str) -> None:
    order, arpa = arpa_of(gzip.decompress((GOLDEN / f"{name}.arpa.gz").read_bytes()).decode())
    lines = [*STORED["lines"], "the miller the miller", "unknown the unknown", ". . ."]
    expected = [e for line in lines for e in line_events(arpa, order, line.split())]
    np.testing.assert_allclose(events(GOLDEN / f"{name}.arpa.gz", "\n".join(lines)), expected, atol=1e-6)


@pytest.mark.parametrize("window", [1, 2, 5, 100])
def test_the_worst_window_is_found(window: int) -> None:
    chance = np.random.default_rng(3)
    lines = chance.integers(0, 6, 40)
    line_tokens = np.cumsum(lines)
    document_lines = np.array([0, 0, 7, 8, 40])
    made = -chance.integers(1, 100, line_tokens[-1] + 40) / 8
    starts = np.arange(line_tokens[-1]) * 10
    sums, worst, place = np.zeros(4), np.zeros(4), np.zeros(4, np.int64)
    document_scores(made, starts, line_tokens, document_lines, window, sums, worst, place)
    upto = np.concatenate([[0], line_tokens])
    for d in (1, 2, 3):
        first, last = document_lines[d], document_lines[d + 1]
        begin = upto[first] + first
        here = made[begin : upto[last] + last]
        mean, at = worst_window(here.tolist(), window)
        assert (sums[d], worst[d]) == (pytest.approx(here.sum()), pytest.approx(mean))
        line = next(k for k in range(first, last) if upto[k + 1] + k >= begin + at)
        assert place[d] == (starts[min(begin + at - line, upto[last] - 1)] if upto[last] > upto[first] else 0)
    assert (sums[0], worst[0], place[0]) == (0, 0, 0)


def compact(tmp_path: Path, packed: bool) -> Path:
    """The golden model of order 3 in our own file."""
    header, table = read_arpa(GOLDEN / "order3.arpa.gz", AS_IT_IS)
    path = tmp_path / ("packed" if packed else "table")
    if packed:
        used = np.flatnonzero(table.slots[::2])
        values = table.values.reshape(-1, 4)[used][:, 2:]
        write_packed(path, header, Entries(table.slots[::2][used], np.ascontiguousarray(values)))
    else:
        write_table(path, header, table)
    return path


def test_our_own_file_scores_the_same(tmp_path: Path) -> None:
    text = "\n".join(STORED["lines"])
    assert events(compact(tmp_path, False), text) == events(GOLDEN / "order3.arpa.gz", text)


def test_the_packed_file_scores_nearly_the_same_in_a_third_of_the_room(tmp_path: Path) -> None:
    text = "\n".join(STORED["lines"])
    whole, packed = compact(tmp_path, False), compact(tmp_path, True)
    np.testing.assert_allclose(events(packed, text), events(whole, text), atol=0.03)
    assert sum(events(packed, text)) == pytest.approx(sum(events(whole, text)), rel=2e-3)
    assert packed.stat().st_size < whole.stat().st_size / 3


@pytest.mark.parametrize("packed", [False, True])
def test_any_flipped_bit_is_refused(tmp_path: Path, packed: bool) -> None:
    path = compact(tmp_path, packed)
    content = path.read_bytes()
    for at in range(0, len(content), max(1, len(content) // 40)):
        damaged = bytearray(content)
        damaged[at] ^= 1
        path.write_bytes(bytes(damaged))
        with pytest.raises(NgramError):
            load(path, hashlib.sha256(content).hexdigest(), AS_IT_IS)
        if at >= 4096:  # what a header says is checked by the digest alone
            with pytest.raises(NgramError, match="get it again"):
                read(path, AS_IT_IS)


@pytest.mark.parametrize("packed", [False, True])
def test_a_truncated_file_is_refused(tmp_path: Path, packed: bool) -> None:
    path = compact(tmp_path, packed)
    content = path.read_bytes()
    for size in (len(content) - 1, len(content) // 2, 300, 20):
        path.write_bytes(content[:size])
        with pytest.raises(NgramError):
            read(path, AS_IT_IS)


@pytest.mark.parametrize(("old", "new", "said"), [
    ("-0.4\ta b\t-0.0625\n", "", "not an entry of 2 words"),
    ("-0.4\ta b\t-0.0625", "-0.4\ta\t-0.0625", "not an entry of 2 words"),
    ("-0.4\ta b\t-0.0625", "x\ta b\t-0.0625", "not an entry of 2 words"),
    ("-0.35\ta a", "-0.35\ta b", "there twice"),
    ("-0.1\t<s> a b", "-0.1\t<s> b b", "lacks"),
    ("ngram 2=4", "ngram 2=400000", "truncated"),
    ("ngram 2=4", "ngram 4=4", "orders"),
    ("\\3-grams:", "\\4-grams:", "expected"),
    ("\\end\\\n", "", "expected"),
    ("\\data\\", "data", "neither"),
])  # fmt: skip
def test_a_damaged_arpa_file_says_where(tiny: Path, old: str, new: str, said: str) -> None:
    assert old in TINY
    tiny.write_text(TINY.replace(old, new), encoding="utf-8")
    with pytest.raises(NgramError, match=said):
        read(tiny, AS_IT_IS)


def test_a_truncated_gzip_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "short.arpa.gz"
    path.write_bytes((GOLDEN / "order3.arpa.gz").read_bytes()[:-2000])
    with pytest.raises(NgramError, match="gzip"):
        read(path, AS_IT_IS)


def test_a_table_keeps_the_first_of_two_equal_keys_and_every_other() -> None:
    chance = np.random.default_rng(1)
    keys = chance.integers(1, 1 << 63, 1000, dtype=np.uint64) | np.uint64(1)
    values = chance.random((1000, 2)).astype(np.float32)
    table = new_table(1000)
    assert put(table, Entries(keys, values)) == 1000
    assert put(table, Entries(keys, values + 1)) == 0
    held = table.values.reshape(-1, 4)[np.flatnonzero(table.slots[::2])]
    assert sorted(map(tuple, held[:, 2:].tolist())) == sorted(map(tuple, values.tolist()))


def test_a_model_without_unknown_words_gives_them_what_kenlm_does(tiny: Path) -> None:
    tiny.write_text(TINY.replace("ngram 1=5", "ngram 1=4").replace("-1.5\t<unk>\t0\n", ""), encoding="utf-8")
    assert events(tiny, "zzz")[0] == pytest.approx(-0.25 - 100)


def test_a_header_travels_with_the_file(tmp_path: Path) -> None:
    made = Header(3, (1, 0, 0), ((-1.0, 0.0), (0.0, 0.0), (-1.0, 0.0)), TextSettings("ccnet", "words", True, True))
    write_table(tmp_path / "m", made, new_table(1))
    found = read(tmp_path / "m", AS_IT_IS)
    assert isinstance(found, NgramModel)
    assert found.header == made
    assert isinstance(found.table, Table)


def test_a_kenlm_binary_scores_as_its_arpa_file() -> None:
    pytest.importorskip("kenlm", reason="KenLM binaries need the extra kenlm")
    text = "\n".join([*STORED["lines"], "", "unknown"])
    found, unknown = read(GOLDEN / "order3.kenlm", AS_IT_IS).events(tokens_of(TextBatch.from_strings([text]), AS_IT_IS))
    model = read(GOLDEN / "order3.arpa.gz", AS_IT_IS)
    expected, expected_unknown = model.events(tokens_of(TextBatch.from_strings([text]), AS_IT_IS))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert unknown.tolist() == expected_unknown.tolist()


def test_a_kenlm_binary_without_the_package_gives_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kenlm", None)
    with pytest.raises(NgramError, match=r"pip install 'winnow-curation\[kenlm\]'"):
        read(GOLDEN / "order3.kenlm", AS_IT_IS)
