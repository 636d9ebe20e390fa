"""Normalising and cutting for n-gram models equals cc_net's own steps, on arbitrary text and on every character."""

from __future__ import annotations

import itertools
import unicodedata

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scorers.kernels.ngram_text import tokenise
from scorers.kernels.normal_characters import character_table
from scorers.models.ngram_file import TextSettings
from scorers.models.ngram_text import GROWTH, Tokens, tokens_of
from scorers.text import TextBatch
from tests.oracle_ngrams import token_lines

OLD = unicodedata.ucd_3_2_0
"""Frozen in every Python: what was assigned then has the same properties in every newer version."""
CHARACTERS = st.characters(codec="utf-8").filter(lambda c: OLD.category(c) != "Cn")
PIECES = [
    *["the", "The", "ΣΑΣ", "ΣΑΣ.", "Σ", "αΣ'β", "ÉTÉ", "İstanbul", "ﬁ", "ǅ", "ſ", "K", "Å", "e\u0301", "\u0301", "한국어", "日本語"],
    *["ไทย", "เด็ก", "१२३", "１２", "…", "—", "．", "；", "«»", "\u00ad", "\u200d", "\u037e", "≮", "🙂", "𝔘", "\U0001d15e", "한"],
    *[" ", "\n", "\n\n", "\t", "\r\n", "\x00", "\x85", "\u2028", "\u3000", "\u00a0", "\x1c", "<s>", "don't", "a-b", "3.14", "x_y"],
]  # fmt: skip
TEXTS = st.lists(st.one_of(st.sampled_from(PIECES), CHARACTERS), max_size=40).map("".join)
EVERY = [
    TextSettings(normalisation, tokens, one_line, blank)  # type: ignore[arg-type]
    for normalisation in ("ccnet", "none")
    for tokens in ("words", "whitespace")
    for one_line in (False, True)
    for blank in (False, True)
]


def strings(tokens: Tokens) -> list[str]:
    """The tokens themselves."""
    starts = [0, *(tokens.ends[:-1] + 1)][: len(tokens.ends)]
    return [tokens.text[s:e].tobytes().decode() for s, e in zip(starts, tokens.ends, strict=True)]


def lines_of(tokens: Tokens, document: int) -> list[list[str]]:
    """One document's sentences."""
    first, last = tokens.document_lines[document : document + 2]
    bounds = [0, *tokens.line_tokens]
    words = strings(tokens)
    return [words[bounds[line] : bounds[line + 1]] for line in range(first, last)]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(TEXTS, max_size=4), st.sampled_from(EVERY))
def test_tokens_are_those_of_cc_net(texts: list[str], how: TextSettings) -> None:
    tokens = tokens_of(TextBatch.from_strings(texts), how)
    assert [lines_of(tokens, d) for d in range(len(texts))] == [token_lines(t, how) for t in texts]


@pytest.mark.parametrize("how", [EVERY[0], EVERY[4], EVERY[8]], ids=str)
def test_every_character_becomes_what_cc_net_makes_of_it(how: TextSettings) -> None:
    texts = [f"a{chr(c)}b {chr(c)}" for c in range(0x110000) if OLD.category(chr(c)) not in ("Cn", "Cs") and c != 10]
    tokens = tokens_of(TextBatch.from_strings(texts), how)
    found = [lines_of(tokens, 0)] if len(texts) == 1 else _all_lines(tokens)
    wrong = [(t, f) for t, f in zip(texts, found, strict=True) if f != token_lines(t, how)]
    assert wrong == []


def _all_lines(tokens: Tokens) -> list[list[list[str]]]:
    words, bounds = strings(tokens), [0, *tokens.line_tokens]
    lines = [words[a:b] for a, b in itertools.pairwise(bounds)]
    cuts = tokens.document_lines
    return [lines[a:b] for a, b in itertools.pairwise(cuts)]


def test_no_character_grows_beyond_the_room_for_it() -> None:
    for normalisation in ("ccnet", "none"):
        how = TextSettings(normalisation)  # type: ignore[arg-type]
        for c in range(0x110000):
            if 0xD800 <= c < 0xE000:
                continue
            entry = int(character_table(how.normalisation)[0][c])
            grown = entry >> 6 & 15 if not entry & 8 else len(chr(c).encode())
            assert 2 * grown <= GROWTH * len(chr(c).encode()) + grown, hex(c)


def test_a_token_starts_at_its_byte_in_the_document() -> None:
    text = "Été — 42 ducks\n\n«Oui»"
    tokens = tokens_of(TextBatch.from_strings(["before", text]), TextSettings())
    here = [(w, int(s)) for w, s in zip(strings(tokens), tokens.starts, strict=True)][1:]
    assert here == [("ete", 0), ("-", 6), ("00", 10), ("ducks", 13), ('"', 20), ("oui", 22), ('"', 25)]


def test_the_text_between_the_ends_is_what_lmplz_reads() -> None:
    tokens = tokens_of(TextBatch.from_strings(["One, two.\n\nThree", "", "four"]), TextSettings())
    assert tokens.text[: tokens.text_bytes].tobytes().decode() == "one , two .\nthree\nfour\n"
    assert tokens.line_tokens.tolist() == [4, 5, 6]
    assert tokens.document_lines.tolist() == [0, 2, 2, 3]


def test_an_empty_batch_has_no_tokens() -> None:
    tokens = tokens_of(TextBatch.from_strings([]), TextSettings())
    assert (len(tokens.ends), len(tokens.line_tokens), tokens.text_bytes) == (0, 0, 0)
    assert callable(tokenise)
    assert np.array_equal(tokens.document_lines, [0])
