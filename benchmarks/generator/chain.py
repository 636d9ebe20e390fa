"""A word Markov chain learnt from text, as positions in that text: Zipf's law, punctuation, lines and languages come with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from benchmarks.exact_jaccard import NO_SPACES

I64 = npt.NDArray[np.int64]
TOKEN = re.compile(rf"[{NO_SPACES}]\s*|[^\s{NO_SPACES}]+\s*")
"""A word with the white space after it, so that tokens put together are text again; a character where words have no spaces."""
LEAST_TOKENS, MOST_TOKENS = 24, 8_000
"""Of a document: what is learnt beyond these is taken for them."""


@dataclass(frozen=True)
class Chain:
    """T positions of learnt text, documents sorted by language.

    token: i32[T] into vocabulary; group: i32[T], the context that ends at a position; starts: i64[G + 1] into order;
    order: i32[T], the positions that follow each context; begins: i64[P], where paragraphs begin; begin_language: i32[P];
    languages: names; of_language: i64[L + 1] into begins; lengths: i64[D], tokens a document, sorted.
    """

    vocabulary: pa.LargeStringArray
    token: npt.NDArray[np.int32]
    group: npt.NDArray[np.int32]
    starts: I64
    order: npt.NDArray[np.int32]
    begins: I64
    begin_language: npt.NDArray[np.int32]
    languages: tuple[str, ...]
    of_language: I64
    lengths: I64

    @property
    def bare(self) -> int:
        """What to add to a token for the same without the white space after it; the last entry of all is a paragraph's end."""
        return (len(self.vocabulary) - 1) // 2

    @property
    def paragraph_end(self) -> int:
        return len(self.vocabulary) - 1

    def words(self) -> Sequence[str]:
        """Up to 4,096 plain words of the vocabulary, by first occurrence."""
        found = (
            t
            for t in self.vocabulary.slice(self.bare, min(self.bare, 40_000)).to_pylist()
            if t.isalpha() and len(t) > 2
        )
        return tuple(word for word, _ in zip(found, range(4_096), strict=False))


def learn(documents: Iterable[tuple[str, str]], order: int = 2) -> Chain:
    """(language, text) -> chain whose next token depends on `order` tokens before. Raises ValueError without any text."""
    ids: dict[str, int] = {}
    by_language: dict[str, list[npt.NDArray[np.int32]]] = {}
    for language, text in documents:
        tokens = TOKEN.findall(text.strip() + "\n\n")
        if len(tokens) >= LEAST_TOKENS:
            made = np.fromiter((ids.setdefault(t, len(ids)) for t in tokens), np.int32, len(tokens))
            by_language.setdefault(language, []).append(made)
    if not by_language:
        raise ValueError(
            f"nothing to learn from: no document has {LEAST_TOKENS} words; give files with a column 'text'"
        )
    languages = tuple(sorted(by_language))
    rows = [(i, one) for i, name in enumerate(languages) for one in by_language[name]]
    lengths = np.array([len(one) for _, one in rows], np.int64)
    token = np.concatenate([one for _, one in rows])
    of_row = np.repeat(np.array([i for i, _ in rows], np.int64), lengths)
    texts = list(ids)
    vocabulary = pa.array([*texts, *(t.rstrip() for t in texts), "\n\n"], pa.large_string())
    group, starts, following = _contexts(token, of_row, len(languages), order)
    ends_line = np.fromiter(("\n" in t for t in texts), np.bool_, len(texts))
    begins = np.flatnonzero(np.concatenate([[True], ends_line[token[:-1]]])).astype(np.int64)
    begin_language = of_row[begins].astype(np.int32)
    of_language = np.searchsorted(begin_language, np.arange(len(languages) + 1)).astype(np.int64)
    clipped = np.sort(np.clip(lengths, LEAST_TOKENS, MOST_TOKENS))
    return Chain(vocabulary, token, group, starts, following, begins, begin_language, languages, of_language, clipped)


def _contexts(
    token: npt.NDArray[np.int32], language: I64, languages: int, order: int
) -> tuple[npt.NDArray[np.int32], I64, npt.NDArray[np.int32]]:
    """(context of every position, where each context's followers lie, the followers)."""
    context = language
    kinds = languages
    for back in reversed(range(order)):
        _, context = np.unique(np.roll(token, back).astype(np.int64) * kinds + context, return_inverse=True)
        kinds = int(context.max()) + 1
    starts = np.concatenate([[0], np.cumsum(np.bincount(context, minlength=kinds))]).astype(np.int64)
    after = np.arange(1, len(token) + 1)
    # the last position of a language goes on at that language's first
    first = np.searchsorted(language, np.arange(languages))
    last = np.concatenate([first[1:], [len(token)]]) - 1
    after[last] = first
    following = after[np.argsort(context, kind="stable")]
    return context.astype(np.int32), starts, following.astype(np.int32)
