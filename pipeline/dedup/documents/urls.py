"""Which documents have one address: hashes of normalised URLs."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash

from scorers.kernels.urls import normalise_urls, tracking_names
from scorers.text import TextBatch

DIGEST_BYTES = 16


def normalised(urls: pa.Array) -> pa.Array:
    """Addresses as `dedup.url` compares them (string[D], nulls as empty) -> large_string[D]."""
    batch = TextBatch.from_arrow(urls)
    out, bounds = np.zeros(batch.text_bytes + 1, np.uint8), np.zeros(len(batch) + 1, np.int64)
    normalise_urls(batch.data, batch.offsets, *tracking_names(), out, bounds)
    return TextBatch(out, bounds).to_arrow()


def digests(urls: pa.Array, normalise: Literal["none", "default"]) -> npt.NDArray[np.uint64]:
    """u64[D, 2], XXH3-128 of each address; zeros where there is none."""
    batch = TextBatch.from_arrow(normalised(urls) if normalise == "default" else urls)
    view = memoryview(np.ascontiguousarray(batch.data).data)
    none = bytes(DIGEST_BYTES)
    made = [xxhash.xxh3_128_digest(view[a:b]) if b > a else none for a, b in pairwise(batch.offsets.tolist())]
    return np.frombuffer(b"".join(made), np.uint8).view("<u8").reshape(-1, 2)
