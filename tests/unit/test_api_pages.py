"""Cursors, ranges and media types: what a client says about an answer, taken at its word or refused."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.errors import BadPageToken, NotAcceptable, WrongRange
from api.files import range_of
from api.negotiation import preferred
from api.pages import page_token, position_of

QUESTION = {"path": "/v1/jobs", "state": ["running"]}


@given(st.text(), st.integers(min_value=-(2**62), max_value=2**62))
def test_a_cursor_comes_back_as_it_was_given(name: str, number: int) -> None:
    token = page_token((name, number), QUESTION)
    assert token is not None
    assert position_of(token, QUESTION, str, int) == (name, number)


def test_no_position_is_no_cursor() -> None:
    assert page_token(None, QUESTION) is None
    assert position_of(None, QUESTION, str) is None


def test_a_cursor_stands_for_its_question_alone() -> None:
    token = page_token(("a",), QUESTION)
    with pytest.raises(BadPageToken):
        position_of(token, QUESTION | {"state": ["failed"]}, str)
    with pytest.raises(BadPageToken):
        position_of(token, QUESTION, int)
    with pytest.raises(BadPageToken):
        position_of(token, QUESTION, str, str)


@given(st.text(max_size=300))
def test_any_text_that_is_no_cursor_is_refused(token: str) -> None:
    with pytest.raises(BadPageToken):
        position_of(token, QUESTION, str)


def test_a_cursor_made_up_without_its_check_is_refused() -> None:
    made_up = base64.urlsafe_b64encode(b"123456789" + json.dumps(["a"]).encode()).decode().rstrip("=")
    with pytest.raises(BadPageToken):
        position_of(made_up, QUESTION, str)


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("bytes=0-9", (0, 10)),
        ("bytes=90-", (90, 100)),
        ("bytes=-10", (90, 100)),
        ("bytes=-1000", (0, 100)),
        ("bytes=5-1000", (5, 100)),
        (None, None),
        ("bytes=-", None),
        ("bytes=9-5", None),
        ("bytes=0-1,5-6", None),
        ("chars=0-9", None),
        ("bytes=" + "9" * 1000 + "-", None),
    ],
)
def test_a_range_is_read_as_the_standard_says(header: str | None, found: tuple[int, int] | None) -> None:
    assert range_of(header, 100) == found


@pytest.mark.parametrize(("header", "size"), [("bytes=100-", 100), ("bytes=0-", 0), ("bytes=-0", 100)])
def test_a_range_beyond_the_file_is_refused_with_its_size(header: str, size: int) -> None:
    with pytest.raises(WrongRange) as refused:
        range_of(header, size)
    assert refused.value.headers == {"Content-Range": f"bytes */{size}"}


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, "text/csv"),
        ("", "text/csv"),
        ("*/*", "text/csv"),
        ("application/json", "application/json"),
        ("text/csv;q=0.1, application/json;q=0.9", "application/json"),
        ("application/*", "application/json"),
        ("application/json;q=x, text/*", "text/csv"),
        ("text/csv;q=0, */*", "application/json"),
        ("TEXT/CSV", "text/csv"),
    ],
)
def test_the_media_type_that_is_accepted_most_is_given(accept: str | None, kind: str) -> None:
    assert preferred(accept, ("text/csv", "application/json")) == kind


@pytest.mark.parametrize("accept", ["image/png", "text/csv;q=0", "application/json;q=0, text/*;q=0", ",;,"])
def test_a_media_type_that_there_is_not_is_refused(accept: str) -> None:
    with pytest.raises(NotAcceptable):
        preferred(accept, ("text/csv", "application/json"))
