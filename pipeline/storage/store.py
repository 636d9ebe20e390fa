"""A workspace on disk or in a bucket: the only file that builds its paths, and the commit protocol.

An attempt writes a private temporary file, closes, syncs and checks it (`parquet_writer` holds its bytes against what
went in), then publishes it with put-if-absent (`link` in a folder, a conditional put in a bucket). A second attempt of the
same part loses quietly. Manifests come last: a table is there when its manifest is, and is listed by it, never by glob.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import IntegrityError, UsageError
from pipeline.storage.durable import append_line, make_folder, sync, write_text
from pipeline.storage.fence import Fence
from pipeline.storage.files import file_size, filesystem, is_remote, local_path, read_range, remove_all, told
from pipeline.storage.parquet import footer_of, intact, open_parquet, read_shard, rows_between, write_parquet
from pipeline.storage.part import PartRecord, described
from pipeline.storage.temporary import swept, temporary_file
from pipeline.storage.written import sha256_of

if TYPE_CHECKING:
    import fsspec


class Store:
    """Reads and commits under one root: a local folder, or an fsspec URL of a bucket and prefix.

    fence: checked before each write; it travels with the store into workers.
    """

    def __init__(self, root: str, fence: Fence | None = None) -> None:
        self.fence = fence
        try:
            root.encode()
        except UnicodeEncodeError as error:
            raise UsageError(
                f"{root!r}: its name is not UTF-8, which records are written in; rename it, or choose another"
            ) from error
        self.remote = is_remote(root)
        self.root = root.rstrip("/") if self.remote else str(local_path(root).absolute())

    @cached_property
    def fs(self) -> fsspec.AbstractFileSystem:
        return filesystem(self.root)

    def __reduce__(self) -> tuple[type[Store], tuple[str, Fence | None]]:
        return (Store, (self.root, self.fence))

    def fenced(self, job_id: str, attempt: int) -> Store:
        """This store for one attempt at a job of this workspace: it writes until a later attempt begins."""
        return Store(self.root, Fence(job_id, attempt, self.full(self.attempt(job_id, attempt + 1))))

    # paths ------------------------------------------------------------------------------------------------------

    def full(self, path: str) -> str:
        """A path of this store as the file system knows it; absolute paths and URLs pass through."""
        return path if path.startswith("/") or is_remote(path) else f"{self.root}/{path}"

    @staticmethod
    def table(corpus: str, kind: str, key: str) -> str:
        return f"corpora/{corpus}/{kind}/{key}"

    @staticmethod
    def part(corpus: str, kind: str, key: str) -> str:
        """A part is named by the hash of all that determines its content, so that tables share equal parts."""
        return f"corpora/{corpus}/{kind}/parts/{key[:2]}/{key}.parquet"

    @staticmethod
    def job(job_id: str) -> str:
        return f"jobs/{job_id}"

    @staticmethod
    def attempt(job_id: str, attempt: int, kind: str = "json") -> str:
        """What is told of an attempt: its claim (json), its pulse (beat), its end (end)."""
        return f"jobs/{job_id}/attempts/{attempt:06d}.{kind}"

    # reading ----------------------------------------------------------------------------------------------------

    def exists(self, path: str) -> bool:
        """Raises PermissionError where this user may not know, which is not the same as that there is nothing."""
        if self.remote:
            return bool(self.fs.exists(self.full(path)))
        try:
            os.stat(self.full(path))
        except PermissionError:
            raise
        except (OSError, ValueError):
            return False
        return True

    def open(self, path: str) -> IO[bytes]:
        if not self.remote:
            return Path(self.full(path)).open("rb")
        opened: IO[bytes] = self.fs.open(self.full(path), "rb")
        return opened

    def read_json(self, path: str) -> Any:
        try:
            # one request: a file replaced between two would be neither the one nor the other
            return json.loads(self.fs.cat_file(self.full(path)) if self.remote else Path(self.full(path)).read_bytes())
        except ValueError as error:
            raise IntegrityError(f"{self.full(path)}: not JSON ({error}); remove it and run the job again") from error

    def find_json(self, path: str) -> Any | None:
        """A small JSON file, or None where there is none."""
        try:
            return self.read_json(path)
        except FileNotFoundError:
            return None

    def read_range(self, path: str, start: int, most_bytes: int) -> bytes:
        """See pipeline.storage.files.read_range."""
        return read_range(self.full(path), start, most_bytes)

    def size(self, path: str) -> int:
        """Bytes of a file; 0 where there is none."""
        return file_size(self.full(path))

    def names(self, path: str) -> list[str]:
        """Names directly under a folder of this store, sorted; empty where there is none."""
        try:
            if self.remote:
                return sorted(str(p).rstrip("/").rsplit("/", 1)[-1] for p in self.fs.ls(self.full(path), detail=False))
            return sorted(os.listdir(self.full(path)))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def parquet(self, path: str) -> pq.ParquetFile:
        """Open a part with its page checksums verified on every read."""
        return open_parquet(self.full(path))

    def read_table(self, path: str, columns: list[str] | None = None) -> pa.Table:
        with intact(self.full(path), self.root):
            return self.parquet(path).read(columns=columns, use_threads=False)

    def rows_between(self, path: str, by: str, low: int, high: int, columns: list[str]) -> pa.Table:
        """See pipeline.storage.parquet.rows_between."""
        with intact(self.full(path), self.root):
            return rows_between(self.parquet(path), by, low, high, columns)

    def read_shard(self, path: str, shard: int, columns: list[str]) -> pa.Table:
        """See pipeline.storage.parquet.read_shard."""
        with intact(self.full(path), self.root):
            return read_shard(self.parquet(path), shard, columns)

    # committing -------------------------------------------------------------------------------------------------

    def commit(self, path: str, write: Callable[[Path], Any], durable: bool = True) -> bool:
        """Write a file privately, sync it, publish it where nothing is yet. False where something was: losing a race is not an
        error. durable: False leaves out the sync, for what goes with its job."""
        with told(self.full(path)), self._temporary(Path(path).suffix) as temporary:
            write(temporary)
            if durable:
                sync(temporary)
            return self._publish(temporary, path, durable)

    def commit_rows(self, path: str, write: Callable[[Path], int]) -> None:
        """Commit one Parquet file, reopened and checked before it is published. write: writes it by `parquet_writer`, and says
        how many rows it has. (Decoding every page again would cost a tenth of a run, and tell a faulty encoder only.)"""
        self.commit(path, lambda temporary: footer_of(temporary, write(temporary)))

    def commit_part(self, key: str, path: str, write: Callable[[Path], int], durable: bool = True) -> PartRecord:
        """The same, and describe what is there then."""
        made: list[PartRecord] = []

        def written(temporary: Path) -> None:
            footer = footer_of(temporary, write(temporary))
            with temporary.open("rb") as file:
                made.append(described(key, path, footer, file))

        return made[0] if self.commit(path, written, durable) else self.record(key, path)

    def commit_json(self, path: str, value: Any, sort_keys: bool = True) -> None:
        """sort_keys: False where the order of keys says something, as that of a recipe's rules."""
        self.commit(path, lambda temporary: write_text(temporary, _json(value, sort_keys)))

    def commit_table(self, path: str, table: pa.Table, **options: Any) -> None:
        """Commit one Parquet table, as `commit_rows` does."""
        self.commit_rows(path, lambda t: write_parquet(t, table, **options))

    def append(self, path: str, line: str) -> None:
        """Append to a log of one writer. In a bucket the log is rewritten whole: it is small."""
        self._check_fence()
        with told(self.full(path)):
            if self.remote:
                before = self.fs.cat_file(self.full(path)) if self.exists(path) else b""
                self.fs.pipe_file(self.full(path), before + line.encode("utf-8", "backslashreplace") + b"\n")
                return
            full = Path(self.full(path))
            make_folder(full.parent, durable=False)
            append_line(full, line)

    def put(self, path: str, text: str, durable: bool = False) -> None:
        """Write or replace a small file that is not content-addressed (a job's state, a report)."""
        self._check_fence()
        with told(self.full(path)):
            if self.remote:
                self.fs.pipe_file(self.full(path), text.encode("utf-8", "backslashreplace"))
                return
            full = Path(self.full(path))
            make_folder(full.parent, durable)
            with self._temporary(full.suffix) as temporary:
                write_text(temporary, text)
                if durable:
                    sync(temporary)
                os.replace(temporary, full)
            if durable:
                sync(full.parent)

    def record(self, key: str, path: str, sha256: str | None = None) -> PartRecord:
        """Describe a part that is there: its rows and counts from the footer, its digest from its bytes."""
        with self.open(path) as file:
            made = described(key, path, self.parquet(path).metadata, file)
        if sha256 is not None and made.sha256 != sha256:
            raise IntegrityError(f"{self.full(path)}: its bytes changed since it was written; remove it and run again")
        return made

    def digest(self, path: str) -> tuple[str, int]:
        """(sha256 in hex, bytes) of a file of this store."""
        with self.open(path) as file:
            return sha256_of(file)

    def put_json(self, path: str, value: Any, durable: bool = False) -> None:
        """Write or replace a small JSON file."""
        self.put(path, _json(value), durable)

    def remove(self, path: str) -> None:
        """Remove a file or folder of this store, if it is there."""
        self._check_fence()
        with told(self.full(path)):
            remove_all(self.full(path))

    def sweep(self, tidy: bool = False) -> int:
        """Remove temporary files of this host's dead processes; returns how many. tidy: their folder too, once it is
        empty (not where another job may be about to write)."""
        if self.remote:
            return 0
        found = swept(Path(self.full("tmp")))
        if tidy:
            with contextlib.suppress(OSError):
                os.rmdir(self.full("tmp"))
        return found

    @property
    def local_folder(self) -> Path:
        """For what is temporary: of the root's own disk, or for a bucket of this machine's temporary files (TMPDIR)."""
        return Path(tempfile.gettempdir()) / f"winnow-{os.getuid()}" if self.remote else Path(self.root) / "tmp"

    def _temporary(self, suffix: str) -> contextlib.AbstractContextManager[Path]:
        return temporary_file(self.local_folder, suffix)

    def _check_fence(self) -> None:
        if self.fence is not None:
            self.fence.check()

    def _publish(self, temporary: Path, path: str, durable: bool) -> bool:
        """Whether it is there now; False where something was."""
        self._check_fence()
        final = Path(self.full(path))
        if not self.remote:
            make_folder(final.parent, durable)
        try:
            if self.remote:
                self.fs.put_file(str(temporary), self.full(path), mode="create")
            else:
                os.link(temporary, final)
        except FileExistsError:
            return False
        finally:
            if durable and not self.remote:
                sync(final.parent)
        return True


def _json(value: Any, sort_keys: bool = True) -> str:
    return json.dumps(value, indent=1, sort_keys=sort_keys, ensure_ascii=False) + "\n"
