"""winnow score, dedup: one table of an input, for use elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.options import DEFAULT_WORKSPACE, Json, Quiet, Workers, Workspace, examples, say
from pipeline.errors import UsageError
from pipeline.execution.processes import keep_memory

if TYPE_CHECKING:
    from pipeline.storage.store import Store

Inputs = Annotated[
    list[str], typer.Argument(help="Files, globs or folders; local, s3://, gs:// or hf://.", metavar="INPUT...")
]
Output = Annotated[str, typer.Option("--output", "-o", help="An empty folder, or this command's own, to be finished.")]


def register(app: typer.Typer) -> None:
    """Add these commands to the app."""
    app.command(epilog=examples(
        "winnow score crawl/ --scorer gopher --scorer minhash:num_perm=256 --output notes/",
        "winnow score crawl/ --scorer examples/question_marks.py --output notes/",
    ))(score)  # fmt: skip
    app.command(
        epilog=examples(
            "winnow dedup crawl/ --output dedup/",
            "winnow dedup crawl/ --method exact --output dedup/",
            "winnow dedup crawl/ --preset nemo --output dedup/",
        )
    )(dedup)


def score(
    inputs: Inputs,
    scorer: Annotated[
        list[str], typer.Option("--scorer", help="NAME, NAME:key=value,..., or a Python file. May be repeated.")
    ],
    output: Output,
    workspace: Workspace = DEFAULT_WORKSPACE,
    workers: Workers = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Measure an input: one row a document, in order, with its id and one struct a scorer."""
    entries = [scorer_entry(text) for text in scorer]
    result, destination, settings = _run(
        {"name": "score", "score": entries}, inputs, output, workspace, workers, "score", as_json or quiet
    )
    import pyarrow as pa

    from pipeline.catalog.chosen import choose_job, tables_of
    from pipeline.storage.parquet import write_parquet
    from pipeline.storage.store import Store

    store = Store(workspace)
    made = tables_of(store, choose_job(store, result.job_id))
    total = len(made.text.shards)
    for i in range(total):
        found: dict[str, tuple[Any, Any]] = {}
        for notes, aliases in zip(made.notes, made.aliases, strict=True):
            table = store.read_table(notes.parts[i].path, columns=["doc_id", *aliases])
            found |= {name: (table.schema.field(name), table.column(name)) for name in table.column_names}
        fields, columns = zip(*(found[name] for name in ("doc_id", *settings)), strict=True)
        wanted = pa.table(list(columns), schema=pa.schema(fields))
        name = f"notes-{i:05d}-of-{total:05d}.parquet"
        destination.commit(name, lambda t, wanted=wanted: write_parquet(t, wanted))  # type: ignore[misc]
    destination.sweep(tidy=True)
    say(
        {"output": output, "documents": result.rows, "files": total, "job": result.job_id}
        if as_json
        else f"{result.rows:,} rows in {total} files: {output}",
        as_json,
    )


def dedup(
    inputs: Inputs,
    output: Output,
    method: Annotated[str, typer.Option("--method", help="exact or minhash.")] = "minhash",
    jaccard: Annotated[
        float | None,
        typer.Option(
            "--jaccard", min=0.01, max=1.0, help="Similarity from which documents are duplicates; 0.8 otherwise."
        ),
    ] = None,
    preset: Annotated[
        str | None, typer.Option("--preset", help="Published bands and signatures by name (docs/dedup.md).")
    ] = None,
    keep: Annotated[str, typer.Option("--keep", help="SQL order of who stays.")] = "text_bytes desc",
    workspace: Workspace = DEFAULT_WORKSPACE,
    workers: Workers = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Find duplicates: one row a document with id, cluster, keep, duplicate_of and the exact Jaccard to its keeper."""
    from pipeline.cli.jobs import one_of

    one_of("--method", method, ("exact", "minhash"))
    given = {"jaccard": jaccard, "preset": preset}
    if method == "exact" and any(v is not None for v in given.values()):
        raise UsageError("--jaccard and --preset are of --method minhash; leave them out, or leave out --method exact")
    fuzzy = {"on": "minhash", **{k: v for k, v in given.items() if v is not None}} if method == "minhash" else None
    scorers = ["exact", "minhash"] if fuzzy else ["exact"]
    guard = {"max_source_loss": 1.0}  # nothing is removed here
    recipe = {
        "name": "dedup",
        "score": scorers,
        "dedup": {"exact": "raw", "fuzzy": fuzzy, "keep": keep, "guard": guard},
    }
    result, destination, _ = _run(recipe, inputs, output, workspace, workers, "dedup", as_json or quiet)
    from pipeline.catalog.views import open_catalog
    from pipeline.storage.store import Store

    table = open_catalog(Store(workspace), result.job_id).sql(
        """
        select r.doc_id as id, coalesce(d.cluster, r.doc_id) as cluster, coalesce(d.keep, true) as keep, d.duplicate_of, d.jaccard, d.method,
               coalesce(d.cluster_size, 1) as cluster_size
        from text_rows r left join duplicates d on r.shard = d.shard and r.row = d.row where r.quarantine is null order by r.shard, r.row
        """
    )
    arrow = table.to_arrow_table()
    destination.commit_table("dedup.parquet", arrow)
    destination.sweep(tidy=True)
    output = destination.root
    removed = arrow.num_rows - sum(arrow.column("keep").to_pylist())
    told: dict[str, Any] = {
        "output": f"{output}/dedup.parquet",
        "documents": arrow.num_rows,
        "duplicates": removed,
        "job": result.job_id,
    }
    say(told if as_json else f"{arrow.num_rows:,} documents, {removed:,} duplicates: {output}/dedup.parquet", as_json)


def scorer_entry(text: str) -> Any:
    """'minhash:num_perm=256,ngram=3' as a recipe writes it: a name, or a name with parameters."""
    name, _, given = text.partition(":")
    if not given:
        return name
    parameters: dict[str, Any] = {}
    from ruamel.yaml import YAML

    for pair in given.split(","):
        key, equals, value = pair.partition("=")
        if not equals:
            raise UsageError(f"--scorer {text!r}: expected NAME:key=value,..., found {pair!r}")
        parameters[key.strip()] = YAML(typ="safe").load(value)
    return {name: parameters}


def _run(
    recipe: dict[str, Any], inputs: list[str], output: str, workspace: str, workers: int | None, until: str, quiet: bool
) -> tuple[Any, Store, list[str]]:
    """(result, the folder it goes to, which is this command's now, aliases in the order asked for)."""
    keep_memory()
    from typing import cast

    from pipeline import progress
    from pipeline import run as runner
    from pipeline.recipe_file import validate
    from pipeline.scoring import specs_of
    from pipeline.storage import table_folder
    from pipeline.storage.store import Store

    destination = Store(output)
    loaded = validate({**recipe, "input": {"paths": inputs}}, "command line")
    table_folder.check(destination, loaded.digest())
    how = runner.Settings(workers=workers, until=cast(runner.Until, until))
    result = runner.run(loaded, workspace, how, progress.choose(False, quiet))
    table_folder.claim(destination, loaded.digest(), result.tables)
    return result, destination, [s.alias for s in specs_of(loaded)]
