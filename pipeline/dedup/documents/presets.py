"""Published settings of MinHash-LSH by name: what each system computes, and in what Winnow does otherwise under that name.

`dedup.fuzzy.preset` in a recipe is shorthand: here it becomes the parameters of the scorer `minhash` and the bands, wherever the
recipe says nothing itself. Whatever the name, a removal is verified by the exact Jaccard similarity of the two texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SCORER = "minhash"
COMPONENTS = "removes without comparing texts, whole connected components of candidates; here every removal is verified"


@dataclass(frozen=True, slots=True)
class LshPreset:
    """num_perm: minima a signature; ngram: words a shingle here; bandings: (bands, rows) by Jaccard threshold, the first the
    published default; weights: (false positives, false negatives) where datasketch's rule cuts the bands instead.
    differs: what the system does that Winnow does not do under this name."""

    num_perm: int
    ngram: int
    jaccard: float
    source: str
    bandings: dict[float, tuple[int, int]] = field(default_factory=dict)
    weights: tuple[float, float] | None = None
    differs: tuple[str, ...] = ()


HALVES = (0.5, 0.5)

PRESETS: dict[str, LshPreset] = {
    "datatrove": LshPreset(
        112, 5, 0.75, "datatrove 0.10, MinhashConfig; FineWeb, arXiv:2406.17557, 75 %",
        {0.75: (14, 8)}, differs=(COMPONENTS, "words of a language's tokenizer, numbers as 0, no diacritics"),
    ),
    "redpajama": LshPreset(
        128, 13, 0.8, "RedPajama-Data v2, signals minhash_signature_0.7 to 1.0",
        {0.8: (9, 13), 0.7: (14, 9), 0.9: (5, 25), 1.0: (1, 128)}, differs=(COMPONENTS,),
    ),
    "slimpajama": LshPreset(
        128, 3, 0.8, "SlimPajama, Cerebras Model Zoo, to_hash.py and generate_duplicate_pairs.py",
        {0.8: (9, 13)},
        differs=(
            COMPONENTS,
            "shingles of 13 characters; here of 3 words, of which a changed word breaks as large a share",
        ),
    ),
    "nemo": LshPreset(
        260, 5, 0.8, "NeMo Curator 26.07, FuzzyDeduplicationWorkflow",
        {0.8: (20, 13)},
        differs=(
            COMPONENTS,
            "shingles of 24 characters; here of 5 words, of which a changed word breaks as large a share",
        ),
    ),
    "data-juicer": LshPreset(
        256, 5, 0.7, "data-juicer, document_minhash_deduplicator", weights=HALVES, differs=(COMPONENTS,)
    ),
    "text-dedup": LshPreset(
        240, 5, 0.7, "text-dedup, minhash", weights=HALVES,
        differs=("verifies within a cluster only if asked to; here every removal is verified",),
    ),
    "zyda": LshPreset(128, 13, 0.4, "Zyda_processing, lsh_minhash", {0.4: (32, 4)}, differs=(COMPONENTS,)),
    "duplodocus": LshPreset(
        286, 5, 0.8, "allenai/duplodocus, example configuration (the command line has 20 x 5)", {0.8: (26, 11)},
        differs=(COMPONENTS,),
    ),
    "datasketch": LshPreset(
        128, 5, 0.9, "datasketch 2.0, MinHashLSH(threshold=0.9, num_perm=128, weights=(0.5, 0.5))", weights=HALVES,
        differs=("an index: finds candidates and removes nothing; here every removal is verified",),
    ),
}  # fmt: skip


def with_preset(tree: Any) -> Any:
    """A recipe's tree with what its `dedup.fuzzy.preset` stands for. What the recipe says itself stays as it is; a tree that has
    it all already comes back unchanged."""
    dedup = tree.get("dedup") if isinstance(tree, Mapping) else None
    fuzzy = dedup.get("fuzzy") if isinstance(dedup, Mapping) else None
    preset = PRESETS.get(str(fuzzy.get("preset"))) if isinstance(fuzzy, Mapping) else None
    if preset is None or not isinstance(dedup, Mapping) or not isinstance(fuzzy, Mapping):
        return tree  # nothing to do, or for the model to refuse
    made = {**fuzzy, "jaccard": fuzzy.get("jaccard", preset.jaccard)}
    chosen_here = any(fuzzy.get(k) is not None for k in ("bands", "rows", "weights", "recall", "max_false_candidates"))
    if not chosen_here and preset.weights is not None:
        made["weights"] = list(preset.weights)
    elif not chosen_here and made["jaccard"] in preset.bandings:
        made["bands"], made["rows"] = preset.bandings[made["jaccard"]]
    elif not chosen_here and preset.bandings:
        made["bands"], made["rows"] = next(iter(preset.bandings.values()))
    score = _with_scorer(tree.get("score") or (), str(fuzzy.get("on", SCORER)), preset)
    return {**tree, "score": score, "dedup": {**dedup, "fuzzy": made}}


def _with_scorer(score: Any, alias: str, preset: LshPreset) -> Any:
    """The recipe's scorers, with the preset's parameters where the one that `alias` names says nothing of them."""
    if not isinstance(score, list | tuple):
        return score
    wanted = {"num_perm": preset.num_perm, "ngram": preset.ngram}
    made = []
    found = False
    for entry in score:
        name, given = (entry, None) if isinstance(entry, str) else next(iter(entry.items()), (None, None))
        own = given if isinstance(given, Mapping) else {}
        if name == alias and own.get("use", name) == SCORER:
            made.append({alias: {**wanted, **own}})
            found = True
        else:
            made.append(entry)
    return made if found or alias != SCORER else [*made, {SCORER: wanted}]
