"""The command line as a user starts it: a process, its output, its exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.commands import WINNOW, winnow
from tests.corpora import documents, write_parquet


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    write_parquet(folder / "crawl")
    (folder / "small.yaml").write_text(
        """
version: 1
name: small
score: [exact, gopher, minhash]
rules:
  word_count: {column: gopher.word_count, min: 50}
dedup:
  fuzzy: {jaccard: 0.8}
"""
    )
    return folder


@pytest.fixture(scope="module")
def ran(home: Path) -> Path:
    said = winnow("run", "small.yaml", "crawl/", "--output", "out", "--json", cwd=home)
    assert said.returncode == 0, said.stderr
    assert json.loads(said.stdout)["funnel"]["kept"] == 168
    return home


def test_run_prints_the_account(ran: Path) -> None:
    said = winnow("run", "small.yaml", "crawl/", "--output", "out", "-q", cwd=ran)
    assert said.returncode == 0
    assert "240 rows in = 168 kept + 72 removed + 0 quarantined" in said.stdout
    assert "judge.word_count" in said.stdout


def test_plan_does_no_work(home: Path) -> None:
    said = winnow("plan", "small.yaml", "crawl/", "--workspace", "elsewhere", cwd=home)
    assert said.returncode == 0
    assert "ingest -> score -> judge -> pairs -> dedup -> mix -> export" in said.stdout
    assert not (home / "elsewhere").exists()


@pytest.mark.parametrize("format_", ["table", "json", "csv"])
def test_sql_in_every_format(ran: Path, format_: str) -> None:
    said = winnow("sql", "select count(*) as n from verdicts where not kept", "--format", format_, cwd=ran)
    assert said.returncode == 0
    assert "24" in said.stdout


def test_json_of_sql_is_one_array_and_jsonl_a_line_a_row(ran: Path) -> None:
    query = "select kept, count(*)::int as n from verdicts group by 1 order by 1"
    whole, lines = (winnow("sql", query, "--format", f, cwd=ran).stdout for f in ("json", "jsonl"))
    assert json.loads(whole) == [json.loads(line) for line in lines.splitlines()]
    assert [row["n"] for row in json.loads(whole)] == [24, 216]


def test_sql_to_parquet(ran: Path) -> None:
    said = winnow(
        "sql", "select doc_id, gopher.word_count from documents", "--format", "parquet", "-o", "w.parquet", cwd=ran
    )
    assert said.returncode == 0, said.stderr
    assert pq.read_table(ran / "w.parquet").num_rows == 240


@pytest.mark.parametrize(
    "view", ["documents", "verdicts", "duplicates", "quarantine", "shards", "stages", "jobs", "scorers", "columns"]
)
def test_every_view_answers(ran: Path, view: str) -> None:
    said = winnow("sql", f"select * from {view} limit 3", "--format", "jsonl", cwd=ran)
    assert said.returncode == 0, said.stderr
    assert len(said.stdout.splitlines()) == (0 if view == "quarantine" else 1 if view == "jobs" else 3) or view in (
        "jobs",
        "stages",
    )


def test_why_tells_rule_and_keeper(ran: Path) -> None:
    assert "failed word_count: is 2, wanted min 50" in winnow("why", "doc-00009", cwd=ran).stdout
    assert "fuzzy duplicate of doc-00008" in winnow("why", "doc-00005", cwd=ran).stdout
    near = winnow("why", "doc-0009", cwd=ran)
    assert near.returncode == 2
    assert "doc-00009" in near.stderr


def test_score_writes_rows_in_order(home: Path, tmp_path: Path) -> None:
    said = winnow(
        "score",
        "crawl/",
        "--scorer",
        "gopher",
        "--scorer",
        "minhash:num_perm=64",
        "-o",
        str(tmp_path / "notes"),
        "-q",
        cwd=home,
    )
    assert said.returncode == 0, said.stderr
    table = pq.read_table(tmp_path / "notes", columns=["doc_id", "minhash"])
    assert table.column("doc_id").to_pylist() == [d["id"] for d in documents()]
    assert table.schema.field("minhash").type.field("signature").type == pa.binary(256)


def test_score_with_a_users_file(home: Path, tmp_path: Path) -> None:
    example = Path(__file__).parent.parent.parent / "examples" / "question_marks.py"
    said = winnow("score", "crawl/", "--scorer", str(example), "-n", "2", "-o", str(tmp_path / "notes"), "-q", cwd=home)
    assert said.returncode == 0, said.stderr
    assert pq.read_table(tmp_path / "notes").column("question_marks").to_pylist()[0] == {
        "questions": 0,
        "question_frac": 0.0,
    }


def test_dedup_writes_one_row_a_document(home: Path, tmp_path: Path) -> None:
    said = winnow("dedup", "crawl/", "-o", str(tmp_path / "dedup"), "-q", cwd=home)
    assert said.returncode == 0, said.stderr
    rows = {r["id"]: r for r in pq.read_table(tmp_path / "dedup" / "dedup.parquet").to_pylist()}
    assert len(rows) == 240
    assert (rows["doc-00005"]["keep"], rows["doc-00005"]["duplicate_of"]) == (False, "doc-00008")


@pytest.mark.parametrize(
    "command",
    [
        ["scorers"],
        ["scorers", "gopher"],
        ["recipes"],
        ["recipes", "fineweb"],
        ["models"],
        ["corpora"],
        ["doctor"],
        ["verify"],
    ],
)
def test_lists_and_checks(ran: Path, command: list[str]) -> None:
    said = winnow(*command, cwd=ran)
    assert said.returncode == 0, said.stderr
    assert len(said.stdout) > 20


def test_verify_finds_a_flipped_bit(home: Path, tmp_path: Path) -> None:
    said = winnow("run", "small.yaml", "crawl/", "--workspace", str(tmp_path / "ws"), "-q", cwd=home)
    assert said.returncode == 0, said.stderr
    part = next((tmp_path / "ws" / "corpora" / "crawl" / "notes" / "parts").rglob("*.parquet"))
    data = bytearray(part.read_bytes())
    data[len(data) // 3] ^= 4
    part.write_bytes(data)
    said = winnow("verify", "--workspace", str(tmp_path / "ws"), cwd=home)
    assert said.returncode == 1
    assert part.name in said.stdout.replace("\n", "").replace(" ", "").replace("│", "") or "1 faults" in said.stdout


MISTAKES = {
    "no such preset": (["run", "finweb", "crawl/"], 2, "Did you mean 'fineweb'"),
    "no such file": (["run", "none.yaml", "crawl/"], 2, "does not exist"),
    "no such input": (["run", "small.yaml", "crwal/"], 2, "crwal"),
    "no input": (["run", "small.yaml"], 2, "names no input"),
    "wrong column": (["run", "small.yaml", "crawl/", "--set", "input.text=txt"], 2, "text"),
    "typo in a setting": (["run", "small.yaml", "crawl/", "--set", "rules.word_count.mn=3"], 2, "Did you mean 'min'"),
    "setting without value": (["run", "small.yaml", "crawl/", "--set", "rules"], 2, "expected a.b=value"),
    "unknown executor": (["run", "small.yaml", "crawl/", "--executor", "rya"], 2, "Did you mean 'ray'"),
    "unknown stage": (["run", "small.yaml", "crawl/", "--until", "exprot"], 2, "Did you mean 'export'"),
    "unknown option": (["run", "small.yaml", "--frobnicate"], 2, "No such option"),
    "bad SQL": (["sql", "selct 1"], 2, "syntax error"),
    "unknown view": (["sql", "select * from document"], 2, "documents"),
    "unknown job": (["sql", "select 1", "--job", "job_none"], 2, "no job 'job_none'"),
    "unknown scorer": (["scorers", "gofer"], 2, "there are"),
    "unknown model": (["models", "pull", "lid.177"], 2, "Did you mean 'lid.176'"),
    "empty workspace": (["sql", "select 1", "--workspace", "nowhere"], 2, "no jobs there"),
    "parquet to a terminal": (["sql", "select 1", "--format", "parquet"], 2, "needs --output"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_gets_a_sentence_and_no_traceback(ran: Path, mistake: str) -> None:
    arguments, code, words = MISTAKES[mistake]
    said = winnow(*arguments, cwd=ran)
    assert said.returncode == code, said.stderr
    assert words in said.stderr
    assert "Traceback" not in said.stderr


def test_a_read_only_output_is_named(home: Path, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        target = "/proc/winnow-out"  # root may write anywhere else
    else:
        (tmp_path / "fixed").mkdir(mode=0o500)
        target = str(tmp_path / "fixed" / "out")
    said = winnow(
        "run", "small.yaml", "crawl/", "--workspace", str(tmp_path / "ws"), "--output", target, "-q", cwd=home
    )
    assert said.returncode == 1, said.stderr
    assert target in said.stderr
    assert "Traceback" not in said.stderr


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_job_stopped_early_is_no_success(home: Path, how: signal.Signals) -> None:
    for n, delay_s in enumerate((0.3, 0.5, 0.7)):
        command = [*WINNOW, "run", "small.yaml", "crawl/", "--workspace", f"early-{how.name}-{n}", "-q"]
        process = subprocess.Popen(command, cwd=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(delay_s)  # anywhere in the start-up: before, between or after the imports
        process.send_signal(how)
        said, _ = process.communicate(timeout=60)
        assert process.returncode != 0 or "completed: 240 rows in" in said


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_behind_the_output_is_said_in_words(tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        said = subprocess.run(
            [*WINNOW, "recipes", "fineweb"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60
        )
    assert said.returncode == 1
    assert "No space left on device: make room" in said.stderr
    assert "fault of Winnow" not in said.stderr


def test_repeated_passages_are_planned_cut_and_explained(home: Path) -> None:
    quoted = "It was said before, word for word, and at such a length that nobody takes it for chance. " * 2
    texts = [f"First of all: {quoted}", f"Ünd später — {quoted}— so weit.", "Something else altogether."]
    (home / "quotes").mkdir()
    pq.write_table(pa.table({"id": ["a", "b", "c"], "text": texts}), home / "quotes" / "part.parquet")
    (home / "quotes.yaml").write_text("version: 1\nname: quotes\ndedup: {exact: false, substrings: {min_bytes: 100}}\n")
    planned = winnow("plan", "quotes.yaml", "quotes/", cwd=home)
    assert (
        "substrings: of passages of at least 100 bytes that the corpus holds elsewhere, the first copy stays"
        in planned.stdout
    )
    ran = winnow("run", "quotes.yaml", "quotes/", "--workspace", "quotes-ws", "--output", "quotes-out", "-q", cwd=home)
    assert ran.returncode == 0, ran.stderr
    left = pq.read_table(home / "quotes-out" / "data").column("text").to_pylist()
    assert left == [texts[0], "Ünd später —— so weit.", texts[2]]
    told = winnow("why", "b", "--workspace", "quotes-ws", cwd=home)
    assert "1 repeated passages taken out; the rest stays" in told.stdout
    assert "also in a (shard 0, row 0)" in told.stdout
