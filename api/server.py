"""Serving the app: a socket of its own, patience with slow clients that ends, and a quiet end on SIGTERM."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import sys
from collections.abc import Callable
from types import FrameType

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from api.access.keys import Keys
from api.app import create_app
from api.errors import KeysNeeded
from api.settings import Settings
from pipeline.errors import UsageError
from pipeline.sources.confined import confine_to

BACKLOG = 512


def check_reachable(settings: Settings, keys: Keys) -> None:
    """Refuse to be reachable from elsewhere while anybody would be let in. Raises KeysNeeded."""
    if not (settings.loopback or keys.required() or settings.insecure):
        raise KeysNeeded(
            f"--host {settings.host}: others could reach the service, and no key was ever made, so that anybody could do anything. "
            "Make one first: winnow keys create --name NAME --role admin; or say --insecure where something in front keeps others out"
        )


def open_socket(host: str, port: int, stalled_s: int = 120) -> socket.socket:
    """A listening socket; connections of it whose peer takes nothing for stalled_s seconds are ended.

    Raises UsageError where the address is taken, not of this machine, or not allowed.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        opened = socket.socket(family, kind, protocol)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if sys.platform == "linux":
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, stalled_s * 1000)
        opened.bind(address)
        opened.listen(BACKLOG)
    except OSError as error:
        why = {
            errno.EADDRINUSE: "is in use by another process; choose another with --port, or --port 0 for any that is free",
            errno.EACCES: "may not be opened by this user; choose a --port above 1023",
            errno.EADDRNOTAVAIL: "is not an address of this machine; choose another --host",
        }.get(error.errno or 0, f"cannot be opened ({error.strerror or error}); choose another --host or --port")
        raise UsageError(f"{host}:{port} {why}") from None
    return opened


def serve(settings: Settings, told: Callable[[str, bool], None]) -> None:
    """Serve until SIGTERM or SIGINT. told: called with the address and whether keys are needed, once requests are taken.

    Raises UsageError, KeysNeeded, AlreadyServed before it serves.
    """
    keys = Keys(settings.state_folder)
    check_reachable(settings, keys)
    listening = open_socket(settings.host, settings.port, settings.limits.stalled_seconds)
    confine_to([*map(str, settings.root_folders), *settings.buckets])
    app = create_app(settings)
    server = _Server(_config(app, settings), app, lambda: told(_address(settings.host, listening), keys.required()))
    try:
        server.run(sockets=[listening])
    except SystemExit:  # uvicorn's own way out when the app does not start
        if app.state.startup_error is None:
            raise
    finally:
        listening.close()
    if app.state.startup_error is not None:
        raise app.state.startup_error


def _config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    limits = settings.limits
    return uvicorn.Config(
        app, http=_patient(limits.head_seconds), ws="none", loop="asyncio", lifespan="on", log_config=None, access_log=False,
        server_header=False,
        proxy_headers=bool(settings.proxies), forwarded_allow_ips=list(settings.proxies), limit_concurrency=limits.connections, backlog=BACKLOG,
        timeout_keep_alive=limits.keep_alive_seconds, timeout_graceful_shutdown=limits.drain_seconds,
        h11_max_incomplete_event_size=limits.head_bytes,
    )  # fmt: skip


class _Server(uvicorn.Server):
    """Says when it is there; on a signal, tells streams to end, and does not pass the signal on: that is exit code 0."""

    def __init__(self, config: uvicorn.Config, app: FastAPI, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._app = app
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        said = logging.getLogger("uvicorn.error")
        said.disabled = True  # it would log what keeps the app from starting as a traceback; serve() raises it
        try:
            await super().startup(sockets)
        finally:
            said.disabled = False
        self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit:
            self.force_exit = True  # asked twice: open requests are not waited for
        self.should_exit = True
        self._app.state.stopping.set()


def _patient(seconds: float) -> type[H11Protocol]:
    """HTTP/1.1 that waits so long for the head of a request: without it a client that sends it byte by byte stays for ever."""

    class Patient(H11Protocol):
        _head_due: asyncio.TimerHandle

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._head_due = self.loop.call_later(seconds, self._give_up)

        def on_response_complete(self) -> None:
            self._head_due.cancel()
            self._head_due = self.loop.call_later(seconds, self._give_up)
            super().on_response_complete()

        def connection_lost(self, exc: Exception | None) -> None:
            self._head_due.cancel()
            super().connection_lost(exc)

        def _give_up(self) -> None:
            if self.conn.their_state is h11.IDLE:  # no head came whole since it was last their turn
                self.transport.close()

    return Patient


def _address(host: str, listening: socket.socket) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listening.getsockname()[1]}"
