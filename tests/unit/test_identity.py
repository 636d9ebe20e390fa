"""Identity terms: whole words, longest first, in three spellings, counted once a document as terms."""

from __future__ import annotations

import hashlib
import random

import pyarrow.compute as pc
import pytest

from scorers.identity import FILE, GROUPS, Identity, identity_terms
from scorers.text import TextBatch
from tests.oracle_identity import identity_mentions


def said(*texts: str) -> list[dict[str, object]]:
    values = Identity().score(TextBatch.from_strings(list(texts)))
    columns = {k: v.to_pylist() if hasattr(v, "to_pylist") else v.tolist() for k, v in values.items()}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def mentions(text: str) -> dict[str, object]:
    return {k: v for k, v in said(text)[0].items() if v not in (0, [])}


def test_mentions_are_counted_by_group_and_terms_once() -> None:
    assert mentions("A woman met two Muslim women. The woman was old.") == {
        "mentions": 4, "distinct_terms": 3, "gender": 3, "religion": 1, "terms": ["woman", "muslim", "women"],
    }  # fmt: skip


def test_a_longer_term_is_not_also_its_words() -> None:
    assert mentions("gay men and deaf people") == {
        "mentions": 2, "distinct_terms": 2, "sexual_orientation": 1, "disability": 1, "terms": ["gay men", "deaf"],
    }  # fmt: skip


@pytest.mark.parametrize("text", ["African-American", "African American", "AFRICAN AMERICAN", "african\namerican"])
def test_a_phrase_may_be_joined_by_a_hyphen_or_one_space(text: str) -> None:
    assert mentions(text)["terms"] == ["african american"]


def test_a_phrase_does_not_reach_across_a_gap() -> None:
    assert mentions("the african  american")["terms"] == ["african", "american"]
    assert mentions("an african. American")["terms"] == ["african", "american"]


@pytest.mark.parametrize("text", ["WOMEN", "Women", "women", "(women)", "women's", "“women”"])
def test_spellings_and_marks_around_a_word_do_not_hide_it(text: str) -> None:
    assert mentions(text)["terms"] == ["women"]


@pytest.mark.parametrize("text", ["wOmEn", "womenfolk", "policewomen", "polish the shoes", "a swede is a root", ""])
def test_what_is_no_whole_term_is_not_counted(text: str) -> None:
    assert mentions(text) == {}


def test_a_term_that_counts_as_is_needs_its_capital() -> None:
    assert mentions("Polish poets")["terms"] == ["Polish"]


def test_any_text_of_terms_and_other_words_is_read_as_its_slow_twin_reads_it() -> None:
    pick = random.Random(7)
    pieces = [t.text for t in identity_terms()] + [
        "people",
        "the",
        "and",
        "new",
        "with",
        "person",
        "non",
        "old",
        ",",
        "well-known",
    ]
    texts = []
    for _ in range(400):
        chosen = [pick.choice(pieces) for _ in range(pick.randint(0, 12))]
        cased = [
            pick.choice(
                (p, p.upper(), p.capitalize(), " ".join(w.capitalize() for w in p.split()), p.replace(" ", "-"))
            )
            for p in chosen
        ]
        texts.append(" ".join(cased))
    for text, found in zip(texts, said(*texts), strict=True):
        counts, terms = identity_mentions(text)
        assert ({g: found[g] for g in GROUPS}, found["terms"]) == (counts, terms), text
        assert found["mentions"] == sum(counts.values())


def test_the_list_has_every_term_once_and_every_group() -> None:
    terms = identity_terms()
    assert len({t.text for t in terms}) == len(terms)
    assert {t.group for t in terms} == set(GROUPS)


def test_terms_of_a_slice_are_its_own() -> None:
    values = Identity().score(TextBatch.from_strings(["jews", "", "jews and hindus"]))
    assert values["terms"].to_pylist() == [["jews"], [], ["jews", "hindus"]]
    assert pc.list_value_length(values["terms"]).to_pylist() == list(values["distinct_terms"])


def test_another_list_of_terms_is_another_version() -> None:
    """Notes are found again by name, version and parameters: a changed list must not find those of the old one."""
    known = {1: "109bec391ea4bc547b098c15f9e71443f7bfbee3da332c0d8a2820775bb3017a"}
    assert hashlib.sha256(FILE.read_bytes()).hexdigest() == known[Identity.version]
