"""Identity terms: which groups of people a document speaks of, for audits in the manner of BeanCounter, arXiv:2409.17827.

The list (identity_terms_en.tsv) is Winnow's own, in English: terms that name people by gender, religion, ethnicity or
nationality, sexual orientation, disability and age. A mention says nothing about how people are spoken of.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from scorers.base import Column, Values, count
from scorers.kernels.mentions import FREE, MAYBE_WORDS, SLOTS, count_mentions, remember_terms
from scorers.text import TextBatch
from scorers.words import words

GROUPS = ("gender", "religion", "ethnicity", "sexual_orientation", "disability", "age")
MEANINGS = (
    "women, men, non-binary and trans people, kin by gender",
    "a faith or its followers",
    "an ethnicity, a nationality, or migration",
    "a sexual orientation",
    "a disability or a mental illness",
    "an age",
)
FILE = Path(__file__).with_name("identity_terms_en.tsv")


@dataclass(frozen=True, slots=True)
class Term:
    """as_is: only this spelling counts ('Polish' is not 'polish')."""

    text: str
    group: str
    as_is: bool


@dataclass(frozen=True, slots=True)
class Tables:
    """What the kernel looks into. names: the terms; groups: i64[T]; keys, values, maybe: see kernels.mentions."""

    names: pa.Array
    groups: npt.NDArray[np.int64]
    keys: npt.NDArray[np.uint64]
    values: npt.NDArray[np.int32]
    maybe: npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Identity:
    """Mentions of groups of people, by English identity terms as whole words, in small letters, capitals or capitalised."""

    name: ClassVar[str] = "identity"
    version: ClassVar[int] = 1  # of the list of terms, too

    def columns(self) -> tuple[Column, ...]:
        """Counts by group, and which terms there were."""
        by_group = (count(g, "mentions", f"mentions of {said}") for g, said in zip(GROUPS, MEANINGS, strict=True))
        listed = Column(
            "terms", pa.list_(pa.string()), "terms", "the distinct terms, in the order of their first mention"
        )
        mentions = count("mentions", "mentions", "mentions of any group; a longer term is not also its words")
        return (mentions, count("distinct_terms", "terms", "different terms that are mentioned"), *by_group, listed)

    def score(self, batch: TextBatch) -> Values:
        """Measure every document."""
        found, tables = words(batch, "datatrove"), identity_tables()
        counts, first = np.empty((len(batch), len(GROUPS)), np.int64), np.empty(len(batch) + 1, np.int64)
        mentioned, seen = np.empty(len(found.start), np.int32), np.full(len(tables.groups), -1, np.int64)
        text = (batch.data, found.bounds, found.start, found.end, found.hash)
        known = (tables.keys, tables.values, tables.maybe, tables.groups)
        n = count_mentions(*text, *known, seen, counts, first, mentioned)
        listed = pa.ListArray.from_arrays(pa.array(first, pa.int32()), tables.names.take(pa.array(mentioned[:n])))
        values = dict(zip(GROUPS, counts.T, strict=True))
        return {"mentions": counts.sum(axis=1), "distinct_terms": np.diff(first), **values, "terms": listed}


@cache
def identity_terms() -> tuple[Term, ...]:
    """The list, in the order of the file."""
    lines = FILE.read_text(encoding="utf-8").splitlines()[2:]
    return tuple(Term(text, group, case == "as is") for text, group, case in (line.split("\t") for line in lines))


@cache
def identity_tables() -> Tables:
    """The list for the kernel, made at first use."""
    terms = identity_terms()
    spelled = [(s, k) for k, term in enumerate(terms) for s in _spellings(term)]
    cut = words(TextBatch.from_strings([s for s, _ in spelled]), "datatrove")
    keys, values = np.zeros(SLOTS, np.uint64), np.full(SLOTS, FREE, np.int32)
    maybe = np.zeros(MAYBE_WORDS, np.uint64)
    remember_terms(cut.bounds, cut.hash, np.array([k for _, k in spelled], np.int32), keys, values, maybe)
    groups = np.array([GROUPS.index(t.group) for t in terms], np.int64)
    return Tables(pa.array([t.text for t in terms]), groups, keys, values, maybe)


def _spellings(term: Term) -> list[str]:
    """Every word of a term in small letters, capitalised and in capitals."""
    if term.as_is:
        return [term.text]
    ways = [dict.fromkeys((w, w.capitalize(), w.upper())) for w in term.text.split(" ")]
    return [" ".join(spelling) for spelling in product(*ways)]


SCORER = Identity
