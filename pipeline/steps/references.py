"""From the names in `dedup.against` to reference sets: found or taken in, and measured, each once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.catalog.chosen import jobs_of_corpora, tables_of
from pipeline.dedup.documents.references import Reference
from pipeline.errors import PlanError, did_you_mean
from pipeline.recipe import Input
from pipeline.scoring import ScorerSpec
from pipeline.sources.confined import check_confined
from pipeline.sources.folders import WILD
from pipeline.stage import Do
from pipeline.stages.ingest import Ingest, plan_ingest
from pipeline.stages.score import Score
from pipeline.storage.manifest import Manifest
from pipeline.storage.notes import Notes, plan_passes
from pipeline.storage.shard import part_key
from pipeline.storage.store import Store


@dataclass(frozen=True)
class PlannedReference:
    """A set that is there to be read. One of: a corpus of this workspace (text, and mix where a job has decided about it), or
    files to take in."""

    name: str
    text: Manifest | None
    mix: Manifest | None
    ingest: Ingest | None

    def told(self) -> dict[str, object]:
        """For the plan."""
        if self.ingest is not None:
            return {"name": self.name, "files": len(self.ingest.files), "text_bytes": self.ingest.total_bytes}
        assert self.text is not None
        documents = self.mix.counts.get("kept", 0) if self.mix else self.text.counts.get("documents", 0)
        return {"name": self.name, "documents": documents, "text_bytes": sum(s.text_bytes for s in self.text.shards)}


def plan_references(store: Store, names: Sequence[str], corpus: str) -> tuple[PlannedReference, ...]:
    """Raises PlanError where one is not there, or is the corpus itself."""
    known = jobs_of_corpora(store) if names else {}
    found = []
    for name in names:
        if name == corpus:
            raise PlanError(
                f"dedup.against: {name!r} is the corpus itself; copies within it are found without being named"
            )
        if name in known:
            tables = tables_of(store, known[name])
            found.append(PlannedReference(name, tables.text, tables.mix, None))
            continue
        if not WILD.search(name):
            check_confined(name)  # before anything is looked for at a place that strangers may have named
        if Store(name).exists("corpora"):
            raise PlanError(
                f"dedup.against: {name!r} is a workspace; name the files of a corpus in it, such as the data/ folder of its export"
            )
        found.append(PlannedReference(name, None, None, _files(store, name, list(known))))
    return tuple(found)


def _files(store: Store, name: str, known: list[str]) -> Ingest:
    place = f"{name.rstrip('/')}/data" if Store(name).exists("_winnow.json") else name
    try:
        return plan_ingest(store, f"reference-{part_key('reference', name)[:12]}", Input(paths=(place,)))
    except PlanError as error:
        corpora = f"corpora of this workspace: {', '.join(sorted(known)) or 'none'}"
        raise PlanError(
            f"dedup.against: {name!r} is no corpus ({corpora}) and no readable input.{did_you_mean(name, known)} "
            f"{str(error).removeprefix('input: ')}"
        ) from None


def measured(store: Store, planned: Sequence[PlannedReference], specs: Sequence[ScorerSpec], do: Do) -> list[Reference]:
    """The sets with what `specs` say of them; only what is not there yet is measured."""
    found = []
    for reference in planned:
        text = reference.text if reference.ingest is None else do(reference.ingest)
        assert text is not None
        passes = [do(Score(store, text, p)) for p in plan_passes(store, text.key, text.corpus, specs)]
        found.append(Reference(reference.name, Notes.of_passes(text, passes, specs), reference.mix))
    return found
