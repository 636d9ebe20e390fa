"""Addresses of documents without what says nothing about which page they are."""

from __future__ import annotations

from typing import Any

import numpy as np

from scorers.kernels.characters import strip_left, strip_right
from scorers.kernels.jit import kernel, leaf

COLON, SLASH, QUESTION, HASH, AND, EQUALS, DOT, AT, BANG, W = 58, 47, 63, 35, 38, 61, 46, 64, 33, 119

TRACKING = (
    "utm_*", "fbclid", "gclid", "gclsrc", "dclid", "wbraid", "gbraid", "msclkid", "yclid", "twclid", "ttclid", "igshid", "li_fat_id",
    "mc_cid", "mc_eid", "mkt_tok", "_ga", "_gl", "_hsenc", "_hsmi", "hsctatracking", "oly_anon_id", "oly_enc_id", "vero_id",
    "wickedid", "s_cid", "icid", "ncid", "cmpid", "spm", "phpsessid", "jsessionid", "sessionid",
)  # fmt: skip
"""Query parameters that say where a reader came from or who they are. A * stands for the rest of a name."""


def tracking_names() -> tuple[np.ndarray[Any, np.dtype[np.uint8]], np.ndarray[Any, np.dtype[np.int64]]]:
    """TRACKING as bytes u8[B] and offsets i64[N+1]."""
    encoded = [name.encode() for name in TRACKING]
    offsets = np.concatenate([[0], np.cumsum([len(e) for e in encoded])]).astype(np.int64)
    return np.frombuffer(b"".join(encoded), np.uint8), offsets


@leaf
def lowered(c: int) -> int:
    """An ASCII letter in lower case."""
    return c + 32 if 65 <= c <= 90 else c


@leaf
def find(data: Any, start: int, end: int, byte: int) -> int:
    """The first place of a byte in data[start:end], or end."""
    while start < end and data[start] != byte:
        start += 1
    return start


@leaf
def is_tracking(data: Any, start: int, end: int, names: Any, name_offsets: Any) -> bool:
    """Whether the parameter data[start:end] has one of the names, in any case."""
    stop = find(data, start, end, EQUALS)
    for n in range(name_offsets.size - 1):
        k, last = name_offsets[n], name_offsets[n + 1]
        i = start
        while k < last and i < stop and names[k] != 42 and lowered(data[i]) == names[k]:
            i += 1
            k += 1
        if (k == last and i == stop) or (k < last and names[k] == 42):
            return True
    return False


@leaf
def scheme_end(data: Any, start: int, end: int) -> int:
    """Where ://, or a leading //, ends; start where there is none."""
    i = start
    while i < end and (
        97 <= lowered(data[i]) <= 122 or (i > start and (48 <= data[i] <= 57 or data[i] in (43, 45, 46)))
    ):
        i += 1
    if i > start and i + 2 < end and data[i] == COLON and data[i + 1] == SLASH and data[i + 2] == SLASH:
        return i + 3
    if i == start and i + 1 < end and data[i] == SLASH and data[i + 1] == SLASH:
        return i + 2
    return start


@leaf
def put_host(data: Any, start: int, end: int, out: Any, o: int) -> int:
    """Write user@host:port in lower case without www., a last full stop and the ports 80 and 443."""
    port = end
    while port > start and 48 <= data[port - 1] <= 57:
        port -= 1
    if port > start and data[port - 1] == COLON:
        digits = end - port
        plain = digits == 0 or (digits == 2 and data[port] == 56 and data[port + 1] == 48)
        plain = plain or (digits == 3 and data[port] == 52 and data[port + 1] == 52 and data[port + 2] == 51)
        if plain:
            end = port - 1
    if end > start and data[end - 1] == DOT:
        end -= 1
    if end - start > 4 and data[start + 3] == DOT and lowered(data[start]) == W:
        if lowered(data[start + 1]) == W and lowered(data[start + 2]) == W:
            start += 4
    for i in range(start, end):
        out[o] = lowered(data[i])
        o += 1
    return o


@leaf
def put_query(data: Any, start: int, end: int, names: Any, name_offsets: Any, out: Any, o: int) -> int:
    """Write the parameters that are no tracking ones, in their order, behind a question mark if there are any."""
    mark = QUESTION
    while start < end:
        stop = find(data, start, end, AND)
        if stop > start and not is_tracking(data, start, stop, names, name_offsets):
            out[o] = mark
            o += 1
            mark = AND
            for i in range(start, stop):
                out[o] = data[i]
                o += 1
        start = stop + 1
    return o


@kernel
def normalise_urls(data: Any, offsets: Any, names: Any, name_offsets: Any, out: Any, bounds: Any) -> None:
    """data: u8[B], offsets: i64[D+1] -> out: u8[B], bounds: i64[D+1]: each address without its scheme, www., default port,
    fragment (one with #! stays: it names a page), tracking parameters and the slashes at the end of its path; the host in
    lower case. Empty where an address is."""
    bounds[0] = 0
    for d in range(offsets.size - 1):
        o = bounds[d]
        start = strip_left(data, offsets[d], offsets[d + 1])
        end = strip_right(data, start, offsets[d + 1])
        fragment = find(data, start, end, HASH)
        kept_from = fragment if fragment + 1 < end and data[fragment + 1] == BANG else end
        host = scheme_end(data, start, fragment)
        query = find(data, host, fragment, QUESTION)
        path = find(data, host, query, SLASH)
        o = put_host(data, host, path, out, o)
        stop = query
        while stop > path and data[stop - 1] == SLASH:
            stop -= 1
        for i in range(path, stop):
            out[o] = data[i]
            o += 1
        o = put_query(data, query + 1, fragment, names, name_offsets, out, o)
        for i in range(kept_from, end):
            out[o] = data[i]
            o += 1
        bounds[d + 1] = o
