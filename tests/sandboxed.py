"""Many statements in one confined process, for tests: a line of JSON in, a line of JSON out. Run: -m tests.sandboxed.

gate false: what the engine and the process hold alone, if the gate had let everything through.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from pipeline.sandbox.process import environment

ROOT = Path(__file__).parent.parent


def run_all(store: str, statements: list[str], gate: bool, memory_bytes: int = 512 << 20) -> list[dict[str, Any]]:
    """Each statement's outcome: {"rows": [...]} or {"error": type, "said": words}, in order."""
    question = {"store": store, "statements": statements, "gate": gate, "memory_bytes": memory_bytes}
    done = subprocess.run(
        [sys.executable, "-m", "tests.sandboxed"], input=json.dumps(question), capture_output=True, text=True, cwd=ROOT,
        timeout=300, check=True, env=environment(remote=False),
    )  # fmt: skip
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def _one(opened: Any, sql: str, gated: bool, limits: Any) -> dict[str, Any]:
    from pipeline.sandbox import child, gate

    try:
        if gated:
            gate.check(sql, opened.tables)
            answer = child._run(opened, sql, "json", limits)
            return {"rows": json.loads(answer.body)}
        return {"rows": [[str(v)[:2000] for v in row] for row in opened.connection.execute(sql).fetchmany(100)]}
    except BaseException as error:
        return {"error": type(error).__name__, "said": str(error)}


def main() -> None:
    from pipeline.sandbox import child
    from pipeline.sandbox.confine import confine
    from pipeline.sandbox.engine import close, open_job
    from pipeline.sandbox.limits import Limits
    from pipeline.storage.store import Store

    child._warm()
    question = json.loads(sys.stdin.read())
    limits = Limits(seconds=200, memory_bytes=question["memory_bytes"])
    opened = open_job(Store(question["store"]), None, None)
    confine(opened.files, limits, remote=False)
    close(opened, limits)
    json.dump([_one(opened, sql, question["gate"], limits) for sql in question["statements"]], sys.stdout)


if __name__ == "__main__":
    main()
