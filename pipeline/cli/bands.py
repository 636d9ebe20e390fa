"""winnow bands, guards: how near-duplicates are looked for, and what deduplication would do."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from pipeline.cli.options import DEFAULT_WORKSPACE, JobId, Json, Set, Workspace, examples, say

DOCUMENTS = 1_000_000


def register(app: typer.Typer) -> None:
    """Add these commands to the app."""
    app.command(epilog=examples(
        "winnow bands   (a corpus like the reference; published settings beside)",
        "winnow bands minimal crawl/*.parquet --set dedup.fuzzy.jaccard=0.7   (this corpus; by its signatures once it is scored)",
        "winnow bands minimal crawl/ --set dedup.fuzzy.max_false_candidates=0.5 --set dedup.fuzzy.recall=0.95",
    ))(bands)  # fmt: skip
    app.command(epilog=examples("winnow guards", "winnow guards --job job_0193"))(guards)


def bands(
    recipe: Annotated[
        str, typer.Argument(help="A preset or a recipe file with dedup.fuzzy.", metavar="[RECIPE]")
    ] = "minimal",
    inputs: Annotated[
        list[str] | None, typer.Argument(help="Files, globs or folders of the corpus.", metavar="[INPUT]...")
    ] = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    settings: Set = None,
    documents: Annotated[
        int, typer.Option("--documents", min=2, help="Documents to forecast for, where no input is given.")
    ] = DOCUMENTS,
    corpus: Annotated[str | None, typer.Option("--corpus", help="Name of the corpus in the workspace.")] = None,
    as_json: Json = False,
) -> None:
    """Ways to cut MinHash signatures into bands: recall, false candidates, memory, bytes, seconds. Does no work."""
    from pipeline.recipe_file import load_recipe
    from pipeline.report.bands import bands_table
    from pipeline.storage.store import Store

    told = bands_table(Store(workspace), load_recipe(recipe, settings or [], inputs or []), documents, corpus)
    if as_json:
        say(told, True)
    else:
        _show(told)


def _show(told: dict[str, Any]) -> None:
    from pipeline import wording
    from pipeline.cli.show import table

    budget = told["max_false_candidates"]
    asked = f", at most {budget:g} false candidates a document" if budget is not None else ""
    typer.echo(
        f"{told['documents']:,} documents, {wording.size(told['text_bytes'])} of text, {told['num_perm']} minima; "
        f"recall {told['recall']:g} at Jaccard {told['jaccard']:g}{asked}"
    )
    typer.echo(
        f"by {told['about']}; false/doc: candidates below the threshold a document, similar/doc: those at or above it"
    )
    table([
        {
            "": "->" if way["chosen"] else "", "bands": way["bands"], "rows": way["rows"],
            f"found at {told['jaccard']:g}": f"{way['recall']:.4f}", "false/doc": way["false_per_doc"],
            "similar/doc": way["similar_per_doc"], "exchanged": wording.size(way["exchange_bytes"]),
            "memory": wording.size(way["memory_bytes"]), "core s": way["seconds"],
        }
        for way in told["ways"]
    ])  # fmt: skip
    table([
        {
            "preset": row["preset"], "minima": row["num_perm"], "words": row["ngram"], "Jaccard": row["jaccard"],
            "bands x rows": f"{row['bands']} x {row['rows']}", "found there": f"{row['recall']:.4f}",
            "found at 0.8": f"{row['recall_at_0.8']:.4f}", "false/doc": row["false_per_doc"],
        }
        for row in told["published"]
    ], "published settings (dedup.fuzzy.preset), in a reference corpus of as many documents")  # fmt: skip
    if told["unreachable"] is not None:
        typer.echo(told["unreachable"], err=True)
    chosen = next(way for way in told["ways"] if way["chosen"])
    typer.echo(f"to pin: --set dedup.fuzzy.bands={chosen['bands']} --set dedup.fuzzy.rows={chosen['rows']}")


def guards(workspace: Workspace = DEFAULT_WORKSPACE, job: JobId = None, as_json: Json = False) -> None:
    """What deduplication does (or would, where a job was held) against the budgets, with pairs of documents to read."""
    from pipeline.catalog.chosen import choose_job, tables_of
    from pipeline.report.guards import guarded
    from pipeline.storage.store import Store

    store = Store(workspace)
    chosen = choose_job(store, job)
    told = guarded(store, chosen, tables_of(store, chosen))
    if as_json:
        say(told, True)
        return
    from pipeline.cli.show import console, table

    rows = [{k: ("HELD" if v else "") if k == "broken" else v for k, v in r.items()} for r in told["rows"]]
    table(
        rows,
        f"job {chosen.id}: {told['documents']:,} documents kept by rules, {told['removed']:,} duplicates of others",
    )
    out = console()
    for group in told["samples"]:
        out.print(f"\n{group['about']}", markup=False, style="bold")
        for pair in group["pairs"]:
            out.print(f"  {pair['doc_id']} goes for {pair['keeper']} ({pair['how']})", markup=False)
            for side in ("text", "keeper_text"):
                out.print(
                    f"    {'goes ' if side == 'text' else 'stays'}: {pair[side] or '(cannot be read any more)'}",
                    markup=False,
                )
