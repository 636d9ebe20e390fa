"""What became of documents, counted from rows of the mix table."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def became(mix: pa.Table, text_bytes: pa.ChunkedArray | None = None) -> tuple[dict[str, int], dict[str, int]]:
    """(documents, bytes of text) by what became of them: 'kept', 'judge.word_count', 'dedup.exact', 'quarantine.bad_utf8'.
    text_bytes: of each row of `mix`, null where there is no text; without it every sum is 0."""
    stage, reason = (mix.column(name).cast(pa.string()) for name in ("stage", "reason"))
    names = pc.fill_null(pc.binary_join_element_wise(stage, reason, "."), "kept").combine_chunks().dictionary_encode()
    codes, told = names.indices.to_numpy(), names.dictionary.to_pylist()
    documents = np.bincount(codes, minlength=len(told)).tolist()
    sizes = np.zeros(len(codes), np.int64) if text_bytes is None else pc.fill_null(text_bytes, 0).to_numpy()
    # sums of doubles are exact up to 2^53 bytes
    sums = np.bincount(codes, weights=sizes, minlength=len(told)).astype(np.int64).tolist()
    return dict(sorted(zip(told, documents, strict=True))), dict(sorted(zip(told, sums, strict=True)))
