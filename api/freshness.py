"""Keeps the catalog up with the files: at once where the supervisor says so, soon for jobs that run, and for all now and then."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from pipeline.catalog.database import Catalog

RUNNING_S = 1.0
ALL_S = 15.0
"""Jobs that were started outside the service are seen after so long."""
log = structlog.get_logger("winnow.catalog")


class Freshness:
    """A thread that refreshes the catalog."""

    def __init__(self, catalog: Catalog, running: Callable[[], list[str]]) -> None:
        self._catalog = catalog
        self._running = running
        self._lock = threading.Lock()
        self._word = threading.Event()
        self._changed: set[str] = set()
        self._closed = False
        self._said = ""
        self._all_at = time.monotonic()
        self._thread = threading.Thread(target=self._turn, name="catalog-freshness", daemon=True)

    def start(self) -> None:
        """From here on."""
        self._thread.start()

    def changed(self, job_id: str) -> None:
        """This job's files say something new."""
        with self._lock:
            self._changed.add(job_id)
        self._word.set()

    def close(self) -> None:
        """Until here: a refresh under way is finished."""
        self._closed = True
        self._word.set()
        self._thread.join()

    def _turn(self) -> None:
        while not self._closed:
            told = self._word.wait(RUNNING_S)
            self._word.clear()
            for job_id in self._due(told):
                if not self._closed:
                    self._refresh(job_id)

    def _refresh(self, job_id: str | None) -> None:
        try:
            self._catalog.refresh(job_id)
            if job_id is None:
                self._catalog.rest()
            self._said = ""
        except Exception as error:  # files may be gone for a moment, or a disk be full: the look at all tries again
            if self._said != repr(error):  # once: the same may happen every second for hours
                log.error("catalog_not_refreshed", job_id=job_id, kind=type(error).__name__, exc_info=error)
            self._said = repr(error)

    def _due(self, told: bool) -> list[str] | list[None]:
        """Jobs to look at; [None]: all of them."""
        with self._lock:
            changed, self._changed = self._changed, set()
        if time.monotonic() - self._all_at > ALL_S:
            self._all_at = time.monotonic()
            return [None]
        return sorted(changed if told else changed | set(self._running()))
