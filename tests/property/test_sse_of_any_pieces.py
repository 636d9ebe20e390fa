"""Events come out the same however the bytes are cut, whatever ends the lines."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from winnow.client.sse import Message, Parser

LINE = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=20)
NAME = LINE.filter(lambda text: bool(text) and not text.startswith(" "))
SENT = st.lists(st.tuples(NAME, st.lists(LINE, min_size=1, max_size=3), st.integers(0, 10**9)), max_size=8)


def stream(events: list[tuple[str, list[str], int]], line_end: str, heartbeats: bool) -> bytes:
    lines: list[str] = []
    for name, data, number in events:
        lines += [f"id: {number}", f"event: {name}", *(f"data: {line}" for line in data), ""]
        if heartbeats:
            lines += [": still here", ""]
    return "".join(line + line_end for line in lines).encode()


def cut(whole: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({p % (len(whole) + 1) for p in places} | {0, len(whole)})
    return [whole[a:b] for a, b in itertools.pairwise(ends)]


@given(SENT, st.sampled_from(["\n", "\r\n", "\r"]), st.booleans(), st.lists(st.integers(0, 10_000), max_size=40))
def test_every_event_comes_out_once_however_the_bytes_are_cut(
    events: list[tuple[str, list[str], int]], line_end: str, heartbeats: bool, places: list[int]
) -> None:
    parser = Parser()
    found = [m for piece in cut(stream(events, line_end, heartbeats), places) for m in parser.feed(piece)]
    assert found == [Message(name, "\n".join(data), str(number)) for name, data, number in events]


@given(SENT, st.sampled_from(["\n", "\r\n", "\r"]))
def test_byte_by_byte_is_the_same_as_at_once(events: list[tuple[str, list[str], int]], line_end: str) -> None:
    whole = stream(events, line_end, heartbeats=True)
    one, many = Parser(), Parser()
    assert list(one.feed(whole)) == [m for i in range(len(whole)) for m in many.feed(whole[i : i + 1])]


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=10))
def test_no_bytes_break_the_parser(noise: bytes, places: list[int]) -> None:
    one, many = Parser(), Parser()
    assert list(one.feed(noise)) == [m for piece in cut(noise, places) for m in many.feed(piece)]


def test_an_event_that_was_cut_off_is_not_told() -> None:
    parser = Parser()
    assert list(parser.feed(b"id: 7\nevent: state\ndata: {}\n")) == []
    assert list(parser.feed(b"\n")) == [Message("state", "{}", "7")]


def test_fields_of_the_standard() -> None:
    parser = Parser()
    sent = "\ufeffdata:no space\ndata:  two spaces\nunknown: x\nretry: 1500\nretry: soon\nid: a\0b\n\nid: 9\n\ndata\n\n"
    assert list(parser.feed(sent.encode())) == [
        Message("message", "no space\n two spaces", ""),
        Message("message", "", "9"),
    ]
    assert parser.retry_ms == 1500
