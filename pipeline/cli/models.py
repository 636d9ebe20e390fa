"""winnow models add: a model of one's own, or a public one, by file or address."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli.options import Json, examples, say

PIECE_BYTES = 1 << 20
LEAST_BYTES_PER_S = 10_000


def register(models: typer.Typer) -> None:
    """Add the command to the group `winnow models`."""
    models.command(
        "add",
        epilog=examples(
            "winnow models add openhermes_reddit_eli5_vs_rw_v2_bigram_200k_train.bin --name dclm --kind fasttext --positive hq",
            "winnow models add https://example.org/edu.bin --sha256 0123… --name edu --kind fasttext --positive edu",
        ),
    )(add_model)


def add_model(
    source: Annotated[str, typer.Argument(help="A file, or an https address.", metavar="FILE|URL")],
    name: Annotated[str, typer.Option("--name", help="What scorers and recipes call it from then on.")],
    kind: Annotated[str, typer.Option("--kind", help="fasttext.")] = "fasttext",
    sha256: Annotated[str | None, typer.Option("--sha256", help="The file's digest; needed for an address.")] = None,
    positive: Annotated[
        list[str] | None, typer.Option("--positive", help="The label whose probability is asked for; may be repeated.")
    ] = None,
    category: Annotated[
        list[str] | None, typer.Option("--category", help="A label that toxicity gives a column; may be repeated.")
    ] = None,
    normalise: Annotated[
        str, typer.Option("--normalise", help="What text it was trained on: none, lower, words.")
    ] = "none",
    licence: Annotated[str, typer.Option("--licence", help="Its licence, as its card says it.")] = "unstated",
    about: Annotated[str, typer.Option("--about", help="A sentence on what it tells.")] = "Added by hand.",
    as_json: Json = False,
) -> None:
    """Take a fastText classifier into the models folder, under a name: checked by digest and read whole; never code."""
    import tempfile

    from pipeline.errors import UsageError, WinnowError
    from scorers import models
    from scorers.models.card import ModelError
    from scorers.models.classifier import NORMALISE

    if kind != "fasttext" or normalise not in NORMALISE:
        raise UsageError(f"--kind {kind}, --normalise {normalise}; there are fasttext, and {', '.join(NORMALISE)}")
    settings: dict[str, Any] = {"normalise": normalise}
    settings |= {key: list(given) for key, given in (("positive", positive), ("categories", category)) if given}
    try:
        models.check_name(name)  # before anything is fetched
    except ModelError as error:
        raise UsageError(str(error)) from None
    with tempfile.TemporaryDirectory(prefix="winnow-add-") as folder:
        path = _fetched(source, sha256, Path(folder))
        try:
            found = models.add(path, _card(path, name, sha256, settings, licence, about))
        except (ModelError, ValueError) as error:
            raise WinnowError(str(error)) from None
    told = {"model": name, "path": str(found.path), "sha256": found.sha256, "labels": list(found.card.labels)}
    say(told, True) if as_json else typer.echo(
        f"{name}: {', '.join(found.card.labels[:12])}{' …' if len(found.card.labels) > 12 else ''}\n{found.path}"
    )


def _card(path: Path, name: str, sha256: str | None, settings: dict[str, Any], licence: str, about: str) -> Any:
    """The card of a file that was read whole as a supervised model, and whose labels hold what the settings name."""
    import hashlib

    from pipeline.errors import UsageError
    from scorers.models.card import Card
    from scorers.models.fasttext_file import read_file

    with path.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    file = read_file(path, sha256 or digest)
    wrong = {*settings.get("positive", ()), *settings.get("categories", ())} - set(file.labels)
    if wrong:
        raise UsageError(
            f"model {path.name!r} has no label {', '.join(sorted(wrong))}; it has {', '.join(file.labels)}"
        )
    return Card(
        name, "fasttext", path.name, digest, path.stat().st_size, licence, about, file.labels, settings=settings
    )


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
