"""JSON lines to rows: one object each, its text, id and provenance to columns, every other field kept as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from pipeline.schema import PROVENANCE
from pipeline.sources.columns import ID_NAMES, NESTED_NAMES, TEXT_NAMES
from pipeline.sources.lines import Line

BOM = b"\xef\xbb\xbf"
NOTHING: dict[str, Any] = {}
LARGE = "e+"
"""In JSON as orjson writes it: there may be a float of 1e16 or more. It reads integers beyond 64 bits as such."""


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

    def forget_rest(self) -> None:
        """Let go of what is told of the last line beside its text."""
        for values in (self.ids, self.metadata, *self.provenance.values()):
            values.pop()


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
                parsed = _lenient(line, error, text_names)
            record = _object(parsed)
            body = _take_text(record, text_names)
        except _NoDocument as fault:
            reason, detail = fault.reason, fault.detail
        out.offsets.append(offset)
        out.texts.append(body)
        out.reasons.append(reason)
        out.details.append(detail)
        _take_rest(out, record, id_names)
        if LARGE in (out.metadata[-1] or "") or LARGE in (out.ids[-1] or ""):
            exact = _exact(line, text_names) if isinstance(line, bytes) else None
            if exact is not None:
                out.forget_rest()
                _take_rest(out, exact, id_names)
    return out


def _object(parsed: Any) -> dict[str, Any]:
    if type(parsed) is not dict:
        raise _NoDocument("not_an_object", f"expected an object per line, found {type(parsed).__name__}")
    return parsed


def _lenient(line: bytes, error: orjson.JSONDecodeError, text_names: tuple[str, ...]) -> Any:
    """What orjson rejects and others write: NaN and 1e400 (read as null), lone surrogates (which the text may not have)."""
    try:
        parsed = _loads(line.decode())
    except UnicodeDecodeError as fault:
        raise _NoDocument("not_utf8", f"byte {fault.start} of the line: {fault.reason}") from None
    except (ValueError, RecursionError):
        raise _NoDocument("not_json", str(error)[:300]) from None
    try:
        json.dumps(parsed, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        named = next((n for n in text_names if type(_object(parsed).get(n)) is str), None)
        if named is not None and not _encodable(parsed[named]):
            raise _NoDocument("not_utf8", f"lone surrogate in {named}") from None
        return orjson.loads(json.dumps(parsed, ensure_ascii=False).encode("utf-8", "replace"))
    return parsed


def _exact(line: bytes, text_names: tuple[str, ...]) -> dict[str, Any] | None:
    """The fields of a line beside its text, integers of any size as they are; None where Python cannot read it, or it has lone
    surrogates."""
    try:
        record: dict[str, Any] = _loads(line)
        _take_text(record, text_names)
    except (ValueError, RecursionError, _NoDocument):
        return None
    return record if _encodable(json.dumps(record, ensure_ascii=False)) else None


def _loads(line: str | bytes) -> Any:
    """What Python reads of a line, null for what no JSON can say: NaN, Infinity, and numbers that are infinite as floats."""
    return json.loads(line, parse_constant=lambda _: None, parse_float=_finite)


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


def _encodable(value: str) -> bool:
    try:
        value.encode()
        return True
    except UnicodeEncodeError:
        return False


def _take_text(record: dict[str, Any], names: tuple[str, ...]) -> str:
    """The first text field that is a string, taken out of the record."""
    for name in names:
        if type(record.get(name)) is str:
            text: str = record.pop(name)
            return text
    present = next((n for n in names if n in record), None)
    if present is None:
        raise _NoDocument("no_text_field", f"it has {', '.join(list(record)[:12])[:300] or 'no fields'}")
    if record[present] is None:
        raise _NoDocument("null_text", f"{present} is null")
    raise _NoDocument("text_not_string", f"{present} is {type(record[present]).__name__}")


def _take_rest(out: Records, record: dict[str, Any], id_names: tuple[str, ...]) -> None:
    """Id and provenance to their columns, what is left as JSON."""
    named = next((n for n in id_names if n in record), None)
    out.ids.append(None if named is None else _scalar(record[named]))
    if named is not None and not isinstance(record[named], dict | list):
        del record[named]
    nested = next((record[n] for n in NESTED_NAMES if type(record.get(n)) is dict), NOTHING)
    for name, values in out.provenance.items():
        value = record.get(name, nested.get(name)) if nested else record.get(name)
        if type(value) is str:
            values.append(value)
            record.pop(name, None)
        else:
            values.append(None if value is None else _scalar(value))
    out.metadata.append(_as_json(record) if record else None)


def _scalar(value: Any) -> str | None:
    """A single value as a string; lists and objects have no string form that would be an id."""
    if type(value) is str:
        return value
    return None if value is None or isinstance(value, dict | list) else _as_json(value)


def _as_json(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except (TypeError, ValueError):  # integers beyond 64 bits, nesting beyond 254
        try:
            return json.dumps(value, ensure_ascii=False)
        except RecursionError:
            return "null"
