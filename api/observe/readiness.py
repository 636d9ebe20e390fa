"""Whether the service can do its work: the catalog answers, the supervisor turns, disk is left, Ray can be reached."""

from __future__ import annotations

import contextlib
import shutil
import socket
import threading
import time
from typing import TYPE_CHECKING

from pipeline.errors import WinnowError

if TYPE_CHECKING:
    from api.service import Service

CACHED_S = 1.0
RAY_CONNECT_S = 1.0
RAY_PORT = 6379


class Checks:
    """The checks of /readyz, made at most once a second whoever asks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._at = float("-inf")
        self._found: dict[str, str] = {}

    def found(self, service: Service) -> dict[str, str]:
        """Check -> `ok`, or what is wrong."""
        with self._lock:
            if time.monotonic() - self._at > CACHED_S:
                self._found = _check(service)
                self._at = time.monotonic()
            return self._found


def _check(service: Service) -> dict[str, str]:
    found = {"catalog": _catalog(service), "supervisor": _supervisor(service), "disk": _disk(service)}
    if service.settings.ray_address not in (None, "auto", "local"):
        found["ray"] = _ray(str(service.settings.ray_address))
    return found


def _catalog(service: Service) -> str:
    try:
        service.catalog.rows("select 1")
    except Exception as error:  # whatever it is, the catalog does not answer; the log of the fault says more
        return f"does not answer ({error.code if isinstance(error, WinnowError) else type(error).__name__})"
    return "ok"


def _supervisor(service: Service) -> str:
    return "ok" if service.supervisor.alive() else "its loop does not turn"


def _disk(service: Service) -> str:
    folders = [service.settings.state_folder] + ([] if service.store.remote else [service.store.root])
    for folder in folders:
        with contextlib.suppress(FileNotFoundError):
            free = shutil.disk_usage(folder).free
            if free < service.settings.limits.disk_free_bytes:
                return (
                    f"{free >> 20:,} MiB are free, expected {service.settings.limits.disk_free_bytes >> 20:,} or more"
                )
    return "ok"


def _ray(address: str) -> str:
    host, _, port = address.rpartition("://")[2].rpartition(":")
    try:
        with socket.create_connection((host or port, int(port) if host else RAY_PORT), timeout=RAY_CONNECT_S):
            return "ok"
    except (OSError, ValueError):
        return "its address cannot be reached"
