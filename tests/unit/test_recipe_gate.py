"""What SQL a recipe may hold, against what a hostile client would have it hold."""

from __future__ import annotations

import time
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.errors import PlanError
from pipeline.plan import check_recipe
from pipeline.recipe_file import load_recipe, presets
from pipeline.sandbox.functions import uses
from pipeline.sql import gate
from pipeline.sql.engine import check_expression, worker_engine

LINES = (Path(__file__).parents[1] / "recipe_attacks.txt").read_text(encoding="utf-8").splitlines()
ATTACKS = [line for line in LINES if not line.startswith("#")]
HONEST = [
    "gopher.bullet_line_frac < 0.5 or gopher.word_count > 500",
    "url not like '%blocked%' and gopher.stop_words >= 0",
    "source in ('wiki', 'books') or text_bytes between 100 and 1e6",
    "regexp_matches(url, '^https?://[a-z]+[.]example[.]org/')",
    "case when source = 'wiki' then gopher.word_count > 20 else gopher.word_count > 50 end",
    "coalesce(gopher.word_count, 0) / greatest(text_bytes, 1) < 0.5",
    "split_part(split_part(url, '://', 2), '/', 1) <> 'example.org'",
    "date is null or date >= '2019' and year(try_strptime(date, '%Y-%m-%d')) < 2030",
    "try_cast(split_part(source, '-', 2) as integer) % 2 = 0",
    "md5(doc_id) < '8'",
    "source is distinct from 'spam' and not starts_with(lower(url), 'ftp')",
    "concat(source, dump, license) || url <> ''",
]
ROWS = pa.schema([
    *((name, pa.string()) for name in ("doc_id", "url", "source", "date", "dump", "license")), ("text_bytes", pa.int64()),
    ("gopher", pa.struct([("word_count", pa.int64()), ("bullet_line_frac", pa.float64()), ("stop_words", pa.int64())])),
])  # fmt: skip


@pytest.mark.parametrize("ordering", [False, True], ids=["rule", "keep"])
@pytest.mark.parametrize("sql", ATTACKS)
def test_an_attack_in_a_recipe_is_refused_at_once(sql: str, ordering: bool) -> None:
    start = time.process_time()
    with pytest.raises(PlanError, match="rule 'r'"):
        gate.check("rule 'r'", sql, ordering=ordering)
    assert time.process_time() - start < 1.0


@pytest.mark.parametrize("sql", HONEST)
def test_an_honest_predicate_passes(sql: str) -> None:
    gate.check("rule 'r'", sql)
    check_expression(sql, ROWS, "rule 'r'", wants="bool")


@pytest.mark.parametrize("name", sorted(presets()))
def test_every_preset_passes(name: str) -> None:
    assert check_recipe(load_recipe(name)).recipe.name == name


@pytest.mark.parametrize(
    "sql",
    ["(" * 4_000 + "1" + ")" * 4_000 + " = 1", "not " * 2_000 + "true", "+".join(["1"] * 3_000) + " > 0", "x" * 9_000, "a\0b", "url = '\ud800'"],
    ids=["brackets", "nots", "sums", "long", "nul", "surrogate"],
)  # fmt: skip
def test_what_no_parser_should_meet_is_refused(sql: str) -> None:
    with pytest.raises(PlanError, match="rule 'r'"):
        gate.check("rule 'r'", sql)


def test_what_may_be_called_is_classified_for_strangers_and_is_there() -> None:
    assert gate.allowed() == gate.FUNCTIONS
    spaced = {name.replace("_", " ") for name in gate.FUNCTIONS} | gate.FUNCTIONS
    known = {name for name, use in uses().items() if use.value}
    assert {
        name for name in spaced & known if uses()[name].counted or uses()[name].templated or uses()[name].named
    } == set()


LONG = "https://example.org/" + "a" * 5_000
GROWN = [
    "reverse(upper(trim(url)))", "url || url || url", "concat(url, url, url, url)", "substr(url, 1, 100000000)", "left(url, 100000000)",
    "strftime(date '2020-01-01', '%A%B%c')", "split_part(url, '', 1)", "regexp_extract(url, '.*')", "nfc_normalize(strip_accents(url))",
    "parse_dirpath(url)", "greatest(url, 'a')", "url::varchar::varchar", "(gopher)::varchar", "sha256(url)",
]  # fmt: skip


@pytest.mark.parametrize("sql", GROWN)
def test_what_a_rule_may_make_of_a_long_text_stays_in_proportion(sql: str) -> None:
    gate.check("rule 'r'", f"{sql} = 'a'")
    row = {"url": LONG, "gopher": {"word_count": 1, "bullet_line_frac": 0.5, "stop_words": 1}}
    engine = worker_engine()
    engine.register("one", pa.Table.from_pylist([row], schema=ROWS))
    try:
        found = engine.execute(f"select strlen(({sql})::varchar) from one").fetchall()[0][0]
    finally:
        engine.unregister("one")
    assert found <= 4 * len(LONG) + 1_000


@pytest.mark.parametrize("pattern", ["'%a%a%a%a%a%a_%a%a%b'", "url", "repeat"], ids=["wildcards", "itself", "many"])
def test_a_pattern_does_not_explode(pattern: str) -> None:
    pattern = "'" + "%a" * 400 + "b'" if pattern == "repeat" else pattern
    engine = worker_engine()
    engine.register("one", pa.Table.from_pylist([{"url": LONG}], schema=ROWS))
    start = time.process_time()
    try:
        for operator in ("like", "ilike", "glob"):
            engine.execute(f"select url {operator} {pattern}, url || 'c' {operator} {pattern} from one").fetchall()
    finally:
        engine.unregister("one")
    assert time.process_time() - start < 1.0
