"""Commands with its input, workspace and output in a bucket: a run, a takedown, and the takedown undone."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from pipeline.cli import commands
from pipeline.storage.files import filesystem
from tests.corpora import write_parquet
from tests.fixtures_bucket import bucket, server

__all__ = ["bucket", "server"]
GONE = "doc-00001"


def _output(bucket: str) -> dict[str, bytes]:
    fs = filesystem(bucket)
    return {p: fs.cat_file(p) for p in fs.find(f"{bucket}/out/data") if p.endswith(".parquet")}


def test_a_takedown_in_a_bucket_and_its_undoing(bucket: str, tmp_path: Path) -> None:
    filesystem(bucket).put(
        f"{write_parquet(tmp_path / 'crawl', count=40, files=2)}/", f"{bucket}/crawl/", recursive=True
    )

    def done(*asked: str) -> str:
        told = CliRunner().invoke(commands(), [*asked, "--workspace", f"{bucket}/ws"])
        assert told.exit_code == 0, told.output
        return told.stdout

    def run() -> dict[str, bytes]:
        done("run", "minimal", f"{bucket}/crawl", "--output", f"{bucket}/out", "-q", "--executor", "local", "-n", "1")
        return _output(bucket)

    first = run()
    made = json.loads(done("takedown", GONE, "--why", "ticket 7", "--json"))
    assert f"{GONE}: removed by takedown" in done("why", GONE)
    assert run() != first
    done("takedown", "--undo", made["id"], "--why", "withdrawn")
    assert run() == first
    assert f"{GONE}: kept" in done("why", GONE)
    assert json.loads(done("takedown", "--list", "--json"))[0]["undone"]["why"] == "withdrawn"
