"""Questions that nobody honest asks: each is refused in words, and the clerk that was asked goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

import winnow
from pipeline.clerk.clerk import Clerks
from pipeline.errors import JobMissing, UsageError

ROOT = Path(__file__).parents[2]
SECONDS = 60.0


HOSTILE = [
    ("no_such_verb", {}),
    ("plan", {}),
    ("recipes", {"name": "fineweb"}),
    ("recipe", {"name": "../../etc/passwd"}),
    ("recipe", {"name": 5}),
    ("scorers", {"name": "/etc/passwd.py"}),
    ("models", {"name": "../../etc/passwd"}),
    ("explain", {"job": "../../../etc", "doc_id": "a"}),
    ("explain", {"job": "{job}", "doc_id": "' or 1 = 1 --"}),
    ("explain", {"job": "{job}", "doc_id": "a\0b"}),
    ("explain", {"job": "{job}", "doc_id": "\ud800"}),
    ("explain", {"job": "{job}", "doc_id": ["doc-00001"]}),
    ("funnel", {"job": "{job}", "desk": "mine"}),
    ("funnel", {"job": "a" * 100_000}),
    ("samples", {"job": "{job}", "outcome": "all"}),
    ("samples", {"job": "{job}", "outcome": "kept", "size": 10**9}),
    ("samples", {"job": "{job}", "outcome": "kept", "text_chars": 10**12}),
    ("samples", {"job": "{job}", "outcome": "kept", "size": -1}),
    ("clusters", {"job": "{job}", "after": [1]}),
    ("clusters", {"job": "{job}", "after": ["a", "b"]}),
    ("clusters", {"job": "{job}", "after": [10**30, "b"]}),
    ("clusters", {"job": "{job}", "method": "'; drop table x"}),
    ("cluster", {"job": "{job}", "cluster": "'; select 1 --"}),
    ("histogram", {"job": "{job}", "column": "gopher.word_count) from (select 1"}),
    ("histogram", {"job": "{job}", "column": "exact.raw"}),
    ("histogram", {"job": "{job}", "column": "gopher.word_count", "bins": 10**9}),
    ("compare", {"job": "{job}", "other": "nobody"}),
    ("preview", {"job": "{job}"}),
    ("preview", {"job": "{job}", "rules": {}, "changes": []}),
    ("preview", {"job": "{job}", "rules": {"a": {"sql": "(select count(*) from read_text('/etc/passwd')) > 0"}}}),
    ("preview", {"job": "{job}", "rules": {"a'; --": {"sql": "true"}}}),
    ("preview", {"job": "{job}", "changes": ["extends=/etc/passwd"]}),
    ("preview", {"job": "{job}", "changes": ["score=[/etc/evil.py]"]}),
    ("preview", {"job": "{job}", "changes": ["input.paths=[/etc]"]}),
    ("preview", {"job": "{job}", "changes": ["rules.a={sql: \"getenv('HOME') = 'a'\"}"]}),
    ("preview", {"job": "{job}", "changes": [f"rules.r{i}.column=text_bytes" for i in range(30_000)]}),
    ("check_recipe", {"recipe": {"name": "x", "score": ["/etc/evil.py"]}}),
    ("check_recipe", {"recipe": {"name": "x", "score": [{"mine": {"use": "./evil.py"}}]}}),
    ("check_recipe", {"recipe": {"name": "x", "extends": "/etc/passwd"}}),
    ("check_recipe", {"recipe": {"name": "x", "extends": ["fineweb"]}}),
    ("check_recipe", {"recipe": "/etc/passwd"}),
    ("check_recipe", {"recipe": "name: x\nscore: " + "[" * 20_000 + "]" * 20_000}),
    ("check_recipe", {"recipe": "name: x\nscore:\n  " + "- " * 20_000 + "a"}),
    ("check_recipe", {"recipe": "name: x\n" + "".join(" " * i + "a:\n" for i in range(1, 600))}),
    ("check_recipe", {"recipe": "extends: /etc/passwd\nname: x\n"}),
    ("check_recipe", {"recipe": "../recipes/fineweb.yaml"}),
    ("check_recipe", {"recipe": "a: !!python/object/apply:os.system [id]\nname: x"}),
    ("check_recipe", {"recipe": "x: &x [*x, *x]\nname: y"}),
    ("check_recipe", {"recipe": "[" * 100_000}),
    ("check_recipe", {"recipe": "{" * 5_000}),
    ("check_recipe", {"recipe": "name: x\nrules: " + "{a: " * 200 + "1" + "}" * 200}),
    ("check_recipe", {"recipe": "a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\n"
                                "d: &d [*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d]\nname: x"}),
    ("check_recipe", {"recipe": {"name": "x", "input": 5}, "changes": ["input.paths.0=b"]}),
    ("check_recipe", {"recipe": {"name": "x", "score": [{"minhash": {"num_perm": 10**12}}]}}),
    ("check_recipe", {"recipe": {"name": "x", "score": [{"quality": {"model": "../../etc/passwd"}}]}}),
    ("check_recipe", {"recipe": {"name": "x", "score": ["exact"], "dedup": {"keep": "(select 1)"}}}),
    ("check_recipe", {"recipe": "fineweb", "changes": ["a=&a [*a]"]}),
    ("check_recipe", {"recipe": "fineweb", "changes": ["=1"]}),
    ("check_recipe", {"recipe": 17}),
]  # fmt: skip


@pytest.mark.parametrize(("verb", "arguments"), HOSTILE, ids=[f"{v}-{i}" for i, (v, _) in enumerate(HOSTILE)])
def test_a_hostile_question_is_refused_in_words(
    clerks: Clerks, asked: tuple[Path, winnow.Result], verb: str, arguments: dict[str, object]
) -> None:
    """Never an internal error, never a lost process, never a path of this machine."""
    filled = {k: asked[1].job_id if v == "{job}" else v for k, v in arguments.items()}
    with pytest.raises(UsageError) as raised:
        clerks.ask(verb, filled, SECONDS)
    assert str(asked[0]) not in str(raised.value)
    assert str(ROOT) not in str(raised.value)
    assert "root:" not in str(raised.value)


def test_a_question_that_is_no_json_never_reaches_a_clerk(clerks: Clerks) -> None:
    nested: list[object] = []
    for _ in range(100_000):
        nested = [nested]
    for wrong in ({"a": nested}, {"a": object()}, {"a": "x" * (9 << 20)}):
        with pytest.raises(UsageError):
            clerks.ask("recipes", wrong, SECONDS)


def test_an_unknown_job_is_not_found(clerks: Clerks) -> None:
    for verb in ("funnel", "report", "schema"):
        with pytest.raises(JobMissing, match="no job 'job_000'"):
            clerks.ask(verb, {"job": "job_000"}, SECONDS)
