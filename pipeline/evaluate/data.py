"""Measured and labelled rows: scorers run (or their notes are found) in a workspace, labels and groups read beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline import run as runner
from pipeline.catalog.chosen import choose_job, read_job, sound_jobs, tables_of
from pipeline.errors import UsageError, did_you_mean
from pipeline.evaluate.fields import read_fields
from pipeline.progress import Progress
from pipeline.recipe import Input, Recipe
from pipeline.recipe_file import validate
from pipeline.scoring import specs_of
from pipeline.sources.fields import Seen, check_found
from pipeline.storage.shard import read_ids, read_text, usable_rows
from pipeline.storage.store import Store
from scorers.base import Column


@dataclass(frozen=True, slots=True)
class Measured:
    """rows: a table of the usable rows: `doc_id`, every wanted column of the notes under its full name
    ('toxicity.probability'), and under 'field:NAME' every wanted field of the data, as a string. quarantined: rows that
    could not be taken in; fields: those that some file has; job: the job that measured."""

    rows: pa.Table
    fields: frozenset[str]
    quarantined: int
    job: str


@dataclass(frozen=True, slots=True)
class Data:
    """What to measure. source: where the documents are and which column holds them; corpus: its name in the workspace
    (None: from the path)."""

    source: Input
    corpus: str | None = None


def data_of(paths: Sequence[str], text: str | None = None) -> Data:
    """Files of the command line."""
    return Data(Input(paths=tuple(paths), text=text))


def data_of_corpus(workspace: str, corpus: str | None) -> Data:
    """A corpus of the workspace (None: that of the latest job), taken in as its latest job took it in, so that its notes
    are found."""
    store = Store(workspace)
    if corpus is None:
        chosen = choose_job(store)
    else:
        told = list(sound_jobs(store))
        known = sorted({str(j.record.get("corpus")) for j in told})
        of_it = [j for j in told if j.record.get("corpus") == corpus]
        if not of_it:
            raise UsageError(
                f"workspace {store.root}: no corpus {corpus!r}; there are {', '.join(known) or 'none'}.{did_you_mean(corpus, known)}"
            )
        chosen = of_it[-1]
    recipe = validate(store.read_json(f"{Store.job(chosen.id)}/recipe.json"), f"job {chosen.id}")
    return Data(recipe.input, str(chosen.record["corpus"]))


def recipe_for(data: Data, scorers: Sequence[Any]) -> Recipe:
    """A recipe that measures and decides nothing. Labelled data may hold unusable rows: they are told, not refused."""
    source = data.source.model_dump(mode="json") | {"quarantine": {"max_row_frac": 1.0, "max_file_frac": 1.0}}
    return validate({"name": "evaluate", "score": list(scorers), "input": source}, "command line")


def columns_of(recipe: Recipe) -> dict[str, Column]:
    """Every column that the recipe's scorers measure, by its full name."""
    return {f"{s.alias}.{c.name}": c for s in specs_of(recipe) for c in s.build().columns()}


def known_column(name: str, columns: Mapping[str, Column]) -> Column:
    """The column, or an error that says which there are."""
    if name not in columns:
        raise UsageError(f"no column {name!r}; there are {', '.join(columns)}.{did_you_mean(name, columns)}")
    return columns[name]


def measure(
    recipe: Recipe,
    workspace: str,
    columns: Sequence[str],
    fields: Sequence[str],
    optional: Sequence[str] = (),
    corpus: str | None = None,
    text: bool = False,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Measured:
    """Score what is not scored yet, and read the wanted columns and fields. columns: such as 'toxicity.probability';
    fields must be in some file, optional ones need not; text: read the documents, too, as 'text'."""
    result = runner.run(
        recipe,
        workspace,
        runner.Settings(workers=workers, corpus=corpus, until="score" if recipe.score else "ingest"),
        progress,
    )
    store = Store(workspace)
    tables = tables_of(store, read_job(store, result.job_id))
    where = {alias: n for n, aliases in enumerate(tables.aliases) for alias in aliases}
    wanted = list(dict.fromkeys([*fields, *optional]))
    seen, pieces, quarantined = Seen(), [], 0
    for i, shard in enumerate(tables.text.shards):
        ids = read_ids(store, shard, ["doc_id", "quarantine"])
        found = {"doc_id": ids.column("doc_id").combine_chunks()}
        for name in columns:
            part = tables.notes[where[name.partition(".")[0]]].parts[i]
            found[name] = _column(store.read_table(part.path, columns=[name]), name)
        for name, values in read_fields(store, shard, wanted, seen).items():
            found[f"field:{name}"] = values
        usable = usable_rows(ids)
        if text:
            found["text"] = pa.chunked_array(list(read_text(store, shard, usable)), pa.large_string())
        quarantined += shard.rows - int(pc.sum(usable).as_py() or 0)
        pieces.append(pa.table(found).filter(usable))
    check_found(fields, seen)
    return Measured(pa.concat_tables(pieces), frozenset(seen.found), quarantined, result.job_id)


def _column(table: pa.Table, name: str) -> pa.Array:
    alias, _, column = name.partition(".")
    struct = table.column(alias).combine_chunks()
    return pc.struct_field(struct, column)
