"""MB/s of fastText classifiers on one core, over every document of the corpus: whole texts and windows, and what a window
loses in agreement; beside the fasttext package, which gets its strings for nothing.

python -m benchmarks.classifier_speed [SHAPE]
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import fasttext
import numpy as np

from benchmarks.data import DATA
from benchmarks.measuring import batches, best_s, machine, texts
from pipeline.train.classifier import Examples, Shape, balanced, fit
from pipeline.train.fasttext_writer import bin_bytes, ftz_bytes
from pipeline.train.labelled import read_labelled
from pipeline.train.shrink import pruned_again
from scorers.models.classifier import normalised
from scorers.models.fasttext_classifier import Classifier, classifier_of
from scorers.models.fasttext_file import FastTextFile, parse
from scorers.text import TextBatch

WINDOWS_BYTES = (0, 8192, 2000, 1000)
PACKAGE_BYTES = 10_000_000
SHAPES = {
    "words to 2, 16 dims, 2 M buckets": (Shape(dim=16, buckets=2_000_000, rate=0.3), 0),
    "words to 2, 100 dims, 2 M buckets (DCLM's shape)": (Shape(dim=100, buckets=2_000_000, rate=0.3), 0),
    "words to 2, 16 dims, 100,000 rows": (Shape(dim=16, rate=0.3), 100_000),
    "characters 2 to 5, 16 dims, 100,000 rows": (Shape(word_ngrams=1, shortest=2, longest=5, rate=0.3), 100_000),
}


def trained() -> Iterator[tuple[str, FastTextFile]]:
    """Models of these shapes, learnt from the domain windows."""
    rows = read_labelled([str(DATA / "domain" / "domain_dev.parquet")], "text", "label")
    labels = tuple(sorted(set(rows.labels)))
    targets = np.eye(len(labels), dtype=np.float32)[[labels.index(x) for x in rows.labels]]
    examples = Examples(TextBatch.from_arrow(rows.texts), labels, targets, balanced(targets))
    for name, (shape, kept) in SHAPES.items():
        if len(sys.argv) < 2 or sys.argv[1] in name:
            file = fit(examples, shape)
            yield name, pruned_again(file, examples, shape, kept) if kept else file


def measure(name: str, model: Classifier, made: list[TextBatch]) -> None:
    """Speed and agreement of every window, plain and normalised."""
    mb = sum(b.text_bytes for b in made) / 1e6
    whole = [model.predict(b) for b in made]
    likeliest = np.concatenate([w.probabilities.argmax(axis=1) for w in whole])
    known = np.concatenate([w.words > 0 for w in whole])
    for window in WINDOWS_BYTES:
        found = np.concatenate([model.predict(b, window).probabilities.argmax(axis=1) for b in made])
        agreed = 100 * float((found == likeliest)[known].mean())
        speed = mb / best_s(lambda w=window: [model.predict(b, w) for b in made])  # type: ignore[misc]
        print(f"{name:52} {window or 'whole':>6} {speed:8.1f} MB/s {agreed:7.2f} % the same label", flush=True)


def beside_the_package(file: FastTextFile, made: list[TextBatch]) -> None:
    """The first PACKAGE_BYTES by both, in turn: MB/s, labels that differ, and the largest difference of a probability."""
    batch = made[0]
    strings = [t.replace("\n", " ") + "\n" for t in batch.to_arrow().to_pylist()]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.bin"
        path.write_bytes(bin_bytes(file) if file.kept is None else ftz_bytes(file))
        model = classifier_of(parse(path.read_bytes(), path.name))
        package = fasttext.FastText._FastText(str(path)).f
    start = time.process_time()
    said = [package.predict(s, 1, 0.0, "strict") for s in strings]
    seconds = time.process_time() - start
    found = model.predict(batch)
    rows = [n for n, s in enumerate(said) if s and found.words[n] > 0]
    told = [model.labels[i] for i in found.probabilities.argmax(axis=1)]
    different = sum(told[n] != said[n][0][1].removeprefix("__label__") for n in rows)
    largest = max(abs(float(found.probabilities[n].max()) + 1e-5 - said[n][0][0]) for n in rows)
    mb = batch.text_bytes / 1e6
    ours = mb / best_s(lambda: model.predict(batch))
    print(
        f"{'  beside the package':52} {mb / seconds:8.1f} MB/s, here {ours:.1f}; "
        f"{different} of {len(rows)} labels differ, by at most {largest:.1e}"
    )


def main() -> None:
    made = list(batches(texts()))
    print(machine())
    print(
        f"{sum(len(b) for b in made):,} documents, {sum(b.text_bytes for b in made) / 1e6:.1f} MB; process time, best of 3"
    )
    mb = sum(b.text_bytes for b in made) / 1e6
    for how in ("lower", "words"):
        speed = mb / best_s(lambda h=how: [normalised(b, b.offsets[:-1], b.offsets[1:], h) for b in made])  # type: ignore[misc]
        print(f"{'normalisation ' + how:52} {'whole':>6} {speed:8.1f} MB/s")
    for name, file in trained():
        model = classifier_of(file)
        measure(name, model, made)
        beside_the_package(file, made)


if __name__ == "__main__":
    main()
