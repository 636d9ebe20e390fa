"""What a waiting user sees of a job: bars where a person looks, JSON lines where a program reads."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from typing import IO, Any, Protocol

from pipeline.progress import stage_bars
from pipeline.wording import printable
from winnow.client.operations.watch import Event


class Show(Protocol):
    """Told of every event."""

    def tell(self, event: Event) -> None: ...

    def close(self) -> None: ...


class Silent:
    """Shows nothing."""

    def tell(self, event: Event) -> None: ...

    def close(self) -> None: ...


class Lines:
    """One JSON object a line, each event as it came."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def tell(self, event: Event) -> None:
        told = {"id": event.id, "event": event.kind, "data": event.fields}  # as the service's own pages of events
        self._stream.write(json.dumps(told, ensure_ascii=False) + "\n")
        self._stream.flush()

    def close(self) -> None: ...


class Bars:
    """A bar for each stage, with MB/s and time left, as `winnow run` has them; states and warnings above."""

    def __init__(self) -> None:
        self._bars = stage_bars()
        self._tasks: dict[str, Any] = {}
        self._units: dict[str, int] = {}
        self._bars.start()

    def tell(self, event: Event) -> None:
        fields = event.fields
        match event.kind:
            case "state":
                reason = f": {fields['message']}" if fields.get("message") else ""
                self._bars.console.print(printable(f"{fields.get('state')}{reason}"))
            case "warning" | "note":
                self._bars.console.print(printable(f"warning: {fields.get('message')}"), style="yellow")
            case "stage":
                self._stage(fields)
            case "progress":
                task = self._task(str(fields.get("stage")))
                self._bars.update(
                    task, completed=fields.get("bytes_done") or 0, total=max(fields.get("bytes") or 0, 1),
                    units=f"{fields.get('units_done') or 0}/{fields.get('units') or 0}",
                )  # fmt: skip

    def _stage(self, fields: dict[str, Any]) -> None:
        stage = str(fields.get("stage"))
        task = self._task(stage)
        if fields.get("verb") == "stage_started":
            done = fields.get("units_done") or 0  # there before: a stage counts only what is left as its units
            self._units[stage] = done + (fields.get("units") or 0)
            units = f"{done}/{self._units[stage]}"
            self._bars.reset(task, total=max(fields.get("bytes") or 0, 1), units=units, reused=False)
        else:
            units = f"{self._units[stage]}/{self._units[stage]}" if stage in self._units else ""
            reused = fields.get("verb") == "stage_reused"
            self._bars.update(task, completed=self._bars.tasks[task].total, units=units, reused=reused)
            self._bars.stop_task(task)

    def _task(self, stage: str) -> Any:
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(printable(stage), total=1, units="")
        return self._tasks[stage]

    def close(self) -> None:
        self._bars.stop()


@contextlib.contextmanager
def shown(progress: bool) -> Iterator[Show]:
    """Bars on a terminal or in a notebook, JSON lines on stderr otherwise, nothing if not wanted."""
    show: Show = Silent()
    if progress:
        show = Bars() if sys.stderr.isatty() or "ipykernel" in sys.modules else Lines(sys.stderr)
    try:
        yield show
    finally:
        show.close()
