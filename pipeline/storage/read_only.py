"""What Arrow asks of a file of Python's, beside read, seek and tell."""

from __future__ import annotations


class ReadOnly:
    """A file that can be read, anywhere."""

    closed = False

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def close(self) -> None:
        self.closed = True
