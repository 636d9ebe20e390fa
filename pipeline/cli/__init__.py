"""The command line. Commands import what they need when they run, so that `winnow --help` is quick."""

from __future__ import annotations

import atexit
import contextlib
import importlib
import json
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from pipeline.errors import Cancelled, StorageError, WinnowError
from pipeline.execution.limits import said_of_limits
from pipeline.execution.processes import collect_rarely, forgo_dateutil
from pipeline.storage.files import said_of_storage

if TYPE_CHECKING:
    import typer

COMMANDS: dict[str, tuple[str, ...]] = {
    "jobs": ("run", "plan", "demo"),
    "tables": ("score", "dedup"),
    "bands": ("bands", "guards"),
    "ask": ("sql", "why", "report"),
    "serve": ("serve", "keys"),
    "remote": ("submit", "jobs", "cancel", "pause", "resume", "retry", "delete"),
    "watch": ("watch", "logs"),
    "catalog": ("catalog",),
    "evaluate": ("evaluate", "audit"),
    "lists": ("scorers", "recipes", "corpora"),
    "models": ("models",),
    "train": ("train",),
    "takedown": ("takedown",),
    "care": ("verify", "doctor"),
}
"""The modules here that have commands, and which, as `winnow --help` lists them."""


def commands(asked: str | None = None) -> typer.Typer:
    """The app with all commands, or with those of one module where it has what is asked for: importing the others and reading
    the options of forty commands took 0.04 s, before a run could start its workers."""
    import typer  # here, where Ctrl-C is told in a sentence: it takes half of the start

    app = typer.Typer(
        name="winnow",
        help="Curate LLM pretraining corpora: measure every document once, decide as often as you like, account for every row.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_nothing)  # without one, an app of a single command would take no command's name
    for module in [m for m, names in COMMANDS.items() if asked in names] or COMMANDS:
        importlib.import_module(f"pipeline.cli.{module}").register(app)
    return app


def _nothing() -> None:
    pass


KEYBOARD_INTERRUPT = 130
MODEL_ERRORS = {"ModelError", "FastTextError", "NgramError"}
"""What scorers, which know no pipeline, say of a model's file or card. By name: importing them takes too long."""


def main() -> None:
    """Run a command; every failure is a sentence and an exit code, never a traceback (unless WINNOW_DEBUG is set)."""
    collect_rarely()
    forgo_dateutil()
    signal.signal(signal.SIGTERM, _terminate)
    try:
        app = commands(sys.argv[1] if len(sys.argv) > 1 else None)
        code = app(standalone_mode=False)  # typer returns what it would have exited with
        if code == KEYBOARD_INTERRUPT:
            raise KeyboardInterrupt
        _leave(code if isinstance(code, int) else 0)
    except WinnowError as error:
        _fail(str(error), error.code, error.exit_code)
    except KeyboardInterrupt:
        _fail("stopped; nothing is lost: give the same command again", Cancelled.code, Cancelled.exit_code)
    except BrokenPipeError:
        sys.stderr.close()  # whoever read us is gone: not an error
        sys.exit(0)
    except Exception as error:
        _fail_in_click(error)


def _leave(code: int) -> NoReturn:
    sys.stdout.flush()
    sys.stderr.flush()
    _end(code)


def _end(code: int) -> NoReturn:
    """Exit without taking the interpreter apart: that takes a third of a second once kernels and tables were there, and while a thread
    still imports, DuckDB lists a hundred objects of its own."""
    atexit._run_exitfuncs()
    os._exit(code)


def _fail_in_click(error: Exception) -> None:
    kinds = [cls.__name__ for cls in type(error).__mro__]
    if "Exit" in kinds:
        sys.exit(getattr(error, "exit_code", 0))
    if "Abort" in kinds:
        _fail("stopped", Cancelled.code, Cancelled.exit_code)
    if "ClickException" in kinds:
        shown: Any = error
        shown.show()
        sys.exit(2)
    storage = said_of_storage(error)
    if storage is not None:
        _fail(storage, StorageError.code, StorageError.exit_code)
    limits = said_of_limits(error)
    if limits is not None:
        _fail(limits, WinnowError.code, WinnowError.exit_code)
    if not MODEL_ERRORS.isdisjoint(kinds):
        _fail(str(error), "model", 1)
    if os.environ.get("WINNOW_DEBUG"):
        raise error
    _fail(
        f"{type(error).__name__}: {error}. This is a fault of Winnow: please report it with what "
        "WINNOW_DEBUG=1 prints for the same command. Finished parts are kept",
        "internal",
        1,
    )


def _fail(message: str, code: str, exit_code: int) -> NoReturn:
    with contextlib.suppress(OSError):  # standard output may be what is full, or closed
        if "--json" in sys.argv:
            print(json.dumps({"error": message, "code": code, "exit_code": exit_code}, ensure_ascii=False))  # noqa: T201 - the CLI
        sys.stdout.flush()
    with contextlib.suppress(OSError):
        print(f"error: {message}", file=sys.stderr, flush=True)  # noqa: T201 - the CLI
    _end(exit_code)


def _terminate(_signal: int, _frame: Any) -> None:
    raise KeyboardInterrupt
