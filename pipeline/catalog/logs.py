"""A job's log, folded into the catalog's rows, event by event."""

from __future__ import annotations

from typing import Any

from pipeline.catalog.batch import tree, whole
from pipeline.control.events import Event

Stage = dict[str, Any]
"""A row of the table `stages` by column name."""


class Fold:
    """What a job's events say so far. stages: rows of before, changed in place and added to; units: new rows alone."""

    def __init__(self, job: str, stages: list[Stage]) -> None:
        self.job = job
        self.stages = stages
        self.units: list[tuple[Any, ...]] = []

    def take(self, event: Event) -> None:
        """One more event."""
        if event.verb == "unit_done":
            self._unit_done(event)
        elif event.verb == "unit_failed":
            for stage in self._running(event):
                stage["units_failed"] += 1
        elif event.verb == "stage_started":
            self._started(event)
        elif event.verb in ("stage_finished", "stage_reused"):
            self._ended(event)

    def _unit_done(self, event: Event) -> None:
        get = event.fields.get
        self.units.append((
            self.job, event.id, get("stage"), get("part"), get("unit"), get("rows"),
            get("bytes"), get("part_bytes"), get("seconds"), get("mb_per_s"),
            get("worker"), get("attempts"), event.at,
        ))  # fmt: skip
        for stage in self._running(event):
            stage["units_done"] += 1
            stage["bytes_done"] += whole(get("bytes"))

    def _running(self, event: Event) -> list[Stage]:
        """The stage that an event is of: the one of its kind that was started last."""
        of_kind = [s for s in self.stages if s["stage"] == event.fields.get("stage") and s["state"] == "running"]
        return [max(of_kind, key=lambda s: s["started_event"])] if of_kind else []

    def _of(self, event: Event) -> Stage:
        key, kind = (said if isinstance(said := event.fields.get(f), str) else None for f in ("table", "stage"))
        for stage in self.stages:
            if (stage["stage"], stage["table_key"]) == (kind, key):
                return stage
        made: Stage = {
            "job": self.job, "number": len(self.stages), "stage": kind, "table_key": key, "verb": None, "state": "running",
            "units": 0, "units_done": 0, "units_before": 0, "units_failed": 0, "bytes_planned": 0, "bytes_done": 0,
            "rows": None, "bytes": None, "seconds": None, "counts": None, "executor": None, "workers": None,
            "started_at": None, "finished_at": None, "started_event": event.id,
        }  # fmt: skip
        self.stages.append(made)
        return made

    def _started(self, event: Event) -> None:
        """Also of one that was broken off: units that are done are not done again."""
        get = event.fields.get
        before = whole(get("units_done"))
        self._of(event).update(
            verb=event.verb, state="running", units=before + whole(get("units")), units_done=before,
            units_before=before, bytes_planned=whole(get("bytes")), bytes_done=0, executor=get("executor"),
            workers=get("workers"), started_at=event.at, finished_at=None, started_event=event.id,
        )  # fmt: skip

    def _ended(self, event: Event) -> None:
        stage, get = self._of(event), event.fields.get
        if event.verb == "stage_reused" and stage["verb"] == "stage_finished":
            return  # of another attempt of this job, which made it itself
        stage.update(
            verb=event.verb, state=event.verb.removeprefix("stage_"), rows=get("rows"), bytes=get("bytes"),
            seconds=get("seconds"), counts=tree(get("counts", {})), finished_at=event.at,
        )  # fmt: skip
