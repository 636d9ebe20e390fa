"""Runs a command on one core and says what it used: python launch.py CORE LIMIT_S TOLD COMMAND...

A process of its own, because Linux counts into a child's peak memory what its parent held when it was forked: here, next to nothing.
"""

from __future__ import annotations

import json
import os
import resource
import sys


def main() -> None:
    core, limit_s, told, *command = sys.argv[1:]
    child = os.fork()
    if not child:
        os.sched_setaffinity(0, {int(core)})
        resource.setrlimit(resource.RLIMIT_CPU, (int(limit_s) + 1, int(limit_s) + 2))
        os.execv(command[0], command)
    _, status, used = os.wait4(child, 0)
    with open(told, "w") as file:
        json.dump({"status": status, "cpu_s": used.ru_utime + used.ru_stime, "peak_bytes": used.ru_maxrss * 1024}, file)


if __name__ == "__main__":
    main()
