"""The one door to n-gram models: our compact file, ARPA (plain or gzip), and KenLM's binaries through its package."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from scorers.kernels.ngram_table import document_scores, score_events
from scorers.model_files import Card
from scorers.ngram_arpa import SPECIALS, hash_of, is_arpa, read_arpa
from scorers.ngram_file import Header, NgramError, Table, TextSettings, is_compact, read_compact
from scorers.ngram_text import Tokens, tokens_of
from scorers.text import TextBatch

KENLM_MAGIC = b"mmap lm http://kheafield.com/code"
HEAD_BYTES = 4096
LOG2_10 = float(np.log2(10.0))

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class DocumentScores:
    """D documents. log10: f64[D] sums over every token and line end, tokens, lines, unknown, text_bytes: i64[D];
    worst_mean: f64[D] the least mean log10 of any window, worst_byte: i64[D] where that window begins."""

    log10: F64
    tokens: I64
    lines: I64
    unknown: I64
    text_bytes: I64
    worst_mean: F64
    worst_byte: I64

    @property
    def perplexity(self) -> F64:
        """10^(-log10 / (tokens + lines)), as cc_net; 1 for a document without lines."""
        return 10.0 ** (-self.log10 / np.maximum(self.tokens + self.lines, 1))


@dataclass(frozen=True, slots=True)
class NgramModel:
    """A back-off model in memory."""

    header: Header
    table: Table

    def events(self, tokens: Tokens) -> tuple[F64, I64]:
        """log10 of every token and every line's end: f64[T+L] (line l's end after its tokens), unknown words: i64[L]."""
        events = np.empty(len(tokens.ends) + len(tokens.line_tokens))
        unknown = np.zeros(len(tokens.line_tokens), np.int64)
        score_events(
            tokens.text, tokens.ends, tokens.line_tokens, self.table.slots, self.table.values, self.table.shift,
            self.table.mask, self.header.order - 1, np.array([hash_of(s) for s in SPECIALS], np.uint64),
            np.array(self.header.specials, np.float32), events, unknown,
        )  # fmt: skip
        return events, unknown

    def score(self, batch: TextBatch, window: int = 100) -> DocumentScores:
        """Every document's sums, and its worst window of so many events (tokens and line ends)."""
        tokens = batch.derive(("ngram tokens", self.header.settings), lambda b: tokens_of(b, self.header.settings))
        events, unknown = self.events(tokens)
        sums, worst = np.zeros(len(batch)), np.zeros(len(batch))
        place = np.zeros(len(batch), np.int64)
        document_scores(events, tokens.starts, tokens.line_tokens, tokens.document_lines, window, sums, worst, place)
        upto = np.concatenate([np.zeros(1, np.int64), tokens.line_tokens])[tokens.document_lines]
        unknown_upto = np.concatenate([np.zeros(1, np.int64), np.cumsum(unknown)])[tokens.document_lines]
        return DocumentScores(
            sums, np.diff(upto), np.diff(tokens.document_lines), np.diff(unknown_upto), np.diff(batch.offsets), worst,
            place,
        )  # fmt: skip


def settings_of(card: Card) -> TextSettings:
    """How a model that does not say it itself wants its text, by its card. NgramError for an unknown setting."""
    known = {f.name for f in fields(TextSettings)}
    given = {k: v for k, v in card.settings.items() if k in known}
    return TextSettings(**given)


@functools.cache
def load(path: Path, sha256: str, settings: TextSettings = TextSettings()) -> NgramModel:  # noqa: B008 (frozen)
    """Read a model once per process. settings: for files that do not hold their own. NgramError if the file's digest is
    another, or it is damaged."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise NgramError(f"model file {str(path)!r}: expected sha256 {sha256}, found {found}; delete it and get it again")
    return read(path, settings)


def read(path: Path, settings: TextSettings = TextSettings()) -> NgramModel:  # noqa: B008 (frozen)
    """Read a model of any kind by its first bytes."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if is_compact(head):
        return NgramModel(*read_compact(path))
    if is_arpa(head):
        return NgramModel(*read_arpa(path, settings))
    raise NgramError(f"model file {str(path)!r} is not an n-gram model: neither Winnow's, nor ARPA, nor KenLM's binary")
