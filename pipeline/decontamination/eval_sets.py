"""Evaluation sets that documents are compared with: files read once into a table that is named by what is in them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import ValidationError

from pipeline.decontamination.eval_files import Item, items_of, rows_of
from pipeline.errors import PlanError, StorageError
from pipeline.recipe.tree import Strict
from pipeline.sources.listing import SourceFile, list_files
from pipeline.sources.streams import open_bytes
from pipeline.storage.parquet import write_parquet
from scorers import models
from scorers.models.card import Card, ModelError
from scorers.models.evaluations import KIND, SCHEMA

FORMAT = 2
SCORER = "contamination"
FILE_NAME = "evaluations.parquet"
SUFFIXES = re.compile(r"(\.(parquet|pq|jsonl?|ndjson))?(\.(gz|zst|zstd|bz2))?$")

Columns = str | tuple[str, ...] | None


class EvalSet(Strict):
    """Files of one evaluation set. name: the benchmark's, the file's without it; benchmark: a column that says it; id, question,
    choices, answer: columns, the usual ones are found; several make one text."""

    path: str
    name: str | None = None
    benchmark: Columns = None
    id: Columns = None
    question: Columns = None
    choices: Columns = None
    answer: Columns = None


@dataclasses.dataclass(frozen=True, slots=True)
class _Read:
    """One file: what it holds, and what its columns are. folders: those in front of its name that the benchmark's has, too."""

    file: SourceFile
    wanted: EvalSet
    content: bytes
    sha256: str
    folders: int = 0

    @property
    def name(self) -> str:
        return self.wanted.name or SUFFIXES.sub("", "/".join(self.file.path.split("/")[-1 - self.folders :]))

    def told(self) -> list[Any]:
        """All that determines its items."""
        return [self.name, self.sha256, self.wanted.model_dump(mode="json", exclude={"path", "name"})]


def with_index(entry: Any) -> Any:
    """A recipe's entry of `score`: where it is the scorer `contamination`, with its evaluation sets read and named. PlanError
    where there are none, where one cannot be read, or where they are not those the entry already names."""
    alias, given = (entry, {}) if isinstance(entry, str) else next(iter(entry.items()), ("", {}))
    given = dict(given or {})
    if given.get("use", alias) != SCORER or (not isinstance(entry, str) and len(entry) != 1):
        return entry
    against = _listed(given.get("against"))
    named = given.get("index") or ""
    if not against and not named:
        raise PlanError(
            "scorer 'contamination': it names no evaluation sets; give files: {contamination: {against: [evals/*.parquet]}}"
        )
    if against:
        given |= {"against": [_as_text(a) for a in against], "index": _pinned(against, named)}
    return {alias: given}


def index_of(against: Sequence[Any]) -> str:
    """The name of the table of these evaluation sets (paths, or mappings as EvalSet), made where it is not there yet."""
    read = _apart([r for given in against for r in _files(_eval_set(given))])
    told = sorted({json.dumps(r.told(), sort_keys=True): r for r in read}.items())
    digest = hashlib.sha256(json.dumps([FORMAT, [t for t, _ in told]]).encode()).hexdigest()
    name = models.evaluations_name(digest)
    try:
        models.check(name)
    except ModelError:
        _make(name, [r for _, r in told])
    return name


def _pinned(against: Sequence[Any], named: str) -> str:
    """The index of `against`; a recipe that names one too (a locked one) gets that or an error."""
    try:
        found = index_of(against)
    except (PlanError, StorageError):
        if named and named in models.names():
            return named  # the files are gone, what was read of them is here
        raise
    if named and found != named:
        raise PlanError(
            f"scorer 'contamination': the evaluation sets are not those this recipe was locked with: expected {named}, found "
            f"{found}. Take `index` out of the recipe to measure with what is there now"
        )
    return found


def _listed(against: Any) -> list[Any]:
    return [against] if isinstance(against, str | Mapping) else list(against or ())


def _as_text(given: Any) -> str:
    return given if isinstance(given, str) else json.dumps(given, sort_keys=True)


def _eval_set(given: Any) -> EvalSet:
    try:
        if isinstance(given, str) and given.lstrip().startswith("{"):
            given = json.loads(given)  # as a locked recipe writes it
        return EvalSet.model_validate({"path": given} if isinstance(given, str) else given)
    except (ValidationError, ValueError) as error:
        said = (
            "; ".join(f"{e['loc']}: {e['msg']}" for e in error.errors())
            if isinstance(error, ValidationError)
            else error
        )
        raise PlanError(
            f"scorer 'contamination', against: {given!r} is neither a path nor {{path, name, benchmark, id, question, choices, answer}}: {said}"
        ) from None


def _files(wanted: EvalSet) -> list[_Read]:
    try:
        files = list_files([wanted.path])
    except PlanError as error:
        raise PlanError(f"evaluation set: {str(error).removeprefix('input: ')}") from None
    read = []
    for file in files:
        try:
            with open_bytes(file.path) as opened:
                content = opened.read()
        except OSError as error:
            raise PlanError(f"evaluation set {file.path}: cannot be read: {error}") from None
        read.append(_Read(file, wanted, content, hashlib.sha256(content).hexdigest()))
    return read


def _apart(read: Sequence[_Read]) -> list[_Read]:
    """The same, named apart: files that differ and share a name, such as test.parquet, get as many folders in front as it takes."""
    made = [one for one in read if one.wanted.name]
    same: dict[str, list[_Read]] = {}
    for one in read:
        if not one.wanted.name:
            same.setdefault(one.name, []).append(one)
    for ones in same.values():
        files, differ = {o.file.path for o in ones}, len({o.sha256 for o in ones}) > 1
        while differ and len({o.name for o in ones}) < len(files):
            ones = [dataclasses.replace(o, folders=o.folders + 1) for o in ones]
        made += ones
    return made


def _make(name: str, read: Sequence[_Read]) -> None:
    """Parse, write, and take it among the models, with a card that says what is in it."""
    found: list[Item] = []
    data = []
    for one in read:
        columns = one.wanted.model_dump(include={"benchmark", "id", "question", "choices", "answer"})
        items = items_of(rows_of(one.content, one.file.path, one.file.format), one.file.path, columns, one.name)
        data.append({"name": one.name, "file": one.file.name, "sha256": one.sha256, "items": len(items)})
        found += items
    table = pa.Table.from_pylist([dataclasses.asdict(i) for i in found], schema=SCHEMA)
    counts = sorted(Counter(i.benchmark for i in found).items())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FILE_NAME
        write_parquet(path, table)
        content = path.read_bytes()
        card = Card(
            name, KIND, FILE_NAME, hashlib.sha256(content).hexdigest(), len(content), "that of the evaluation sets",
            "Evaluation sets that documents are compared with: " + ", ".join(f"{b} ({n:,})" for b, n in counts),
            data=tuple(data), limits=("What documents are compared with, and nothing to train on.",),
        )  # fmt: skip
        models.add(path, card)
