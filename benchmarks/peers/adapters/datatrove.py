"""datatrove: FineWeb's own pipeline. Its filters and MinHash tokenise with spaCy."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

from benchmarks.peers.peer import NGRAM, Offer, Peer

BANDS, ROWS = 14, 8
PEER = Peer(
    name="datatrove",
    title="datatrove",
    package="datatrove==0.10.1",
    # xxhash 4 takes no str, which it gives it; the rest is what its blocks ask for when they are made
    requirements=("pyarrow", "spacy", "tokenizers", "regex", "tldextract", "nltk", "xxhash<4", "orjson", "fasteners", "fasttext-numpy2-wheel==0.9.2"),
    offers={
        "signatures": Offer(3, f"MinhashDedupSignature, {BANDS} × {ROWS} = 112, xxhash, spaCy words"),
        "fuzzy": Offer(5, f"its four stages, {BANDS} × {ROWS} (its and FineWeb's setting), pairs not verified; no Jaccard to set: S-curve's middle at 0.72"),
        "exact": Offer(30, "ExactDedup: signatures, find, filter; xxhash of 64 bits"),
        "rules": Offer(3, "GopherQuality, GopherRepetition, C4Quality (FineWeb's setting), FineWebQuality, each on every document"),
        "language": Offer(10, "LanguageFilter, lid.176.ftz instead of the lid.176.bin that it downloads, whole text"),
    },
)  # fmt: skip


def _config() -> Any:
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.utils.hashing import HashConfig

    return MinhashConfig(
        n_grams=NGRAM, num_buckets=BANDS, hashes_per_bucket=ROWS, hash_config=HashConfig(hash_fc="xxhash")
    )


def signatures(documents: list[str]) -> list[list[int]]:
    from datatrove.pipeline.dedup.minhash import MinhashDedupSignature

    step = MinhashDedupSignature(output_folder="unused", config=_config())
    made = (step.get_signature(step.get_shingles(text)) for text in documents)
    return [[int(v) for bucket in one for v in bucket] for one in made]


def rules(documents: list[str]) -> None:
    from datatrove.data import Document
    from datatrove.pipeline.filters import (
        C4QualityFilter,
        FineWebQualityFilter,
        GopherQualityFilter,
        GopherRepetitionFilter,
    )

    filters = [
        GopherQualityFilter(),
        GopherRepetitionFilter(),
        C4QualityFilter(filter_no_terminal_punct=False),
        FineWebQualityFilter(),
    ]
    for text in documents:
        for one in filters:
            # a document without lines or words is a division by zero in some
            with contextlib.suppress(ZeroDivisionError):
                one.filter(Document(text=text, id="0"))


_LANGUAGE: list[Any] = []
"""The filter with its model, loaded once."""


def language(documents: list[str]) -> list[str]:
    from datatrove.data import Document
    from datatrove.pipeline.filters import LanguageFilter
    from fasttext.FastText import _FastText

    if not _LANGUAGE:
        _LANGUAGE.append(LanguageFilter(label_only=True))
        _LANGUAGE[0].model._model = _FastText(os.environ["LID_MODEL"])
    found = []
    for text in documents:
        document = Document(text=text, id="0")
        _LANGUAGE[0].filter(document)
        found.append(document.metadata["language"])
    return found


def _execute(folder: Path, name: str, steps: list[Any], tasks: int = 1) -> None:
    from datatrove.executor import LocalPipelineExecutor

    LocalPipelineExecutor(pipeline=steps, tasks=tasks, workers=1, logging_dir=str(folder / "logs" / name)).run()


def fuzzy(source: Path, output: Path) -> None:
    from datatrove.pipeline.dedup.minhash import (
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupFilter,
        MinhashDedupSignature,
    )
    from datatrove.pipeline.readers import ParquetReader
    from datatrove.pipeline.writers import ParquetWriter

    work = output.parent
    sigs, buckets, remove = (str(work / n) for n in ("sigs", "buckets", "remove"))
    _execute(work, "1", [ParquetReader(str(source)), MinhashDedupSignature(sigs, config=_config())])
    _execute(work, "2", [MinhashDedupBuckets(sigs, buckets, config=_config())], BANDS)
    _execute(work, "3", [MinhashDedupCluster(buckets, remove, config=_config())])
    _execute(
        work,
        "4",
        [ParquetReader(str(source)), MinhashDedupFilter(remove), ParquetWriter(str(output), compression="zstd")],
    )


def _content(document: Any) -> str:
    return str(document.text)


# what its hash takes is read off this; with annotations as strings it would take bytes
_content.__annotations__["return"] = str


def exact(source: Path, output: Path) -> None:
    from datatrove.pipeline.dedup.exact_dedup import (
        ExactDedupConfig,
        ExactDedupFilter,
        ExactDedupSignature,
        ExactFindDedups,
    )
    from datatrove.pipeline.readers import ParquetReader
    from datatrove.pipeline.writers import ParquetWriter

    work = output.parent
    sigs, found = str(work / "sigs"), str(work / "found")
    config = ExactDedupConfig(content_getter=_content)
    _execute(work, "1", [ParquetReader(str(source)), ExactDedupSignature(sigs, config=config)])
    _execute(work, "2", [ExactFindDedups(sigs, found, config=config)])
    _execute(
        work,
        "3",
        [
            ParquetReader(str(source)),
            ExactDedupFilter(found, config=config),
            ParquetWriter(str(output), compression="zstd"),
        ],
    )
