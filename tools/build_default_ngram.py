"""Build the n-gram model that ships, scorers/weights/ngram-en: python tools/build_default_ngram.py CORPUS_FOLDER

From English documents of the corpus whose licences are public domain, CC0 or CC-BY. The same input gives the same bytes.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile

from pipeline.train.ngram import Plan
from pipeline.train.perplexity import Wish, train
from pipeline.train.plain import plain_text
from scorers.models import CARD, SHIPPED

NAME = "ngram-en"
LICENCES = "license like 'public domain%' or license like 'CC0-1.0%' or license = 'CC-BY-4.0'"
WHERE = f"lang = 'en' and ({LICENCES}) and source <> 'web_pages_raw'"
LIMITS = (
    "Demonstration grade: 60 MB of English textbooks, government pages, documentation, abstracts and old books; no web pages.",
    "Text of other kinds (chat, news, code, verse, lists) has a high perplexity without being bad; other languages too.",
    "Values have 8 bits and rare n-grams are pruned. Train on your own corpus: winnow train perplexity.",
)
PLAN = Plan(order=3, prune=(0, 3, 5), packed=True, engine="own")


def main() -> None:
    """Train, and put file and card where the package has them."""
    target = SHIPPED / NAME
    shutil.rmtree(target, ignore_errors=True)  # a shipped name cannot be added
    with tempfile.TemporaryDirectory() as folder:
        os.environ["WINNOW_MODELS"] = folder
        found, _ = train(
            plain_text(sys.argv[1:], None, WHERE), Wish(NAME, PLAN, "CC-BY-4.0", language="en", limits=LIMITS)
        )
        target.mkdir(parents=True)
        shutil.copy(found.path, target / found.card.file_name)
        (target / CARD).write_text(found.card.as_json(), encoding="utf-8")


if __name__ == "__main__":
    main()
