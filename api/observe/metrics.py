"""What Prometheus reads: requests, questions, streams as they happen; jobs and work done as the catalog has them when asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60)
SQL_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60)
COUNTED_FOR_S = 1.0
"""Counts of the catalog are asked for at most this often."""
SqlOutcome = Literal["answered", "refused", "timeout", "out_of_memory", "too_large", "abandoned", "error", "too_many"]
WorkCounts = dict[str, dict[str, float]]
"""Metric name -> label value ("" for none) -> value."""


class Metrics:
    """The metrics of one service, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "winnow_http_requests", "Requests.", ["route", "method", "status"], registry=self.registry
        )
        self._latency = Histogram(
            "winnow_http_request_seconds", "From the request's head to the end of its answer.", ["route", "method"],
            buckets=REQUEST_SECONDS, registry=self.registry,
        )  # fmt: skip
        self._sql = Counter("winnow_sql_questions", "SQL questions.", ["outcome"], registry=self.registry)
        self._sql_seconds = Histogram(
            "winnow_sql_seconds", "Of SQL questions.", buckets=SQL_SECONDS, registry=self.registry
        )
        self.sse_streams = Gauge("winnow_sse_streams", "Open streams of events.", registry=self.registry)
        build = Gauge("winnow_build_info", "Which Winnow this is; always 1.", ["version"], registry=self.registry)
        build.labels(version("winnow-curation")).set(1)

    def asked(self, route: str, method: str, status: int, seconds: float) -> None:
        """A request has its answer."""
        known = method if method in METHODS else "other"
        self._requests.labels(route, known, str(status)).inc()
        self._latency.labels(route, known).observe(seconds)

    def sql(self, outcome: SqlOutcome, seconds: float) -> None:
        """An SQL question has ended."""
        self._sql.labels(outcome).inc()
        self._sql_seconds.observe(seconds)

    def count_work(self, counts: Callable[[], WorkCounts]) -> None:
        """Tell from now on what this function counts of jobs and their work."""
        self.registry.register(_Work(counts))

    def text(self) -> bytes:
        """All of it, in Prometheus' text format."""
        return generate_latest(self.registry)


FAMILIES = {
    "winnow_jobs": ("Jobs by state.", "state"),
    "winnow_queue_length": ("Jobs that wait for their turn.", None),
    "winnow_jobs_running": ("Jobs with a runner.", None),
    "winnow_units_done": ("Units of work that the jobs of this workspace have done.", None),
    "winnow_work_bytes": ("Bytes of those units.", None),
    "winnow_clerk_processes": ("Processes that look things up.", None),
}


class _Work(Collector):
    def __init__(self, counts: Callable[[], WorkCounts]) -> None:
        self._counts = counts
        self._lock = threading.Lock()
        self._last: WorkCounts = {}
        self._at = float("-inf")

    def collect(self) -> Iterator[Metric]:
        with self._lock:
            if time.monotonic() - self._at > COUNTED_FOR_S:
                self._last, self._at = self._counts(), time.monotonic()
            counts = self._last
        for name, values in counts.items():
            about, label = FAMILIES[name]
            family = GaugeMetricFamily(name, about, labels=[label] if label else [])
            for value, count in values.items():
                family.add_metric([value] if label else [], count)
            yield family

    def describe(self) -> Iterable[Metric]:
        return [GaugeMetricFamily(name, about) for name, (about, _) in FAMILIES.items()]
