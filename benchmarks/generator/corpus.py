"""Documents by their numbers, with what was planted in them: a pure function of what was learnt, the seed and the number."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from benchmarks.exact_jaccard import WORD, jaccard, shingles
from benchmarks.generator import boilerplate, contamination, copies, personal, toxicity
from benchmarks.generator.chain import Chain
from benchmarks.generator.chance import below, draw, seeded
from benchmarks.generator.contamination import Item
from benchmarks.generator.insertions import inserted
from benchmarks.generator.kinds import COPIES, I64, KINDS, PLAIN, Shares, kinds, originals
from benchmarks.generator.ledger import Row, row
from benchmarks.generator.writing import write

DOMAINS = 5_000
CLEAN = tuple(k for k in contamination.KINDS if k not in ("other numbers", "first 30 % of the question"))
"""Changes that leave an item recognisable: those that do not are no contamination."""


@dataclass(frozen=True)
class Corpus:
    """All that a document is made from. words: for changes; items: what contaminates."""

    chain: Chain
    seed: int
    shares: Shares
    words: tuple[str, ...]
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """documents: id, text, url, lang; rows of the ledger; text_bytes: i64[N]."""

    documents: pa.Table
    ledger: list[Row]
    text_bytes: I64


def corpus(chain: Chain, seed: int, shares: Shares, items: list[Item]) -> Corpus:
    return Corpus(chain, seed, shares, tuple(chain.words()), tuple(items))


def document_id(number: int) -> str:
    return f"doc-{number:010}"


def batch(made: Corpus, first: int, count: int) -> Batch:
    """Documents `first` to `first + count - 1`."""
    numbers = np.arange(first, first + count)
    kind = kinds(made.seed, made.shares, numbers)
    copied = np.isin(kind, COPIES)
    base = numbers.copy()
    base[copied] = originals(made.seed, made.shares, numbers[copied])
    written = write(made.chain, made.seed, base)
    texts: pa.Array = written.texts
    changed = np.flatnonzero((kind != PLAIN) & (kind != KINDS.index("exact")))
    ledger = [
        row(document_id(n), "exact", "exact", of=document_id(of), jaccard=1.0)
        for n, of in zip(*(x[kind == KINDS.index("exact")].tolist() for x in (numbers, base)), strict=True)
    ]
    new: list[str] = []
    for place, text in zip(changed.tolist(), texts.take(pa.array(changed)).to_pylist(), strict=True):
        said, rows = planted(made, KINDS[kind[place]], int(numbers[place]), int(base[place]), text)
        new.append(said)
        ledger += rows
    mask = np.zeros(count, np.bool_)
    mask[changed] = True
    texts = pa.compute.replace_with_mask(texts, pa.array(mask), pa.array(new, pa.large_string()))
    documents = pa.table(
        {
            "id": pa.array([document_id(n) for n in numbers.tolist()], pa.string()),
            "text": texts,
            "url": pa.array(urls(made.seed, numbers), pa.string()),
            "lang": pa.array(made.chain.languages).take(pa.array(written.language)),
        }
    )
    ledger.sort(key=lambda r: r["doc_id"])
    return Batch(documents, ledger, pa.compute.binary_length(texts).to_numpy())


def urls(seed: int, numbers: I64) -> list[str]:
    """A page each; a few domains have most of them."""
    once = below(draw(seed, "domain", numbers), 2**20)
    domain = DOMAINS * (once * once >> 20) >> 20
    return [f"https://site-{d}.example.org/{n}" for d, n in zip(domain.tolist(), numbers.tolist(), strict=True)]


def planted(made: Corpus, kind: str, number: int, of: int, text: str) -> tuple[str, list[Row]]:
    """(the document, its rows of the ledger); text: of the plain document `of`."""
    rng = seeded(made.seed, "planted", number)
    name = document_id(number)
    if kind == "near":
        return near(made, name, document_id(of), text, rng)
    if kind == "contaminated":
        return contaminated(made, name, text, rng)
    if kind == "personal":
        pieces = personal.sentences(rng)
        said, told = inserted(text, [(sentence, change) for sentence, change, _ in pieces], rng)
    else:
        said, told = inserted(text, boilerplate.lines(rng) if kind == "boilerplate" else toxicity.sentences(rng), rng)
    return said, [
        row(name, kind, t.change, planted=t.planted, start_byte=t.start_byte, end_byte=t.end_byte) for t in told
    ]


def near(made: Corpus, name: str, of: str, text: str, rng: random.Random) -> tuple[str, list[Row]]:
    """A changed copy; where the original has too few words for that, an exact one."""
    if len(WORD.findall(text)) < copies.LEAST_WORDS:
        return text, [row(name, "exact", "exact", of=of, jaccard=1.0)]
    said, change = copies.changed(text, rng, made.words)
    return said, [row(name, "near", change, of=of, jaccard=jaccard(shingles(text), shingles(said)))]


def contaminated(made: Corpus, name: str, text: str, rng: random.Random) -> tuple[str, list[Row]]:
    """One evaluation item at a line's end, changed in one way."""
    item = rng.choice(made.items)
    change = rng.choice([k for k in CLEAN if k != "choices reordered" or item["choices"]])
    before, after = contamination.opened(text, rng)
    said = contamination.KINDS[change](item, rng)
    start = len(before.encode())
    where = {"start_byte": start, "end_byte": start + len(said.encode())}
    more = {"of": item["id"], "benchmark": item["benchmark"], "planted": said}
    return f"{before}{said}{after}", [row(name, "contaminated", change, **more, **where)]
