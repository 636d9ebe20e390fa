"""What commands that ask a service have in common: where it is, the key, and how long they wait for it."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.errors import UsageError

if TYPE_CHECKING:
    from winnow.client import Client

Server = Annotated[
    str | None,
    typer.Option("--server", envvar="WINNOW_SERVER", help="Address of the service; http://127.0.0.1:8765 otherwise."),
]
ServerOnly = Annotated[
    str | None, typer.Option("--server", help="Ask the service at this address instead of a workspace here.")
]
KeyFile = Annotated[
    Path | None,
    typer.Option("--key-file", envvar="WINNOW_KEY_FILE", help="File that holds the key; WINNOW_KEY otherwise."),
]
JobName = Annotated[
    str, typer.Argument(help="A job's id, a beginning of it that only one job has, or `last`.", metavar="JOB")
]
LOOKING_S = 5.0
"""How long a command that only looks waits for a service; one that changes something waits as the client does."""
CHANGING_S = 60.0


@contextlib.contextmanager
def service(server: str | None, key_file: Path | None, patience_s: float) -> Iterator[Client]:
    """A client for one command. What it waits for is said on stderr."""
    from winnow.client import Client

    log, said = logging.getLogger("winnow.client"), _Waiting(patience_s)
    log.addHandler(said)
    log.setLevel(logging.INFO)
    log.propagate = False
    try:
        with Client(server, key_of(key_file), patience_s=patience_s) as client:
            yield client
    finally:
        log.removeHandler(said)


class _Waiting(logging.Handler):
    """Says once why a command waits; a command that only looks does not wait for long."""

    def __init__(self, patience_s: float) -> None:
        super().__init__()
        self._patience_s, self._told = patience_s, False

    def emit(self, record: logging.LogRecord) -> None:
        if not self._told and self._patience_s > LOOKING_S:
            typer.echo(f"{record.getMessage()}; for {self._patience_s:.0f} s at most", err=True)
        self._told = True


def key_of(key_file: Path | None) -> str | None:
    """The key in a file. A key is no option of a command: every user of the machine sees those."""
    if key_file is None:
        return None
    try:
        return key_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--key-file {key_file}: cannot be read: {error}") from None
