"""JSONL: one object a line, in ranges of bytes where a file is plain and large, in one piece where it is compressed."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.schema import PROVENANCE
from pipeline.sources.grouping import group_name, groups
from pipeline.sources.jsonl_probe import JsonlProbe, blocks_of
from pipeline.sources.lines import line_batches
from pipeline.sources.listing import SourceFile, as_listed, partitions
from pipeline.sources.part import PartWriter, commit_rows
from pipeline.sources.records import Records, parse
from pipeline.sources.rows import CONVERTED_SCHEMA, Verdicts, id_rows, of_files, positions, quarantined_rows, with_text
from pipeline.sources.streams import StreamBroken
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import part_key
from pipeline.storage.store import Store

FORMAT = 2
GROUP_BYTES = 64_000_000
LINE_SLACK_BYTES = 1_000_000
GATHERED_SIZE, ROW_SIZE = 1_000_000, 250
"""In characters; a row counts for some, too."""
STRING = pa.string()


@dataclass(frozen=True, slots=True)
class Piece:
    """The lines that begin in bytes [start, end) of a file (end None: to its end)."""

    file: SourceFile
    codec: str | None
    start: int = 0
    end: int | None = None

    @property
    def bytes(self) -> int:
        return (self.file.bytes if self.end is None else self.end) - self.start


@dataclass(frozen=True, slots=True)
class JsonlUnit:
    """A piece of one file, or several small files whole, and how to take them in."""

    key: str
    part: str
    pieces: tuple[Piece, ...]
    text: str | None
    id: str | None
    max_doc_bytes: int
    run_bytes: int

    @property
    def bytes(self) -> int:
        return sum(p.bytes for p in self.pieces)

    @property
    def name(self) -> str:
        if len(self.pieces) > 1:
            return group_name(self.files)
        piece = self.pieces[0]
        return f"{piece.file.name}[{piece.start}:{'' if piece.end is None else piece.end}]"

    @property
    def files(self) -> tuple[SourceFile, ...]:
        return tuple(p.file for p in self.pieces)


@dataclass(frozen=True, slots=True)
class Cutting:
    """How files are cut into units, and what their lines are asked for. together: small files share units."""

    corpus: str
    target_bytes: int
    text: str | None
    id: str | None
    max_doc_bytes: int
    together: bool


def split(probes: Sequence[JsonlProbe], how: Cutting) -> Iterator[JsonlUnit]:
    """The units of files, in their order: ranges of about target_bytes of a large plain file; small ones together, compressed ones
    whole."""
    small: list[JsonlProbe] = []
    for probed in (p for p in probes if not p.problem and p.file.bytes):
        pieces = 1 if probed.codec else max(1, round(probed.file.bytes / how.target_bytes))
        if pieces == 1 and how.together:
            small.append(probed)
            continue
        yield from _together(small, how)
        small = []
        edges = [probed.file.bytes * i // pieces for i in range(pieces)]
        yield from (
            _unit((Piece(probed.file, probed.codec, start, end),), how)
            for start, end in zip(edges, [*edges[1:], None], strict=True)
        )
    yield from _together(small, how)


def _together(probes: Sequence[JsonlProbe], how: Cutting) -> Iterator[JsonlUnit]:
    for run in groups([(p.file.name, p.text_bytes) for p in probes], how.target_bytes):
        yield _unit(tuple(Piece(probes[i].file, probes[i].codec) for i in run), how)


def _unit(pieces: tuple[Piece, ...], how: Cutting) -> JsonlUnit:
    told = [
        (
            p.file.path,
            p.file.name,
            p.file.bytes,
            p.file.stamp,
            p.start,
            p.end,
            p.codec,
            sorted(partitions(p.file.path).items()),
        )
        for p in pieces
    ]
    key = part_key("jsonl", FORMAT, told, how.text, how.id, how.max_doc_bytes, how.target_bytes)
    part = Store.part(how.corpus, "text", key)
    return JsonlUnit(key, part, pieces, how.text, how.id, how.max_doc_bytes, how.target_bytes)


def convert(store: Store, unit: JsonlUnit) -> PartRecord:
    """Take in one unit: every line is a row."""

    def fill(out: PartWriter) -> None:
        held = _Held(out, unit)
        for piece in unit.pieces:
            with as_listed(piece.file):
                _write_lines(held, unit, piece)
        held.flush()
        out.end_run()

    return commit_rows(store, unit.key, unit.part, CONVERTED_SCHEMA, min(unit.run_bytes, GROUP_BYTES), fill)


def give_up(store: Store, unit: JsonlUnit, reason: str, detail: str, read: Container[int] = ()) -> PartRecord:
    """The part of a unit that cannot be taken in: one row a file stands for its unknown number of lines, but for those (by place) that can
    be read."""

    def fill(out: PartWriter) -> None:
        held = _Held(out, unit)
        for n, piece in enumerate(unit.pieces):
            if n in read:
                with as_listed(piece.file):
                    _write_lines(held, unit, piece)
            else:
                held.flush()
                _write_rest(out, piece.file.name, piece.start, reason, detail)
        held.flush()
        out.end_run()

    return commit_rows(store, unit.key, unit.part, CONVERTED_SCHEMA, GROUP_BYTES, fill)


def read_through(unit: JsonlUnit) -> None:
    """Parse all of it, for nothing but to survive that."""
    for piece in unit.pieces:
        for _ in _parsed(unit, piece, blocks_of(piece.file, piece.codec, max(0, piece.start - 1))):
            pass


def _parsed(unit: JsonlUnit, piece: Piece, blocks: Iterable[bytes]) -> Iterator[Records]:
    max_line_bytes = 2 * unit.max_doc_bytes + LINE_SLACK_BYTES  # a document's escapes, and its other fields
    for lines in line_batches(blocks, piece.start, piece.end, max_line_bytes):
        yield parse(lines, unit.text, unit.id)


def _write_lines(held: _Held, unit: JsonlUnit, piece: Piece) -> None:
    blocks = _Counted(blocks_of(piece.file, piece.codec, max(0, piece.start - 1)))
    try:
        for records in _parsed(unit, piece, blocks):
            held.add(piece.file, records)
    except StreamBroken as broken:
        told = {"name": piece.file.name, "path": piece.file.path, "reason": broken.reason, "detail": broken.detail}
        held.flush()
        held.out.tally.files.append(told)
        _write_rest(held.out, piece.file.name, blocks.rest, broken.reason, broken.detail)


class _Held:
    """What small files say is gathered before it becomes rows: a unit may have thousands of one line each."""

    def __init__(self, out: PartWriter, unit: JsonlUnit) -> None:
        self.out, self._unit = out, unit
        self._records: list[tuple[SourceFile, Records]] = []
        self._size = 0
        self._with_ids = False

    def add(self, file: SourceFile, records: Records) -> None:
        """Take what some lines of a file say."""
        if not records.offsets:
            return
        with_ids = any(own is not None for own in records.ids)
        if with_ids != self._with_ids:  # in a file without ids none is missing
            self.flush()
        self._with_ids = with_ids
        self._records.append((file, records))
        self._size += sum(
            ROW_SIZE + len(t or "") + len(m or "") for t, m in zip(records.texts, records.metadata, strict=True)
        )
        if len(self._unit.pieces) == 1 or self._size >= GATHERED_SIZE:
            self.flush()

    def flush(self) -> None:
        """Make rows of what is held, and pass them on."""
        if self._records:
            self.out.add(_rows(self.out, self._unit, self._records))
            if self.out.full(self._unit.run_bytes):
                self.out.end_run()
        self._records, self._size = [], 0


class _Counted:
    """Blocks of a stream; `rest` is the offset behind the last whole line of those that went by."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self.rest = 0
        self._blocks = blocks

    def __iter__(self) -> Iterator[bytes]:
        seen = 0
        for block in self._blocks:
            newline = block.rfind(b"\n")
            self.rest = self.rest if newline < 0 else seen + newline + 1
            seen += len(block)
            yield block


def _write_rest(out: PartWriter, name: str, at: int, reason: str, detail: str) -> None:
    """One quarantined row for all of a file that could not be read from `at` on."""
    rows = quarantined_rows(name, positions(at, 1), reason, detail)
    out.tally.reject(reason, [name])
    out.add(with_text(rows, pa.nulls(1, pa.string()), pa.nulls(1, pa.large_string())))


def _rows(out: PartWriter, unit: JsonlUnit, held: Sequence[tuple[SourceFile, Records]]) -> pa.Table:
    """Rows of CONVERTED_SCHEMA."""
    records = [r for _, r in held]
    text = _column([r.texts for r in records], pa.large_string())
    lengths = pc.binary_length(text)
    long = pc.fill_null(pc.greater(lengths, unit.max_doc_bytes), False)
    reason = pc.if_else(long, "too_long", _column([r.reasons for r in records]))
    long_detail = f"longer than input.max_doc_bytes ({unit.max_doc_bytes} bytes)"
    detail = pc.if_else(long, long_detail, _column([r.details for r in records]))
    verdicts = Verdicts(reason, detail, pc.if_else(long, None, lengths))
    own = _column([r.ids for r in records], pa.large_string())
    ids = own if own.null_count < len(own) else None
    names, hive = of_files([f for f, _ in held], [len(r.offsets) for r in records])
    provenance = {name: _column([r.provenance[name] for r in records]) for name in PROVENANCE}
    provenance |= {name: pc.coalesce(provenance[name], told) for name, told in hive.items()}
    offsets = _column([r.offsets for r in records], pa.int64())
    rows = id_rows(names, offsets, verdicts, ids, provenance, out.tally)
    return with_text(rows, _column([r.metadata for r in records]), text)


def _column(values: Iterable[Sequence[Any]], of: pa.DataType = STRING) -> pa.Array:
    """One after the other."""
    return pa.array(chain.from_iterable(values), of)
