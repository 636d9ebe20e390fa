"""winnow run, plan, demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast, get_args

import typer

from pipeline.cli.options import (
    DEFAULT_WORKSPACE,
    Executor,
    Json,
    Output,
    Quiet,
    RayAddress,
    Set,
    Workers,
    Workspace,
    cores,
    examples,
    say,
)
from pipeline.errors import UsageError, did_you_mean
from pipeline.execution.processes import keep_memory

RecipeName = Annotated[str, typer.Argument(help="A preset (see `winnow recipes`) or a recipe file.", metavar="RECIPE")]
Inputs = Annotated[
    list[str] | None,
    typer.Argument(help="Files, globs or folders; local, s3://, gs:// or hf://.", metavar="[INPUT]..."),
]
Corpus = Annotated[
    str | None, typer.Option("--corpus", help="Name of the corpus in the workspace; from the input's path otherwise.")
]


def register(app: typer.Typer) -> None:
    """Add these commands to the app."""
    app.command(epilog=examples(
        "winnow run fineweb crawl/*.parquet --output curated/",
        "winnow run fineweb crawl/ --set rules.word_count.min=100   (a new threshold: no text is read before export)",
        "winnow run pretrainers-guide crawl/ --sweep --output family/   (several corpora, the text scored once)",
        "winnow run my.yaml s3://bucket/dump/ --executor ray --ray-address auto",
    ))(run)  # fmt: skip
    app.command(epilog=examples("winnow plan fineweb crawl/*.parquet"))(plan)
    app.command(epilog=examples("winnow demo", "winnow demo --recipe gopher"))(demo)


def one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    """The value, if it is allowed."""
    if value not in allowed:
        raise UsageError(f"{name} {value!r}: expected one of {', '.join(allowed)}.{did_you_mean(value, allowed)}")
    return value


def run(
    recipe: RecipeName,
    inputs: Inputs = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    output: Output = None,
    settings: Set = None,
    executor: Executor = "auto",
    workers: Workers = None,
    ray_address: RayAddress = None,
    corpus: Corpus = None,
    until: Annotated[
        str, typer.Option("--until", help="Stop after ingest, score, judge, dedup, mix or export.")
    ] = "export",
    copy: Annotated[bool, typer.Option("--copy", help="Take a copy of Parquet input that may vanish.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace another Winnow export in the output folder.")
    ] = False,
    sweep: Annotated[
        bool, typer.Option("--sweep", help="Make every corpus of the recipe's `sweep`; the text is scored once.")
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Run a recipe on input. Run it again after anything: it goes on where it stopped."""
    keep_memory()
    from pipeline.execution import executors

    chosen = cast(executors.Name, one_of("--executor", executor, get_args(executors.Name)))
    if not Path(workspace).exists():  # all is to be measured: workers load while the rest of Winnow is imported here
        executors.prepare(chosen, workers, ray_address, {"recipe": recipe, "settings": settings or []})
    from pipeline import progress
    from pipeline import run as runner
    from pipeline.recipe_file import load_recipe

    stop = cast(runner.Until, one_of("--until", until, get_args(runner.Until)))
    how = runner.Settings(
        executor=chosen,
        workers=workers,
        ray_address=ray_address,
        corpus=corpus,
        copy=copy,
        output=output,
        overwrite=overwrite,
        until=stop,
    )
    loaded = load_recipe(recipe, settings or [], inputs or [])
    if sweep:
        from pipeline.cli.show import show_sweep
        from pipeline.sweep import run_sweep

        made = run_sweep(loaded, workspace, how, lambda: progress.choose(as_json, quiet))
        show_sweep(made, workspace, as_json)
        return
    result = runner.run(loaded, workspace, how, progress.choose(as_json, quiet))
    from pipeline.cli.show import show_result

    show_result(result, workspace, as_json)


def plan(
    recipe: RecipeName,
    inputs: Inputs = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    settings: Set = None,
    workers: Workers = None,
    corpus: Corpus = None,
    as_json: Json = False,
) -> None:
    """Check a recipe against its input and show what would be done. Does no work."""
    from pipeline.cli.show import show_plan
    from pipeline.plan import make_plan
    from pipeline.recipe_file import load_recipe
    from pipeline.storage.store import Store

    made = make_plan(Store(workspace), load_recipe(recipe, settings or [], inputs or []), corpus)
    told = made.told(workers or cores())
    if as_json:
        say(told, True)
    else:
        show_plan(told)


def demo(
    recipe: Annotated[str, typer.Option("--recipe", help="The preset to curate with.")] = "fineweb",
    folder: Annotated[
        str, typer.Option("--folder", help="Where the demo's input, workspace and output go.")
    ] = "winnow-demo",
    workers: Workers = None,
    executor: Executor = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Curate the text of this Python environment: no download, real near-duplicates, several languages, boilerplate."""
    keep_memory()
    from pipeline import progress
    from pipeline import run as runner
    from pipeline.catalog.views import open_catalog
    from pipeline.cli.show import show_demo, show_result
    from pipeline.demo import gathering as demo_corpus
    from pipeline.execution import executors
    from pipeline.recipe_file import load_recipe
    from pipeline.storage.store import Store

    chosen = cast(executors.Name, one_of("--executor", executor, get_args(executors.Name)))
    recipe = _recipe_for_demo(recipe)
    corpus = demo_corpus.gather(Path(folder) / "input")
    workspace = str(Path(folder) / "workspace")
    loaded = load_recipe(recipe, [], [str(p) for p in corpus.paths])
    how = runner.Settings(
        executor=chosen,
        workers=workers,
        corpus=demo_corpus.CORPUS,
        output=str(Path(folder) / f"curated-{loaded.name}"),
        overwrite=True,
    )
    result = runner.run(loaded, workspace, how, progress.choose(as_json, quiet))
    show_result(result, workspace, as_json)
    if not as_json:
        clusters: list[Any] = demo_corpus.largest_clusters(open_catalog(Store(workspace), result.job_id), 3)
        show_demo(corpus, clusters, demo_corpus.next_commands(folder, recipe))


def _recipe_for_demo(recipe: str) -> str:
    """The recipe, or `minimal` where it needs the language model and that is not on this machine: a demo downloads
    nothing."""
    from pipeline.recipe_file import load_recipe
    from scorers import models
    from scorers.models.card import ModelMissing

    names = [e if isinstance(e, str) else next(iter(e)) for e in load_recipe(recipe).score]
    try:
        if "language" in names:
            models.find("lid.176")
    except ModelMissing as missing:
        typer.echo(f"{missing}\nUntil then the demo uses the recipe 'minimal'.", err=True)
        return "minimal"
    return recipe
