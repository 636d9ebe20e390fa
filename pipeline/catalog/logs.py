"""A job's log, folded into the catalog's rows: from a remembered byte on, whole lines only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from pipeline.catalog.batch import number, small, text, tree, whole
from pipeline.store import Store

READ_BYTES = 64 << 20

Stage = dict[str, Any]
"""A row of the table `stages` by column name."""


def read_lines(store: Store, path: str, after: int) -> Iterator[tuple[bytes, int]]:
    """(whole lines, byte after them) from byte `after` on, in pieces; a last line without its end waits."""
    if not store.exists(path):
        return
    with store.open(path) as file:
        file.seek(after)
        rest = b""
        while piece := file.read(READ_BYTES):
            piece = rest + piece
            whole_lines, newline, rest = piece.rpartition(b"\n")
            if newline:
                after += len(whole_lines) + 1
                yield whole_lines, after


def events(lines: bytes, end: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """(id, event) of each line; the id is the byte after it. What is no event is passed over."""
    at = end - len(lines) - 1
    for line in lines.split(b"\n"):
        at += len(line) + 1
        try:
            event = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        if isinstance(event, dict):
            yield at, event


class Fold:
    """What a job's events say so far. stages: rows of before, changed in place and added to; units: new rows alone."""

    def __init__(self, job: str, stages: list[Stage]) -> None:
        self.job = job
        self.stages = stages
        self.units: list[tuple[Any, ...]] = []

    def take(self, at: int, event: dict[str, Any]) -> None:
        """One more event."""
        verb = event.get("verb")
        if verb == "unit_done":
            self._unit_done(at, event)
        elif verb == "unit_failed":
            for stage in self._running(event):
                stage["units_failed"] += 1
        elif verb == "stage_started":
            self._started(at, event)
        elif verb in ("stage_finished", "stage_reused"):
            self._ended(at, event, str(verb))

    def _unit_done(self, at: int, event: dict[str, Any]) -> None:
        get = event.get
        self.units.append((
            self.job, at, text(get("stage")), text(get("part")), text(get("unit")), whole(get("rows")),
            whole(get("bytes")), whole(get("part_bytes")), number(get("seconds")), number(get("mb_per_s")),
            text(get("worker")), small(get("attempts")), text(get("at")),
        ))  # fmt: skip
        for stage in self._running(event):
            stage["units_done"] += 1
            stage["bytes_done"] += whole(get("bytes")) or 0

    def _running(self, event: dict[str, Any]) -> list[Stage]:
        """The stage that an event is of: the one of its kind that was started last."""
        of_kind = [s for s in self.stages if s["stage"] == event.get("stage") and s["state"] == "running"]
        return [max(of_kind, key=lambda s: s["started_event"])] if of_kind else []

    def _of(self, at: int, event: dict[str, Any]) -> Stage:
        key, kind = text(event.get("table")), text(event.get("stage"))
        for stage in self.stages:
            if (stage["stage"], stage["table_key"]) == (kind, key):
                return stage
        made: Stage = {
            "job": self.job, "number": len(self.stages), "stage": kind, "table_key": key, "verb": None, "state": "running",
            "units": 0, "units_done": 0, "units_before": 0, "units_failed": 0, "bytes_planned": 0, "bytes_done": 0,
            "rows": None, "bytes": None, "seconds": None, "counts": None, "executor": None, "workers": None,
            "started_at": None, "finished_at": None, "started_event": at,
        }  # fmt: skip
        self.stages.append(made)
        return made

    def _started(self, at: int, event: dict[str, Any]) -> None:
        """Also of one that was broken off: units that are done are not done again."""
        before = whole(event.get("units_done")) or 0
        self._of(at, event).update(
            verb="stage_started", state="running", units=before + (whole(event.get("units")) or 0), units_done=before,
            units_before=before, bytes_planned=whole(event.get("bytes")) or 0, bytes_done=0,
            executor=text(event.get("executor")), workers=small(event.get("workers")), started_at=text(event.get("at")),
            finished_at=None, started_event=at,
        )  # fmt: skip

    def _ended(self, at: int, event: dict[str, Any], verb: str) -> None:
        stage = self._of(at, event)
        if verb == "stage_reused" and stage["verb"] == "stage_finished":
            return  # of another attempt of this job, which made it itself
        stage.update(
            verb=verb, state=verb.removeprefix("stage_"), rows=whole(event.get("rows")),
            bytes=whole(event.get("bytes")), seconds=number(event.get("seconds")), counts=tree(event.get("counts", {})),
            finished_at=text(event.get("at")),
        )  # fmt: skip
