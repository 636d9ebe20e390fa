"""What can go wrong, and the exit code a user's shell sees. Every message says what, where, expected, what to do."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar, NamedTuple


class Place(NamedTuple):
    """One fault of what was given: JSON pointer to it, what is wrong there, and of what kind (a word for programs)."""

    pointer: str
    detail: str
    code: str


class WinnowError(Exception):
    """The base of every error that is told to the user in words, without a traceback."""

    exit_code: ClassVar[int] = 1
    code: ClassVar[str] = "failed"


class UsageError(WinnowError):
    """The command or its arguments are wrong: nothing was started. places: where, if what was given is a tree."""

    exit_code = 2
    code = "usage"

    def __init__(self, message: str, places: Sequence[Place] = ()) -> None:
        super().__init__(message)
        self.places = tuple(places)


class NotFound(UsageError):
    """What was asked for is not there: a document, a cluster, a column, a preset."""

    code = "not_found"


class JobMissing(NotFound):
    """The workspace has no such job."""

    code = "job_not_found"


class RecipeError(UsageError):
    """The recipe is not one: unknown keys, wrong types, bad YAML."""

    code = "recipe"


class PlanError(UsageError):
    """The recipe is well formed but cannot run on this input: unknown columns, bounds that never fire, no input."""

    code = "plan"


class PathOutside(UsageError):
    """A path, or what a link leads to, lies outside the folders and buckets that may be touched."""

    code = "path_outside"


class QuarantineOverBudget(WinnowError):
    """More rows or files could not be read than the recipe allows."""

    exit_code = 3
    code = "quarantine_over_budget"


class Cancelled(WinnowError):
    """The user stopped the job; the workspace is resumable."""

    exit_code = 4
    code = "cancelled"


class Paused(WinnowError):
    """The job was asked to pause; the workspace is resumable."""

    exit_code = 4
    code = "paused"


class Fenced(WinnowError):
    """A later attempt holds this job: this one writes no more."""

    code = "fenced"


class WrongState(WinnowError):
    """A job's state does not allow what is asked of it."""

    code = "wrong_state"


class NotSupervised(WrongState):
    """The job was started by `winnow run`: whoever started it steers it."""

    code = "not_supervised"


class KeyReused(UsageError):
    """An idempotency key that stands for another request already."""

    code = "idempotency_key_reused"


class QueueFull(WinnowError):
    """As many jobs wait as may. retry_after: seconds until it is worth another try."""

    code = "queue_full"
    retry_after: ClassVar[float] = 15.0


class StorageError(WinnowError):
    """A path cannot be read or written: permissions, no space, gone."""

    code = "storage"


class IntegrityError(WinnowError):
    """Bytes are not what the manifest or a page checksum says."""

    code = "integrity"


class RecordDamaged(IntegrityError):
    """A small file that says how a job or a request is doing is none, or of another time."""

    code = "record_damaged"


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


class SqlAbandoned(SqlError):
    """Nobody waits for the answer any more."""


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


class DocumentNotFound(NotFound):
    """The job has no document of this id."""

    code = "document_not_found"


class ClusterNotFound(NotFound):
    """The job has no duplicate cluster of this name."""

    code = "cluster_not_found"


class ColumnNotFound(NotFound):
    """The job measured no column of this name."""

    code = "column_not_found"


class NotReadyYet(WinnowError):
    """The job has not come so far that this could be answered."""

    code = "not_ready_yet"


class ClerksBusy(WinnowError):
    """No clerk was free in time. retry_after: seconds until it is worth another try."""

    code = "too_many_questions"
    retry_after = 5.0


class ClerkTimeout(WinnowError):
    """A clerk gave no answer in time and was ended."""

    code = "timeout"


class ClerkLost(WinnowError):
    """A clerk ended without an answer."""

    code = "clerk_lost"


class ClerkOutOfMemory(WinnowError):
    """What was asked needs more memory than a clerk has."""

    code = "out_of_memory"


class InternalError(WinnowError):
    """A fault of Winnow; told by its kind and place in the code alone, because its words might hold data."""

    code = "internal"


def by_code() -> dict[str, type[WinnowError]]:
    """Every error by its code, for errors that cross the border of a process."""
    found: dict[str, type[WinnowError]] = {}
    left: list[type[WinnowError]] = [WinnowError]
    while left:
        error = left.pop()
        found.setdefault(error.code, error)
        left += error.__subclasses__()
    return found


def pointer(*keys: object) -> str:
    """A JSON pointer (RFC 6901) of keys and indices."""
    return "".join("/" + str(k).replace("~", "~0").replace("/", "~1") for k in keys)


@contextlib.contextmanager
def placed(*keys: object) -> Iterator[None]:
    """Whatever is found wrong inside lies at this place of the tree, unless it says more exactly where."""
    try:
        yield
    except UsageError as error:
        error.places = error.places or (Place(pointer(*keys), str(error), error.code),)
        raise


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """' Did you mean 'x'?' where something known is near, else ''."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" Did you mean {near[0]!r}?" if near else ""
