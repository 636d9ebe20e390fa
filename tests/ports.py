"""Ports for servers that are started by number, or come back under the same one."""

from __future__ import annotations

import contextlib
import random
import socket

FROM, TO = 20_000, 32_000
"""Below what Linux hands out by itself (32768 on): no connection anywhere takes one of these meanwhile, and no client that asks
again and again for a server which is away reaches itself."""


def free_port() -> int:
    """A port of the loopback that nobody listens at."""
    pick = random.SystemRandom()
    while True:
        port = pick.randrange(FROM, TO)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
