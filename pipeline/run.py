"""Running a recipe: its stages in order, each table once, with an account of every row at the end."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pipeline import last_steps
from pipeline.dedup.documents.guards import hold
from pipeline.errors import IntegrityError, PlanError, QuarantineOverBudget, UnitFailed, UsageError
from pipeline.execution import executors, warm
from pipeline.job import Job, end_dead_jobs
from pipeline.plan import Plan, make_plan
from pipeline.progress import Progress, Silent
from pipeline.recipe import Recipe
from pipeline.result import Result
from pipeline.sources.quarantine import file_sentences, over_budget
from pipeline.stage import Stage, run_stage
from pipeline.stages.calibrate import Calibrate
from pipeline.stages.common import limits_of, without_common
from pipeline.stages.export_columns import output_columns
from pipeline.stages.judge import Judge
from pipeline.stages.mix import Mix
from pipeline.stages.score import Score
from pipeline.stages.tombstones import FindTombstones
from pipeline.storage import destination
from pipeline.storage.files import lies_in, same_place
from pipeline.storage.manifest import Manifest
from pipeline.storage.notes import Notes, plan_passes
from pipeline.storage.store import Store
from pipeline.takedown.erasing import erase
from pipeline.takedown.tombstones import tombstones_of

if TYPE_CHECKING:
    from pipeline.steps.cuts import CutDedup

Until = Literal["ingest", "score", "judge", "dedup", "mix", "export"]


@dataclass(frozen=True)
class Settings:
    """How to run; nothing here changes a byte of the result."""

    executor: executors.Name = "auto"
    workers: int | None = None
    ray_address: str | None = None
    corpus: str | None = None
    copy: bool = False
    output: str | None = None
    overwrite: bool = False
    until: Until = "export"


def run(recipe: Recipe, workspace: str, settings: Settings = Settings(), progress: Progress | None = None) -> Result:
    """Run a recipe to the end, or to `until`. Whatever stops it, the same call goes on where it stopped."""
    store = Store(workspace)
    plan = _plan(store, recipe, settings)  # what cannot be planned makes no job
    end_dead_jobs(store)
    job = Job(store, recipe, progress or Silent())
    with job.telling():
        return _carry_out(plan, settings, job)


def go_on(job: Job, settings: Settings) -> Result:
    """Run the recipe of a job that is there already, from where it stopped. What cannot be planned is told in its
    record."""
    return _carry_out(_plan(job.store, job.recipe, settings), settings, job)


def _plan(store: Store, recipe: Recipe, settings: Settings) -> Plan:
    if not store.names("corpora"):  # all is to be measured: start on it while the input is listed
        executors.prepare(settings.executor, settings.workers, settings.ray_address, {"score": recipe.score})
    plan = make_plan(store, recipe, settings.corpus, settings.copy)
    if settings.output is not None and settings.until == "export":
        if same_place(settings.output, store.root):
            raise UsageError(f"output {store.root}: is the workspace, too; choose another folder")
        if lies_in(store.root, settings.output):
            raise UsageError(
                f"output {settings.output}: the workspace {store.root} lies in it; choose a folder beside it"
            )
        destination.check(Store(settings.output), recipe.digest(), settings.overwrite)
    if not all(plan.measured):
        executors.prepare(settings.executor, settings.workers, settings.ray_address, {"score": recipe.score})
    return plan


def _carry_out(plan: Plan, settings: Settings, job: Job) -> Result:
    store = job.store
    store.sweep()
    store.commit_json(destination.CLAIM, {"workspace": 1})
    output = Store(settings.output).root if settings.output else None
    job.start(corpus=plan.corpus, output=output, plan=plan.told(settings.workers or 1))
    executor: executors.Executor | None = None
    try:
        executor = executors.choose(settings.executor, settings.workers, settings.ray_address, plan.ingest.total_bytes)
        return _Run(store, plan, settings, executor, job).stages()
    finally:
        if executor is not None:
            executor.close()
        store.sweep()
        job.progress.close()


@dataclass
class _Run:
    store: Store
    plan: Plan
    settings: Settings
    executor: executors.Executor
    job: Job
    unread: list[dict[str, str]] = field(default_factory=list)

    def stages(self) -> Result:
        """All of them; once more where documents were taken down meanwhile: text that was read may be gone."""
        while True:
            known = self._takedowns()
            self.plan.ingest.check_current()
            try:
                return self._stages(known)
            except (UnitFailed, IntegrityError):
                if self._takedowns() == known:
                    raise
            self.job.begin_again("documents were taken down meanwhile: what that changes is decided again")

    def _takedowns(self) -> str:
        return tombstones_of(self.store, self.plan.corpus).digest

    def _stages(self, known: str) -> Result:
        recipe, until = self.plan.recipe, self.settings.until
        text = self._ingest()
        if until == "ingest":
            return self._result(text)
        taken = self._tombstones(text)
        notes = self._score(text, taken)
        cut = self._cut_dedup()
        if cut:
            notes = cut.with_notes(notes, taken)
            self.job.says({a: notes.passes[n].key for a, n in notes.where.items()})
        if until == "score":
            return self._result(text)
        cuts: dict[str, Any] = {}
        if recipe.buckets:
            calibrated = self._do(Calibrate(self.store, notes, recipe.buckets, taken))
            cuts = calibrated.details["cuts"]
            for warning in calibrated.details["warnings"]:
                self.job.warn(warning)
        columns = tuple(self.plan.columns)
        verdict = self._do(Judge(self.store, notes, recipe.rules, columns, recipe.buckets, cuts, taken))
        if until == "judge":
            return self._result(verdict)
        dedup = self._dedup(notes, verdict)
        gone = cut.cuts(text, verdict, dedup) if cut else ()
        for warning in (w for c in gone for w in c.details.get("warnings", [])):
            self.job.warn(warning)
        if until == "dedup":
            return self._result(dedup or verdict)
        mix = self._do(Mix(self.store, text, verdict, dedup, gone, recipe.mix.copies, taken))
        if until == "mix":
            return self._result(mix)
        self._check_takedowns(known)
        target = self._export(notes, verdict, dedup, mix, gone, taken)
        self._check_takedowns(known)  # whoever took them down was not told of this output: it was not finished
        return self._result(mix, target)

    def _check_takedowns(self, known: str) -> None:
        if self._takedowns() != known:
            raise IntegrityError("documents were taken down since they were decided about")

    def _do(self, stage: Any) -> Manifest:
        return self.job.use(run_stage(self.store, stage, self.executor, self.job))

    def _do_in_scratch(self, stage: Stage) -> Manifest:
        """What does not stay: its table goes with the job's scratch."""
        return run_stage(self.store, stage, self.executor, self.job, f"{self.job.scratch}/{stage.kind}.json")

    def _do_aside(self, stage: Any) -> Manifest:
        """Of another corpus: nothing this job's own tables stand on."""
        return run_stage(self.store, stage, self.executor, self.job)

    def _ingest(self) -> Manifest:
        text = self._do(self.plan.ingest)
        for warning in text.details.get("warnings", []):
            self.job.warn(warning)
        self.unread = [{k: str(v) for k, v in f.items()} for f in text.details.get("quarantined_files", [])]
        for sentence in file_sentences(self.unread, ': winnow sql "select * from quarantine"'):
            self.job.warn(sentence)
        said = over_budget(text, self.plan.recipe.input.quarantine)
        if said is not None:
            raise QuarantineOverBudget(said)
        if text.counts.get("documents", 0) == 0:
            unread = f", {len(self.unread)} files in quarantine" if self.unread else ""
            raise PlanError(
                f'the input holds no document: {text.rows} rows in quarantine{unread}. Look at it: winnow sql "select * from quarantine"'
            )
        return text

    def _score(self, text: Manifest, taken: Manifest | None) -> Notes:
        if warm.compiles_first():
            self.job.note("the first run on this machine compiles the kernels: about a minute, once")
        if self.executor.workers > 1 and not all(self.plan.measured):
            threading.Thread(target=last_steps.load, daemon=True).start()
        passes = plan_passes(self.store, text.key, self.plan.corpus, self.plan.specs)
        made = [self._do(Score(self.store, text, specs)) for specs in passes]
        measured_notes = Notes.of_passes(text, made, self.plan.specs)
        limits = limits_of(self.plan.specs, self.plan.recipe.decontaminate)
        notes, warnings = without_common(measured_notes, limits, taken, self.store, self._do)
        for warning in [*self.plan.warnings(), *warnings]:
            self.job.warn(warning)
        self.job.says({alias: notes.passes[n].key for alias, n in notes.where.items()})
        return notes

    def _tombstones(self, text: Manifest) -> Manifest | None:
        """Which rows are taken down; None where nothing ever was of this corpus."""
        tombstones = tombstones_of(self.store, self.plan.corpus)
        if not tombstones.takedowns:
            return None
        found = self._do(FindTombstones(self.store, text, tombstones))
        if found.rows:
            erase(self.store, text)  # what was converted since, or by a takedown that was cut short
        return found

    def _cut_dedup(self) -> CutDedup | None:
        from pipeline.steps.cuts import CutDedup

        wanted = self.plan.recipe.dedup
        return CutDedup(self.store, wanted, self._do, self._do_in_scratch, self.job.scratch) if wanted else None

    def _dedup(self, notes: Notes, verdict: Manifest) -> Manifest | None:
        from pipeline.steps.documents import DocumentDedup, reference_specs
        from pipeline.steps.references import measured

        wanted, specs = self.plan.recipe.dedup, self.plan.specs
        if wanted is None:
            return None
        others = tuple(measured(self.store, self.plan.references, reference_specs(wanted, specs), self._do_aside))
        dedup = DocumentDedup(self.store, notes, wanted, specs, self._do, self._do_in_scratch, self.job.scratch, others)
        made, warnings = dedup.clusters(verdict)
        guards, held = dedup.guards(verdict, made)
        for warning in [*warnings, *guards.details["warnings"]]:
            self.job.warn(warning)
        hold(wanted.guard, held, self.job.id)
        return made

    def _export(
        self,
        notes: Notes,
        verdict: Manifest,
        dedup: Manifest | None,
        mix: Manifest,
        cuts: tuple[Manifest, ...],
        taken: Manifest | None,
    ) -> Store:
        from pipeline.stages.export import Export
        from pipeline.steps.output import Output

        recipe, settings = self.plan.recipe, self.settings
        columns = output_columns(self.store, notes.text, self.plan.specs, recipe.export.notes, tuple(recipe.buckets))
        stage = Export(self.store, self.store, notes, verdict, dedup, mix, recipe.export, columns, cuts, taken)
        return Output(self.store, recipe, settings.output, settings.overwrite, self.executor, self.job).write(stage)

    def _result(self, last: Manifest, target: Store | None = None) -> Result:
        text_quarantined = last.counts.get("quarantined", 0) + sum(
            n for c, n in last.counts.items() if c.startswith("quarantine.")
        )
        state: Literal["completed", "completed_with_quarantine"] = (
            "completed_with_quarantine" if text_quarantined or self.unread else "completed"
        )
        if target is not None and not last.counts.get("kept"):
            self.job.warn("no document was kept: look at the rules that removed most, in the funnel or in the report")
        output = target.root if target else None
        self.job.tidy()
        self.job.state(state, funnel=last.counts, rows=last.rows, output=output)
        return Result(
            self.job.id,
            state,
            self.plan.corpus,
            last.rows,
            last.counts,
            self.job.tables,
            output,
            self.unread,
            self.job.warnings,
        )
