"""Text that a takedown emptied in the workspace and that is wanted again, because the takedown was undone."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.storage.manifest import tables
from pipeline.storage.shard import Shard, read_ids
from pipeline.storage.store import Store
from pipeline.takedown.records import emptied_name, emptied_texts
from pipeline.takedown.tombstones import COLUMNS, Tombstones, lifted_of, tombstones_of


def emptied_parts(store: Store, corpus: str) -> frozenset[str]:
    """Parts of the text table (or, of copies, the parts beside them) that hold an empty text in place of a document that is
    not taken down any more. Their units are to be taken in anew, under other keys: what was measured or found since may
    be of the empty text."""
    lifted, all_known = lifted_of(store, corpus)
    marked = emptied_texts(store, corpus) if lifted.takedowns or not all_known else frozenset[str]()
    if not marked:
        return marked
    holding = tombstones_of(store, corpus)
    shards = {
        s.key: s
        for table in tables(store, corpus, "text")
        for s in table.shards
        if emptied_name(s.texts[0].path) in marked
    }
    wanted = lifted if all_known else None
    return frozenset(s.ids.path for s in shards.values() if _is_emptied(store, s, wanted, holding))


def _is_emptied(store: Store, shard: Shard, lifted: Tombstones | None, holding: Tombstones) -> bool:
    """lifted: None where it is not known whom all takedowns named that are undone; any empty text may then be theirs."""
    (own,) = shard.texts  # a part of the workspace: of the user's files nothing is emptied
    if not store.exists(shard.ids.path) or not store.exists(own.path):
        return False  # it is made again whatever is said here
    ids = read_ids(store, shard, [*COLUMNS, "quarantine", "text_bytes"])
    had_text = pc.and_(pc.is_null(ids.column("quarantine")), pc.greater(ids.column("text_bytes"), 0))
    wanted = ~holding.mask(ids) & pc.fill_null(had_text, False).to_numpy()
    if lifted is not None:
        wanted &= lifted.mask(ids)
    if not wanted.any():
        return False
    text = store.parquet(own.path).read_row_groups(own.groups, columns=[shard.column]).column(0)
    found = text.take(pa.array(np.flatnonzero(wanted)))
    return bool(pc.any(pc.equal(pc.binary_length(found), 0)).as_py())
