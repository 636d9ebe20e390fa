"""The commands that talk to a service, as processes: what they print, and what their exit codes say."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.control import until
from tests.corpora import write_parquet
from tests.service_process import ROOT, ServiceProcess, service_process

WINNOW = [sys.executable, "-m", "pipeline.cli"]
RECIPE = "name: small\nscore: [exact, gopher]\nrules:\n  word_count: {column: gopher.word_count, min: 50}\n"
DOCUMENTS = "select coalesce(reason, 'kept') as became, count(*) as n from documents group by 1 order by 1"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    folder = tmp_path_factory.mktemp("service")
    write_parquet(folder / "crawl")
    (folder / "small.yaml").write_text(RECIPE)
    (folder / "strict.yaml").write_text("extends: small.yaml\ninput: {quarantine: {max_row_frac: 0.0}}\n")
    (folder / "broken").mkdir()
    (folder / "broken" / "a.jsonl").write_text('{"text": "' + "words and more words " * 20 + '"}\nnot json\n' * 3)
    with service_process(folder) as started:
        yield started


def environment(service: ServiceProcess, **more: str) -> dict[str, str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("WINNOW_")}
    return clean | {"PYTHONPATH": str(ROOT), "WINNOW_SERVER": service.url} | more


def winnow(service: ServiceProcess, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*WINNOW, *arguments],
        cwd=service.folder,
        capture_output=True,
        text=True,
        timeout=300,
        env=environment(service, **more),
    )


@pytest.fixture(scope="module")
def submitted(service: ServiceProcess) -> str:
    """The id of a job that was submitted with relative paths and watched to its end."""
    said = winnow(service, "submit", "small.yaml", "crawl/", "-o", "out", "--label", "team=english", "--watch")
    assert said.returncode == 0, said.stderr
    lines = [json.loads(line) for line in said.stdout.splitlines()]
    assert {line["event"] for line in lines} >= {"state", "stage", "done"}
    done = lines[-1]["data"]
    assert (done["state"], done["output"]) == ("completed", str(service.folder / "out"))
    assert done["funnel"] == {"judge.word_count": 24, "kept": 216}
    assert said.stderr.split()[0] == done["id"]
    return str(done["id"])


def test_jobs_are_listed(service: ServiceProcess, submitted: str) -> None:
    said = winnow(service, "jobs", "--label", "team=english", "--state", "completed")
    (line,) = said.stdout.splitlines()
    assert line.startswith(f"{submitted}  completed  ")
    assert line.endswith("  small  216 of 240  team=english")
    listed = json.loads(winnow(service, "jobs", "--json", "--limit", "1", "--label", "team=english").stdout)
    assert [job["id"] for job in listed] == [submitted]
    nothing = winnow(service, "jobs", "--label", "team=french")
    assert (nothing.returncode, nothing.stdout, nothing.stderr) == (0, "", "no job like that\n")


@pytest.mark.parametrize("format_", ["table", "json", "csv"])
def test_sql_of_a_service_is_that_of_its_workspace(service: ServiceProcess, submitted: str, format_: str) -> None:
    there = winnow(service, "sql", DOCUMENTS, "--server", service.url, "--job", submitted, "--format", format_)
    here = winnow(
        service, "sql", DOCUMENTS, "--workspace", str(service.workspace), "--job", submitted, "--format", format_
    )
    assert there.returncode == 0, there.stderr
    assert there.stdout == here.stdout
    assert "216" in there.stdout


def test_sql_of_a_service_to_a_file(service: ServiceProcess, submitted: str) -> None:
    said = winnow(
        service, "sql", "select doc_id from documents", "--server", service.url, "--job", "last", "--format", "parquet", "-o", "ids.parquet",
        "--max-rows", "100",
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    assert pq.read_table(service.folder / "ids.parquet").num_rows == 100
    assert "truncated" in said.stderr


def test_why_and_report_of_a_service(service: ServiceProcess, submitted: str) -> None:
    why = winnow(service, "why", "doc-00009", "--server", service.url, "--job", submitted)
    assert "failed word_count: is 2, wanted min 50" in why.stdout, why.stderr
    report = winnow(service, "report", "--server", service.url, "--job", submitted)
    assert report.stdout.strip() == f"report-{submitted}.html"
    assert "word_count" in (service.folder / f"report-{submitted}.html").read_text()


def test_logs_are_shown(service: ServiceProcess, submitted: str) -> None:
    shown, followed = winnow(service, "logs", submitted), winnow(service, "logs", "-f", submitted)
    assert (shown.returncode, followed.returncode) == (0, 0), shown.stderr + followed.stderr
    assert followed.stdout == shown.stdout


def test_a_watched_end_is_an_exit_code(service: ServiceProcess, submitted: str) -> None:
    done = winnow(service, "watch", submitted[:-4])
    assert (done.returncode, [json.loads(done.stdout)["event"]]) == (0, ["done"])
    over = winnow(service, "submit", "strict.yaml", "broken/", "--watch")
    assert over.returncode == 3, over.stdout + over.stderr
    assert "quarantine_over_budget" in over.stderr
    assert winnow(service, "watch", "last").returncode == 3
    out_again = winnow(
        service, "submit", "small.yaml", "crawl/", "-o", "out", "--set", "rules.word_count.min=60", "--watch"
    )
    assert out_again.returncode == 1, out_again.stdout + out_again.stderr
    assert "failed" in out_again.stderr


def test_a_job_is_paused_resumed_cancelled_and_tried_again(service: ServiceProcess, submitted: str) -> None:
    made = winnow(service, "submit", "small.yaml", "crawl/", "--corpus", "steered", "-o", "steered", "--json")
    job_id = json.loads(made.stdout)["id"]
    assert winnow(service, "pause", job_id).stdout.split("  ")[1] in ("paused", "running, pause wanted")
    with service.client() as client:
        until(lambda: client.job(job_id).state == "paused")  # else it may be at its end before it is cancelled
    assert json.loads(winnow(service, "resume", job_id, "--json").stdout)["state"] in ("queued", "running")
    assert winnow(service, "cancel", "last").stdout.split()[1] in ("cancelling", "cancelled")
    watched = winnow(service, "watch", job_id)
    assert watched.returncode == 4
    assert f"job {job_id} cancelled" in watched.stderr
    again = winnow(service, "retry", job_id, "--watch")
    assert again.returncode == 0, again.stderr
    made_again = json.loads(again.stdout.splitlines()[-1])["data"]
    assert made_again["retry_of"] == job_id
    assert winnow(service, "delete", job_id).stdout == f"{job_id}  deleted\n"
    assert job_id not in winnow(service, "jobs", "--limit", "100").stdout
    assert winnow(service, "delete", job_id).returncode == 2
    assert made_again["id"] in winnow(service, "jobs").stdout


def test_the_same_idempotency_key_is_one_job(service: ServiceProcess, submitted: str) -> None:
    submit = [
        "submit",
        "small.yaml",
        "crawl/",
        "--corpus",
        "once",
        "-o",
        "once",
        "--idempotency-key",
        "nightly-1",
        "--json",
    ]
    first, second = (json.loads(winnow(service, *submit).stdout)["id"] for _ in range(2))
    assert first == second
    reused = winnow(service, *submit, "--set", "rules.word_count.min=60")
    assert reused.returncode == 2
    assert json.loads(reused.stdout)["code"] == "idempotency_key_reused"
    assert winnow(service, "watch", first).returncode == 0


def test_ctrl_c_stops_the_watching_and_not_the_job(service: ServiceProcess, submitted: str) -> None:
    made = winnow(service, "submit", "small.yaml", "crawl/", "--corpus", "left", "-o", "left", "--json")
    job_id = json.loads(made.stdout)["id"]
    winnow(service, "pause", job_id)
    main, terminal = pty.openpty()
    watching = subprocess.Popen(
        [*WINNOW, "watch", job_id],
        cwd=service.folder,
        env=environment(service, TERM="xterm"),
        stdout=terminal,
        stderr=terminal,
    )
    os.close(terminal)
    shown = _read(main)  # it has begun to watch
    watching.send_signal(signal.SIGINT)
    while piece := _read(main):
        shown += piece
    assert watching.wait(30) == 130
    words = shown.decode().replace("\r\n", " ")
    assert f"stopped watching; {job_id} goes on" in words
    assert "Traceback" not in words
    winnow(service, "resume", job_id)
    assert winnow(service, "watch", job_id).returncode == 0


def test_a_terminal_shows_bars_and_the_account(service: ServiceProcess, submitted: str) -> None:
    main, terminal = pty.openpty()
    watching = subprocess.Popen(
        [*WINNOW, "submit", "small.yaml", "crawl/", "--corpus", "shown", "-o", "shown", "--watch"],
        cwd=service.folder, env=environment(service, TERM="xterm", COLUMNS="120"), stdout=terminal, stderr=terminal,
    )  # fmt: skip
    os.close(terminal)
    shown = b""
    while piece := _read(main):
        shown += piece
    assert watching.wait(120) == 0
    words = shown.decode()
    assert "notes" in words
    assert "240 rows in = 216 kept + 24 removed + 0 quarantined" in words
    assert words.count("4/4") >= 2  # also of stages that were over before a bar moved
    assert '"event"' not in words


def _read(main: int) -> bytes:
    try:
        return os.read(main, 65536)
    except OSError:  # the other end is closed
        return b""


MISTAKES = {
    "no such job": (["watch", "job_zzz"], 2, "no job 'job_zzz'"),
    "no such preset": (["submit", "finweb", "crawl/"], 2, "Did you mean 'fineweb'"),
    "no such file": (["submit", "none.yaml", "crawl/"], 2, "does not exist"),
    "no such state": (["jobs", "--state", "runing"], 2, "Did you mean 'running'"),
    "no such stage": (["submit", "small.yaml", "crawl/", "--until", "exprot"], 2, "Did you mean 'export'"),
    "no such column": (["submit", "small.yaml", "crawl/", "--set", "rules.word_count.column=gopher.word_cout"], 2, "gopher.word_count"),
    "a label without a value": (["submit", "small.yaml", "crawl/", "--label", "team"], 2, "expected name=value"),
    "a path outside": (["submit", "small.yaml", "/etc/"], 2, "/etc"),
    "bad SQL": (["sql", "selct 1", "--server", "SERVER"], 2, "selct"),
    "no service": (["jobs", "--server", "http://127.0.0.1:9"], 5, "Is it running"),
    "no address": (["jobs", "--server", "127.0.0.1:8765"], 2, "expected http://"),
    "no key file": (["jobs", "--key-file", "none.key"], 2, "cannot be read"),
    "no document": (["why", "doc-none", "--server", "SERVER"], 2, "doc-none"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_gets_a_sentence_and_no_traceback(service: ServiceProcess, submitted: str, mistake: str) -> None:
    arguments, code, words = MISTAKES[mistake]
    said = winnow(service, *(service.url if a == "SERVER" else a for a in arguments))
    assert said.returncode == code, said.stderr
    assert words in said.stderr
    assert "Traceback" not in said.stderr


def test_a_key_is_needed_once_there_is_one_and_is_never_shown(tmp_path: Path) -> None:
    write_parquet(tmp_path / "crawl", count=40, files=1)
    (tmp_path / "small.yaml").write_text(RECIPE)
    made = subprocess.run(
        [*WINNOW, "keys", "create", "--name", "ci", "--role", "operator", "--workspace", str(tmp_path / "workspace")],
        capture_output=True, text=True, check=True, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    key = made.stdout.splitlines()[0].strip()
    (tmp_path / "key").write_text(key + "\n")
    with service_process(tmp_path) as service:
        refused = winnow(service, "jobs")
        assert (refused.returncode, "key" in refused.stderr) == (1, True)
        wrong = winnow(service, "jobs", WINNOW_KEY="wnw_wrong")
        assert wrong.returncode == 1
        done = winnow(service, "submit", "small.yaml", "crawl/", "-o", "out", "--watch", "--key-file", "key")
        assert done.returncode == 0, done.stderr
        listed = winnow(service, "jobs", "--json", WINNOW_KEY=key)
        assert [j["state"] for j in json.loads(listed.stdout)] == ["completed"]
        said = [refused, wrong, done, listed]
    assert key not in "".join(s.stdout + s.stderr for s in said)
    assert "wnw_wrong" not in "".join(s.stdout + s.stderr for s in said)
    kept = [p for p in tmp_path.rglob("*") if p.is_file() and p.name != "key" and key.encode() in p.read_bytes()]
    assert kept == []
