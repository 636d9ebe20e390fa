"""Language identification on labelled text: accuracy per language, of sentences and of documents, beside fastText's own
package reading the whole text with the same model.

python -m benchmarks.language_accuracy [--json]
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict

import fasttext
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.data import DATA
from benchmarks.language_codes import ALIASES
from benchmarks.measuring import machine
from scorers.language import Language
from scorers.models import find
from scorers.models.fasttext_model import load
from scorers.text import TextBatch

SETS = {
    "tatoeba_sentences": "sentences, 30 characters on average",
    "wikipedia_chunks_lowres": "chunks of 500 characters, small languages",
    "opensource_guide_docs": "documents",
    "contributor_covenant_docs": "documents",
}


def said_by_package(texts: list[str]) -> list[str]:
    labels, _ = fasttext.load_model(str(find("lid.176").path)).predict([" ".join(t.split()) for t in texts], k=1)
    return [found[0].removeprefix("__label__") if found else "" for found in labels]


def main() -> None:
    print(machine(), file=sys.stderr)
    found_model = find("lid.176")
    known = set(load(found_model.path, found_model.sha256).labels)
    told = {}
    for name, kind in SETS.items():
        table = pq.read_table(DATA / "lid" / f"{name}.parquet", columns=["text", "label"])
        wanted = [ALIASES.get(label, label) for label in table.column("label").to_pylist()]
        texts = table.column("text").combine_chunks()
        ours = Language().score(TextBatch.from_arrow(texts.cast(pa.large_string())))["code"].to_pylist()  # type: ignore[union-attr]
        theirs = said_by_package(texts.to_pylist())
        right: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
        for truth, one, other in zip(wanted, ours, theirs, strict=True):
            counts = right[truth]
            counts[0] += 1
            counts[1] += one == truth
            counts[2] += other == truth
        of_known = {code: c for code, c in right.items() if code in known}
        rows, here, there = (sum(c[i] for c in of_known.values()) for i in range(3))
        unknown = {code: c[0] for code, c in right.items() if code not in known}
        told[name] = {
            "kind": kind, "languages": len(of_known), "rows": rows, "accuracy": round(here / rows, 4),
            "package": round(there / rows, 4), "macro_accuracy": round(sum(c[1] / c[0] for c in of_known.values()) / len(of_known), 4),
            "differ": sum(one != other for one, other in zip(ours, theirs, strict=True)),
            "not_known_to_the_model": unknown,
            "by_language": {code: {"rows": c[0], "accuracy": round(c[1] / c[0], 3)} for code, c in sorted(of_known.items())},
        }  # fmt: skip
    if "--json" in sys.argv:
        print(json.dumps(told, indent=1, ensure_ascii=False))
        return
    for name, found in told.items():
        weakest = sorted(found["by_language"].items(), key=lambda item: item[1]["accuracy"])
        print(f"{name} ({found['kind']}): {found['rows']:,} rows of {found['languages']} languages the model knows")
        print(
            f"  accuracy {found['accuracy']} (macro {found['macro_accuracy']}); the package {found['package']}; labels that differ: {found['differ']}"
        )
        print("  weakest: " + ", ".join(f"{code} {v['accuracy']} of {v['rows']}" for code, v in weakest[:15]))
        print(
            f"  languages it cannot name: {len(found['not_known_to_the_model'])}, {sum(found['not_known_to_the_model'].values())} rows"
        )


if __name__ == "__main__":
    main()
