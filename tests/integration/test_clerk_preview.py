"""What a preview says is what a run then does; and it opens no text."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import winnow
from pipeline.clerk.answers import preview as previews
from pipeline.clerk.bands import bands_of
from pipeline.clerk.cache import Cache
from pipeline.clerk.desk import Desk
from pipeline.clerk.verbs import answer
from pipeline.errors import PlanError, RecipeError
from pipeline.recipe_file import set_value
from pipeline.storage.store import Store
from tests.fixtures_clerk import JOB_RECIPE, run_job

CHANGES: dict[str, list[tuple[str, Any]]] = {
    "a bound": [("rules.word_count.min", 165)],
    "two bounds": [("rules.word_count.min", 150), ("rules.alpha_words.min", 0.99)],
    "no rule": [("rules.word_count", None)],
    "a predicate": [("rules.sources.sql", "source = 'site-1' and exact.text_chars > 1000 or url like '%/1_'")],
    "a new rule": [("rules.new", {"column": "source", "not_in": ["site-0"]})],
    "other cuts": [("buckets.length.percentiles", {"short": 40, "usual": 60})],
    "cuts by source": [("buckets.length.by", "source"), ("buckets.length.min_docs", 10)],
    "given cuts": [("buckets.length.values", {"": [100.0, 150.0]})],
    "every rule": [("rules", {"one": {"column": "exact.text_bytes", "max": 900, "null": "keep"}})],
    "none at all": [("rules", {})],
}


def changed(changes: list[tuple[str, Any]]) -> dict[str, Any]:
    recipe: dict[str, Any] = {**JOB_RECIPE, "buckets": {"length": dict(JOB_RECIPE["buckets"]["length"])}}
    recipe["rules"] = {n: dict(r) for n, r in JOB_RECIPE["rules"].items()}
    for path, value in changes:
        set_value(recipe, path, value)
    return recipe


def setting(path: str, value: Any) -> str:
    import json

    return f"{path}={'' if value is None else json.dumps(value)}"


@pytest.fixture(params=[None, 60], ids=["one band", "small bands"])
def bands(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param is not None:
        monkeypatch.setattr(previews, "bands_of", lambda text: bands_of(text, request.param))


@pytest.mark.usefixtures("bands")
@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES.keys())
def test_a_preview_says_what_a_run_then_does(
    asked: tuple[Path, winnow.Result], desk: Desk, changes: list[tuple[str, Any]]
) -> None:
    folder, result = asked
    ran = run_job(folder, changed(changes), until="judge")
    told = answer(desk, "preview", {"job": result.job_id, "changes": [setting(p, v) for p, v in changes]})
    assert told["proposed"]["kept"]["documents"] == ran.funnel["kept"]
    assert told["proposed"]["removed"]["documents"] == ran.funnel["removed"]
    assert told["proposed"]["kept"] != told["present"]["kept"]
    found = winnow.sql(
        "select f.rule as rule, count(*) as failed, count(*) filter (n = 1) as alone, count(*) filter (f.rule = one) as first, "
        "sum(text_bytes) filter (f.rule = one)::bigint as first_bytes "
        "from (select unnest(failed) as f, len(failed) as n, failed[1].rule as one, text_bytes "
        "from verdicts join documents using (shard, row)) group by 1",
        workspace=str(folder / "ws"),
        job=ran.job_id,
    ).to_pylist()
    said = {r["rule"]: r for r in told["proposed"]["rules"]}
    assert list(said) == list(changed(changes)["rules"])
    for rule in found:
        one = said.pop(rule["rule"])
        assert {k: one[k] for k in ("failed", "alone", "first")} == {k: rule[k] for k in ("failed", "alone", "first")}
        assert one["first_bytes"] == (rule["first_bytes"] or 0)
    assert all(one["failed"] == one["alone"] == one["first"] == 0 for one in said.values())


@pytest.mark.usefixtures("bands")
def test_the_present_is_the_job_itself(asked: tuple[Path, winnow.Result], desk: Desk) -> None:
    _, result = asked
    told = answer(desk, "preview", {"job": result.job_id, "changes": []})
    assert told["proposed"] == told["present"]
    assert told["present"]["after_dedup"]["documents"] == result.funnel["kept"]
    assert told["newly_kept"] == told["newly_removed"] == {"documents": 0, "bytes": 0, "tokens": 0}
    assert told["quarantined"] == 1
    assert told["documents"] == 240
    firsts = {f"judge.{r['rule']}": r["first"] for r in told["present"]["rules"] if r["first"]}
    assert firsts == {k: v for k, v in result.funnel.items() if k.startswith("judge.")}


@pytest.mark.usefixtures("bands")
def test_documents_and_bytes_by_source_domain_and_language(asked: tuple[Path, winnow.Result], desk: Desk) -> None:
    folder, result = asked
    told = answer(desk, "preview", {"job": result.job_id, "changes": ["rules.word_count.min=165"]})
    rows = winnow.sql(
        """
        select source as name, count(*) as documents, sum(text_bytes)::bigint as bytes,
               count(*) filter (gopher.word_count >= 165 and (source <> 'site-2' or gopher.word_count > 160) and gopher.alpha_word_frac >= 0.5
                                and buckets.length in ('short', 'usual')) as kept
        from documents where quarantine is null group by 1 order by 2 desc, 1
        """,
        workspace=str(folder / "ws"),
        job=result.job_id,
    ).to_pylist()
    items = told["by"]["source"]["items"]
    assert [(i["name"], i["documents"], i["bytes"], i["kept"]["documents"]) for i in items] == [
        (r["name"], r["documents"], r["bytes"], r["kept"]) for r in rows
    ]
    assert told["by"]["source"]["rest"]["groups"] == 0
    (domain,) = told["by"]["domain"]["items"]
    assert (domain["name"], domain["documents"]) == ("example.org", 240)
    assert domain["kept"] == {k: told["proposed"]["kept"][k] for k in ("documents", "bytes")}
    assert domain["present_kept"] == {k: told["present"]["kept"][k] for k in ("documents", "bytes")}
    assert "language" not in told["by"]


def test_what_both_keep_and_what_changes_adds_up(asked: tuple[Path, winnow.Result], desk: Desk) -> None:
    told = answer(desk, "preview", {"job": asked[1].job_id, "rules": {"short": {"column": "text_bytes", "max": 700}}})
    for what in ("documents", "bytes"):
        before, after = told["present"]["kept"][what], told["proposed"]["kept"][what]
        assert after - before == told["newly_kept"][what] - told["newly_removed"][what]
        assert told[what] == after + told["proposed"]["removed"][what]
    assert told["newly_kept"]["documents"] > 0
    assert told["newly_removed"]["documents"] > 0


def test_tokens_are_an_estimate_and_say_so(asked: tuple[Path, winnow.Result], desk: Desk) -> None:
    told = answer(desk, "preview", {"job": asked[1].job_id, "changes": []})
    assert told["tokens_from"] == {"estimated": True, "column": None, "bytes_per_token": 4.2}
    assert told["tokens"] == round(told["bytes"] / 4.2)


def test_a_preview_opens_no_text(
    asked: tuple[Path, winnow.Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, result = asked
    shutil.copytree(
        folder / "ws", tmp_path / "ws"
    )  # its input stays behind: by relative paths nothing of it can be found

    def no_text(*_: object) -> None:
        raise AssertionError("text was opened")

    monkeypatch.setattr("pipeline.storage.shard.open_source", no_text)
    opened: list[str] = []
    from pipeline.clerk import bands as reading

    plain = reading.open_parquet
    monkeypatch.setattr(reading, "open_parquet", lambda path: opened.append(path) or plain(path))
    desk = Desk(Store(str(tmp_path / "ws")), 1, 1 << 30)
    told = answer(desk, "preview", {"job": result.job_id, "changes": ["rules.word_count.min=165"]})
    assert told["documents"] == 240
    assert opened
    assert all(path.startswith(str(tmp_path / "ws" / "corpora")) for path in opened)


def test_only_what_the_changed_rules_name_is_read(
    asked: tuple[Path, winnow.Result], desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.clerk.bands import Columns

    read: list[str] = []
    plain = Columns._read
    monkeypatch.setattr(Columns, "_read", lambda self, pieces, names: read.extend(names) or plain(self, pieces, names))
    answer(desk, "preview", {"job": asked[1].job_id, "changes": ["rules.word_count.min=165"]})
    assert sorted(read) == ["gopher.word_count", "quarantine", "source", "text_bytes", "url"]
    read.clear()
    answer(desk, "preview", {"job": asked[1].job_id, "changes": ["rules.word_count.min=166"]})
    assert read == []


def test_without_room_to_keep_anything_the_answer_is_the_same(asked: tuple[Path, winnow.Result], desk: Desk) -> None:
    question = {"job": asked[1].job_id, "changes": ["rules.word_count.min=155", "buckets.length.percentiles.usual=80"]}
    poor = Desk(desk.store, 1, 1 << 30)
    poor.cache = Cache(0)
    rich, one, two = (answer(d, "preview", question) for d in (desk, poor, poor))
    assert poor.cache.bytes == 0
    for told in (rich, one, two):
        del told["seconds"]
    assert rich == one == two


@pytest.mark.parametrize(("change", "error", "said"), [
    ("rules.word_count.min=-1", PlanError, "never remove"),
    ("rules.word_count.mni=1", RecipeError, "Did you mean"),
    ("rules.word_count.column=gopher.words", PlanError, "no column"),
    ("dedup.keep=text_bytes", PlanError, "dedup would need a run"),
    ("score=[exact]", PlanError, "score would need a run"),
    ("buckets.length.column=url", PlanError, "expected a number"),
])  # fmt: skip
def test_what_cannot_be_previewed_is_said(
    asked: tuple[Path, winnow.Result], desk: Desk, change: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        answer(desk, "preview", {"job": asked[1].job_id, "changes": [change]})


def test_the_domain_of_a_url(desk: Desk) -> None:
    urls = {
        "https://www.Example.org/a/b": "example.org",
        "http://user:word@example.org:8080/x?y": "example.org",
        "https://example.org?q=a@b": "example.org",
        "example.org/path": "example.org",
        "https://a.b.example.org#x": "a.b.example.org",
        "www.example.org": "example.org",
        "": None,
        "ftp://Example.org/a": "example.org",
        "example.org/?from=http://other.org": "example.org",
        "HTTPS://EXAMPLE.ORG:443": "example.org",
        None: None,
    }
    found = previews._domains(desk, pa.chunked_array([pa.array(list(urls), pa.string())]))
    assert [found.names[int(code)].as_py() for code in found.codes] == list(urls.values())
