"""What `input.paths` stands for: files, folders, globs and URLs, as a sorted list of files with stable names."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote

from pipeline.errors import IntegrityError, PlanError, did_you_mean
from pipeline.schema import PROVENANCE
from pipeline.sources import folders
from pipeline.sources.confined import check_confined
from pipeline.sources.folders import WILD, Found
from pipeline.sources.formats import HEAD_BYTES, Format, by_content, by_name
from pipeline.storage.files import file_stamp, is_remote, local_path, of_bucket
from pipeline.wording import many

HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One input file. path: absolute, or a URL; name: relative to what was given, the same wherever that lies;
    stamp: size and mtime or etag; problem: why it cannot be read at all (empty where it may be)."""

    path: str
    name: str
    bytes: int
    stamp: str
    format: Format
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of an input, by name, and what a user should know about how they were found."""

    files: tuple[SourceFile, ...]
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class _Ignored:
    """Files of a folder whose names promise no format."""

    count: int = 0
    examples: list[str] = field(default_factory=list)


def list_files(paths: Sequence[str], format: str = "auto") -> list[SourceFile]:
    """The files that `paths` stand for, in the order of their names."""
    return list(list_input(paths, format).files)


def list_input(paths: Sequence[str], format: str = "auto") -> Listing:
    """As list_files, with warnings. A path that finds nothing is an error: absent is not a pass."""
    if not paths:
        raise PlanError("input: no paths; give files, folders, globs or URLs, such as input.paths: [crawl/*.parquet]")
    ignored = _Ignored()
    found: dict[str, tuple[str, SourceFile]] = {}
    for given in paths:
        for base, file in _expand(given, format, ignored):
            found.setdefault(file.path, (base, file))
    files = sorted(_named([f for _, f in found.values()]), key=lambda f: (f.name, f.path))
    warnings = []
    if ignored.count:
        warnings.append(
            f"left out of the given folders: {many(ignored.count, 'file')} without a known extension, such as "
            f"{', '.join(ignored.examples)}; name them, or set input.format"
        )
    return Listing(tuple(files), tuple(warnings))


@contextlib.contextmanager
def as_listed(*files: SourceFile) -> Iterator[None]:
    """What is read inside is of the files as they were listed. Raises IntegrityError where one changed, before or meanwhile, whatever
    else came of that: what was read of it is neither one file nor the other, and nothing of it may be published."""
    for file in files:
        check_unchanged(file)
    try:
        yield
    finally:
        for file in files:
            check_unchanged(file)


def check_unchanged(file: SourceFile) -> None:
    """The file is still the one that was listed. A bucket that fails says nothing of it: its own error goes on."""
    try:
        stamp = file_stamp(file.path)
    except OSError as error:
        if of_bucket(error) is not None:
            raise
        stamp = "gone"
    if stamp != file.stamp:
        raise IntegrityError(
            f"{file.path}: changed while the job ran (was {file.stamp}, is {stamp}); run again to take it in anew"
        )


def partitions(path: str) -> dict[str, str | None]:
    """Hive's `key=value` pieces of a path that are provenance: dump=, language=, source= and the like."""
    pieces = (piece.partition("=") for piece in path.split("/")[:-1])
    values = {key: unquote(value) for key, sign, value in pieces if sign and key in PROVENANCE}
    return {key: None if value == HIVE_NULL else value for key, value in values.items()}


def _expand(given: str, format: str, ignored: _Ignored) -> Iterator[tuple[str, SourceFile]]:
    place = given if is_remote(given) else str(local_path(given))
    if is_remote(given) or not os.path.lexists(
        place
    ):  # before anything is looked for: what is not found is told with its neighbours
        check_confined(folders.fixed_part(place) if WILD.search(place) else place)
    where = folders.Remote(given) if is_remote(given) else folders.Local(given)
    if (whole := where.file(given)) is not None:
        yield given, _as_file(whole, whole.path.rsplit("/", 1)[-1], format, given)
        return
    if where.is_folder(given):
        picked = list(_pick(where.walk(given), format, ignored))
        if not picked:
            raise PlanError(_nothing_in_folder(given, format, ignored))
        yield from ((given, f) for f in picked)
        return
    matches = where.glob(given) if WILD.search(given) else []
    if not matches:
        raise PlanError(_nothing_there(given, where))
    for match in matches:
        if match.folder:
            yield from ((given, f) for f in _pick(where.walk(match.path, match.base), format, ignored))
        else:
            yield given, _as_file(match, _name_of(match), format, given)


def _pick(found: Iterable[Found], format: str, ignored: _Ignored) -> Iterator[SourceFile]:
    """A folder's files whose names promise the wanted format; the others are counted."""
    for file in found:
        name = _name_of(file)
        promised = by_name(name)
        if promised is not None and format in ("auto", promised):
            yield _as_file(file, name, format, file.path)
        elif promised is None and not file.problem:
            ignored.count += 1
            ignored.examples += [name] if len(ignored.examples) < 3 else []
        elif file.problem and promised is None:
            yield SourceFile(file.path, name, 0, "", "text" if format == "text" else "jsonl", file.problem)


def _name_of(found: Found) -> str:
    """Relative to what was given; of a folder that was given itself and cannot be read, its own."""
    return found.path.removeprefix(found.base).lstrip("/") or found.path.rsplit("/", 1)[-1]


def _as_file(found: Found, name: str, format: str, given: str) -> SourceFile:
    problem = found.problem
    known: Any = by_name(name) if format == "auto" else format
    if known is None and not problem:
        known = by_content(folders.head(found.path, HEAD_BYTES))
        if known is None:
            raise PlanError(
                f"input: cannot tell the format of {given!r} ({found.path}) from its name or its first bytes; "
                "expected Parquet, JSONL or text. Set input.format to parquet, jsonl or text"
            )
    try:
        found.path.encode()
    except UnicodeEncodeError:
        problem = "name_not_utf8"
        name = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        path = found.path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        return SourceFile(path, name, found.bytes, found.stamp, known or "jsonl", problem)
    return SourceFile(found.path, name, found.bytes, found.stamp, known or "jsonl", problem)


def _named(files: list[SourceFile]) -> list[SourceFile]:
    """Names made different: where two files share one, each gets as many of its folders in front as it takes."""
    by: dict[str, list[SourceFile]] = {}
    for file in files:
        by.setdefault(file.name, []).append(file)
    named = []
    for name, same in by.items():
        depth = name.count("/") + 1
        while len({_tail(f.path, depth) for f in same}) < len(same):
            depth += 1
        named += same if len(same) == 1 else [replace(f, name=_tail(f.path, depth)) for f in same]
    return named


def _tail(path: str, depth: int) -> str:
    return "/".join(path.split("/")[-depth:])


def _nothing_in_folder(given: str, format: str, ignored: _Ignored) -> str:
    wanted = (
        "Parquet, JSONL (.jsonl .json .ndjson, also .gz .zst .bz2) or text (.txt .md)" if format == "auto" else format
    )
    has = (
        f"; it has {many(ignored.count, 'other file')}, such as {', '.join(ignored.examples)}"
        if ignored.count
        else "; it is empty"
    )
    return f"input: folder {given!r} has no {wanted} files{has}. Name the files or a glob, and set input.format"


def _nothing_there(given: str, where: folders.Local | folders.Remote) -> str:
    kind = "glob" if WILD.search(given) else "path"
    nearest, names = where.siblings(given)
    missing = given.rstrip("/").rsplit("/", 1)[-1]
    hint = did_you_mean(missing, names)
    if nearest is None:
        nowhere = f"no folder on its way exists (looked from {os.getcwd()})"
        return f"input: {kind} {given!r} finds nothing, and {nowhere}. Check the path"
    some = f"has {', '.join(sorted(names)[:5])}{' …' if len(names) > 5 else ''}" if names else "is empty"
    if not is_remote(given) and not os.access(nearest, os.R_OK | os.X_OK):
        some = "may not be looked into by this user"
    advice = "Check the path, or quote the glob so that Winnow expands it"
    return f"input: {kind} {given!r} finds no file; {nearest} {some}.{hint} {advice}"
