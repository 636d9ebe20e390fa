"""The compact file of an n-gram model: one JSON header and little-endian arrays, read in place.

Two forms. `table`: the finished table of ngram_table, mapped into memory and shared by all workers. `packed`: sorted keys
as 32-bit differences with 8-bit probabilities and back-offs, 6 bytes an n-gram, for models that ship.
"""

from __future__ import annotations

import hashlib
import json
import mmap
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter

from scorers.kernels.ngram_table import MAX_ORDER, put_entries
from scorers.kernels.normal_characters import Normalisation

MAGIC = b"WINNOW NGRAM 1\n\0"
ALIGNMENT = 64
WHOLE_KEY = np.uint64(0xFFFFFFFFFFFFFFFF)
SPARE_BITS = 27
"""Of a packed key beyond log2 of the number of n-grams: a wrong n-gram is found once in 2^27 look-ups, and the
difference of two neighbours fits 32 bits."""
LEVELS = 256
FULL = 0.7

U64 = npt.NDArray[np.uint64]
F32 = npt.NDArray[np.float32]


TokenRule = Literal["words", "whitespace", "sentencepiece"]


class NgramError(ValueError):
    """A file is not an n-gram model, not the expected one, or damaged."""


@dataclass(frozen=True, slots=True)
class TextSettings:
    """How a text becomes tokens. normalisation: 'ccnet' or 'none'; tokens: 'words' (marks, symbols and letters of
    scripts without spaces stand alone), 'whitespace', or 'sentencepiece', whose model is named by pieces; one_line: a
    document is one sentence, as cc_net's own pipeline has it, else each line is; blank_lines: a line without tokens is a
    sentence too, as cc_net's DocLM has it."""

    normalisation: Normalisation = "ccnet"
    tokens: TokenRule = "words"
    one_line: bool = False
    blank_lines: bool = False
    pieces: str = ""


@dataclass(frozen=True, slots=True)
class Entries:
    """N n-grams of all orders. keys: u64[N] stored keys, values: f32[N, 2] log10 probability and back-off."""

    keys: U64
    values: F32


@dataclass(frozen=True, slots=True)
class Table:
    """S slots. slots: u64[2S] (see ngram_table), shift: 64 - log2 S, mask: the bits of a key that are kept."""

    slots: U64
    shift: np.uint64
    mask: np.uint64

    def read_only(self) -> Table:
        """The same memory, not to be written: kernels are compiled for one kind of array only."""
        slots = self.slots.view()
        slots.flags.writeable = False
        return Table(slots, self.shift, self.mask)

    @property
    def values(self) -> F32:
        """The same memory as f32[4S]."""
        return self.slots.view(np.float32)


@dataclass(frozen=True, slots=True)
class Header:
    """What a model is. counts: n-grams by order; specials: log10 probability and back-off of <unk>, <s> and </s>."""

    order: int
    counts: tuple[int, ...]
    specials: tuple[tuple[float, float], ...]
    settings: TextSettings


def slots_for(ngrams: int) -> int:
    """Slots of a table for so many n-grams: a power of two, at most 70 % full."""
    return 1 << max(4, int(ngrams / FULL).bit_length())


def new_table(ngrams: int, mask: np.uint64 = WHOLE_KEY) -> Table:
    """An empty table with room."""
    size = slots_for(ngrams)
    return Table(np.zeros(2 * size, np.uint64), np.uint64(65 - size.bit_length()), mask)


def put(table: Table, entries: Entries) -> int:
    """Add n-grams; how many were new."""
    columns = np.ascontiguousarray(entries.values.T)
    return put_entries(table.slots, table.values, table.shift, entries.keys, columns[0], columns[1])


def write_table(path: Path, header: Header, table: Table) -> None:
    """Write the `table` form."""
    _write(path, header, {"form": "table", "mask": int(table.mask)}, {"slots": table.slots})


def packed_mask(ngrams: int) -> np.uint64:
    """The bits of a key that the packed form keeps."""
    kept = min(64, ngrams.bit_length() + SPARE_BITS)
    return np.uint64(((1 << kept) - 1) << (64 - kept))


def write_packed(path: Path, header: Header, entries: Entries) -> None:
    """Write the `packed` form. Probabilities and back-offs become one of 256 levels, the mean of what falls on it."""
    mask = packed_mask(len(entries.keys))
    lowest = mask & (~mask + np.uint64(1))
    keys, first = np.unique((entries.keys & mask) | lowest, return_index=True)
    unit = int(lowest).bit_length() - 1
    steps = np.diff(keys >> np.uint64(unit), prepend=np.uint64(0))
    if len(steps) and int(steps.max()) >= 1 << 32:
        raise NgramError(f"{path}: two neighbouring keys of {len(keys)} are 2^32 apart; write the table form")
    arrays: dict[str, npt.NDArray[Any]] = {"steps": steps.astype(np.uint32)}
    for name, column in (("probabilities", 0), ("backoffs", 1)):
        levels, codes = _levels(entries.values[first, column])
        arrays |= {name: codes, f"{name}_levels": levels}
    _write(path, header, {"form": "packed", "mask": int(mask)}, arrays)


def _levels(found: F32) -> tuple[F32, npt.NDArray[np.uint8]]:
    """256 levels over the range, and each value's. A level's value is the mean of its members, and 0 is kept exactly."""
    low = float(found.min(initial=0.0))
    step = max(float(found.max(initial=0.0)) - low, 1e-9) / (LEVELS - 2)
    codes = np.clip(np.ceil((found.astype(np.float64) - low) / step), 0, LEVELS - 2).astype(np.int64)
    codes[found == 0.0] = LEVELS - 1
    sizes = np.bincount(codes, minlength=LEVELS)
    levels = np.bincount(codes, found.astype(np.float64), minlength=LEVELS) / np.maximum(sizes, 1)
    return levels.astype(np.float32), codes.astype(np.uint8)


def _write(path: Path, header: Header, form: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> None:
    told: dict[str, Any] = asdict(header) | form
    listed: list[dict[str, Any]] = []
    at, digest = 0, hashlib.sha256()
    for name, array in arrays.items():
        pad = -at % ALIGNMENT
        digest.update(bytes(pad))
        digest.update(np.ascontiguousarray(array).data.cast("B"))
        listed.append({"name": name, "type": array.dtype.newbyteorder("<").str, "count": len(array), "at": at + pad})
        at += pad + array.nbytes
    encoded = json.dumps(told | {"arrays": listed, "bytes": at, "sha256": digest.hexdigest()}).encode()
    encoded += b" " * (-(len(MAGIC) + 8 + len(encoded)) % ALIGNMENT)
    with path.open("wb") as file:
        file.write(MAGIC + len(encoded).to_bytes(8, "little") + encoded)
        base = file.tell()
        for array, entry in zip(arrays.values(), listed, strict=True):
            file.write(bytes(base + entry["at"] - file.tell()))
            file.write(np.ascontiguousarray(array).data.cast("B"))


def is_compact(head: bytes) -> bool:
    """Whether a file that begins so is one of ours."""
    return head.startswith(MAGIC)


def read_compact(path: Path) -> tuple[Header, Table]:
    """Map a compact file into memory. NgramError if it is truncated, longer than it says, or changed."""
    with path.open("rb") as file:
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    try:
        size = int.from_bytes(content[len(MAGIC) : len(MAGIC) + 8], "little")
        base = len(MAGIC) + 8 + size
        told = json.loads(content[len(MAGIC) + 8 : base])
        found = len(content) - base
        if found != told["bytes"]:
            raise NgramError(f"model file {str(path)!r}: {found} bytes of arrays, expected {told['bytes']}")
        if hashlib.sha256(memoryview(content)[base:]).hexdigest() != told["sha256"]:
            raise NgramError(f"model file {str(path)!r}: its arrays are not those it was written with; get it again")
        arrays = {a["name"]: np.frombuffer(content, a["type"], a["count"], base + a["at"]) for a in told["arrays"]}
        return _header(told), _table(told, arrays)
    except (LookupError, TypeError, ValueError, OverflowError, MemoryError) as error:
        if isinstance(error, NgramError):
            raise
        raise NgramError(f"model file {str(path)!r}: its header cannot be read ({error}); get it again") from error


def _header(told: dict[str, Any]) -> Header:
    """ValueError for what no writer wrote: kernels trust the order and the specials."""
    order, counts = int(told["order"]), tuple(int(n) for n in told["counts"])
    specials = tuple((float(p), float(b)) for p, b in told["specials"])
    if not 1 <= order <= MAX_ORDER or len(counts) != order:
        raise ValueError(f"order {order} with {len(counts)} counts; expected 1 to {MAX_ORDER}, and as many")
    if len(specials) != 3 or not np.isfinite(specials).all():
        raise ValueError(f"specials {specials}; expected three pairs of numbers")
    return Header(order, counts, specials, TypeAdapter(TextSettings).validate_python(told["settings"]))


def _table(told: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> Table:
    """ValueError for a table in which a look-up would not end, or would end outside of it."""
    mask = np.uint64(told["mask"])
    if told["form"] == "table":
        slots = arrays["slots"]
        if slots.dtype != np.uint64 or len(slots) < 4 or len(slots) & (len(slots) - 1) or slots[::2].all():
            raise ValueError(
                f"a table of {len(slots)} {slots.dtype}; expected a power of two of u64, a slot of them free"
            )
        return Table(slots, np.uint64(65 - (len(slots) // 2).bit_length()), mask)
    unit = np.uint64(int(mask & (~mask + np.uint64(1))).bit_length() - 1)
    keys = np.cumsum(arrays["steps"], dtype=np.uint64) << unit
    columns = [arrays[f"{n}_levels"][arrays[n]] for n in ("probabilities", "backoffs")]
    if not all(np.isfinite(column).all() for column in columns):
        raise ValueError("probabilities or back-offs that are no numbers")
    table = new_table(len(keys), mask)
    put(table, Entries(keys, np.stack(columns, axis=1)))
    return table.read_only()
