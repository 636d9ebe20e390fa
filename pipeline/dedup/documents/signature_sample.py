"""Signatures of some different texts of a corpus, chosen by their content, so that shards and their order say nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from pipeline.dedup.documents.similarities import SAMPLE_DOCS, Sample
from pipeline.dedup.sorted_rows import begin_of
from pipeline.storage.notes import Notes, binary_rows, read_fields
from pipeline.storage.store import Store

NO_MINIMUM = 0xFFFFFFFF


def read_sample(store: Store, notes: Notes, minhash: str, exact: str, most: int = SAMPLE_DOCS) -> Sample:
    """About `most` documents whose normalised digest is least, each text once; those without a shingle are left out. minhash,
    exact: aliases of the scorers. Of a larger corpus all signatures are read and few kept."""
    documents = int(notes.text.row_offsets()[-1])
    frac = min(1.0, most / max(1, documents))
    limit = np.uint64(min(2**64 - 1, int(frac * 2.0**64)))
    chosen = [_chosen(store, notes, shard, minhash, exact, limit) for shard in range(len(notes.text.shards))]
    if not chosen:
        return Sample(np.zeros((0, 1), "<u4"), np.zeros(0, np.int64), 0)
    digests, signatures, sizes = (np.concatenate([c[n] for c in chosen]) for n in range(3))
    order = np.lexsort((digests[:, 1], digests[:, 0]))
    texts = order[begin_of(*digests[order].T)]
    return Sample(signatures[texts], sizes[texts], round(len(texts) / frac))


def _chosen(
    store: Store, notes: Notes, shard: int, minhash: str, exact: str, limit: np.uint64
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
    """Digests u64[D, 2], signatures u32[D, P] and bytes i64[D] of a shard's part of the sample."""
    names = (f"{exact}.normalised", f"{minhash}.signature", f"{exact}.text_bytes")
    normalised, minima, text_bytes = read_fields(store, notes.of(shard), names)
    digest, signature = binary_rows(normalised, 0).view("<u8"), binary_rows(minima, 0xFF).view("<u4")
    size = pc.fill_null(text_bytes, 0).to_numpy()
    here = (digest[:, 0] <= limit) & digest.any(axis=1) & (signature != NO_MINIMUM).any(axis=1)
    return digest[here], signature[here], size[here]
