"""JSONL: one object a line, in ranges of bytes where the file is plain, in one piece where it is compressed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.sources.jsonl_probe import JsonlProbe, blocks_of
from pipeline.sources.lines import line_batches
from pipeline.sources.listing import SourceFile, as_listed, partitions
from pipeline.sources.part import PartWriter, commit_rows
from pipeline.sources.records import Records, parse
from pipeline.sources.rows import CONVERTED_SCHEMA, Verdicts, id_rows, positions, quarantined_rows, with_text
from pipeline.sources.streams import StreamBroken
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import part_key
from pipeline.storage.store import Store

FORMAT = 1
GROUP_BYTES = 64_000_000
LINE_SLACK_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class JsonlUnit:
    """The lines that begin in bytes [start, end) of a file (end None: to its end), and how to take them in."""

    key: str
    part: str
    file: SourceFile
    codec: str | None
    start: int
    end: int | None
    text: str | None
    id: str | None
    max_doc_bytes: int
    run_bytes: int

    @property
    def bytes(self) -> int:
        return (self.file.bytes if self.end is None else self.end) - self.start

    @property
    def name(self) -> str:
        return f"{self.file.name}[{self.start}:{'' if self.end is None else self.end}]"

    @property
    def files(self) -> tuple[SourceFile, ...]:
        return (self.file,)


def split(
    probed: JsonlProbe, corpus: str, target_bytes: int, text: str | None, id: str | None, max_doc_bytes: int
) -> list[JsonlUnit]:
    """A file's units: ranges of about target_bytes of a plain file, a compressed one whole."""
    file = probed.file
    if probed.problem or not file.bytes:
        return []
    pieces = 1 if probed.codec else max(1, round(file.bytes / target_bytes))
    edges = [file.bytes * i // pieces for i in range(pieces)]
    ends = [*edges[1:], None]
    told = sorted(partitions(file.path).items())
    units = []
    for start, end in zip(edges, ends, strict=True):
        asked = (text, id, max_doc_bytes, target_bytes)
        key = part_key(
            "jsonl", FORMAT, file.path, file.name, file.bytes, file.stamp, (start, end), probed.codec, told, asked
        )
        part = Store.part(corpus, "text", key)
        units.append(JsonlUnit(key, part, file, probed.codec, start, end, text, id, max_doc_bytes, target_bytes))
    return units


def convert(store: Store, unit: JsonlUnit) -> PartRecord:
    """Take in one unit: every line is a row."""

    def fill(out: PartWriter) -> None:
        with as_listed(unit.file):
            _write_lines(out, unit)

    return commit_rows(store, unit.key, unit.part, CONVERTED_SCHEMA, min(unit.run_bytes, GROUP_BYTES), fill)


def give_up(store: Store, unit: JsonlUnit, reason: str, detail: str) -> PartRecord:
    """The part of a unit that cannot be taken in: one row stands for its unknown number of lines."""
    fill = partial(_write_rest, unit=unit, at=unit.start, reason=reason, detail=detail)
    return commit_rows(store, unit.key, unit.part, CONVERTED_SCHEMA, GROUP_BYTES, fill)


def _write_lines(out: PartWriter, unit: JsonlUnit) -> None:
    max_line_bytes = 2 * unit.max_doc_bytes + LINE_SLACK_BYTES  # a document's escapes, and its other fields
    blocks = _Counted(blocks_of(unit.file, unit.codec, max(0, unit.start - 1)))
    try:
        for lines in line_batches(blocks, unit.start, unit.end, max_line_bytes):
            records = parse(lines, unit.text, unit.id)
            if records.offsets:
                out.add(_rows(out, unit, records))
            if out.full(unit.run_bytes):
                out.end_run()
    except StreamBroken as broken:
        told = {"name": unit.file.name, "path": unit.file.path, "reason": broken.reason, "detail": broken.detail}
        out.tally.files.append(told)
        _write_rest(out, unit, blocks.rest, broken.reason, broken.detail)
    out.end_run()


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


def _write_rest(out: PartWriter, unit: JsonlUnit, at: int, reason: str, detail: str) -> None:
    """One quarantined row for all that could not be read from `at` on."""
    rows = quarantined_rows(unit.file.name, positions(at, 1), reason, detail)
    out.tally.reject(reason)
    out.add(with_text(rows, pa.nulls(1, pa.string()), pa.nulls(1, pa.large_string())))
    out.end_run()


def _rows(out: PartWriter, unit: JsonlUnit, records: Records) -> pa.Table:
    text = pa.array(records.texts, pa.large_string())
    lengths = pc.binary_length(text)
    long = pc.fill_null(pc.greater(lengths, unit.max_doc_bytes), False)
    reason = pc.if_else(long, "too_long", pa.array(records.reasons, pa.string()))
    long_detail = f"longer than input.max_doc_bytes ({unit.max_doc_bytes} bytes)"
    detail = pc.if_else(long, long_detail, pa.array(records.details, pa.string()))
    verdicts = Verdicts(reason, detail, pc.if_else(long, None, lengths))
    own = pa.array(records.ids, pa.large_string())
    provenance: dict[str, pa.Array | str | None] = dict(partitions(unit.file.path))
    for name, values in records.provenance.items():
        column = pa.array(values, pa.string())
        if column.null_count < len(column):
            provenance[name] = column
    ids = own if own.null_count < len(own) else None
    rows = id_rows(unit.file.name, pa.array(records.offsets, pa.int64()), verdicts, ids, provenance, out.tally)
    return with_text(rows, pa.array(records.metadata, pa.string()), text)
