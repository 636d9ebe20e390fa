"""Reading committed tables again: are the bytes what the manifests say?"""

from __future__ import annotations

import dataclasses
import errno
from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa

from pipeline.errors import IntegrityError, StorageError
from pipeline.storage import manifest
from pipeline.storage.files import said_of_storage
from pipeline.storage.manifest import Manifest
from pipeline.storage.naming import set_aside
from pipeline.storage.store import Store
from pipeline.storage.turns import in_turn
from pipeline.takedown.checking import damages
from pipeline.takedown.erasing import TURNS
from pipeline.takedown.records import takedown_names


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is not as it should be. remedy: what a person is to do; None: it can be set aside and is made again."""

    table: str
    path: str
    fault: str
    manifest: str
    remedy: str | None = None

    def as_dict(self) -> dict[str, str | None]:
        return dataclasses.asdict(self)


@dataclass
class Report:
    """What was read, and what was wrong."""

    tables: int = 0
    parts: int = 0
    takedowns: int = 0
    bytes: int = 0
    faults: list[Fault] = field(default_factory=list)

    def add(self, other: Report) -> None:
        """What was read and found besides."""
        for told in ("tables", "parts", "takedowns", "bytes"):
            setattr(self, told, getattr(self, told) + getattr(other, told))
        self.faults += other.faults


def repair(store: Store, report: Report) -> list[str]:
    """Set damaged parts aside, and the manifests that list them, so that the next run makes just these anew. Returns
    what was set aside. What has a remedy of its own stays: no run makes a takedown again, and without its file it would not hold."""
    aside: list[str] = []
    for fault in report.faults:
        if fault.remedy is not None:
            continue
        for path in (fault.path, fault.manifest):
            if path not in aside and store.exists(path):
                set_aside(store, path)
                aside.append(path)
    return aside


def check_workspace(store: Store) -> Report:
    """Every committed table of every corpus, and its takedowns."""
    report = Report()
    for corpus in store.names("corpora"):
        for kind in store.names(f"corpora/{corpus}"):
            for key in store.names(f"corpora/{corpus}/{kind}"):
                path = manifest.manifest_path(corpus, kind, key)
                if key == "parts" or not store.exists(path) or kind == "export":
                    continue
                found = _check_table(store, path)
                report.add(_check_at_rest(store, path, found) if found.faults else found)
        report.takedowns += len(takedown_names(store, corpus))
        for damage, remedy in damages(store, corpus):
            path = store.full(damage.path)
            report.faults.append(Fault("takedowns", path, damage.what, path, remedy))
    return report


def check_export(store: Store) -> Report:
    """An exported corpus by its own manifest."""
    if not store.exists("manifest.json"):
        where = store.full("manifest.json")
        return Report(faults=[Fault("export", where, "missing: not a finished export", where)])
    return _check_table(store, "manifest.json")


def _check_at_rest(store: Store, path: str, found: Report) -> Report:
    """A table with faults once more, when nobody empties text: until its manifest says so, what is emptied has other bytes."""
    if not any(takedown_names(store, corpus) for corpus in store.names("corpora")):
        return found
    try:
        with in_turn(store, TURNS):
            return _check_table(store, path)
    except (OSError, StorageError) as error:
        refused = error.__cause__ if isinstance(error, StorageError) else error
        if isinstance(refused, PermissionError) or getattr(refused, "errno", None) == errno.EROFS:
            return found  # who may not write cannot have a turn
        raise


def _check_table(store: Store, path: str) -> Report:
    report = Report()
    try:
        made = manifest.load(store, path)
    except IntegrityError as error:
        where = store.full(path)
        return Report(1, faults=[Fault("?", where, f"unreadable manifest ({error.__cause__})", where)])
    if made is None:
        return report  # set aside since it was listed
    report.tables += 1
    name = f"{made.kind}/{made.key[:8]}"
    if sum(made.counts.values()) != made.rows:
        said = f"{made.rows} rows, {sum(made.counts.values())} accounted for"
        report.faults.append(Fault(name, store.full(path), said, store.full(path)))
    report.faults.extend(
        Fault(name, where or store.full(path), fault, store.full(path))
        for where, fault in _check_parts(store, made, report)
    )
    return report


def _check_parts(store: Store, made: Manifest, report: Report) -> Iterator[tuple[str, str]]:
    """(path, fault); an empty path is the manifest's own."""
    for part in made.parts:
        where = store.full(part.path)
        report.parts += 1
        if not store.exists(part.path):
            yield where, "missing"
            continue
        digest, size = store.digest(part.path)
        report.bytes += size
        if digest != part.sha256:
            yield where, f"sha256 {digest[:16]}…, the manifest says {part.sha256[:16]}…"
            continue
        try:
            rows = sum(b.num_rows for b in store.parquet(part.path).iter_batches(batch_size=16_384))
        except (OSError, pa.ArrowException) as error:
            _raise_of_storage(error)
            yield where, f"cannot be read: {error}"
            continue
        if rows != part.rows:
            yield where, f"{rows} rows, the manifest says {part.rows}"
    yield from _check_statistics(store, made, report)
    known = {p.path for p in made.parts}
    for path in dict.fromkeys(text.path for s in made.shards for text in s.texts):
        if path in known or path.startswith("/") or "://" in path:
            continue  # a part, or the user's own file
        try:  # a copy of Parquet input
            report.bytes += sum(b.nbytes for b in store.parquet(path).iter_batches(batch_size=16_384))
        except (OSError, pa.ArrowException) as error:
            _raise_of_storage(error)
            yield store.full(path), f"cannot be read: {error}"


def _raise_of_storage(error: Exception) -> None:
    """A bucket that fails, or a file that may not be read, says nothing of a part, which is not to be set aside for it. Of a disk that
    cannot read its own sectors that is said by the part."""
    if said_of_storage(error) is not None and getattr(error, "errno", None) != errno.EIO:
        raise error


def _check_statistics(store: Store, made: Manifest, report: Report) -> Iterator[tuple[str, str]]:
    told = made.details.get("statistics")
    if told is None:
        return
    if not isinstance(told, dict) or not told.keys() >= {"path", "sha256"}:
        yield "", "its statistics have no path or digest"
        return
    where = store.full(told["path"])
    if not store.exists(told["path"]):
        yield where, "missing"
        return
    digest, size = store.digest(told["path"])
    report.bytes += size
    if digest != told["sha256"]:
        yield where, f"sha256 {digest[:16]}…, the manifest says {told['sha256'][:16]}…"
