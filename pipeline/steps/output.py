"""Where an export goes, and what is done there: one job at a time, for each removes what the one before it left."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from pipeline.card.card import write_card
from pipeline.execution.executors import Executor
from pipeline.job import Job
from pipeline.recipe import Recipe
from pipeline.stage import run_stage
from pipeline.stages.export import KINDS, Export
from pipeline.storage import destination, manifest
from pipeline.storage.manifest import Manifest
from pipeline.storage.shard import part_key
from pipeline.storage.store import Store
from pipeline.storage.turns import Check, in_turn


@dataclass(frozen=True)
class Output:
    """place: the folder or bucket a user named; None: in the workspace. overwrite: whether another recipe's export may be
    replaced there."""

    store: Store
    recipe: Recipe
    place: str | None
    overwrite: bool
    executor: Executor
    job: Job

    def write(self, stage: Export) -> Store:
        """Bring it up to date with what the stage writes, when no other job is at it."""
        with in_turn(*self._turns(stage.corpus), self._waits) as check:
            return self._write(stage, check)

    def _turns(self, corpus: str) -> tuple[Store, str]:
        """Where turns are taken: at the place itself, for jobs of other workspaces may write to it, too. Exports of a recipe within
        the workspace take over one another's files, so that they have turns together."""
        if self.place is not None:
            return Store(self.place), destination.TURNS
        return self.store, f"locks/export-{part_key(corpus, self.recipe.digest())}"

    def _waits(self) -> None:
        self.job.note(
            f"another job writes to {self.place or 'the same export of this workspace'}; this one waits for it"
        )

    def _write(self, stage: Export, check: Check) -> Store:
        usual = Store.table(stage.corpus, "export", stage.key)
        target = Store(self.place or self.store.full(usual), self.store.fence)
        if self.place is None and not target.exists(destination.CLAIM):
            # the record of the same export, made elsewhere: here its files are to be, too
            target.remove(destination.MANIFEST)
        digest = self.recipe.digest()
        before, place = destination.claim(target, stage.key, digest, self.overwrite), target
        own = [] if self.place else destination.earlier(self.store, stage.corpus, stage.key, digest)
        if before is None and own:
            place, before = own[0], manifest.load(own[0], destination.MANIFEST)
        stage = dataclasses.replace(stage, destination=target).after(before, place, self.job)
        made = run_stage(target, stage, self.executor, self.job, destination.MANIFEST, before)
        check()
        destination.settle(target, made, KINDS)
        for replaced in own if stage.tombstones else []:  # what was taken down must not stay in them
            destination.withdraw(replaced)
        write_card(target, made, stage.notes, self.recipe, _banding(stage.dedup))
        manifest.commit(self.store, made, manifest.manifest_path(stage.corpus, "export", stage.key))
        target.sweep(tidy=True)
        self.job.use(made)
        return target


def _banding(dedup: Manifest | None) -> tuple[int, int] | None:
    return dedup.details["banding"] if dedup else None
