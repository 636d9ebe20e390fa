"""text-dedup: one command a way of deduplicating, over Hugging Face datasets."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from benchmarks.peers.peer import JACCARD, NGRAM, NUM_PERM, Offer, Peer

PEER = Peer(
    name="text_dedup",
    title="text-dedup",
    package="text-dedup==0.4.0",
    # what these commands import, without pyspark, sphinx and unisim that the package asks for as well
    requirements=("datasets==3.6.0", "pyarrow", "click", "click-option-group", "ftfy", "regex", "rich", "scipy", "tqdm", "xxhash<4", "numpy"),
    bare=("text-dedup==0.4.0",),
    offers={
        "signatures": Offer(5, f"embed_func, {NUM_PERM} permutations, xxh3, 32 bits"),
        "fuzzy": Offer(30, "text_dedup.minhash: 128 permutations, threshold 0.8, xxh3, 32 bits; pairs not verified; documents under 5 words dropped"),
        "exact": Offer(30, "text_dedup.exact_hash, xxh3"),
    },
    cannot={
        "rules": "does nothing of the kind",
        "language": "does nothing of the kind",
    },
)  # fmt: skip


def signatures(documents: list[str]) -> list[list[int]]:
    import numpy as np
    from text_dedup.minhash import RNG, SIGNATURE_COLUMN, embed_func
    from text_dedup.utils import xxh3_32hash

    prime, most = np.uint32((1 << 32) - 5), np.uint32((1 << 32) - 1)
    both = tuple(RNG.randint(low, prime, size=(NUM_PERM,), dtype=np.uint32) for low in (1, 0))
    ranges = [(0, NUM_PERM)]
    made = (
        embed_func(text, 0, num_perm=NUM_PERM, ngram_size=NGRAM, min_length=0, hashranges=ranges, permutations=both, hash_func=xxh3_32hash,
                   dtype=np.uint32, max_hash=most, modulo_prime=prime)[SIGNATURE_COLUMN][0]
        for text in documents
    )  # fmt: skip
    return [np.frombuffer(one, ">u4").tolist() for one in made]


def _command(module: str, source: Path, output: Path, *more: str) -> None:
    work = output.parent
    sys.argv = [module, "--path", "parquet", "--data_files", str(source / "*.parquet"), "--split", "train", "--cache_dir", str(work / "cache"),
                "--output", str(work / "dataset"), "--column", "text", "--num_proc", "1", *more]  # fmt: skip
    try:
        runpy.run_module(module, run_name="__main__")
    except SystemExit as end:
        if end.code:
            raise


def fuzzy(source: Path, output: Path) -> None:
    _command("text_dedup.minhash", source, output, "--threshold", str(JACCARD), "--ngram", str(NGRAM), "--num_perm", str(NUM_PERM),
             "--hash_func", "xxh3", "--hash_bits", "32")  # fmt: skip
    _as_parquet(output)


def exact(source: Path, output: Path) -> None:
    _command("text_dedup.exact_hash", source, output, "--hash_func", "xxh3")
    _as_parquet(output)


def _as_parquet(output: Path) -> None:
    """Its commands write a folder of Arrow files."""
    from datasets import load_from_disk

    output.mkdir(parents=True, exist_ok=True)
    load_from_disk(str(output.parent / "dataset")).to_parquet(str(output / "kept.parquet"))
