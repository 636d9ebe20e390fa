"""winnow evaluate, audit."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from pipeline.cli.options import DEFAULT_WORKSPACE, Json, Quiet, Workers, Workspace, examples, say

ColumnName = Annotated[str, typer.Argument(help="A scorer's column, such as toxicity.probability.", metavar="COLUMN")]
Data = Annotated[
    list[str], typer.Argument(help="Labelled Parquet or JSONL: files, globs or folders.", metavar="DATA...")
]
By = Annotated[
    str | None,
    typer.Option("--by", help="Columns of the data to group by, separated by commas: lang,source,meta.functionality."),
]
Scorer = Annotated[
    list[str] | None, typer.Option("--scorer", help="NAME:key=value,..., or a Python file, behind the column.")
]
Page = Annotated[str | None, typer.Option("--output", "-o", help="Write a self-contained HTML page.")]


def register(app: typer.Typer) -> None:
    """Add these commands to the app."""
    app.command(epilog=examples(
        "winnow evaluate toxicity.probability labelled.parquet --label toxic --by lang,source --output toxicity.html",
        "winnow evaluate toxicity.probability hatecheck.parquet --hatecheck --recipe my.yaml --json",
        "winnow evaluate perplexity.perplexity judged.jsonl --label good --low --threshold 400",
        "winnow evaluate language.code documents.parquet --label lang --by source",
    ))(evaluate)  # fmt: skip
    app.command(epilog=examples("winnow audit --output audit.html", "winnow audit crawl/ --by source --json"))(audit)


def evaluate(
    column: ColumnName,
    data: Data,
    label: Annotated[str | None, typer.Option("--label", help="The data's column that holds the truth.")] = None,
    positive: Annotated[
        list[str] | None, typer.Option("--positive", help="A label that counts as positive; may be repeated.")
    ] = None,
    text: Annotated[
        str | None, typer.Option("--text", help="The data's text column, where it is no usual one.")
    ] = None,
    by: By = None,
    threshold: Annotated[float | None, typer.Option("--threshold", help="Scores from it on are positive.")] = None,
    recipe: Annotated[
        str | None, typer.Option("--recipe", help="Take the threshold, and the scorer's parameters, from its rule.")
    ] = None,
    scorer: Scorer = None,
    low: Annotated[bool, typer.Option("--low", help="Low scores mean positive (perplexity).")] = False,
    keeps: Annotated[str, typer.Option("--keeps", help="Which side stays where no rule says it.")] = "negative",
    hatecheck: Annotated[
        bool, typer.Option("--hatecheck", help="The data are HateCheck: by functionality and identity group.")
    ] = False,
    confidence: Annotated[
        str | None, typer.Option("--confidence", help="The column that says how sure a predicted name is.")
    ] = None,
    times: Annotated[int, typer.Option("--resamples", min=0, help="Draws of the bootstrap.")] = 200,
    seed: Annotated[int, typer.Option("--seed", help="Of the bootstrap.")] = 0,
    output: Page = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    workers: Workers = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Hold a scorer against labelled data: AUC, F1 at the recipe's threshold, calibration, by group, with intervals."""
    from pipeline import progress
    from pipeline.cli.jobs import one_of
    from pipeline.cli.tables import scorer_entry
    from pipeline.evaluate.asking import Asked, ask
    from pipeline.evaluate.resampling import How

    one_of("--keeps", keeps, ("positive", "negative"))
    asked = Asked(
        column, tuple(data), label, tuple(positive or ()), text, _names(by), threshold, recipe,
        tuple(scorer_entry(s) for s in scorer or ()), low, "positive" if keeps == "positive" else "negative",
        hatecheck, confidence, How(times, seed),
    )  # fmt: skip
    told = ask(asked, workspace, workers, progress.choose(False, as_json or quiet))
    if output is not None:
        from pipeline.evaluate.page import render_evaluation

        _write(output, render_evaluation(told))
    if as_json:
        say(told, True)
        return
    _show_evaluation(told)
    if output is not None:
        typer.echo(output)


def audit(
    data: Annotated[
        list[str] | None,
        typer.Argument(help="Files, globs or folders; the workspace's corpus otherwise.", metavar="[DATA]..."),
    ] = None,
    corpus: Annotated[
        str | None, typer.Option("--corpus", help="A corpus of the workspace; the latest otherwise.")
    ] = None,
    by: By = None,
    column: Annotated[str, typer.Option("--toxicity", help="The column that says how toxic.")] = "toxicity.probability",
    threshold: Annotated[float, typer.Option("--threshold", help="From it on a document counts as toxic.")] = 0.5,
    text: Annotated[
        str | None, typer.Option("--text", help="The data's text column, where it is no usual one.")
    ] = None,
    scorer: Scorer = None,
    output: Page = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    workers: Workers = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Say which groups of people a corpus speaks of, and how toxic the documents are that do: per domain and source."""
    from pipeline import progress
    from pipeline.cli.tables import scorer_entry
    from pipeline.evaluate.audit import AuditOf
    from pipeline.evaluate.audit import audit as run_audit

    asked = AuditOf(
        tuple(data or ()), corpus, _names(by), column, threshold, text, tuple(scorer_entry(s) for s in scorer or ())
    )
    told = run_audit(asked, workspace, workers, progress.choose(False, as_json or quiet))
    if output is not None:
        from pipeline.evaluate.page import render_audit

        _write(output, render_audit(told))
    if as_json:
        say(told, True)
        return
    _show_audit(told)
    if output is not None:
        typer.echo(output)


def _names(given: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(n.strip() for n in (given or "").split(",") if n.strip()))


def _write(path: str, page: str) -> None:
    from pipeline.files import told

    with told(path), open(path, "w", encoding="utf-8") as file:
        file.write(page)


def _show_evaluation(told: dict[str, Any]) -> None:
    from pipeline.cli.show import table
    from pipeline.evaluate.sentences import evaluation_rows, evaluation_sentences

    for line in evaluation_sentences(told):
        typer.echo(line)
    table(evaluation_rows(told["overall"]))
    for grouping in told["groups"]:
        shown = [{grouping["by"]: g["group"], **_few(g)} for g in grouping["groups"]]
        table(shown, f"by {grouping['by']}")


SHORT = {
    "rows": "rows", "positives": "positive", "not_measured": "null", "roc_auc": "AUC", "f1": "F1", "false_positive_rate": "FPR",
    "false_negative_rate": "FNR", "accuracy": "accuracy", "macro_f1": "macro-F1",
}  # fmt: skip
"""A group's figures on a terminal."""


def _few(group: dict[str, Any]) -> dict[str, Any]:
    return {said: group[k] for k, said in SHORT.items() if k in group}


def _show_audit(told: dict[str, Any]) -> None:
    from pipeline.cli.show import table
    from pipeline.evaluate.sentences import audit_sentences

    for line in audit_sentences(told):
        typer.echo(line)
    table([{k: v for k, v in g.items() if k != "few"} for g in told["groups"]], "groups of people")
