"""The report of a real job: its figures are the manifests' figures, and hostile text in it is only text."""

from __future__ import annotations

import re
from collections import Counter
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import winnow
from pipeline.catalog.chosen import choose_job, tables_of
from pipeline.catalog.views import open_catalog
from pipeline.demo.gathering import largest_clusters
from pipeline.errors import UsageError
from pipeline.report.data import rule_losses
from pipeline.report.histograms import Categories, Histogram, histograms
from pipeline.report.page import recipe_of, render_report, write_report
from pipeline.report.samples import texts_of
from pipeline.storage.store import Store
from pipeline.totals.funnel import funnel
from pipeline.wording import count
from tests.corpora import documents, prose

HOSTILE = '</p></style><script>alert(1)</script><img src="http://evil.example/x" onerror=alert(1)> {{ 7 * 7 }} \u202e\x00\x1b[31m'
RECIPE = {
    "name": "small",
    "description": "A <b>bold</b> recipe.",
    "input": {"quarantine": {"max_row_frac": 1.0}},
    "score": ["exact", "gopher", "repetition", {"minhash": {"num_perm": 128}}],
    "rules": {
        "word_count": {"column": "gopher.word_count", "min": 50, "why": "too short <to> learn from"},
        "alpha_words": {"column": "gopher.alpha_word_frac", "min": 0.8},
        "repeats": {"column": "repetition.dup_line_frac", "max": 0.3},
        "not_blocked": {"sql": "url not like '%blocked%' and gopher.stop_words >= 0", "null": "keep"},
        "no_digits": {"column": "source", "not_in": ["site-banned"]},
    },
    "dedup": {"exact": "raw", "fuzzy": {"on": "minhash", "jaccard": 0.8}, "guard": {"max_source_loss": 1.0}},
}


def rows() -> list[dict[str, str | None]]:
    """240 ordinary documents, hostile ones that stay and that go, one without text."""
    made: list[dict[str, str | None]] = [dict(d) for d in documents()]
    for i in range(4):
        name = f"{HOSTILE}-{i}"
        text = HOSTILE + (prose(5_000 + i) if i % 2 else "")
        made.append({"id": name, "text": text, "url": f"javascript:{HOSTILE}", "source": HOSTILE})
    made.append({"id": "banned", "text": prose(6_000), "url": "https://example.org/b", "source": "site-banned"})
    made.append({"id": "empty", "text": None, "url": None, "source": None})
    return made


class Page(HTMLParser):
    """Tags and the attributes that could fetch or run something."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.addresses: list[str] = []
        self.risky: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.addresses += [v or "" for k, v in attrs if k in ("href", "src", "srcset", "action", "data", "poster")]
        self.risky += [k for k, _ in attrs if k.startswith("on") or k in ("style", "srcdoc")]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, winnow.Result]:
    folder = tmp_path_factory.mktemp("report")
    (folder / "in").mkdir()
    pq.write_table(pa.Table.from_pylist(rows()), folder / "in" / "a.parquet", row_group_size=50)
    result = winnow.run(RECIPE, [str(folder / "in")], workspace=str(folder / "ws"), executor="local", workers=1)
    return Store(str(folder / "ws")), result


@pytest.fixture(scope="module")
def html(done: tuple[Store, winnow.Result]) -> str:
    return render_report(done[0], done[1].job_id)


def test_the_funnel_is_the_manifests_account(done: tuple[Store, winnow.Result]) -> None:
    store, result = done
    job = choose_job(store, result.job_id)
    steps = funnel(open_catalog(store, result.job_id), recipe_of(store, job))
    assert {f"{s.stage}.{s.reason}": s.documents for s in steps[1:-1] if s.documents} | {
        "kept": steps[-1].documents
    } == result.funnel
    assert [s.reason for s in steps if s.stage == "judge"] == list(RECIPE["rules"])  # type: ignore[arg-type]
    assert steps[0].documents == len(rows())
    assert steps[0].bytes == sum(len((r["text"] or "").encode()) for r in rows())
    for before, step in pairwise(steps[:-1]):
        assert (before.left_documents - step.documents, before.left_bytes - step.bytes) == (
            step.left_documents,
            step.left_bytes,
        )


def test_the_page_has_the_exact_figures(html: str, done: tuple[Store, winnow.Result]) -> None:
    figures = done[1].funnel
    text = unescape(re.sub(r"<[^>]+>", " ", html))
    assert f"{count(figures['kept'])} of {count(len(rows()))} documents kept" in re.sub(r"\s+", " ", text)
    for name, documents_gone in figures.items():
        if name.startswith("judge."):
            assert re.search(rf"{name.partition('.')[2]}\s+−{count(documents_gone)}\s", text)
    assert sum(figures.values()) == len(rows())


def test_a_rule_says_what_it_alone_removes(done: tuple[Store, winnow.Result]) -> None:
    store, result = done
    job = choose_job(store, result.job_id)
    connection = open_catalog(store, result.job_id)
    losses = {r.name: r for r in rule_losses(connection, recipe_of(store, job))}
    banned = losses["no_digits"]
    assert (banned.first, banned.failed, banned.alone) == (1, 1, 1)
    short = losses["word_count"]
    failed = connection.sql("select count(*) from verdicts where list_contains(rules, 'word_count')").fetchall()[0][0]
    alone = connection.sql("select count(*) from verdicts where rules = ['word_count']").fetchall()[0][0]
    assert (short.failed, short.alone) == (failed, alone)
    assert short.why == "too short <to> learn from"


def test_histograms_hold_every_measured_document(done: tuple[Store, winnow.Result]) -> None:
    store, result = done
    job = choose_job(store, result.job_id)
    found = histograms(open_catalog(store, result.job_id), recipe_of(store, job))
    assert [f.column for f in found] == [
        "gopher.word_count", "gopher.alpha_word_frac", "repetition.dup_line_frac", "gopher.stop_words", "source",
    ]  # fmt: skip
    for one in found:
        if isinstance(one, Histogram):
            assert (sum(one.kept), sum(one.kept) + sum(one.removed) + one.unmeasured) == (
                result.funnel["kept"],
                len(rows()) - 1,
            )
        else:
            assert isinstance(one, Categories)
    words = found[0]
    assert isinstance(words, Histogram)
    assert [(c.bound, c.removes, c.documents) for c in words.cuts] == [("min 50", "below", 26)]
    assert 0 < words.place(50) < 1


def test_hostile_text_is_inert(html: str) -> None:
    page = Page(html)
    assert page.tags["script"] == 0
    assert page.tags["img"] == 0
    assert page.risky == []
    assert all(a.startswith("#") for a in page.addresses)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "{{ 7 * 7 }}" in html
    assert not {"\u202e", "\x00", "\x1b"} & set(html)
    assert "A &lt;b&gt;bold&lt;/b&gt; recipe." in html


def test_the_page_forbids_scripts_and_the_network(html: str) -> None:
    policy = unescape(re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', html)[0])
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "script-src" not in policy


def test_the_same_job_gives_the_same_page(html: str, done: tuple[Store, winnow.Result]) -> None:
    assert render_report(done[0], done[1].job_id) == html


def test_a_report_stays_small(html: str) -> None:
    assert 20_000 < len(html) < 400_000


def test_a_report_lies_with_its_job(html: str, done: tuple[Store, winnow.Result]) -> None:
    store, result = done
    path = write_report(store)
    assert path == store.full(f"jobs/{result.job_id}/report.html")
    assert Path(path).read_text(encoding="utf-8") == html


def test_clusters_are_shown_with_keeper_and_member(html: str, done: tuple[Store, winnow.Result]) -> None:
    cluster = largest_clusters(open_catalog(*_named(done)), 1)[0]
    assert cluster.documents == 2
    assert cluster.keeper in html
    assert cluster.members in html
    assert "<mark>" in html


def test_samples_are_the_documents_they_name(done: tuple[Store, winnow.Result]) -> None:
    store, result = done
    tables = tables_of(store, choose_job(store, result.job_id))
    found = texts_of(store, tables.text, [(0, 3), (0, 120), (0, 244)], 40)
    texts = [str(r["text"]) for r in rows()]
    assert {place: e.text for place, e in found.items()} == {
        (0, 3): texts[3][:40],
        (0, 120): texts[120][:40],
        (0, 244): texts[244][:40],
    }
    assert found[0, 120].chars == len(texts[120])


def test_a_report_outlives_its_input(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    pq.write_table(pa.Table.from_pylist(documents(40)), tmp_path / "in" / "a.parquet")
    winnow.run(RECIPE, [str(tmp_path / "in")], workspace=str(tmp_path / "ws"), executor="local", workers=1)
    (tmp_path / "in" / "a.parquet").unlink()
    assert "cannot be read any more" in render_report(Store(str(tmp_path / "ws")))


def test_a_job_without_decisions_has_no_report(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    pq.write_table(pa.Table.from_pylist(documents(40)), tmp_path / "in" / "a.parquet")
    winnow.run(
        RECIPE, [str(tmp_path / "in")], workspace=str(tmp_path / "ws"), executor="local", workers=1, until="score"
    )
    with pytest.raises(UsageError, match="before its decisions were complete"):
        render_report(Store(str(tmp_path / "ws")))


def _named(done: tuple[Store, winnow.Result]) -> tuple[Store, str]:
    return done[0], done[1].job_id
