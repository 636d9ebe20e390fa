"""What can go wrong, and the exit code a user's shell sees. Every message says what, where, expected, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar


class WinnowError(Exception):
    """The base of every error that is told to the user in words, without a traceback."""

    exit_code: ClassVar[int] = 1
    code: ClassVar[str] = "failed"


class UsageError(WinnowError):
    """The command or its arguments are wrong: nothing was started."""

    exit_code = 2
    code = "usage"


class RecipeError(UsageError):
    """The recipe is not one: unknown keys, wrong types, bad YAML."""

    code = "recipe"


class PlanError(UsageError):
    """The recipe is well formed but cannot run on this input: unknown columns, bounds that never fire, no input."""

    code = "plan"


class QuarantineOverBudget(WinnowError):
    """More rows or files could not be read than the recipe allows."""

    exit_code = 3
    code = "quarantine_over_budget"


class Cancelled(WinnowError):
    """The user stopped the job; the workspace is resumable."""

    exit_code = 4
    code = "cancelled"


class StorageError(WinnowError):
    """A path cannot be read or written: permissions, no space, gone."""

    code = "storage"


class IntegrityError(WinnowError):
    """Bytes are not what the manifest or a page checksum says."""

    code = "integrity"


class ConservationError(WinnowError):
    """Rows in differ from rows kept + removed + quarantined: a fault of Winnow; nothing was committed."""

    code = "conservation"


class GuardHeld(WinnowError):
    """A guard of deduplication held the commit."""

    code = "guard_held"


class UnitFailed(WinnowError):
    """One unit of a stage kept failing; the others are committed."""

    code = "unit_failed"


class SqlError(WinnowError):
    """A question in SQL found no answer: the statement is wrong, or the engine ended."""

    code = "sql_error"


class SqlRefused(SqlError):
    """The gate does not let this statement through: more than a question, or about more than the views."""

    exit_code = 2
    code = "sql_refused"


class SqlTimeout(SqlError):
    """The statement ran into its limit of seconds and was ended."""

    code = "sql_timeout"


class SqlOutOfMemory(SqlError):
    """The statement needs more memory than its limit."""

    code = "sql_out_of_memory"


class SqlTooLarge(SqlError):
    """The statement is too long, or no row of its answer fits into the limit."""

    code = "sql_too_large"


class CatalogHeld(WinnowError):
    """Another process, a running service most likely, has the catalog's file open."""

    code = "catalog_held"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """' Did you mean 'x'?' where something known is near, else ''."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" Did you mean {near[0]!r}?" if near else ""
