"""The one door to n-gram models: our compact file, ARPA (plain or gzip), and KenLM's binaries through its package."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter, ValidationError

from scorers.kernels.ngram_table import document_scores, score_events, word_hashes
from scorers.models.ngram_arpa import SPECIALS, hash_of, is_arpa, read_arpa
from scorers.models.ngram_file import Header, NgramError, Table, TextSettings, is_compact, read_compact
from scorers.models.ngram_text import Tokens, tokens_of
from scorers.models.pieces import in_pieces
from scorers.text import TextBatch

KENLM_MAGIC = b"mmap lm http://kheafield.com/code"
HEAD_BYTES = 4096

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


class Model(Protocol):
    """What can score tokens."""

    @property
    def settings(self) -> TextSettings:
        """How its text becomes tokens."""
        ...

    def events(self, tokens: Tokens) -> tuple[F64, I64]:
        """log10 of every token and every line's end: f64[T+L] (line l's end after its tokens), unknown words: i64[L]."""
        ...


@dataclass(frozen=True, slots=True)
class NgramModel:
    """A back-off model in a table."""

    header: Header
    table: Table

    @property
    def settings(self) -> TextSettings:
        return self.header.settings

    def events(self, tokens: Tokens) -> tuple[F64, I64]:
        hashes = np.empty(len(tokens.ends), np.uint64)
        word_hashes(tokens.text, tokens.ends, hashes)
        events = np.empty(len(tokens.ends) + len(tokens.line_tokens))
        unknown = np.zeros(len(tokens.line_tokens), np.int64)
        score_events(
            hashes, tokens.line_tokens, self.table.slots, self.table.values, self.table.shift, self.table.mask,
            self.header.order - 1, np.array([hash_of(s) for s in SPECIALS], np.uint64),
            np.array(self.header.specials, np.float32), events, unknown,
        )  # fmt: skip
        return events, unknown


@dataclass(frozen=True, slots=True)
class KenlmModel:
    """A KenLM binary, scored by its own package, line by line: about 10 MB/s."""

    package_model: Any
    settings: TextSettings

    def events(self, tokens: Tokens) -> tuple[F64, I64]:
        events: list[float] = []
        unknown = np.zeros(len(tokens.line_tokens), np.int64)
        first = 0
        for line, last in enumerate(tokens.line_tokens):
            start, end = (
                (0 if first == 0 else tokens.ends[first - 1] + 1),
                (tokens.ends[last - 1] if last > first else 0),
            )
            words = tokens.text[start : max(start, end)].tobytes().decode()
            for score, _, is_unknown in self.package_model.full_scores(words):
                events.append(score)
                unknown[line] += is_unknown
            first = int(last)
        return np.array(events, np.float64), unknown


@dataclass(frozen=True, slots=True)
class DocumentScores:
    """D documents. log10: f64[D] sums over every token and line's end; tokens, lines, unknown, text_bytes: i64[D];
    worst_mean: f64[D] the least mean log10 of any window, worst_byte: i64[D] where that window begins."""

    log10: F64
    tokens: I64
    lines: I64
    unknown: I64
    text_bytes: I64
    worst_mean: F64
    worst_byte: I64


def score(model: Model, batch: TextBatch, window: int) -> DocumentScores:
    """Every document's sums, and its worst window of so many events (tokens and line ends)."""
    tokens = batch.derive(("ngram tokens", model.settings), lambda b: _tokens(b, model.settings))
    events, unknown = model.events(tokens)
    sums, worst, place = np.zeros(len(batch)), np.zeros(len(batch)), np.zeros(len(batch), np.int64)
    document_scores(events, tokens.starts, tokens.line_tokens, tokens.document_lines, window, sums, worst, place)
    zero = np.zeros(1, np.int64)
    upto = np.concatenate([zero, tokens.line_tokens])[tokens.document_lines]
    unknown_upto = np.concatenate([zero, np.cumsum(unknown)])[tokens.document_lines]
    return DocumentScores(
        sums, np.diff(upto), np.diff(tokens.document_lines), np.diff(unknown_upto), np.diff(batch.offsets), worst, place
    )


def _tokens(batch: TextBatch, settings: TextSettings) -> Tokens:
    tokens = tokens_of(batch, settings)
    return in_pieces(tokens, settings.pieces) if settings.tokens == "sentencepiece" else tokens


def settings_from(given: dict[str, Any]) -> TextSettings:
    """Text settings from a card's; keys that are no text settings are for others. NgramError for a wrong value."""
    known = asdict(TextSettings())
    try:
        made = TypeAdapter(TextSettings).validate_python({k: v for k, v in given.items() if k in known})
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise NgramError(f"the model card's settings are not text settings: {said}") from error
    if (made.tokens == "sentencepiece") != bool(made.pieces):
        raise NgramError("the model card's settings: tokens 'sentencepiece' and pieces, a model's name, go together")
    return made


@functools.cache
def load(path: Path, sha256: str, settings: TextSettings) -> Model:
    """Read a model once per process. settings: for files that do not hold their own. NgramError if the file's digest is
    another, or it is damaged."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise NgramError(
            f"model file {str(path)!r}: expected sha256 {sha256}, found {found}; delete it and get it again"
        )
    return read(path, settings)


def read(path: Path, settings: TextSettings) -> Model:
    """Read a model of any kind by its first bytes."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if is_compact(head):
        return NgramModel(*read_compact(path))
    if head.startswith(KENLM_MAGIC):
        return _kenlm(path, settings)
    if is_arpa(head):
        return NgramModel(*read_arpa(path, settings))
    raise NgramError(f"model file {str(path)!r} is not an n-gram model: neither Winnow's, nor ARPA, nor KenLM's binary")


def _kenlm(path: Path, settings: TextSettings) -> Model:
    try:
        import kenlm
    except ImportError as error:
        raise NgramError(
            f"model file {str(path)!r} is a KenLM binary, which needs the package kenlm: pip install 'winnow-curation[kenlm]' (it is built "
            "from source: C++ compiler and cmake); ARPA files need nothing"
        ) from error
    try:
        return KenlmModel(kenlm.Model(str(path)), settings)
    except (OSError, RuntimeError) as error:
        raise NgramError(f"model file {str(path)!r}: KenLM says: {error}") from error
