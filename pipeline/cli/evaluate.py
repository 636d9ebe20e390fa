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
Text = Annotated[str | None, typer.Option("--text", help="The data's text column, where it is no usual one.")]
Label = Annotated[str | None, typer.Option("--label", help="The data's column that holds the truth.")]
Positive = Annotated[list[str] | None, typer.Option("--positive", help="A label that is positive; may be repeated.")]
Threshold = Annotated[float | None, typer.Option("--threshold", help="Scores from it on are positive.")]
RecipeName = Annotated[str | None, typer.Option("--recipe", help="Take threshold and parameters from its rule.")]
Low = Annotated[bool, typer.Option("--low", help="Low scores mean positive (perplexity).")]
Keeps = Annotated[str, typer.Option("--keeps", help="Which side stays where no rule says it.")]
HateCheck = Annotated[bool, typer.Option("--hatecheck", help="HateCheck: by functionality and identity group.")]
Confidence = Annotated[str | None, typer.Option("--confidence", help="The column: how sure a predicted name is.")]
Resamples = Annotated[int, typer.Option("--resamples", min=0, help="Draws of the bootstrap.")]
Seed = Annotated[int, typer.Option("--seed", help="Of the bootstrap.")]
LeaveOneOut = Annotated[str | None, typer.Option("--leave-one-out", help="With --train: hold out each of its groups.")]
Train = Annotated[
    str | None,
    typer.Option("--train", help="Judge a way of training: toxicity, quality, domain, or NAME:key=value,..."),
]
Corpus = Annotated[str | None, typer.Option("--corpus", help="A corpus of the workspace; the latest otherwise.")]
Toxicity = Annotated[str, typer.Option("--toxicity", help="The column that says how toxic.")]


def register(app: typer.Typer) -> None:
    """Add these commands to the app."""
    app.command(epilog=examples(
        "winnow evaluate toxicity.probability labelled.parquet --label toxic --by lang,source --output toxicity.html",
        "winnow evaluate toxicity.probability hatecheck.parquet --hatecheck --recipe my.yaml --json",
        "winnow evaluate perplexity.perplexity judged.jsonl --label good --low --threshold 400",
        "winnow evaluate toxicity.probability a.parquet b.parquet --label toxic --leave-one-out source --train toxicity",
        "winnow evaluate language.code documents.parquet --label lang --by source",
    ))(evaluate)  # fmt: skip
    app.command(epilog=examples("winnow audit --output audit.html", "winnow audit crawl/ --by source --json"))(audit)


def evaluate(
    column: ColumnName,
    data: Data,
    label: Label = None,
    positive: Positive = None,
    text: Text = None,
    by: By = None,
    threshold: Threshold = None,
    recipe: RecipeName = None,
    scorer: Scorer = None,
    low: Low = False,
    keeps: Keeps = "negative",
    hatecheck: HateCheck = False,
    confidence: Confidence = None,
    leave_one_out: LeaveOneOut = None,
    train: Train = None,
    resamples: Resamples = 200,
    seed: Seed = 0,
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
    _check_page(output)
    asked = Asked(
        column, tuple(data), label, tuple(positive or ()), text, _names(by), threshold, recipe,
        tuple(scorer_entry(s) for s in scorer or ()), low, "positive" if keeps == "positive" else "negative",
        hatecheck, confidence, How(resamples, seed), leave_one_out, scorer_entry(train) if train else None,
    )  # fmt: skip
    told = ask(asked, workspace, workers, progress.choose(False, as_json or quiet))
    if output is not None:
        from pipeline.evaluate.page import render_evaluation

        _write(output, render_evaluation(told))
    say(told, True) if as_json else _show_evaluation(told, output)


def audit(
    data: Annotated[
        list[str] | None,
        typer.Argument(help="Files, globs or folders; the workspace's corpus otherwise.", metavar="[DATA]..."),
    ] = None,
    corpus: Corpus = None,
    by: By = None,
    toxicity: Toxicity = "toxicity.probability",
    threshold: Annotated[float, typer.Option("--threshold", help="From it on a document counts as toxic.")] = 0.5,
    text: Text = None,
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

    _check_page(output)
    asked = AuditOf(
        tuple(data or ()), corpus, _names(by), toxicity, threshold, text, tuple(scorer_entry(s) for s in scorer or ())
    )
    told = run_audit(asked, workspace, workers, progress.choose(False, as_json or quiet))
    if output is not None:
        from pipeline.evaluate.page import render_audit

        _write(output, render_audit(told))
    say(told, True) if as_json else _show_audit(told, output)


def _names(given: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(n.strip() for n in (given or "").split(",") if n.strip()))


def _check_page(path: str | None) -> None:
    """Now, not after the measuring."""
    from pathlib import Path

    from pipeline.errors import UsageError

    if path is not None and not Path(path).parent.is_dir():
        raise UsageError(f"--output {path!r}: there is no folder {str(Path(path).parent)!r}")


def _write(path: str, page: str) -> None:
    from pipeline.storage.files import told

    with told(path), open(path, "w", encoding="utf-8") as file:
        file.write(page)


def _show_evaluation(told: dict[str, Any], page: str | None) -> None:
    from pipeline.cli.show import table
    from pipeline.evaluate.sentences import evaluation_rows, evaluation_sentences

    for line in evaluation_sentences(told):
        typer.echo(line)
    table(evaluation_rows(told["overall"]))
    for grouping in told["groups"]:
        shown = [{grouping["by"]: g["group"], **_few(g)} for g in grouping["groups"]]
        table(shown, f"by {grouping['by']}")
    if page is not None:
        typer.echo(page)


SHORT = {
    "rows": "rows", "positives": "positive", "not_measured": "null", "roc_auc": "AUC", "f1": "F1", "false_positive_rate": "FPR",
    "false_negative_rate": "FNR", "accuracy": "accuracy", "macro_f1": "macro-F1",
}  # fmt: skip
"""A group's figures on a terminal."""


def _few(group: dict[str, Any]) -> dict[str, Any]:
    return {said: group[k] for k, said in SHORT.items() if k in group}


def _show_audit(told: dict[str, Any], page: str | None) -> None:
    from pipeline.cli.show import table
    from pipeline.evaluate.sentences import audit_sentences

    for line in audit_sentences(told):
        typer.echo(line)
    table([{k: v for k, v in g.items() if k != "few"} for g in told["groups"]], "groups of people")
    if page is not None:
        typer.echo(page)
