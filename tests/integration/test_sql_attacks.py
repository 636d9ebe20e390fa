"""Attacks on SQL from strangers are refused; and were the gate not there, engine and kernel would leave them without effect."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import psutil
import pytest

from pipeline.catalog.views import VIEWS
from pipeline.errors import SqlRefused, SqlTooLarge
from pipeline.sandbox import landlock
from pipeline.sandbox.gate import check
from pipeline.sandbox.process import Spares, environment, start
from pipeline.storage.store import Store
from tests.fixtures_sql import ATTACKS, CANARY, TESTS, digests, written
from tests.sandboxed import run_all


@pytest.mark.parametrize(("family", "statement"), ATTACKS)
def test_an_attack_is_refused(sql_folder: Path, family: str, statement: str) -> None:
    with pytest.raises((SqlRefused, SqlTooLarge)):
        check(written(sql_folder, statement), VIEWS)


def test_without_the_gate_no_attack_has_effect(sql_folder: Path, sql_store: Store) -> None:
    asked: list[str] = []

    class Counting(BaseHTTPRequestHandler):
        def handle(self) -> None:
            asked.append("called")

    server = HTTPServer(("127.0.0.1", 0), Counting)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    before = digests(sql_folder)
    # those that only take time are held by the clock alone: test_every_bomb_ends_in_time
    attacks = [s for family, s in ATTACKS if family not in ("waiting", "unbounded")]
    answers = run_all(sql_store.root, [written(sql_folder, s, server.server_port) for s in attacks], gate=False)
    server.shutdown()
    assert len(answers) == len(attacks) >= 150
    assert digests(sql_folder) == before
    assert asked == []
    assert [a for a in answers if CANARY in str(a.get("rows"))] == []
    assert not Path("/tmp/winnow-sql-attack.csv").exists()


def test_the_environment_stays_outside(sql_store: Store, spares: Spares) -> None:
    process = start(remote=False)
    try:
        deadline = time.monotonic() + 60
        while not (seen := psutil.Process(process.pid).environ()) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert CANARY not in str(seen)
        assert "PYTHONPATH" in seen
    finally:
        process.kill()
        process.wait()


GIVEN_UP = {
    "another file": "open('/etc/passwd').read()",
    "a folder": "os.listdir('/')",
    "the environment": "open('/proc/self/environ').read()",
    "writing a part": "open(part, 'r+b')",
    "cutting a part": "os.truncate(part, 0)",
    "removing a part": "os.unlink(part)",
    "a new file": "open(part + '.new', 'w')",
    "a new folder": "os.mkdir(part + '.new')",
    "a link": "os.symlink('/etc/passwd', part + '.new')",
    "a TCP socket": "socket.socket()",
    "a UDP socket": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
    "a socket pair": "socket.socketpair()",
    "a process": "os.fork()",
    "a program": "os.execv('/bin/true', ['true'])",
    "a program beside": "subprocess.run(['/bin/true'])",
    "another's signal": "os.kill(os.getppid(), 0)",
    "memory": "bytearray(3 << 30)",
    "memory by file": "os.memfd_create('x')",
}
PROBE = """
import json, os, socket, subprocess, sys, threading, time
from pipeline.sandbox.child import _warm
from pipeline.sandbox.confine import confine
from pipeline.sandbox.engine import close, open_job
from pipeline.sandbox.limits import Limits
from pipeline.storage.store import Store
_warm()
opened = open_job(Store(sys.argv[1]), None, None)
def named(task):
    try:
        return open(f'/proc/self/task/{task}/comm').read()
    except OSError:
        return 'gone'
give_up = time.monotonic() + 60
# one that has ended is listed for a moment still, and one that begins does not have its name yet
while (threads := sum(named(t) not in ('gone', 'jemalloc_bg_thd\\n') for t in os.listdir('/proc/self/task'))) != 1 and time.monotonic() < give_up:
    time.sleep(0.01)
confine(opened.files, Limits(threads=2), remote=False)
close(opened, Limits(threads=2))
part, held = opened.files[0], {}
def attempt(name, code):
    try:
        eval(code)
        held[name] = 'done'
    except (OSError, MemoryError) as error:
        held[name] = type(error).__name__
for name, code in json.loads(sys.argv[2]).items():
    attempt(name, code)
    beside = threading.Thread(target=attempt, args=(name + ' in a thread', code))
    beside.start()
    beside.join()
held['its own parts'] = open(part, 'rb').read(4).decode()
held['threads before'] = threads
held['a query'] = opened.connection.sql('select count(*) from documents').fetchall()[0][0]
print(json.dumps(held))
"""


@pytest.mark.skipif(not (sys.platform == "linux" and landlock.supported()), reason="this kernel has no Landlock")
def test_the_process_gives_up_all_but_its_parts(sql_store: Store, sql_folder: Path) -> None:
    before = digests(sql_folder)
    done = subprocess.run(
        [sys.executable, "-c", PROBE, sql_store.root, json.dumps(GIVEN_UP)], capture_output=True, text=True, cwd=TESTS.parent,
        timeout=300, check=True, env=environment(remote=False),
    )  # fmt: skip
    held = json.loads(done.stdout)
    assert [name for name, said in held.items() if said == "done"] == []
    assert held["its own parts"] == "PAR1"
    assert held["a query"] == 240
    assert held["threads before"] == 1, "a thread from before the process is confined is not confined"
    assert digests(sql_folder) == before
