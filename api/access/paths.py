"""Which paths a request may name: files below configured roots, objects below configured buckets, and nothing by a trick.

A path is judged by where it really lies (links followed), a glob by its fixed part and by what it matches. What comes out
is absolute. Files are listed again when the job runs, in a process that holds the same folders (pipeline/sources/confined.py).
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from glob import escape, iglob
from typing import NoReturn
from urllib.parse import unquote

from api.settings import Settings
from pipeline.errors import PathOutside
from pipeline.sources.confined import is_below, is_below_url
from pipeline.sources.folders import fixed_part
from pipeline.storage.files import is_remote, local_path

PATH_BYTES_MAX = 4096
NAME_BYTES_MAX = 255
WILD = re.compile(r"[*?\[{]")
BUCKET_PIECE = re.compile(r"[^\x00-\x1f\x7f%\\#@:]+")
DEVICES = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$", *(f"{d}{n}" for d in ("com", "lpt") for n in range(10))]
)
MATCHES_CHECKED = 10_000
"""Of a glob or folder, when it is submitted; all of them are when the job lists its input."""
INTERNAL = (
    "jobs",
    "requests",
    "corpora",
    "models",
    "tmp",
    "service",
    "catalog.duckdb",
    "catalog.duckdb.wal",
    "_winnow.json",
)
"""What a workspace keeps for itself."""


@dataclass(frozen=True)
class Confinement:
    """roots: real paths of folders; buckets: `scheme://bucket/prefix`; internal: real paths and URLs of what is the service's
    own; workspace: the folder or URL above most of these, which may hold exports, too, and is neither input nor output itself."""

    roots: tuple[str, ...]
    buckets: tuple[str, ...]
    internal: tuple[str, ...]
    workspace: str = ""

    @classmethod
    def of(cls, settings: Settings) -> Confinement:
        """As a service's settings have it."""
        given = settings.workspace
        workspace = given.rstrip("/") if is_remote(given) else os.path.realpath(local_path(given))
        own = [*(f"{workspace}/{name}" for name in INTERNAL), os.path.realpath(settings.state_folder)]
        return cls(tuple(map(str, settings.root_folders)), settings.buckets, tuple(own), workspace)

    def input(self, given: str) -> str:
        """A file, folder, glob or URL to read; absolute. Raises PathOutside."""
        _check_plain("input", given)
        if "://" in given or given.partition(":")[0] in _schemes(self.buckets):
            return self._remote("input", given, wild=True)
        if not WILD.search(given) or os.path.lexists(given):  # a name may hold a wildcard
            real = self._local("input", given, given)
            self._check_inside("input", given, _links_below(real))
            return real
        fixed = fixed_part(given.replace("{", "*"))
        real = self._local("input", given, fixed or ("/" if given.startswith("/") else "."))
        pattern = f"{escape(real).rstrip('/')}/{given[len(fixed) :].lstrip('/')}"
        self._check_inside("input", given, self._matches(pattern))
        return pattern

    def output(self, given: str) -> str:
        """A folder or prefix to write to; absolute. Raises PathOutside."""
        _check_plain("output", given)
        if WILD.search(given):
            _refuse("output", given, "holds a wildcard; name one folder")
        return self._remote("output", given, wild=False) if "://" in given else self._local("output", given, given)

    def _local(self, what: str, given: str, path: str) -> str:
        try:
            real = os.path.realpath(path)
        except (OSError, ValueError):
            _refuse(what, given, "cannot be followed")
        if os.path.islink(real):
            _refuse(what, given, "is a link that leads back to itself")
        if not is_below(real, self.roots):
            within = os.path.abspath(path).startswith(tuple(f"{root.rstrip(os.sep)}{os.sep}" for root in self.roots))
            where = "is or follows a link that leads out of" if within else "lies outside"
            _refuse(what, given, f"{where} the folders that are allowed: {', '.join(self.roots)}")
        if real == self.workspace or self._is_internal(real):
            _refuse(what, given, "is the workspace's own; export into another folder and read that")
        return real

    def _check_inside(self, what: str, given: str, paths: Iterator[str]) -> None:
        for _, path in zip(range(MATCHES_CHECKED), paths, strict=False):
            if not is_below(path, self.roots):
                _refuse(what, given, f"finds {path!r}, which leads out of the folders that are allowed")
            if self._is_internal(os.path.realpath(path)):
                _refuse(what, given, f"finds {path!r}, which is the workspace's own")

    @staticmethod
    def _matches(pattern: str) -> Iterator[str]:
        """What a glob finds, and the links below the folders among it."""
        for path in iglob(pattern, recursive=True):
            yield path
            if os.path.isdir(path) and not os.path.islink(path):
                yield from _links_below(path)

    def _is_internal(self, path: str) -> bool:
        return any(path == own or path.startswith(f"{own}/") for own in self.internal)

    def _remote(self, what: str, given: str, wild: bool) -> str:
        scheme, _, rest = given.partition("://")
        if scheme not in _schemes(self.buckets):
            known = ", ".join(sorted(_schemes(self.buckets))) or "no bucket"
            _refuse(what, given, f"has a scheme that is not allowed; allowed: paths in folders, and {known}")
        pieces = rest.removesuffix("/").split("/")
        if not all(BUCKET_PIECE.fullmatch(piece) and piece not in (".", "..") for piece in pieces):
            _refuse(
                what, given, "is not a plain URL; write scheme://bucket/prefix/name, without escapes, queries or '..'"
            )
        if "?" in rest or (wild and WILD.search(pieces[0])):
            _refuse(what, given, "has a wildcard in its bucket, or a query; of wildcards there are *, ** and [ ]")
        fixed = list(_fixed(pieces))
        inside = [b for b in self.buckets if is_below_url(f"{scheme}://{'/'.join(fixed)}", b)]
        if not inside:
            _refuse(what, given, f"lies outside the buckets that are allowed: {', '.join(self.buckets)}")
        url = f"{scheme}://{'/'.join(pieces)}"
        if url == self.workspace or self._is_internal(url):
            _refuse(what, given, "is the workspace's own; export into another prefix and read that")
        return given


def _check_plain(what: str, given: str) -> None:
    """Nothing that another layer would read as something else: control characters, escapes, chains, home folders, devices."""
    try:
        size = len(given.encode())
    except UnicodeEncodeError:
        _refuse(what, given, "is not UTF-8")
    if not given.strip() or given != given.strip():
        _refuse(what, given, "is empty, or begins or ends with a space")
    if size > PATH_BYTES_MAX or any(len(p.encode()) > NAME_BYTES_MAX for p in given.split("/")):
        _refuse(what, given[:100], "is too long")
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in given):
        _refuse(what, given, "holds control characters")
    for form in (given, unicodedata.normalize("NFKC", given), *_unquoted(given)):
        _check_form(what, given, form)


def _check_form(what: str, given: str, form: str) -> None:
    """One reading of what was given: as it is, in its plain characters, with its escapes undone."""
    pieces = form.split("/")
    if "\\" in form or "\0" in form or any(unicodedata.category(c) == "Cc" for c in form):
        _refuse(what, given, "holds a backslash or control characters")
    if "::" in form:
        _refuse(what, given, "chains file systems; name one file system")
    if any(p[:1] == "~" for p in pieces):
        _refuse(what, given, "names a home folder; give the path in full")
    if ".." in pieces or any(".." in re.split(r"[{},/]", p) for p in pieces):
        _refuse(what, given, "goes up by '..'; give the path in full")
    if re.search(r"\{[^}]*/", form):
        _refuse(what, given, "has a '/' within braces; name each folder by itself")
    if form != given and form.count("/") != given.count("/"):
        _refuse(what, given, "hides separators")
    if form.startswith("//") or re.match(r"[A-Za-z]:($|/)", form):
        _refuse(what, given, "is a path of another system")
    if re.match(r"(?i)[a-z][a-z0-9+.-]*:", form) and "://" not in form:
        _refuse(what, given, "has a scheme without '://'")
    if any(p.partition(".")[0].partition(":")[0].strip().lower() in DEVICES for p in pieces):
        _refuse(what, given, "names a device")


def _unquoted(given: str) -> Iterator[str]:
    """The path with its percent-escapes undone, again and again."""
    for _ in range(3):
        plain = unquote(given, errors="replace")
        if plain == given:
            return
        yield plain
        given = plain


def _links_below(folder: str) -> Iterator[str]:
    """Links in a folder and below it; folders behind links are not entered: they are judged by where they lead."""
    for here, folders, names in os.walk(folder):
        yield from (path for n in (*folders, *names) if os.path.islink(path := os.path.join(here, n)))


def _fixed(pieces: list[str]) -> Iterator[str]:
    for piece in pieces:
        if WILD.search(piece):
            return
        yield piece


def _schemes(buckets: tuple[str, ...]) -> frozenset[str]:
    return frozenset(b.partition("://")[0] for b in buckets)


def _refuse(what: str, given: str, why: str) -> NoReturn:
    shown = given.encode("utf-8", "backslashreplace").decode()[:300]
    raise PathOutside(f"{what} {shown!r} {why}")
