"""Tables, or what else has bytes, put together, so that what is written at once is neither small nor large."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar


class _Sized(Protocol):
    @property
    def nbytes(self) -> int: ...


Piece = TypeVar("Piece", bound=_Sized)


def gathered(pieces: Iterable[Piece], least_bytes: int, together: Callable[[list[Piece]], Piece]) -> Iterator[Piece]:
    """The same in the same order, put `together` to at least so many bytes but for the last. Who takes one lets go of it before
    asking for the next, which is gathered meanwhile: two at once would be twice the memory."""
    held: list[Piece] = []
    held_bytes = 0
    for piece in pieces:
        held.append(piece)
        held_bytes += piece.nbytes
        del piece
        if held_bytes >= least_bytes:
            yield _all_of(held, together)
            held_bytes = 0
    if held:
        yield _all_of(held, together)


def _all_of(held: list[Piece], together: Callable[[list[Piece]], Piece]) -> Piece:
    """What is held, and nothing held any more."""
    made = together(held)
    held.clear()
    return made
