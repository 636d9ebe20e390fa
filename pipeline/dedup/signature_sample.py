"""Signatures of some different texts of a corpus, chosen by their content, so that shards and their order say nothing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.dedup.similarities import SAMPLE_DOCS, Sample
from pipeline.storage.notes import Notes, binary_rows
from pipeline.storage.store import Store

NO_MINIMUM = 0xFFFFFFFF


def read_sample(store: Store, notes: Notes, minhash: str, exact: str, most: int = SAMPLE_DOCS) -> Sample:
    """About `most` documents whose normalised digest is least, each text once; those without a shingle are left out. minhash,
    exact: aliases of the scorers. Of a larger corpus all signatures are read and few kept."""
    documents = int(notes.text.row_offsets()[-1])
    frac = min(1.0, most / max(1, documents))
    limit = np.uint64(min(2**64 - 1, int(frac * 2.0**64)))
    digests, signatures = [np.zeros((0, 2), dtype="<u8")], []
    for shard in range(len(notes.text.shards)):
        digest = _column(store, notes, shard, exact, "normalised", 0).view("<u8")
        signature = _column(store, notes, shard, minhash, "signature", 0xFF).view("<u4")
        chosen = (digest[:, 0] <= limit) & digest.any(axis=1) & (signature != NO_MINIMUM).any(axis=1)
        digests.append(digest[chosen])
        signatures.append(signature[chosen])
    joined = np.concatenate(digests)
    order = np.lexsort((joined[:, 1], joined[:, 0]))
    different = np.ones(len(order), dtype=np.bool_)
    different[1:] = (joined[order][1:] != joined[order][:-1]).any(axis=1)
    texts = np.concatenate(signatures)[order[different]] if signatures else np.zeros((0, 1), dtype="<u4")
    return Sample(texts, round(len(texts) / frac))


def _column(store: Store, notes: Notes, shard: int, alias: str, field: str, missing: int) -> npt.NDArray[np.uint8]:
    path = next(path for path, aliases in notes.of(shard).parts if alias in aliases)
    column: pa.Array = store.read_table(path, columns=[f"{alias}.{field}"]).column(alias).combine_chunks()
    return binary_rows(pc.struct_field(column, field), missing)
