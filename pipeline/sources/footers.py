"""Footers nobody vouches for. PyArrow's `row_group(g).column(i)` ends the whole process where a column chunk's metadata
is damaged (its binding lets a C++ exception through; one flipped bit did it), while its reader tells the same fault as
an error. So the reader looks at every chunk first, and is stopped before it reads any data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.sources.streams import open_bytes
from pipeline.storage.read_only import ReadOnly


class _Reached(Exception):
    """The reader is through with the footer and asks for data."""


class _Footer(ReadOnly):
    """A file that gives its footer, and then nothing more."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.data = True

    def read(self, count: int = -1) -> bytes:
        if not self.data:
            raise _Reached
        return self._file.read(count)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


def chunk_fault(path: str, columns: Sequence[str] | None) -> str | None:
    """What is wrong with the metadata of these columns' chunks (None: all columns') in any row group, if anything."""
    with open_bytes(path) as file:
        footer = _Footer(file)
        parquet = pq.ParquetFile(footer, pre_buffer=True)
        footer.data = False
        try:
            names = None if columns is None else list(columns)
            next(parquet.iter_batches(1, columns=names, use_threads=False), None)
        except _Reached as reached:
            # Arrow's reader keeps the error, and its frames would keep the reader, with the footer, for ever
            reached.with_traceback(None)
            return None
        except (OSError, pa.ArrowException) as error:
            return (str(error).strip() or type(error).__name__).splitlines()[0][:300]
    return None
