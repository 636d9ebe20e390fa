"""Evaluations and audits of small labelled sets: figures worked out by hand, and hostile text that stays text."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import UsageError
from pipeline.evaluate.asking import Asked, ask
from pipeline.evaluate.audit import AuditOf, audit
from pipeline.evaluate.page import render_audit, render_evaluation
from pipeline.evaluate.resampling import How
from pipeline.evaluate.sentences import evaluation_sentences
from tests.labelled import labelled_rows, write_scorer

COLUMN = "rude.probability"
HOSTILE = '</td></style><script>alert(1)</script><img src="http://evil.example/x">'


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluate")
    rows = labelled_rows()
    pq.write_table(pa.Table.from_pylist(rows), folder / "rows.parquet", row_group_size=16)
    (folder / "rows.jsonl").write_text("\n".join(json.dumps(r) for r in rows) + "\n", encoding="utf-8")
    nested = [{**r, "meta": json.loads(r["meta"])} for r in rows]
    pq.write_table(pa.Table.from_pylist(nested), folder / "nested.parquet")
    write_scorer(folder)
    (folder / "polite.yaml").write_text(
        f"name: polite\nscore: [{folder}/rude.py]\nrules:\n  not_rude: {{column: rude.probability, max: 0.5}}\n"
    )
    return folder


def told(home: Path, data: str = "rows.parquet", **changes: Any) -> dict[str, Any]:
    given = {"label": "toxic", "scorers": (str(home / "rude.py"),), "how": How(20)} | changes
    return ask(Asked(given.pop("column", COLUMN), (str(home / data),), **given), str(home / "ws"), 1)


def test_every_row_is_counted_once(home: Path) -> None:
    found = told(home)
    assert found["counts"] == {"rows": 42, "quarantined": 1, "without_label": 1, "labelled": 40}
    assert found["overall"]["not_measured"] == 1
    assert found["overall"]["rows"] == 40


def test_nan_counts_as_no_label_as_null_does(home: Path, tmp_path: Path) -> None:
    texts = [r["text"] for r in labelled_rows()[:39]]
    pq.write_table(pa.table({"text": texts, "toxic": [float("nan"), 1.0, 0.0] * 13}), tmp_path / "nan.parquet")
    found = told(home, str(tmp_path / "nan.parquet"))
    assert found["counts"] == {"rows": 39, "quarantined": 0, "without_label": 13, "labelled": 26}


def test_a_row_group_that_cannot_be_read_has_no_labels(home: Path, tmp_path: Path) -> None:
    texts = [r["text"] for r in labelled_rows()[:39]]
    table = pa.table({"text": texts, "toxic": [1.0, 0.0, 0.0] * 13})
    pq.write_table(
        table, tmp_path / "bad.parquet", row_group_size=13, write_page_checksum=True, use_dictionary=False,
        write_statistics=False, compression="none",
    )  # fmt: skip
    content = bytearray((tmp_path / "bad.parquet").read_bytes())
    content[content.index(texts[0].encode()[:12])] ^= 0xFF
    (tmp_path / "bad.parquet").write_bytes(content)
    found = told(home, str(tmp_path / "bad.parquet"))
    assert found["counts"] == {"rows": 39, "quarantined": 13, "without_label": 0, "labelled": 26}


def test_row_groups_without_rows_change_nothing(home: Path, tmp_path: Path) -> None:
    table = pa.table({"text": [r["text"] for r in labelled_rows()[:39]], "toxic": [1.0, 0.0, 0.0] * 13})
    with pq.ParquetWriter(tmp_path / "gaps.parquet", table.schema) as writer:
        for start, end in ((0, 0), (0, 13), (13, 13), (13, 39)):
            writer.write_table(table.slice(start, end - start))
    found = told(home, str(tmp_path / "gaps.parquet"))
    assert found["counts"] == {"rows": 39, "quarantined": 0, "without_label": 0, "labelled": 39}


def test_a_model_asked_about_what_it_was_trained_on_is_told_so(tmp_path: Path) -> None:
    rows = [{"text": f"you are a {word} number {n}", "toxic": n % 2} for n, word in enumerate(["friend", "fool"] * 10)]
    for name in ("hatecheck_en", "unseen"):
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / f"{name}.parquet")
    said = {}
    for name in ("hatecheck_en", "unseen"):
        asked = Asked(
            "toxicity.probability", (str(tmp_path / f"{name}.parquet"),), label="toxic", threshold=0.5, how=How(5)
        )
        said[name] = ask(asked, str(tmp_path / "ws"), 1)
    assert said["unseen"]["learnt_from"] == []
    assert [one["model"] for one in said["hatecheck_en"]["learnt_from"]] == ["toxicity-en"]
    assert "toxicity-en was trained on" in render_evaluation(said["hatecheck_en"])
    assert any("these figures flatter it" in line for line in evaluation_sentences(said["hatecheck_en"]))


def test_figures_at_a_threshold_are_those_of_the_rows(home: Path) -> None:
    found = told(home, threshold=0.5)["overall"]
    assert found["confusion"] == {"true_positive": 19, "false_positive": 1, "false_negative": 0, "true_negative": 19}
    assert (found["precision"], found["recall"]) == (0.95, 1.0)
    # site-0's row of six marks is above the four of five marks, and tied with three of six
    assert found["roc_auc"] == pytest.approx(1 - (4 + 1.5) / (19 * 20))


def test_a_recipe_brings_its_threshold_its_scorer_and_what_it_keeps(home: Path) -> None:
    found = told(home, recipe=str(home / "polite.yaml"), scorers=())
    assert found["threshold"] == {
        "value": 0.5, "origin": "rule not_rude of recipe polite: max 0.5", "chosen_on_these_rows": False,
    }  # fmt: skip
    # max 0.5 keeps five marks
    assert found["overall"]["confusion"]["false_negative"] == 4
    assert found["keeps"] == "negative"


def test_without_a_threshold_the_best_one_is_taken_and_said(home: Path) -> None:
    found = told(home)
    assert found["threshold"]["chosen_on_these_rows"] is True
    assert (found["threshold"]["value"], found["best"]["f1"]) == (0.5, pytest.approx(38 / 39))


@pytest.mark.parametrize("data", ["rows.parquet", "rows.jsonl", "nested.parquet"])
def test_groups_come_from_columns_structs_and_json(home: Path, data: str) -> None:
    found = told(home, data, threshold=0.5, by=("source", "meta.target"))
    by_source, by_target = ({g["group"]: g for g in grouping["groups"]} for grouping in found["groups"])
    assert {g: r["rows"] for g, r in by_source.items()} == {"site-0": 11, "site-1": 10, "site-2": 9, "site-3": 10}
    assert by_source["site-0"]["false_positive_rate"] == pytest.approx(1 / 6)
    assert by_target["women"]["false_positive_rate"] == pytest.approx(1 / 6)
    assert by_target["(none)"]["false_positive_rate"] == 0


def test_hatecheck_gives_rates_by_functionality_and_target(home: Path) -> None:
    found = told(home, hatecheck=True, label=None, threshold=0.5)
    functionality, target = found["groups"]
    assert (functionality["by"], target["by"]) == ("meta.functionality", "meta.target")
    rows = {g["group"]: g for g in functionality["groups"]}
    assert rows["counter_quote_nh"]["about"] == "counter-speech that quotes hate"
    assert rows["counter_quote_nh"]["false_positive_rate"] == pytest.approx(1 / 20)
    assert (rows["slur_h"]["false_negative_rate"], rows["slur_h"]["roc_auc"]) == (0.0, None)
    assert rows["slur_h"]["said"] == "only positives: AUC and the false-positive rate are not defined"


def test_names_are_held_against_names(home: Path) -> None:
    found = told(home, column="rude.label", label="tone")
    assert found["kind"] == "classes"
    assert found["confusion"] == {"classes": ["loud", "quiet"], "counts": [[19, 0, 1], [1, 20, 0]]}
    assert found["overall"]["accuracy"] == pytest.approx(39 / 41)
    assert found["confidence"] == COLUMN
    assert found["coverage"][-1]["coverage"] == pytest.approx(40 / 41)


def test_an_evaluation_says_the_same_twice(home: Path) -> None:
    one, two = (told(home, by=("source",)) for _ in range(2))
    for found in (one, two):
        del found["job"]
    assert one == two


@pytest.mark.parametrize(("changes", "said"), [
    ({"column": "rude.probabilty"}, r"no column 'rude.probabilty'; there are .*Did you mean 'rude.probability'\?"),
    ({"label": "toxc"}, r"no column 'toxc'.*Did you mean 'toxic'\?"),
    ({"by": ("meta.functionalty",)}, r"no column 'meta.functionalty'.*Did you mean 'meta.functionality'\?"),
    ({"label": "tone"}, r"--positive is missing: 'tone' holds 'loud', 'quiet'"),
    ({"label": "tone", "positive": ("lout",)}, r"--positive 'lout'.*Did you mean 'loud'\?"),
    ({"label": None}, r"--label is missing"),
    ({"column": "probability"}, r"expected SCORER.COLUMN"),
    ({"column": "rud.probability"}, r"--scorer gives rude, but the column is 'rud.probability'"),
    ({"column": "rude.label", "label": "source"}, r"is ever predicted by rude.label"),
    ({"recipe": "polite", "threshold": 1.0}, r"give one of them"),
    ({"recipe": "c4"}, r"recipe 'c4' has no rule with a bound on 'rude.probability'"),
])  # fmt: skip
def test_slips_of_the_pen_are_told(home: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        told(home, **changes)


def test_a_new_threshold_measures_nothing_again(home: Path) -> None:
    told(home, threshold=0.5)
    before = sorted(p.name for p in (home / "ws" / "corpora").rglob("*.parquet"))
    told(home, threshold=0.7)
    assert sorted(p.name for p in (home / "ws" / "corpora").rglob("*.parquet")) == before


class Page(HTMLParser):
    """What a page could fetch or run."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [tag] if tag in ("script", "img", "link", "iframe", "object") else []
        self.found += [k for k, _ in attrs if k.startswith("on") or k in ("style", "src", "href")]


def test_the_page_has_the_figures_and_hostile_names_are_only_text(home: Path, tmp_path: Path) -> None:
    rows = [{**r, "source": f"{HOSTILE}{r['source']}"} for r in labelled_rows()]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "hostile.parquet")
    given = Asked(
        COLUMN, (str(tmp_path / "hostile.parquet"),), "toxic", by=("source",), scorers=(str(home / "rude.py"),)
    )
    found = ask(given, str(tmp_path / "ws"), 1)
    page = render_evaluation(found)
    assert Page(page).found == []
    assert f"{found['overall']['roc_auc']:.4f}" in page
    assert "&lt;script&gt;alert(1)" in page
    assert re.search(r"default-src 'none'", page)


def test_the_page_of_names_has_its_matrix_and_coverage(home: Path) -> None:
    page = render_evaluation(told(home, column="rude.label", label="tone", by=("lang",)))
    assert "loud taken for quiet: 0 of 20" in page
    assert "What abstaining buys" in page
    assert Page(page).found == []


def test_an_audit_counts_who_is_spoken_of_and_how(home: Path) -> None:
    asked = AuditOf((str(home / "rows.parquet"),), toxicity=COLUMN, scorers=(str(home / "rude.py"),))
    found = audit(asked, str(home / "ws"), 1)
    assert (found["documents"], found["mentioning"], found["not_measured"], found["quarantined"]) == (41, 30, 1, 1)
    groups = {g["group"]: g for g in found["groups"]}
    assert {g: r["documents"] for g, r in groups.items()} == {
        "gender": 10, "religion": 10, "ethnicity": 0, "sexual_orientation": 0, "disability": 10, "age": 0,
    }  # fmt: skip
    assert groups["gender"]["mean_toxicity"] == pytest.approx(0.45)
    assert groups["gender"]["toxic_share"] == 0.5
    assert (groups["age"]["mean_toxicity"], groups["age"]["few"]) == (None, True)
    assert [t["term"] for t in found["terms"]] == ["deaf", "muslims", "women"]
    assert found["terms"][0]["mean_elsewhere"] == pytest.approx(0.45)
    by = {g["group"]: g for g in found["by"][0]["groups"]}
    assert found["by"][0]["by"] == "source"
    assert (by["site-1"]["religion"], by["site-1"]["gender"], by["site-1"]["mentioning"]) == (1.0, 0.0, 10)
    page = render_audit(found)
    assert Page(page).found == []
    assert "sexual orientation" in page


def test_an_audit_of_a_corpus_uses_the_notes_it_has(home: Path) -> None:
    asked = AuditOf((str(home / "rows.parquet"),), toxicity=COLUMN, scorers=(str(home / "rude.py"),))
    first = audit(asked, str(home / "again"), 1)
    parts = sorted(p.name for p in (home / "again" / "corpora").rglob("*.parquet"))
    second = audit(AuditOf(corpus="rows", toxicity=COLUMN, scorers=asked.scorers), str(home / "again"), 1)
    assert sorted(p.name for p in (home / "again" / "corpora").rglob("*.parquet")) == parts
    assert first | {"job": ""} == second | {"job": ""}
    with pytest.raises(UsageError, match=r"no corpus 'row'; there are rows\. Did you mean 'rows'\?"):
        audit(AuditOf(corpus="row", toxicity=COLUMN, scorers=asked.scorers), str(home / "again"), 1)


def test_an_audit_can_group_by_a_measured_column(home: Path) -> None:
    asked = AuditOf(
        (str(home / "rows.parquet"),), by=("rude.label", "lang"), toxicity=COLUMN, scorers=(str(home / "rude.py"),)
    )
    found = audit(asked, str(home / "ws"), 1)
    assert [(g["group"], g["documents"]) for g in found["by"][0]["groups"]] == [
        ("loud", 20),
        ("quiet", 20),
        ("(none)", 1),
    ]
    assert [b["by"] for b in found["by"]] == ["rude.label", "lang"]
