"""Text files: each is one document."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.schema import PROVENANCE
from pipeline.sources.formats import codec_of
from pipeline.sources.grouping import group_name, groups
from pipeline.sources.listing import SourceFile, check_unchanged, partitions
from pipeline.sources.pages import GATHERED_BYTES, ReadInterrupted
from pipeline.sources.part import PartWriter, commit_rows
from pipeline.sources.rows import CONVERTED_SCHEMA, Verdicts, id_rows, judge_text, with_text
from pipeline.sources.streams import StreamBroken, open_bytes, packed_blocks
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import part_key
from pipeline.storage.store import Store

FORMAT = 2
GROUP_BYTES = 64_000_000
BOM = b"\xef\xbb\xbf"
MAGIC_BYTES = 4


@dataclass(frozen=True, slots=True)
class TextProbe:
    """A text file is taken as it is; what is wrong with it is found when it is read."""

    file: SourceFile
    problem: str = ""
    detail: str = ""
    schema: None = None

    @property
    def text_bytes(self) -> int:
        return 0 if self.problem else self.file.bytes


@dataclass(frozen=True, slots=True)
class TextUnit:
    """Some files of one unit, and how to take them in."""

    key: str
    part: str
    files: tuple[SourceFile, ...]
    max_doc_bytes: int
    run_bytes: int

    @property
    def bytes(self) -> int:
        return sum(f.bytes for f in self.files)

    @property
    def name(self) -> str:
        return group_name(self.files)


def split(probes: Sequence[TextProbe], corpus: str, target_bytes: int, max_doc_bytes: int) -> Iterator[TextUnit]:
    """Units of about target_bytes, in order of names."""
    files = [p.file for p in probes if not p.problem]
    for run in groups([(f.name, f.bytes) for f in files], target_bytes):
        yield _unit(tuple(files[i] for i in run), corpus, target_bytes, max_doc_bytes)


def _unit(files: tuple[SourceFile, ...], corpus: str, target_bytes: int, max_doc_bytes: int) -> TextUnit:
    told = [(f.name, f.bytes, f.stamp, sorted(partitions(f.path).items())) for f in files]
    key = part_key("textfile", FORMAT, told, max_doc_bytes, target_bytes)
    return TextUnit(key, Store.part(corpus, "text", key), files, max_doc_bytes, target_bytes)


def convert(store: Store, unit: TextUnit) -> PartRecord:
    """Take in the files of one unit."""
    fill = partial(_write_files, unit=unit)
    return commit_rows(store, unit.key, unit.part, CONVERTED_SCHEMA, min(unit.run_bytes, GROUP_BYTES), fill)


def give_up(store: Store, unit: TextUnit, reason: str, detail: str, read: Container[int] = ()) -> PartRecord:
    """The part of a unit that cannot be taken in: one quarantined row a file, but for those (by place) that can be read."""
    lost = {n: (b"", reason, detail) for n in range(len(unit.files)) if n not in read}
    fill = partial(_write_files, unit=unit, lost=lost)
    return commit_rows(store, unit.key, unit.part, CONVERTED_SCHEMA, GROUP_BYTES, fill)


def read_through(unit: TextUnit) -> None:
    """Read all of it, for nothing but to survive that."""
    for file in unit.files:
        _read(file, unit.max_doc_bytes)


Read = tuple[bytes, str, str]
"""(content, reason, detail): reason is empty where the file could be read."""


def _write_files(out: PartWriter, unit: TextUnit, lost: Mapping[int, Read] = MappingProxyType({})) -> None:
    held: list[Read] = []
    begun = held_bytes = 0
    for index, file in enumerate(unit.files):
        if index in lost:
            held.append(lost[index])
        else:
            try:
                held.append(_read(file, unit.max_doc_bytes))
            finally:
                check_unchanged(file)  # not before: it may change until it is read
        held_bytes += len(held[-1][0])
        if held_bytes >= GATHERED_BYTES:
            _add(out, unit, unit.files[begun : index + 1], held)
            held, begun, held_bytes = [], index + 1, 0
    if held:
        _add(out, unit, unit.files[begun:], held)
    out.end_run()


def _read(file: SourceFile, max_doc_bytes: int) -> Read:
    """A file's content without its byte order mark; never more of it than a document may have."""
    try:
        with open_bytes(file.path) as opened:
            content = opened.read(max_doc_bytes + len(BOM) + 1)
        codec = codec_of(content[:MAGIC_BYTES])
        if codec is not None:
            content = b""
            for block in packed_blocks(file.path, codec, file.bytes):
                content += block
                if len(content) > max_doc_bytes + len(BOM):
                    break
    except StreamBroken as broken:
        return b"", broken.reason, broken.detail
    except OSError as error:
        raise ReadInterrupted(f"{file.path}: {error}") from error
    content = content.removeprefix(BOM)
    if len(content) > max_doc_bytes:
        return b"", "too_long", f"longer than input.max_doc_bytes ({max_doc_bytes} bytes)"
    return content, "", ""


def _add(out: PartWriter, unit: TextUnit, files: Sequence[SourceFile], read: Sequence[Read]) -> None:
    content = pa.array([c for c, _, _ in read], pa.large_binary())
    found = judge_text(content, unit.max_doc_bytes)
    reason = pc.coalesce(pa.array([r or None for _, r, _ in read], pa.string()), found.reason)
    detail = pc.coalesce(pa.array([d or None for _, _, d in read], pa.string()), found.detail)
    good = pc.is_null(reason)
    hive = [partitions(f.path) for f in files]
    provenance = {name: pa.array([h.get(name) for h in hive], pa.string()) for name in PROVENANCE}
    verdicts = Verdicts(reason, detail, pc.if_else(good, found.text_bytes, None))
    names, first = pa.array([f.name for f in files], pa.string()), pa.array([0] * len(files), pa.int64())
    rows = id_rows(names, first, verdicts, None, provenance, out.tally)
    text = pc.if_else(good, content, None).cast(pa.large_string())
    out.add(with_text(rows, pa.nulls(len(files), pa.string()), text))
