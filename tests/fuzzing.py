"""The service held against its own description: schemathesis with all its checks, over a workspace with a finished job.

`python -m tests.fuzzing --examples 500 --minutes 20` (make fuzz) is the long run; the suite has a short one.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import winnow
from api.watch import stream
from tests.corpora import write_parquet
from tests.fixtures_sql import RECIPE
from tests.hosting import hosted
from tests.serving import make_keys, settings_of

STREAM_S = 1.0
"""How long a stream of events stays open here: a job that waits would keep it open for ever."""
UNBOUNDED = {"requests_per_minute": 10**9, "failures_per_minute": 10**9}
SEMANTIC = (200, 202, 204, 304, 401, 403, 404, 409, 422, 429)
"""What may be answered where a schema cannot say all that is wrong: recipes, SQL, paths, cursors' owners."""

REFUSED = (400, 401, 403, 404, 405, 406, 408, 409, 413, 415, 416, 422, 429, 503)
OWN = {
    ("list_jobs", "list_job_shards", "list_job_clusters", "list_job_artifacts"): (400,),
    ("get_job_artifact",): (206, 416),
    ("list_job_events", "ask_sql"): (406,),
}
"""What single operations may answer to what fits their schema: a cursor that is none, a range, a media type."""


@dataclass(frozen=True)
class Fuzzed:
    """How it went. exit_code: 0 if no check failed; said: all that schemathesis printed."""

    exit_code: int
    said: str


def fuzz(root: Path, examples: int, minutes: float | None = None, options: Sequence[str] = ()) -> Fuzzed:
    """Serve a workspace below `root` and let schemathesis at it."""
    job = winnow.run(
        RECIPE,
        [str(write_parquet(root / "in"))],
        workspace=str(root / "ws"),
        output=str(root / "out"),
        executor="local",
        workers=1,
    ).job_id
    key = make_keys(settings_of(root / "ws"))["admin"]
    config = root / "schemathesis.toml"
    config.write_text(_config(root, job, examples), encoding="utf-8")
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(config), "run", "--phases",
        "examples,coverage,fuzzing,stateful", "--checks", "all", "--header", f"Authorization: Bearer {key}", "--continue-on-failure",
        *(["--max-time", str(round(minutes * 60))] if minutes else []), *options,
    ]  # fmt: skip
    with (
        mock.patch.object(stream, "STREAM_S", STREAM_S),
        hosted(root / "ws", roots=(str(root),), queue=3, executor="local", limits=UNBOUNDED) as service,
    ):
        done = subprocess.run([*command, f"{service.url}/openapi.json"], capture_output=True, text=True, cwd=root)
    return Fuzzed(done.returncode, done.stdout + done.stderr)


def _config(root: Path, job: str, examples: int) -> str:
    """Values that lead somewhere, so that not every request ends at an unknown id; what else is random."""
    dictionaries = {
        "jobs": [job],
        "columns": ["gopher.word_count", "text_bytes"],
        "documents": ["doc-00005", "doc-00009"],
        "files": ["manifest.json", "README.md", "data"],
        "recipes": ["minimal", "fineweb", "gopher"],
        "inputs": [str(root / "in")],
        "queries": ["select count(*) as n from documents", "select * from jobs", "select 1 as a"],
        "stages": ["notes", "mix"],
    }
    bound = {
        "path.job_id": "jobs", "path.other": "jobs", "path.column": "columns", "path.doc_id": "documents", "path.cluster": "documents",
        "path.name": "files", "body.recipe": "recipes", "body.inputs[*]": "inputs", "body.query": "queries", "query.stage": "stages",
    }  # fmt: skip
    lines = [f"[dictionaries.{name}]\nvalues = {json.dumps(values)}" for name, values in dictionaries.items()]
    lines.append("[parameters]")
    lines += [
        f"{json.dumps(name)} = {{ dictionary = {json.dumps(known)}, probability = 0.6 }}"
        for name, known in bound.items()
    ]
    lines.append(f"[generation]\nmax-examples = {examples}")
    lines.append(f"[checks.positive_data_acceptance]\nexpected-statuses = {json.dumps([*SEMANTIC])}")
    lines.append(f"[checks.negative_data_rejection]\nexpected-statuses = {json.dumps([*REFUSED])}")
    for operations, more in OWN.items():
        own = json.dumps([*SEMANTIC, *more])
        lines.append(
            f"[[operations]]\ninclude-operation-id = {json.dumps(operations)}\nchecks.positive_data_acceptance.expected-statuses = {own}"
        )
    return "\n".join(lines) + "\n"


def main() -> int:
    """From the command line; the exit code is schemathesis'."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=500, help="for each operation and phase")
    parser.add_argument("--minutes", type=float, default=None, help="go on for so long")
    given, others = parser.parse_known_args()
    with tempfile.TemporaryDirectory(prefix="winnow-fuzz-", ignore_cleanup_errors=True) as folder:
        found = fuzz(Path(folder), given.examples, given.minutes, others)
        print(found.said)  # noqa: T201
    return found.exit_code


if __name__ == "__main__":
    sys.exit(main())
