"""MB/s of every scorer on one core, on every document of the corpus; and the sets of measures that recipes use.

python -m benchmarks.scorers_speed
"""

from __future__ import annotations

from benchmarks.measuring import batches, best_s, machine, texts
from pipeline.recipe_file import load_recipe
from pipeline.scoring import ScorerSpec, specs_of
from scorers.text import TextBatch
from scorers.words import words

SPECS = {
    "exact": ScorerSpec("exact", "exact"),
    "minhash (128)": ScorerSpec("minhash", "minhash"),
    "language": ScorerSpec("language", "language"),
    "gopher": ScorerSpec("gopher", "gopher"),
    "repetition": ScorerSpec("repetition", "repetition"),
    "lines (C4 and FineWeb)": ScorerSpec("lines", "lines"),
    "signals (RedPajama-v2)": ScorerSpec("signals", "signals"),
}
LEARNED = {
    "perplexity (ngram-en, order 3)": ScorerSpec("perplexity", "perplexity"),
    "quality": ScorerSpec("quality", "quality"),
    "quality, first 2,000 bytes": ScorerSpec("quality", "quality", (("window_bytes", 2000),)),
    "domain": ScorerSpec("domain", "domain"),
    "domain, first 2,000 bytes": ScorerSpec("domain", "domain", (("window_bytes", 2000),)),
    "toxicity, document and every segment": ScorerSpec("toxicity", "toxicity"),
    "identity terms": ScorerSpec("identity", "identity"),
}
WHOLE = tuple(n for n in LEARNED if "first" not in n)
ALL_FOUR = ("gopher", "repetition", "lines (C4 and FineWeb)")


def speed(names: list[ScorerSpec], made: list[TextBatch], with_words: bool = False) -> float:
    """MB/s of these scorers over fresh batches; words are cut anew unless they are given."""

    def run() -> None:
        for batch in made:
            fresh = TextBatch(batch.data, batch.offsets)
            if with_words:
                fresh._derived.update(batch._derived)
            for spec in names:
                spec.build().score(fresh)

    run()
    return sum(b.text_bytes for b in made) / 1e6 / best_s(run)


def main() -> None:
    made = list(batches(texts()))
    print(machine())
    print(
        f"{sum(len(b) for b in made):,} documents, {sum(b.text_bytes for b in made) / 1e6:.1f} MB; MB/s of process time, best of 3"
    )
    for name, spec in SPECS.items():
        print(f"{name:60} {speed([spec], made):8.1f}", flush=True)

    def cut() -> None:
        for batch in made:
            words(TextBatch(batch.data, batch.offsets), "datatrove")

    cut()
    print(f"{'words alone (datatrove)':60} {sum(b.text_bytes for b in made) / 1e6 / best_s(cut):8.1f}")
    print(
        f"{'all Gopher + repetition + C4 + FineWeb measures together':60} {speed([SPECS[n] for n in ALL_FOUR], made):8.1f}"
    )
    for name, spec in LEARNED.items():
        print(f"{name:60} {speed([spec], made):8.1f}", flush=True)
    print(f"{'all of these together, on whole documents':60} {speed([LEARNED[n] for n in WHOLE], made):8.1f}")
    fineweb = list(specs_of(load_recipe("fineweb")))
    print(f"{'every scorer of the recipe fineweb together':60} {speed(fineweb, made):8.1f}")


if __name__ == "__main__":
    main()
