"""Exact hashes: what is the same text, and what is the same text written otherwise."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import xxhash

from scorers.base import as_struct
from scorers.exact import SCRATCH_TEXT_BYTES, Exact
from scorers.kernels.exact import GROWTH
from scorers.kernels.folding import LENGTH_MASK, LENGTH_SHIFT, TABLE_SIZE, exact_table
from scorers.text import TextBatch
from tests import oracle_dedup as oracle


def hashes(texts: list[str], column: str) -> list[bytes]:
    """One column of the scorer's hashes."""
    return [bytes(v) for v in Exact().score(TextBatch.from_strings(texts))[column]]


def test_raw_is_xxh3_128_of_the_bytes() -> None:
    assert hashes(["", "a"], "raw") == [
        bytes.fromhex("99aa06d3014798d86001c324468d497f"),
        xxhash.xxh3_128_digest(b"a"),
    ]


@pytest.mark.parametrize(
    "other", ["the cat", "The CAT", "  the\n\tcat  ", "the\u3000\u2028cat", "\x1cthe\x85\xa0cat", "THE\r\nCAT\n"]
)
def test_case_and_whitespace_do_not_change_the_normalised_hash(other: str) -> None:
    assert hashes([other], "normalised") == [xxhash.xxh3_128_digest(b"the cat")]


@pytest.mark.parametrize("other", ["thecat", "the cat.", "the  cät", "the\u200bcat", "the\x00cat"])
def test_anything_else_changes_the_normalised_hash(other: str) -> None:
    assert hashes([other], "normalised") != hashes(["the cat"], "normalised")


@pytest.mark.parametrize("length", [*range(20), 63, 64, 65])
@pytest.mark.parametrize("piece", ["a", " ", "A b", "É", "ΐ", "世", "😀", "\x00", "a  ", "  É"])
def test_every_length_and_width_is_folded_as_python_does(piece: str, length: int) -> None:
    texts = [piece * length, "x" * length + piece, piece + " " * length, "A" * length + "\n" + piece]
    assert hashes(texts, "normalised") == [xxhash.xxh3_128_digest(oracle.normalised(t).encode()) for t in texts]


def test_every_character_is_folded_as_python_does() -> None:
    texts = [
        chr(c) for c in [*range(0xD800), *range(0xE000, 0x11000), *range(TABLE_SIZE - 9, TABLE_SIZE + 9), 0x10FFFF]
    ]
    assert hashes(texts, "normalised") == [xxhash.xxh3_128_digest(oracle.normalised(t).encode()) for t in texts]


def test_what_is_normalised_alike_has_the_same_words() -> None:
    # equal normalised texts stand for each other in clusters, whose similarity is told by their words
    written = [f"a{chr(c)}b" for c in range(TABLE_SIZE) if not 0xD800 <= c < 0xE000]
    folded = [(text, other) for text in written if (other := oracle.normalised(text)) != text]
    assert len(folded) > 1_000
    assert [text for text, other in folded if oracle.words(text) != oracle.words(other)] == []


def test_folding_never_outgrows_its_scratch() -> None:
    lengths = (exact_table() >> LENGTH_SHIFT & LENGTH_MASK).astype(int)
    utf8 = np.array([1 if c < 0x80 else 2 if c < 0x800 else 3 if c < 0x10000 else 4 for c in range(TABLE_SIZE)])
    assert (lengths / utf8).max() == GROWTH


def test_lengths_are_in_bytes_and_code_points() -> None:
    values = Exact().score(TextBatch.from_strings(["", "é世😀\x00", "a" * 9 + "é" * 9]))
    assert values["text_bytes"].tolist() == [0, 10, 27]
    assert values["text_chars"].tolist() == [0, 4, 18]


def test_an_empty_batch_has_no_hashes() -> None:
    struct = as_struct(Exact(), Exact().score(TextBatch.from_strings([])), 0)
    assert (len(struct), struct.type.field("raw").type) == (0, pa.binary(16))


def test_a_null_document_is_an_empty_one() -> None:
    batch = TextBatch.from_arrow(pa.array([None, ""], type=pa.large_string()))
    struct = as_struct(Exact(), Exact().score(batch), 2).to_pylist()
    assert struct[0] == struct[1]


def test_documents_around_the_scratch_size_are_hashed_alone_or_together() -> None:
    texts = ["Ab " * (SCRATCH_TEXT_BYTES // 3 + k) for k in (-1, 0, 1, 2)] + [
        "short",
        "",
        "Z" * (3 * SCRATCH_TEXT_BYTES),
    ]
    assert hashes(texts, "normalised") == [xxhash.xxh3_128_digest(oracle.normalised(t).encode()) for t in texts]


def test_a_corpus_of_one_text_has_one_hash() -> None:
    for column in ("raw", "normalised"):
        assert len(set(hashes(["Same  text"] * 5000, column))) == 1
