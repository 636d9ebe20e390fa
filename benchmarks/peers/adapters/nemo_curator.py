"""NeMo Curator: its CPU filters, called document by document as its stages call them."""

from __future__ import annotations

import os
from typing import Any

from benchmarks.peers.peer import Offer, Peer

GPU = "needs a GPU: imports cudf"
PEER = Peer(
    name="nemo_curator",
    title="NeMo Curator",
    package="nemo-curator==1.4.0",
    # what its text filters import: all that it asks for are 3 GB of CUDA and torch besides
    requirements=("cosmos-xenna==0.2.0", "ray==2.60.0", "pandas", "pyarrow", "loguru", "jieba==0.42.1", "mecab-python3", "regex", "datasets",
                  "transformers", "comment_parser", "fasttext-numpy2-wheel==0.9.2", "numpy", "absl-py", "fsspec", "omegaconf", "hydra-core", "lmdb", "openai"),
    bare=("nemo-curator==1.4.0",),
    offers={
        "rules": Offer(5, "its 15 heuristic filters of text and all of its repetition filters (Gopher's), each on every document"),
        "language": Offer(10, "FastTextLangId, lid.176.ftz, whole text"),
    },
    cannot={
        "signatures": GPU,
        "fuzzy": GPU,
        "exact": GPU,
    },
)  # fmt: skip


def _filters() -> list[Any]:
    from nemo_curator.stages.text.filters.heuristic import string as s
    from nemo_curator.stages.text.filters.heuristic.repetition import repetition as r

    plain = [s.NonAlphaNumericFilter, s.SymbolsToWordsFilter, s.NumbersFilter, s.UrlsFilter, s.BulletsFilter, s.WhiteSpaceFilter, s.ParenthesesFilter,
             s.LongWordFilter, s.WordCountFilter, s.BoilerPlateStringFilter, s.MeanWordLengthFilter, s.PunctuationFilter, s.EllipsisFilter,
             s.CommonEnglishWordsFilter, s.WordsWithoutAlphabetsFilter, r.RepeatedLinesFilter, r.RepeatedParagraphsFilter,
             r.RepeatedLinesByCharFilter, r.RepeatedParagraphsByCharFilter]  # fmt: skip
    top = {2: 0.2, 3: 0.18, 4: 0.16}
    repeated = {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.1}
    return [
        *(one() for one in plain),
        *(r.RepeatingTopNGramsFilter(n=n, max_repeating_ngram_ratio=most) for n, most in top.items()),
        *(
            r.RepeatingDuplicateNGramsFilter(n=n, max_repeating_duplicate_ngram_ratio=most)
            for n, most in repeated.items()
        ),
    ]


def rules(documents: list[str]) -> None:
    filters = _filters()
    for text in documents:
        for one in filters:
            one.keep_document(one.score_document(text))


_MODEL: list[Any] = []
"""The filter with its model, loaded once."""


def language(documents: list[str]) -> list[str]:
    import ast

    from nemo_curator.stages.text.filters.fasttext import FastTextLangId

    if not _MODEL:
        _MODEL.append(FastTextLangId(model_path=os.environ["LID_MODEL"]))
        _MODEL[0].load_model()
    return [ast.literal_eval(_MODEL[0].score_document(text))[1] for text in documents]
