"""Data-Juicer: operators over Hugging Face datasets."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from benchmarks.peers.peer import JACCARD, NGRAM, NUM_PERM, Offer, Peer

PEER = Peer(
    name="data_juicer",
    title="Data-Juicer",
    package="py-data-juicer==1.6.1",
    # aiohttp, ray and scipy are imported and not declared; with ray there it does not install it by itself
    requirements=("aiohttp", "ray==2.60.0", "scipy", "sentencepiece", "fasttext-predict", "xxhash<4", "fsspec==2026.9.0"),
    offers={
        "signatures": Offer(10, f"document_minhash_deduplicator.compute_hash, {NUM_PERM} permutations, window 5, words at white space"),
        "fuzzy": Offer(30, "document_minhash_deduplicator, 128 permutations, 0.8; pairs not verified"),
        "exact": Offer(30, "document_deduplicator, md5"),
        "rules": Offer(10, "its nearest filters: text length, words, mean line, alphanumeric, special characters, repetition of "
                           "characters (10) and words (10); not the Gopher, C4 or FineWeb rules"),
        "language": Offer(10, "language_id_score_filter, lid.176.ftz instead of the lid.176.bin that it downloads, whole text in lower case"),
    },
)  # fmt: skip


def _dataset(texts: list[str]) -> Any:
    from data_juicer.core.data import NestedDataset

    return NestedDataset.from_dict({"text": texts})


def signatures(documents: list[str]) -> list[list[int]]:
    import numpy as np
    from data_juicer.ops.deduplicator.document_minhash_deduplicator import DocumentMinhashDeduplicator
    from data_juicer.utils.constant import HashKeys

    made = DocumentMinhashDeduplicator(
        window_size=NGRAM, num_permutations=NUM_PERM, num_bands=1, num_rows_per_band=NUM_PERM
    )
    found = (made.compute_hash({"text": text})[HashKeys.minhash][0] for text in documents)
    return [np.frombuffer(one, ">u8").tolist() for one in found]


def rules(documents: list[str]) -> None:
    from data_juicer.ops import filter as filters

    dataset = _dataset(documents)
    made = [
        filters.TextLengthFilter(), filters.WordsNumFilter(), filters.AverageLineLengthFilter(), filters.AlphanumericFilter(),
        filters.SpecialCharactersFilter(), filters.CharacterRepetitionFilter(rep_len=10), filters.WordRepetitionFilter(rep_len=10),
    ]  # fmt: skip
    from data_juicer.utils.constant import Fields

    dataset = dataset.add_column(Fields.stats, [{} for _ in documents])
    for one in made:
        # in this process: a worker process a step, its default, costs seconds each
        dataset = dataset.map(one.compute_stats, batched=one.is_batched_op(), num_proc=None)


def language(documents: list[str]) -> list[str]:
    from data_juicer.ops.filter.language_id_score_filter import LanguageIDScoreFilter
    from data_juicer.utils import model_utils
    from data_juicer.utils.constant import Fields, StatsKeys

    cached = Path(model_utils.DJMC) / "lid.176.bin"
    if not cached.exists():
        cached.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(os.environ["LID_MODEL"], cached)
    made = LanguageIDScoreFilter()
    return [made.compute_stats_single({"text": t, Fields.stats: {}})[Fields.stats][StatsKeys.lang] for t in documents]


def fuzzy(source: Path, output: Path) -> None:
    from data_juicer.ops.deduplicator.document_minhash_deduplicator import DocumentMinhashDeduplicator

    _deduplicate(
        DocumentMinhashDeduplicator(window_size=NGRAM, num_permutations=NUM_PERM, jaccard_threshold=JACCARD),
        source,
        output,
    )


def exact(source: Path, output: Path) -> None:
    from data_juicer.ops.deduplicator.document_deduplicator import DocumentDeduplicator

    _deduplicate(DocumentDeduplicator(), source, output)


def _deduplicate(made: Any, source: Path, output: Path) -> None:
    from data_juicer.core.data import NestedDataset
    from datasets import load_dataset

    output.mkdir(parents=True)
    read = load_dataset(
        "parquet", data_files=str(source / "*.parquet"), split="train", cache_dir=str(output.parent / "cache")
    )
    # in this process: a worker process a step, its default, costs seconds each
    hashed = NestedDataset(read).map(made.compute_hash, num_proc=None)
    kept, _ = made.process(hashed)
    kept.to_parquet(str(output / "kept.parquet"))
