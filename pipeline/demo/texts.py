"""The text of a Python environment: what its packages say about themselves, in a fixed order, whatever is broken."""

from __future__ import annotations

import ast
import gettext
import sysconfig
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path, PurePosixPath

DOC_SUFFIXES = frozenset({".md", ".rst", ".html"})
DOC_STEMS = ("readme", "changes", "changelog", "history", "news", "contributing", "todo", "faq")
"""A .txt is documentation by its name: in packages most of them are word lists and test data."""
LEGAL_STEMS = ("license", "licence", "copying", "notice", "authors")
LEFT_OUT = frozenset({"test", "tests", "site-packages", "idlelib", "lib2to3", "__pycache__"})
DOC_BYTES_LIMIT = 1_000_000
SOURCE_BYTES_LIMIT = 300_000
"""A larger module is generated data, not written text."""
PACKAGE_SOURCE_BYTES = 5_000_000
ALL_SOURCE_BYTES = 45_000_000
"""What is parsed at most: `ast` reads some 2 to 4 MB a second, and a demo should gather in about 10 seconds."""
SOURCE_SUFFIXES = frozenset({".py", ".pyi", ".pxd", ".h", ".hpp"})
"""Source code is what a rule set for prose should recognise, and its licence headers repeat as web boilerplate does."""
DOCSTRING_FRAC = 0.15
"""Modules that are less docstring than this are not parsed: it would take most of the time and find little."""
STDLIB = "python"


@dataclass(frozen=True, slots=True)
class DemoText:
    """One document: id is package/path[#object]."""

    id: str
    text: str
    url: str | None
    source: str
    license: str | None
    kind: str


@dataclass(frozen=True, slots=True)
class Package:
    """One installed distribution, or the standard library. files: (path as people see it, path on disk)."""

    name: str
    url: str | None
    license: str | None
    description: str
    files: tuple[tuple[str, Path], ...]

    def document(self, path: str, text: str, kind: str) -> DemoText:
        return DemoText(f"{self.name}/{path}", text, self.url, self.name, self.license, kind)


def packages(paths: list[str] | None = None) -> list[Package]:
    """The environment's packages by name, the standard library last. paths: where to look (None: sys.path)."""
    found: dict[str, Package] = {}
    for distribution in metadata.distributions() if paths is None else metadata.distributions(path=paths):
        package = _package(distribution)
        if package is not None:
            found.setdefault(package.name, package)  # the first on the path is the one that imports
    ordered = [found[name] for name in sorted(found)]
    return [*ordered, _stdlib()] if paths is None else ordered


def _package(distribution: metadata.Distribution) -> Package | None:
    try:
        told = distribution.metadata
        name = str(told["Name"] or "").lower()
        files = sorted((str(PurePosixPath(f)), Path(str(f.locate()))) for f in distribution.files or [])
        description = str(told.get_payload() or told["Description"] or "")  # type: ignore[attr-defined]
    except (OSError, ValueError, TypeError, AttributeError, UnicodeError):
        return None  # half-removed packages are usual in real environments
    inside = tuple(f for f in files if not f[0].startswith("..") and not LEFT_OUT.intersection(Path(f[0]).parts))
    return Package(name, _home(told), _license(told), description, inside) if name else None


def _home(told: metadata.PackageMetadata) -> str | None:
    pairs = [str(p).partition(",") for p in told.get_all("Project-URL") or []]
    named = {label.strip().lower(): url.strip() for label, _, url in pairs}
    for label in ("homepage", "home", "source", "repository", "documentation"):
        if label in named:
            return named[label]
    return str(told["Home-page"]) if told["Home-page"] else next(iter(named.values()), None)


def _license(told: metadata.PackageMetadata) -> str | None:
    if told["License-Expression"]:
        return str(told["License-Expression"])
    classified = [str(c) for c in told.get_all("Classifier") or [] if str(c).startswith("License ::")]
    if classified:
        return classified[0].rsplit("::", 1)[-1].strip()
    first_line = str(told["License"] or "").strip().splitlines()[:1]
    return first_line[0] if first_line and len(first_line[0]) <= 60 else None


def _stdlib() -> Package:
    root = Path(sysconfig.get_path("stdlib"))
    files = sorted((p.relative_to(root).as_posix(), p) for p in root.rglob("*.py"))
    inside = tuple(f for f in files if not LEFT_OUT.intersection(Path(f[0]).parts))
    return Package(STDLIB, "https://www.python.org", "PSF-2.0", "", inside)


def pages(package: Package) -> Iterator[DemoText]:
    """The package's description, licences, documentation files and translations."""
    if package.description.strip():
        yield package.document("METADATA", package.description, "description")
    for name, path in package.files:
        kind = _kind(PurePosixPath(name))
        text = "" if kind is None else _translations(path) if kind == "translation" else _read(path)
        if kind is not None and text.strip():
            yield package.document(name, text, kind)


def _kind(file: PurePosixPath) -> str | None:
    """What a package's file is, where people may want to read it."""
    name, suffix = file.name.lower(), file.suffix.lower()
    if suffix == ".mo":
        return "translation"
    if name.startswith(LEGAL_STEMS) and suffix in {"", ".txt", *DOC_SUFFIXES}:
        return "licence"
    documents = suffix in DOC_SUFFIXES or (suffix == ".txt" and name.startswith(DOC_STEMS))
    return "documentation" if documents else None


def _read(path: Path) -> str:
    try:
        data = path.read_bytes() if path.stat().st_size <= DOC_BYTES_LIMIT else b""
    except OSError:
        return ""
    return data.decode("utf-8", errors="replace")


def _translations(path: Path) -> str:
    """The messages of a compiled translation, in its language, one a line."""
    try:
        with path.open("rb") as file:
            catalog: dict[object, object] = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    except (OSError, ValueError, UnicodeError, LookupError, IndexError, AttributeError):
        return ""
    return "\n".join(str(message) for key, message in catalog.items() if key)


def sources(found: Iterable[Package]) -> Iterator[DemoText]:
    """Source files as they are, by package and path, PACKAGE_SOURCE_BYTES of each package."""
    for package in found:
        left_bytes = PACKAGE_SOURCE_BYTES
        for name, path in package.files:
            text = _read(path) if PurePosixPath(name).suffix in SOURCE_SUFFIXES else ""
            left_bytes -= len(text)
            if left_bytes < 0:
                break
            if text.strip():
                yield package.document(f"{name}#source", text, "source")


def docstrings(found: Iterable[Package]) -> Iterator[DemoText]:
    """Every docstring of the modules that are rich in them, by package, module and place in it."""
    left_bytes = ALL_SOURCE_BYTES
    for package in found:
        own_bytes = min(PACKAGE_SOURCE_BYTES, left_bytes)
        for name, path in package.files:
            source = _module(path, own_bytes) if name.endswith(".py") else b""
            own_bytes -= len(source)
            left_bytes -= len(source)
            for place, text in docstrings_of(source):
                yield package.document(f"{name}#{place}" if place else name, text, "docstring")


def _module(path: Path, limit_bytes: int) -> bytes:
    """A module's source; nothing where it is not worth parsing."""
    try:
        if path.stat().st_size > min(limit_bytes, SOURCE_BYTES_LIMIT):
            return b""
        source = path.read_bytes()
    except OSError:
        return b""
    between_quotes = sum(map(len, source.split(b'"""')[1::2]))
    return source if between_quotes > DOCSTRING_FRAC * len(source) else b""


def docstrings_of(source: bytes) -> list[tuple[str, str]]:
    """(object, docstring) of one module, in source order; nothing where it does not parse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in other people's code
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    found: dict[str, str] = {}
    for place, text in _of_node(tree, ""):
        found.setdefault(place, text)  # a property's setter has the name of its getter
    return list(found.items())


def _of_node(
    node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, path: str
) -> Iterator[tuple[str, str]]:
    text = ast.get_docstring(node)
    if text:
        # escapes such as "\ud800" in a literal make lone surrogates, which no file can hold
        yield path, text.encode("utf-8", errors="replace").decode("utf-8")
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return
    for child in node.body:
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _of_node(child, f"{path}.{child.name}" if path else child.name)
