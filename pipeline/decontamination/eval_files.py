"""Files of evaluation sets, Parquet or JSONL, as rows of question, choices and answer; what is wrong with one is said."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import PlanError, did_you_mean
from pipeline.sources.columns import as_one, as_strings
from pipeline.sources.formats import codec_of

Row = Mapping[str, Any]

USUAL = {
    "benchmark": ("benchmark",),
    "id": ("id", "task_id", "question_id", "item_id", "problem_id", "qid", "uid", "idx"),
    "question": (
        *("question", "prompt", "problem", "instruction", "query", "goal", "ctx", "sentence", "question_stem"),
        *("premise", "input", "text"),
    ),
    "choices": ("choices", "options", "endings", "mc1_targets", "distractors"),
    "answer": (
        *("answer", "solution", "canonical_solution", "correct_answer", "best_answer", "target", "output", "answers"),
        *("completion", "response", "answerKey", "label", "gold"),
    ),
}
"""Names of columns that are taken for what they say, the first that is there. A passage is none of them: it is mostly
a page of Wikipedia, which would count as contaminated; name it as (part of) the question to look for it too."""
INNER = ("stem", "text", "choices", "texts", "answer", "answers")
"""Where a struct keeps its strings, as in {text: [...], label: [...]}, or a question {stem: ..., choices: [...]}."""
LABELS = ("label", "labels", "key")
"""Where it keeps what they are called."""


@dataclass(frozen=True, slots=True)
class Item:
    """One row of an evaluation set; what it does not have is None."""

    benchmark: str
    item: str
    question: str | None
    choices: list[str] | None
    answer: str | None


def rows_of(content: bytes, path: str, format: str) -> list[dict[str, Any]]:
    """The rows of a file. PlanError says what is damaged, empty or not UTF-8, and where."""
    if not content:
        raise PlanError(f"evaluation set {path}: the file is empty; get it again, or take it out of `against`")
    if format not in ("parquet", "jsonl"):
        raise PlanError(f"evaluation set {path}: expected Parquet or JSONL (one object a line)")
    rows = _parquet(content, path) if format == "parquet" else list(_jsonl(_unpacked(content, path), path))
    if not rows:
        raise PlanError(f"evaluation set {path}: it has no rows; get it again, or take it out of `against`")
    return rows


def items_of(rows: Sequence[Row], path: str, named: Mapping[str, str | Sequence[str] | None], name: str) -> list[Item]:
    """The rows as items. named: columns by what they hold (benchmark, id, question, choices, answer), the usual ones where
    none are; name: the benchmark's, where no column says it."""
    there = list(dict.fromkeys(k for row in rows for k in row))
    columns = {what: _columns(what, given, there, path) for what, given in named.items()}
    if not columns["question"] and not columns["answer"]:
        raise PlanError(
            f"evaluation set {path}: none of its columns ({', '.join(there) or 'none'}) is known to hold a question or an answer; "
            "name them: {path: ..., question: COLUMN, choices: COLUMN, answer: COLUMN}"
        )
    items = [_item(row, i, columns, name) for i, row in enumerate(rows)]
    if not any(i.question or i.answer for i in items):
        what = ", ".join(f"{k}: {' + '.join(v)}" for k, v in columns.items() if v)
        raise PlanError(f"evaluation set {path}: no row has any text in its columns ({what}); name others")
    return items


def _parquet(content: bytes, path: str) -> list[dict[str, Any]]:
    try:
        table = pq.read_table(pa.BufferReader(content), page_checksum_verification=True)
        table.validate(full=True)
        rows: list[dict[str, Any]] = _plain(table).to_pylist()
    except UnicodeDecodeError as error:
        raise PlanError(f"evaluation set {path}: text that is not UTF-8 ({error}); convert the file") from None
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        said = str(error).strip().splitlines()[0][:200]
        what = "text that is not UTF-8" if "UTF8" in said else "damaged, or no Parquet"
        raise PlanError(f"evaluation set {path}: {what} ({said}); get the file again") from None
    return rows


def _plain(table: pa.Table) -> pa.Table:
    """The same with times as strings: Python has none after the year 9999."""
    for i, field in enumerate(table.schema):
        if pa.types.is_temporal(field.type):
            table = table.set_column(i, field.name, as_strings(as_one(table.column(i))))
    return table


def _unpacked(content: bytes, path: str) -> bytes:
    codec = codec_of(content[:16])
    if codec is None:
        return content
    try:
        with pa.CompressedInputStream(pa.PythonFile(io.BytesIO(content), mode="r"), codec) as stream:
            plain: bytes = stream.read()
    except (pa.ArrowException, OSError) as error:
        said = str(error).strip().splitlines()[0][:200]
        raise PlanError(f"evaluation set {path}: damaged {codec} ({said}); get the file again") from None
    return plain


def _jsonl(content: bytes, path: str) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line.decode("utf-8"))
            json.dumps(row, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise PlanError(
                f"evaluation set {path}, line {number}: half a character ({error.object[error.start]!a}, a lone surrogate), which "
                "no text can hold; write the file again with whole characters"
            ) from None
        except UnicodeDecodeError as error:
            raise PlanError(
                f"evaluation set {path}, line {number}: not UTF-8 at byte {error.start}; convert the file to UTF-8"
            ) from None
        except (ValueError, RecursionError) as error:
            raise PlanError(
                f"evaluation set {path}, line {number}: not JSON ({error}); one object a line is expected"
            ) from None
        if not isinstance(row, dict):
            raise PlanError(f"evaluation set {path}, line {number}: expected an object, found {type(row).__name__}")
        yield row


def _columns(what: str, given: str | Sequence[str] | None, there: Sequence[str], path: str) -> list[str]:
    if given is None:
        return [c for c in USUAL[what] if c in there][:1]
    named = [given] if isinstance(given, str) else list(given)
    for column in named:
        if column not in there:
            raise PlanError(
                f"evaluation set {path}: {what}: no column {column!r}; there are {', '.join(there)}.{did_you_mean(column, there)}"
            )
    return named


def _item(row: Row, number: int, columns: Mapping[str, list[str]], name: str) -> Item:
    offered = [row.get(column) for column in columns["choices"]]
    choices, labels = ([s for value in offered for s in of(value)] for of in (_strings, _labels))
    answers = [_resolved(row.get(column), choices, labels) for column in columns["answer"]]
    questions = ["\n".join(_strings(row.get(column))) for column in columns["question"]]
    benchmark = next((row.get(c) for c in columns["benchmark"]), None)
    ids = [str(row[c]) for c in columns["id"] if row.get(c) is not None]
    return Item(
        name if benchmark is None else str(benchmark), "/".join(ids) or str(number),
        "\n".join(q for q in questions if q) or None, choices if any(choices) else None,
        "\n".join(a for a in answers if a) or None,
    )  # fmt: skip


def _resolved(value: Any, choices: Sequence[str], labels: Sequence[str]) -> str:
    """An answer's text; where it is the label, number (from 0) or letter of a choice, that choice's."""
    if isinstance(value, int) and not isinstance(value, bool):
        return choices[value] if 0 <= value < len(choices) else ""
    if isinstance(value, str) and value and value not in choices:
        place = _place(value, labels if len(labels) == len(choices) else ())
        if place is not None and place < len(choices):
            return choices[place]
    return "\n".join(_strings(value))


def _place(value: str, labels: Sequence[str]) -> int | None:
    """Which choice a label, a number or a letter means."""
    if value in labels:
        return labels.index(value)
    if value.isascii() and value.isdecimal():
        return int(value[:9])
    return ord(value) - ord("A") if len(value) == 1 and "A" <= value <= "Z" else None


def _strings(value: Any) -> list[str]:
    """The strings of a value, empty ones and nulls of a list too, as each has its place: itself, a list's, a struct's by INNER or
    else all of its own."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [s for v in value for s in _strings("" if v is None else v)]
    if isinstance(value, dict):
        inner = next((value[k] for k in INNER if k in value), None)
        return _strings(list(value.values()) if inner is None else inner)
    return []


def _labels(value: Any) -> list[str]:
    """What choices are called, where they come as {text: [...], label: [...]} or {A: ..., B: ...}."""
    if not isinstance(value, dict):
        return []
    called = next((value[k] for k in LABELS if k in value), None if any(k in value for k in INNER) else list(value))
    return _strings(called)
