"""Addresses without what says nothing, against a slow twin; and what that is."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.dedup.documents.urls import digests, normalised
from tests.oracle_urls import normalised_url

PIECES = ["http", "HTTPS", "ftp", "://", "//", "www.", "WWW.", "example.org", "Exämple.ORG", ".", ":80", ":443", ":8080", ":", "/",
          "a", "A%20b", "?", "&", "=", "utm_source=x", "UTM_x", "utm", "fbclid=1", "fbclids=1", "id=3", "#", "#!", "!", " ", "@", "1"]  # fmt: skip
addresses = st.one_of(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), st.text(max_size=30))


@settings(deadline=None, max_examples=1000)
@given(st.lists(addresses, max_size=6))
def test_addresses_are_normalised_as_the_slow_twin_does(urls: list[str]) -> None:
    column = pa.array(["https://before.org/?a=1", *urls], pa.string()).slice(1)
    assert normalised(column).to_pylist() == [normalised_url(u) for u in urls]


@pytest.mark.parametrize("other", [
    "http://example.org/page", "HTTPS://www.Example.org/page/", "https://example.org:443/page#top", "//example.org./page",
    "https://example.org/page?utm_source=mail&UTM_medium=x&fbclid=IwAR", "  example.org/page?  ",
])  # fmt: skip
def test_what_says_nothing_of_the_page_goes(other: str) -> None:
    assert normalised(pa.array([other])).to_pylist() == ["example.org/page"]


@pytest.mark.parametrize("other", [
    "https://example.org/Page", "https://example.org/page?id=1", "https://example.org:8080/page", "https://en.example.org/page",
    "https://example.org/page#!chapter", "https://example.org/page?utm=1", "https://user@example.org/page",
])  # fmt: skip
def test_what_may_name_another_page_stays(other: str) -> None:
    assert normalised(pa.array([other])).to_pylist() != ["example.org/page"]


def test_documents_without_an_address_have_no_digest() -> None:
    found = digests(pa.array([None, "", "https://", "http://a.org", "a.org/"]), "default")
    assert (found == 0).all(axis=1).tolist() == [True, True, True, False, False]
    assert np.array_equal(found[3], found[4])
    assert not np.array_equal(*digests(pa.array(["http://a.org", "a.org/"]), "none"))
