"""Tokens that are SentencePiece pieces, as cc_net's and edugp's models have them; through the package sentencepiece."""

from __future__ import annotations

import functools
import hashlib
import importlib
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from scorers import models
from scorers.models.ngram_file import NgramError
from scorers.models.ngram_text import Tokens

WORD_START = "\u2581"


def in_pieces(tokens: Tokens, model: str) -> Tokens:
    """The same lines with every word cut into pieces. A piece starts where its word does."""
    found = models.find(model)
    processor = read_pieces(found.path, found.sha256)
    words = tokens.text[: tokens.text_bytes].tobytes().decode().split()
    bounds = [0, *tokens.line_tokens.tolist()]
    lines = [" ".join(words[a:b]) for a, b in pairwise(bounds)]
    cut: list[list[str]] = processor.encode(lines, out_type=str) if lines else []
    pieces = [piece for line in cut for piece in line]
    line_tokens = np.cumsum([len(line) for line in cut], dtype=np.int64)
    encoded = [piece.encode() for piece in pieces]
    ends = np.cumsum([len(piece) + 1 for piece in encoded], dtype=np.int64) - 1
    text = np.zeros(int(ends[-1]) + 9 if len(ends) else 8, np.uint8)
    joined = b" ".join(encoded)
    text[: len(joined)] = np.frombuffer(joined, np.uint8)
    return Tokens(text, ends, _starts(tokens, cut), line_tokens, tokens.document_lines)


def _starts(tokens: Tokens, cut: list[list[str]]) -> npt.NDArray[np.int64]:
    """i64[T]: the byte of each piece's word; a piece begins a word where it begins with the mark."""
    found = []
    bounds = [0, *tokens.line_tokens.tolist()]
    for line, pieces in enumerate(cut):
        word = bounds[line] - 1
        for piece in pieces:
            word = min(word + piece.startswith(WORD_START), bounds[line + 1] - 1)
            found.append(tokens.starts[max(word, bounds[line])])
    return np.array(found, np.int64)


@functools.cache
def read_pieces(path: Path, sha256: str) -> Any:
    """The package's processor of a model file, read once per process. NgramError if the file's digest is another, it is
    no such model, or the package is not here."""
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest != sha256:
        raise NgramError(f"model file {str(path)!r}: expected sha256 {sha256}, found {digest}; get it again")
    try:
        package = importlib.import_module("sentencepiece")
    except ImportError as error:
        raise NgramError(
            f"model {path.name!r} is of SentencePiece pieces, which needs: pip install 'winnow-curation[sentencepiece]'"
        ) from error
    try:
        return package.SentencePieceProcessor(model_proto=content)
    except RuntimeError as error:
        raise NgramError(f"model file {str(path)!r} is not a SentencePiece model: {error}") from None
