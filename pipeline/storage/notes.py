"""Finding notes: which committed passes already hold what a recipe asks for, and reading them beside each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.scoring import ScorerSpec, source_digest
from pipeline.storage.manifest import Manifest, tables
from pipeline.storage.parquet import intact
from pipeline.storage.shard import Shard, part_key, read_ids
from pipeline.storage.store import Store


@dataclass(frozen=True, slots=True)
class ShardNotes:
    """One shard and its parts of the passes: (path, the aliases it holds). Small enough to travel to a worker."""

    shard: Shard
    parts: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Notes:
    """The passes over one text table that together hold a recipe's scorers; `where` says which pass has an alias."""

    text: Manifest
    passes: tuple[Manifest, ...]
    where: dict[str, int]

    @staticmethod
    def of_passes(text: Manifest, passes: Sequence[Manifest], specs: Sequence[ScorerSpec]) -> Notes:
        """What some scorers say: each is in the first pass that was made by it as it is now. ValueError where one is in none."""
        where = {}
        for spec in specs:
            said = [m.parameters["scorers"].get(spec.alias, {}).get("fingerprint") for m in passes]
            where[spec.alias] = said.index(spec.fingerprint())
        return Notes(text, tuple(passes), where)

    def with_pass(self, alias: str, made: Manifest) -> Notes:
        """With one more pass, which has the last word on an alias."""
        return Notes(self.text, (*self.passes, made), self.where | {alias: len(self.passes)})

    @property
    def key(self) -> str:
        """Determines what the scorers say about this text, in whatever passes they were computed."""
        return part_key("said", self.text.key, sorted((a, self.fingerprint(a)) for a in self.where))

    def shard_key(self, index: int, aliases: Iterable[str] | None = None) -> str:
        """The same, for one shard; of some scorers alone where they are named."""
        named = self.where if aliases is None else aliases
        return part_key("said", self.text.shards[index].key, sorted((a, self.fingerprint(a)) for a in named))

    def of(self, index: int) -> ShardNotes:
        """The notes of one shard."""
        used = sorted(set(self.where.values()))
        parts = ((self.passes[n].parts[index].path, tuple(a for a in self.where if self.where[a] == n)) for n in used)
        return ShardNotes(self.text.shards[index], tuple(parts))

    def fingerprint(self, alias: str) -> str:
        """Determines what a scorer says of any document."""
        fingerprint: str = self.passes[self.where[alias]].parameters["scorers"][alias]["fingerprint"]
        return fingerprint


def plan_passes(
    store: Store, text_key: str | None, corpus: str, specs: Sequence[ScorerSpec]
) -> list[tuple[ScorerSpec, ...]]:
    """Which passes to ask for: passes of this corpus that were made before (their parts, too, are there for every shard
    that did not change), largest first, then one pass for what is left."""
    wanted = {s.alias: s for s in specs}
    fingerprints = {s.alias: s.fingerprint() for s in specs}
    known = sorted(
        tables(store, corpus, "notes"),
        key=lambda m: (m.inputs["text"] != text_key, -len(m.parameters["scorers"]), m.key),
    )
    passes: list[tuple[ScorerSpec, ...]] = []
    for manifest in known:
        scorers = manifest.parameters["scorers"]
        useful = [a for a in scorers if a in wanted and scorers[a]["fingerprint"] == fingerprints[a]]
        if useful and (len(useful) == len(scorers) or manifest.inputs["text"] == text_key):
            made = [_spec_again(a, scorers[a], wanted) for a in scorers]
            if all(s is not None for s in made):
                passes.append(tuple(s for s in made if s is not None))
                for alias in useful:
                    del wanted[alias]
    if wanted:
        passes.append(tuple(s for s in specs if s.alias in wanted))
    return passes


def _spec_again(alias: str, told: dict[str, object], wanted: dict[str, ScorerSpec]) -> ScorerSpec | None:
    """The spec behind a manifest's entry; None where it can no longer be built as it was (a newer version, say)."""
    if alias in wanted and wanted[alias].fingerprint() == told["fingerprint"]:
        return wanted[alias]
    parameters = told["parameters"]
    assert isinstance(parameters, dict)
    try:
        spec = ScorerSpec(
            alias,
            str(told["scorer"]),
            tuple(sorted((k, tuple(v) if isinstance(v, list) else v) for k, v in parameters.items())),
            source_digest(str(told["scorer"])),
        )
        return spec if spec.fingerprint() == told["fingerprint"] else None
    except (ValueError, OSError):
        return None


def read_notes(store: Store, notes: ShardNotes, columns: Sequence[str], ids: Sequence[str] = ()) -> pa.Table:
    """Rows of one shard: doc_id, quarantine and the provenance columns `ids`; then the notes columns, such as
    'gopher.word_count' or a whole 'gopher', as one struct per scorer."""
    table = read_ids(store, notes.shard, list(dict.fromkeys(["doc_id", "quarantine", *ids])))
    for path, aliases in notes.parts:
        wanted = [c for c in columns if c.split(".")[0] in aliases]
        if wanted:
            found = store.read_table(path, columns=wanted)
            for name in found.column_names:
                table = table.append_column(found.schema.field(name), found.column(name))
    return table


def read_fields(store: Store, notes: ShardNotes, names: Sequence[str]) -> list[pa.Array]:
    """Columns such as 'gopher.word_count' of one shard, as arrays; nothing else of it is read."""
    found = {}
    for path, aliases in notes.parts:
        wanted = [n for n in names if n.split(".")[0] in aliases]
        table = store.read_table(path, columns=wanted) if wanted else pa.table({})
        structs = {alias: table.column(alias).combine_chunks() for alias in table.column_names}
        for name in wanted:
            alias, field = name.split(".")
            found[name] = pc.struct_field(structs[alias], field)
    return [found[n] for n in names]


def read_by_batch(store: Store, notes: ShardNotes, name: str, rows: int) -> Iterator[pa.Array]:
    """One such column, so many rows at a time: of one that is wide, half the CPU of reading it whole into new memory."""
    alias, field = name.split(".")
    for path in (path for path, aliases in notes.parts if alias in aliases):
        with intact(store.full(path), store.root):
            for batch in store.parquet(path).iter_batches(rows, columns=[name], use_threads=False):
                yield pc.struct_field(batch.column(alias), field)


def binary_rows(values: pa.Array, missing: int) -> npt.NDArray[np.uint8]:
    """A fixed-size binary column as u8[D, width]; every byte of a null is `missing`."""
    width = values.type.byte_width
    data = np.frombuffer(values.buffers()[1], dtype=np.uint8) if len(values) else np.zeros(0, np.uint8)
    rows = data[values.offset * width : (values.offset + len(values)) * width].reshape(-1, width)
    if values.null_count:
        rows = rows.copy()
        rows[np.asarray(values.is_null())] = missing
    return rows
