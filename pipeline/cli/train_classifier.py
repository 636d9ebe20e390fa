"""winnow train quality|toxicity|domain: a classifier from labelled text."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from pipeline.cli.options import Json, examples, say

Data = Annotated[list[str], typer.Argument(help="Parquet or JSONL of text and label, or folders of them.")]
Label = Annotated[str, typer.Option("--label", help="The column of labels.")]
Text = Annotated[str, typer.Option("--text", help="The column of text.")]
Name = Annotated[str, typer.Option("--name", help="The model's name from then on.")]
Positive = Annotated[list[str] | None, typer.Option("--positive", help="The label asked for; may be repeated.")]
Group = Annotated[
    str | None,
    typer.Option("--group", help="A column (source, site): rows of one group stay on one side of every split."),
]
Separator = Annotated[
    str, typer.Option("--separator", help="What stands between the labels of a row that has several.")
]
Normalise = Annotated[str, typer.Option("--normalise", help="none, lower, or words: lower case, marks set apart.")]
KeptRows = Annotated[int, typer.Option("--kept-rows", min=1000, help="Size of the model: about 20 bytes a row.")]
Budget = Annotated[
    float, typer.Option("--budget-s", min=0, help="Search this long; counted in work, so that results repeat.")
]
Seed = Annotated[int, typer.Option("--seed", help="Of every random choice.")]
Teacher = Annotated[str | None, typer.Option("--teacher", help="minilm: it labels the texts of --unlabelled first.")]
Unlabelled = Annotated[list[str] | None, typer.Option("--unlabelled", help="Parquet or JSONL of text alone.")]
Licence = Annotated[str, typer.Option("--licence", help="The model's licence, as its card says it.")]


def register(train: typer.Typer) -> None:
    """Add a command for each kind of classifier to the group `winnow train`."""
    for task, data in (("quality", "rated.parquet"), ("toxicity", "comments.jsonl"), ("domain", "pages.parquet")):
        positive = "" if task == "domain" else " --positive good" if task == "quality" else " --positive toxic"
        epilog = examples(
            f"winnow train {task} {data} --label label --text text{positive} --group source --name my-{task}"
        )
        train.command(task, epilog=epilog, help=f"Train a {task} classifier on labelled text.")(_command(task))


def _command(task: Any) -> Any:
    def command(
        data: Data,
        name: Name,
        label: Label = "label",
        text: Text = "text",
        positive: Positive = None,
        group: Group = None,
        separator: Separator = "",
        normalise: Normalise = "words",
        kept_rows: KeptRows = 100_000,
        budget_s: Budget = 60.0,
        seed: Seed = 0,
        teacher: Teacher = None,
        unlabelled: Unlabelled = None,
        licence: Licence = "as its data",
        as_json: Json = False,
    ) -> None:
        from pipeline.errors import UsageError
        from pipeline.train.labelled import read_labelled, read_unlabelled
        from pipeline.train.making import Wish

        if teacher not in (None, "minilm"):
            raise UsageError(f"no teacher {teacher!r}; there is minilm")
        if bool(teacher) != bool(unlabelled):
            raise UsageError("--teacher and --unlabelled belong together: the teacher labels those texts")
        more = read_unlabelled(unlabelled, text) if unlabelled else None
        rows = read_labelled(data, text, label, group)
        positives = tuple(positive or ())
        wish = Wish(task, name, positives, separator, normalise, kept_rows, budget_s, seed, more, licence)
        _make(rows, wish, as_json)

    return command


def _make(rows: Any, wish: Any, as_json: bool) -> None:
    import dataclasses
    import tempfile
    from pathlib import Path

    from pipeline.errors import WinnowError
    from pipeline.train.making import make
    from scorers import models
    from scorers.models.card import ModelError

    made = make(rows, wish)
    with tempfile.TemporaryDirectory(prefix="winnow-train-") as folder:
        path = Path(folder) / made.card.file_name
        path.write_bytes(made.content)
        try:
            found = models.add(path, made.card)
        except ModelError as error:
            raise WinnowError(str(error)) from None
    if as_json:
        tried = [{**dataclasses.asdict(t.shape), "value": t.value, "work": t.work} for t in made.tried]
        say({"path": str(found.path), "card": dataclasses.asdict(made.card), "tried": tried}, True)
        return
    typer.echo(f"{made.card.about}\n{found.path} ({made.card.size_bytes:,} bytes)")
    for name, value in made.card.metrics.items():
        typer.echo(f"  {name}: {value}")
    for limit in made.card.limits:
        typer.echo(f"  {limit}")
    typer.echo(f"use it: score: [{{{wish.task}: {{model: {wish.name}}}}}]")
