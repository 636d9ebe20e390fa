"""Slow, obvious twins of the word kernels: what each definition of a word says, over Python strings."""

from __future__ import annotations

import re
from functools import cache

from scorers.kernels.char_classes import UNITS, named_ranges
from scorers.kernels.english_exceptions import listed
from scorers.kernels.word_breaks import (
    CLASS,
    DOUBLE_QUOTE,
    EXTEND,
    EXTEND_NUM_LET,
    HEBREW,
    KATAKANA,
    LETTER,
    MID_LETTER,
    MID_NUM,
    MID_NUM_LET,
    NUMERIC,
    SINGLE_QUOTE,
    word_breaks,
)


def whitespace_words(text: str) -> list[str]:
    """str.split()."""
    return text.split()


def word_flags(word: str) -> int:
    """1: some str.isalpha (of Unicode 14); 2: something outside datatrove's PUNCTUATION_SET."""
    inside = {name: re.compile(f"[{_class(name)}]") for name in ("alphabetic", "datatrove_punctuation")}
    alphabetic = any(inside["alphabetic"].match(c) for c in word)
    return alphabetic | 2 * any(not inside["datatrove_punctuation"].match(c) for c in word)


@cache
def _class(name: str) -> str:
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in named_ranges()[name])


@cache
def _rules() -> dict[str, re.Pattern[str]]:
    """spaCy's regular expressions for English, written with the classes of char_classes.tsv."""
    c = {name: _class(name) for name in named_ranges()}
    units = "|".join(map(re.escape, UNITS))
    currency = rf"[{c['currency']}]|US\$|C\$|A\$"
    return {
        "prefix": re.compile(rf"^(?:[{c['prefix']}]|\+(?![0-9])|\.\.+|US\$|C\$|A\$)"),
        "suffix": re.compile(
            rf"(?:[{c['suffix']}]|……|\.\.+|['’][sS]|(?<=[0-9])(?:\+|{currency}|{units})|(?<=°[FfCcKk])\."
            rf"|(?<=[{c['before_full_stop']}])\.|(?<=[{c['upper']}][{c['upper']}])\.)$"
        ),
        "infix": re.compile(
            rf"\.\.+|[{c['infix']}]|(?<=[0-9])[+\-*^](?=[0-9-])"
            rf"|(?<=[{c['lower_or_quote']}])\.(?=[{c['upper_or_quote']}])|(?<=[{c['alpha']}]),(?=[{c['alpha']}])"
            rf"|(?<=[{c['alpha']}0-9])(?:-|–|—|--|---|——|~)(?=[{c['alpha']}])"
            rf"|(?<=[{c['alpha']}0-9])[:<>=/](?=[{c['alpha']}])"
        ),
        "url": re.compile(
            rf"^(?:[{c['word']}+\-.]{{2,}}://)?(?:\S+(?::\S*)?@)?(?:(?!(?:10|127)(?:\.[0-9]{{1,3}}){{3}})"
            r"(?!(?:169\.254|192\.168)(?:\.[0-9]{1,3}){2})(?!172\.(?:1[6-9]|2[0-9]|3[0-1])(?:\.[0-9]{1,3}){2})"
            r"(?:[1-9][0-9]?|1[0-9][0-9]|2[01][0-9]|22[0-3])(?:\.(?:1?[0-9]{1,2}|2[0-4][0-9]|25[0-5])){2}"
            r"(?:\.(?:[1-9][0-9]?|1[0-9][0-9]|2[0-4][0-9]|25[0-4]))"
            r"|(?:(?:[A-Za-z0-9\u00a1-\uffff][A-Za-z0-9\u00a1-\uffff_-]{0,62})?[A-Za-z0-9\u00a1-\uffff]\.)+"
            rf"(?:[{c['lower']}]{{2,63}}))(?::[0-9]{{2,5}})?(?:[/?#]\S*)?$"
        ),
    }


@cache
def _exceptions() -> dict[str, tuple[list[str], list[str]]]:
    return {"".join(pieces): (pieces, tokens) for pieces, tokens in listed()}


def _strip_affixes(chunk: str) -> tuple[list[str], str, list[str]]:
    before: list[str] = []
    after: list[str] = []
    last = -1
    while chunk and len(chunk) != last and chunk not in _exceptions():
        last = len(chunk)
        prefix = _rules()["prefix"].search(chunk)
        front = prefix.end() if prefix else 0
        if front and chunk[front:] in _exceptions():
            return [*before, chunk[:front]], chunk[front:], after
        suffix = _rules()["suffix"].search(chunk[front:])
        back = len(suffix.group()) if suffix else 0
        if back and chunk[:-back] in _exceptions():
            return before, chunk[:-back], [chunk[-back:], *after]
        before += [chunk[:front]] * bool(front)
        after = [chunk[len(chunk) - back :]] * bool(back) + after
        chunk = chunk[front : len(chunk) - back]
    return before, chunk, after


def _split_middle(chunk: str) -> list[str]:
    if chunk in _exceptions():
        return _exceptions()[chunk][0]
    if _rules()["url"].match(chunk):
        return [chunk]
    found, at = [], 0
    for infix in _rules()["infix"].finditer(chunk):
        if infix.start() > 0:
            found += [chunk[at : infix.start()], infix.group()]
            at = infix.end()
    return [piece for piece in [*found, chunk[at:]] if piece]


def _rejoin(tokens: list[str]) -> list[str]:
    spans = [
        (first, last)
        for first in range(len(tokens))
        for last in range(first + 1, len(tokens) + 1)
        if _exceptions().get("".join(tokens[first:last]), ([], None))[1] == tokens[first:last]
    ]
    replaced: dict[int, tuple[int, list[str]]] = {}
    taken: set[int] = set()
    for first, last in sorted(spans, key=lambda s: (s[0] - s[1], s[0])):
        if first not in taken and last - 1 not in taken:
            replaced[first] = (last, _exceptions()["".join(tokens[first:last])][0])
        taken.update(range(first, last))
    words, k = [], 0
    while k < len(tokens):
        k, pieces = replaced.get(k, (k + 1, [tokens[k]]))
        words += pieces
    return words


def datatrove_words(text: str) -> list[str]:
    """spaCy's tokenizer for English, chunk by chunk."""
    words = []
    for chunk in text.split():
        before, middle, after = _strip_affixes(chunk)
        words += _rejoin([*before, *(_split_middle(middle) if middle else []), *after])
    return words


def _is_break(kinds: list[int], k: int) -> bool:
    """Whether a break stands before character k, its classes after WB4 given."""
    letters = (LETTER, HEBREW)
    one, two = kinds[k - 1], kinds[k]
    zero = kinds[k - 2] if k > 1 else None
    three = kinds[k + 1] if k + 1 < len(kinds) else None
    middle_letter, middle_number = (MID_LETTER, MID_NUM_LET, SINGLE_QUOTE), (MID_NUM, MID_NUM_LET, SINGLE_QUOTE)
    joined = (
        (one in letters and two in (*letters, NUMERIC, EXTEND_NUM_LET))
        or (one in letters and two in middle_letter and three in letters)
        or (zero in letters and one in middle_letter and two in letters)
        or (one == HEBREW and two == SINGLE_QUOTE)
        or (one == HEBREW and two == DOUBLE_QUOTE and three == HEBREW)
        or (zero == HEBREW and one == DOUBLE_QUOTE and two == HEBREW)
        or (one == NUMERIC and two in (*letters, NUMERIC, EXTEND_NUM_LET))
        or (one == NUMERIC and two in middle_number and three == NUMERIC)
        or (zero == NUMERIC and one in middle_number and two == NUMERIC)
        or (one == KATAKANA and two in (KATAKANA, EXTEND_NUM_LET))
        or (one == EXTEND_NUM_LET and two in (*letters, NUMERIC, KATAKANA, EXTEND_NUM_LET))
    )
    return not joined


def unicode_words(text: str) -> list[str]:
    """UAX #29 with the classes of word_breaks, words that start with str.isalnum alone."""
    kinds: list[int] = []
    pieces: list[str] = []
    for c in text:
        kind = int(word_breaks()[ord(c)]) & CLASS
        if kind == EXTEND and pieces:
            pieces[-1] += c
        else:
            pieces.append(c)
            kinds.append(kind)
    words = [""]
    for k, piece in enumerate(pieces):
        if k > 0 and _is_break(kinds, k):
            words.append("")
        words[-1] += piece
    return [word for word in words if word and word[0].isalnum()]
