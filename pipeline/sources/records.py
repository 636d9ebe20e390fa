"""JSON lines to rows: one object each, its text, id and provenance to columns, every other field kept as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from pipeline.schema import PROVENANCE
from pipeline.sources.columns import ID_NAMES, NESTED_NAMES, TEXT_NAMES
from pipeline.sources.lines import Line

BOM = b"\xef\xbb\xbf"


@dataclass(slots=True)
class Records:
    """A batch of lines as columns; a line that is no document has a reason and no text."""

    offsets: list[int] = field(default_factory=list)
    texts: list[str | None] = field(default_factory=list)
    reasons: list[str | None] = field(default_factory=list)
    details: list[str | None] = field(default_factory=list)
    ids: list[str | None] = field(default_factory=list)
    metadata: list[str | None] = field(default_factory=list)
    provenance: dict[str, list[str | None]] = field(default_factory=lambda: {n: [] for n in PROVENANCE})


class _NoDocument(Exception):
    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


def parse(lines: Iterable[Line], text: str | None, id: str | None) -> Records:
    """Every line that is not blank, in order."""
    text_names, id_names = (text,) if text else TEXT_NAMES, (id,) if id else ID_NAMES
    out = Records()
    for offset, line in lines:
        reason = detail = body = None
        record: dict[str, Any] = {}
        try:
            if isinstance(line, int):
                raise _NoDocument("too_long", f"a line of {line} bytes")
            if offset == 0:
                line = line.removeprefix(BOM)
            try:
                parsed = orjson.loads(line)
            except orjson.JSONDecodeError as error:
                if not line.strip():
                    continue
                parsed = _lenient(line, error)
            record = _object(parsed)
            body = _take_text(record, text_names)
        except _NoDocument as fault:
            reason, detail = fault.reason, fault.detail
        out.offsets.append(offset)
        out.texts.append(body)
        out.reasons.append(reason)
        out.details.append(detail)
        _take_rest(out, record, id_names)
    return out


def _object(parsed: Any) -> dict[str, Any]:
    if type(parsed) is not dict:
        raise _NoDocument("not_an_object", f"expected an object per line, found {type(parsed).__name__}")
    return parsed


def _lenient(line: bytes, error: orjson.JSONDecodeError) -> Any:
    """What orjson rejects and others write: NaN (as null), lone surrogates (looked for later, in the text)."""
    try:
        return json.loads(line.decode(), parse_constant=lambda _: None)
    except UnicodeDecodeError as fault:
        raise _NoDocument("not_utf8", f"byte {fault.start} of the line: {fault.reason}") from None
    except (ValueError, RecursionError):
        raise _NoDocument("not_json", str(error)[:300]) from None


def _take_text(record: dict[str, Any], names: tuple[str, ...]) -> str:
    """The first text field that is a string, taken out of the record."""
    for name in names:
        if type(record.get(name)) is str:
            return _valid_text(record.pop(name), name)
    present = next((n for n in names if n in record), None)
    if present is None:
        raise _NoDocument("no_text_field", f"it has {', '.join(list(record)[:12])[:300] or 'no fields'}")
    if record[present] is None:
        raise _NoDocument("null_text", f"{present} is null")
    raise _NoDocument("text_not_string", f"{present} is {type(record[present]).__name__}")


def _valid_text(value: str, name: str) -> str:
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise _NoDocument("not_utf8", f"lone surrogate at character {error.start} of {name}") from None
    return value


def _take_rest(out: Records, record: dict[str, Any], id_names: tuple[str, ...]) -> None:
    """Id and provenance to their columns, what is left as JSON."""
    named = next((n for n in id_names if n in record), None)
    out.ids.append(None if named is None else _scalar(record.pop(named)))
    nested = next((record[n] for n in NESTED_NAMES if type(record.get(n)) is dict), None)
    for name, values in out.provenance.items():
        if name in record:
            value = record[name]
            values.append(_scalar(value))
            if type(value) is str:
                del record[name]
        else:
            values.append(_scalar(nested[name]) if nested is not None and name in nested else None)
    out.metadata.append(_as_json(record) if record else None)


def _scalar(value: Any) -> str | None:
    """A single value as a string; lists and objects have no string form that would be an id."""
    if type(value) is str:
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if value is None or isinstance(value, dict | list):
        return None
    return _as_json(value)


def _as_json(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except (TypeError, ValueError):  # lone surrogates, integers beyond 64 bits, nesting beyond 254
        try:
            return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode()
        except RecursionError:
            return "null"
