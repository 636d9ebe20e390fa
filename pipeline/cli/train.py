"""winnow train: the group of commands that make models."""

from __future__ import annotations

import typer

from pipeline.cli import train_classifier, train_perplexity


def register(app: typer.Typer) -> None:
    """Add the group to the app."""
    train = typer.Typer(help="Train a model on your own data; it is then known by name.", no_args_is_help=True)
    train_perplexity.register(train)
    train_classifier.register(train)
    app.add_typer(train, name="train")
