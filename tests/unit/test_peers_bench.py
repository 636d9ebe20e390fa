"""The bench beside peers: what adapters say of themselves, truth by brute force, tables and pictures, and one peer really run."""

from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.exact_jaccard import jaccard, shingles
from benchmarks.peers import charts, running, table, truth
from benchmarks.peers.adapters import datasketch
from benchmarks.peers.comparing import Row
from benchmarks.peers.environments import LOCKS, peers
from benchmarks.peers.peer import TASKS, Offer, Peer
from benchmarks.peers.running import NotRun, adapter_of
from tests.corpora import prose

PEERS = peers()
HERE = Peer("datasketch", "datasketch", "", offers=datasketch.PEER.offers)
"""datasketch as it is in this environment: nothing is installed."""


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Six documents: 1 is 0 again, 2 is 0 with its end cut off, the others have nothing to do with each other."""
    first = prose(1, 30)
    texts = [first, first, first[: int(len(first) * 0.9)], prose(2, 30), prose(3, 30), prose(4, 30)]
    folder = tmp_path / "text"
    folder.mkdir()
    pq.write_table(pa.table({"id": [f"d{n}" for n in range(6)], "text": texts}), folder / "part-0.parquet")
    return folder


@pytest.mark.parametrize("peer", PEERS, ids=lambda p: p.name)
def test_a_peer_does_every_task_or_says_why_not(peer: Peer) -> None:
    assert set(peer.offers) | set(peer.cannot) == set(TASKS)
    assert not set(peer.offers) & set(peer.cannot)
    for task in peer.offers:
        assert callable(getattr(adapter_of(peer), task))


@pytest.mark.parametrize("peer", [p for p in PEERS if p.package], ids=lambda p: p.name)
def test_a_lock_pins_the_peer_and_all_it_needs(peer: Peer) -> None:
    lines = [x.split(";")[0].strip() for x in (LOCKS / f"{peer.name}.txt").read_text().splitlines()]
    assert peer.package in lines
    assert [x for x in lines if x and "==" not in x] == []


def test_similarity_is_that_of_the_sets_of_word_5_grams() -> None:
    one, other = shingles("a b c d e f g h"), shingles("A, b c d e f-g x!")
    assert one == {tuple("abcde"), tuple("bcdef"), tuple("cdefg"), tuple("defgh")}
    assert jaccard(one, other) == 3 / 5
    assert shingles("只有四个") == {tuple("只有四个")}
    assert jaccard(shingles(""), shingles("...")) == 0.0


def test_truth_has_every_similar_pair_with_its_similarity(corpus: Path) -> None:
    found = truth.truth_of(corpus)
    assert list(zip(found.a.tolist(), found.b.tolist(), strict=True)) == [(0, 1), (0, 2), (1, 2)]
    texts = pq.read_table(corpus)["text"].to_pylist()
    assert found.jaccard.tolist() == [1.0, jaccard(shingles(texts[0]), shingles(texts[2])), found.jaccard[1]]
    assert 0.8 < found.jaccard[1] < 0.95


def test_what_stays_is_judged_by_pairs_and_by_removals(corpus: Path) -> None:
    known = truth.truth_of(corpus)
    right = truth.of_kept(known, {"d0", "d3", "d4", "d5"})
    assert right == {"pairs": 3, "found": 3, "removed": 2, "right": 2, "lost": 0}
    assert truth.of_kept(known, {"d0", "d1", "d3", "d4"}) == {
        "pairs": 3,
        "found": 2,
        "removed": 2,
        "right": 1,
        "lost": 1,
    }
    assert truth.of_kept(known, set(known.ids)) == {"pairs": 3, "found": 0, "removed": 0, "right": 0, "lost": 0}
    assert truth.of_kept(known, {"d3"})["lost"] == 5


def test_signatures_are_judged_by_what_they_estimate(corpus: Path) -> None:
    known = truth.truth_of(corpus)
    same = [[1, 2, 3, 4]] * 3
    assert truth.of_signatures(known, same)["rmse"] == pytest.approx(((1 - known.jaccard[1]) ** 2 * 2 / 3) ** 0.5)
    sketches = datasketch.signatures_told(datasketch.signatures(pq.read_table(corpus)["text"].to_pylist()))
    assert truth.of_signatures(known, sketches)["rmse"] < 0.1


def run_here(task: str, corpus: Path, tmp_path: Path, limit_s: float = 60) -> running.Ran:
    return running.run(HERE, task, corpus, tmp_path / "work", 1.0, limit_s, None)  # type: ignore[arg-type]


def test_a_peer_is_run_pinned_and_its_kept_documents_are_read(corpus: Path, tmp_path: Path) -> None:
    ran = run_here("fuzzy", corpus, tmp_path)
    assert running.kept_ids(HERE, ran) == {"d0", "d3", "d4", "d5"}
    assert 0 < ran.cpu_s < 60
    assert ran.peak_bytes > 50_000_000
    assert running.python_of(HERE) == Path(sys.executable)


def test_a_peer_that_fails_is_a_reason_and_not_a_figure(tmp_path: Path) -> None:
    (tmp_path / "text").mkdir()
    with pytest.raises(NotRun, match="failed"):
        run_here("fuzzy", tmp_path / "text", tmp_path)


ROWS = [
    Row("fuzzy", "Winnow", "", "verified", "", 100.0, 2.5, 3.0, 500.0, {"pairs": 10, "found": 10, "removed": 8, "right": 8, "lost": 0}),
    Row("fuzzy", "slow <one>", "1.0", "not verified", "", 5.0, 12.5, 13.0, 300.0, {"pairs": 10, "found": 9, "removed": 9, "right": 7, "lost": 1},
        {"reason": "stopped after 180 s of CPU"}),
    Row("fuzzy", "absent", "2.0", reason="needs a GPU"),
    Row("rules", "Winnow", "", "all", "", 10.0, 0.2, 0.2, 300.0),
]  # fmt: skip


def test_the_table_has_the_fastest_first_and_reasons_below() -> None:
    told = table.markdown(ROWS)
    lines = [x for x in told.splitlines() if x.startswith(("| **Winnow", "| slow"))]
    assert lines[0].startswith("| **Winnow** | 40.0 | 2.50 | 100.0 | 500 | 1.000 | 8 | 1.000 | 0 | – |")
    assert lines[1].startswith(
        "| slow <one> 1.0 | 0.40 | 12.50 | 5.0 | 300 | 0.900 | 9 | 0.778 | 1 | stopped after 180 s of CPU |"
    )
    assert "Not run: absent 2.0: needs a GPU." in told


def test_rows_come_back_from_their_file() -> None:
    told = json.loads(json.dumps([r.told() for r in ROWS]))
    assert [r["mb_per_s"] for r in told] == [40.0, 0.4, 0.0, 50.0]
    for row in told:
        row.pop("mb_per_s")
    assert [Row(**r) for r in told] == ROWS


def test_pictures_are_svg_with_every_peer_that_ran() -> None:
    for drawn in (charts.speeds_svg(ROWS), charts.found_svg(ROWS)):
        words = [e.text for e in ET.fromstring(drawn).iter("{http://www.w3.org/2000/svg}text")]
        assert "Winnow" in words
        assert "slow <one>" in words
        assert "absent" not in words


def test_a_bar_is_as_long_as_the_logarithm_of_the_speed() -> None:
    widths = {name: float(charts._bar(Row("rules", name, "1", text_mb=speed, cpu_s=1.0), 0)[2].split('width="')[1].split("%")[0])
              for name, speed in (("slow", 1.0), ("fast", 100.0))}  # fmt: skip
    assert widths["fast"] / widths["slow"] == pytest.approx(3.0, rel=1e-3)
    assert Offer(1, "x").megabytes == 1
