"""Ports for servers that are started as processes of their own."""

from __future__ import annotations

import random
import socket

LOWEST, HIGHEST = 20_000, 32_000
"""Below those that Linux gives to whoever connects, or asks for any: one of these may be another's before the server has it."""


def free_port() -> int:
    """A port of the loopback that nobody has."""
    for port in random.sample(range(LOWEST, HIGHEST), 1_000):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError(f"all ports from {LOWEST} to {HIGHEST} are taken")
