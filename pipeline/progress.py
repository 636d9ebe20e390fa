"""What a user sees while a job runs: bars on a terminal, one JSON line now and then otherwise."""

from __future__ import annotations

import json
import sys
import time
from typing import IO, TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import rich.progress

LINE_EVERY_S = 10.0


class Progress(Protocol):
    """Told by the job about the stage it is in."""

    def start(self, stage: str, units: int, units_done: int, work_bytes: int) -> None: ...

    def advance(self, done_bytes: int) -> None: ...

    def finish(self, seconds: float) -> None: ...

    def warn(self, message: str) -> None: ...

    def close(self) -> None: ...


class Silent:
    """Shows nothing; for tests and the Python face."""

    def start(self, stage: str, units: int, units_done: int, work_bytes: int) -> None: ...

    def advance(self, done_bytes: int) -> None: ...

    def finish(self, seconds: float) -> None: ...

    def warn(self, message: str) -> None: ...

    def close(self) -> None: ...


class Lines:
    """JSON lines on a stream, at most one every LINE_EVERY_S within a stage and one at its end."""

    def __init__(self, stream: IO[str] = sys.stderr) -> None:
        self._stream = stream

    def start(self, stage: str, units: int, units_done: int, work_bytes: int) -> None:
        self._stage, self._total, self._done = stage, work_bytes, 0
        self._units, self._units_done, self._reused = units, 0, units_done
        self._started = self._said = time.monotonic()

    def advance(self, done_bytes: int) -> None:
        self._done += done_bytes
        self._units_done += 1
        if time.monotonic() - self._said >= LINE_EVERY_S:
            self._said = time.monotonic()
            self._say()

    def finish(self, seconds: float) -> None:
        self._say(finished=True)

    def warn(self, message: str) -> None:
        self._write({"verb": "warning", "message": message})

    def close(self) -> None:
        self._stream.flush()

    def _say(self, finished: bool = False) -> None:
        seconds = max(time.monotonic() - self._started, 1e-6)
        rate = self._done / seconds
        told: dict[str, object] = {
            "verb": "stage_finished" if finished else "progress",
            "stage": self._stage,
            "units": f"{self._units_done}/{self._units}",
            "units_reused": self._reused,
            "mb_per_s": round(rate / 1e6, 1),
            "seconds": round(seconds, 1),
        }
        if not finished and rate > 0:
            told["eta_s"] = round((self._total - self._done) / rate)
        self._write(told)

    def _write(self, told: dict[str, object]) -> None:
        self._stream.write(json.dumps(told) + "\n")
        self._stream.flush()


def stage_bars() -> rich.progress.Progress:
    """A bar a stage on stderr, with the units that a task's field `units` says, MB/s (none where its field `reused` is set) and
    time left. What is printed beside them is no markup."""
    from rich import progress
    from rich.console import Console
    from rich.text import Text

    class Rate(progress.TransferSpeedColumn):
        def render(self, task: progress.Task) -> Text:
            return Text("reused") if task.fields.get("reused") else super().render(task)

    return progress.Progress(
        progress.TextColumn("{task.description:<10}", markup=False), progress.BarColumn(bar_width=30),
        progress.TextColumn("{task.fields[units]:>9}"), Rate(), progress.TimeElapsedColumn(), progress.TextColumn("left"),
        progress.TimeRemainingColumn(), console=Console(stderr=True, highlight=False, markup=False),
    )  # fmt: skip


class Bars:
    """rich bars with MB/s and time left."""

    def __init__(self) -> None:
        self._bars = stage_bars()
        self._bars.start()

    def start(self, stage: str, units: int, units_done: int, work_bytes: int) -> None:
        self._units, self._units_done = units, 0
        self._task = self._bars.add_task(stage, total=max(work_bytes, 1), units=f"0/{units}")

    def advance(self, done_bytes: int) -> None:
        self._units_done += 1
        self._bars.update(self._task, advance=done_bytes, units=f"{self._units_done}/{self._units}")

    def finish(self, seconds: float) -> None:
        self._bars.update(self._task, completed=self._bars.tasks[self._task].total)

    def warn(self, message: str) -> None:
        self._bars.console.print(f"warning: {message}", style="yellow")

    def close(self) -> None:
        self._bars.stop()


def choose(as_json: bool, quiet: bool) -> Progress:
    """Bars where a person looks, lines where a log does."""
    if quiet:
        return Silent()
    if as_json or not sys.stderr.isatty():
        return Lines()
    return Bars()
