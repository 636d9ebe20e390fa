"""Contamination planted into real text, with a ledger of truth: one seeded document a line, the same on every machine.

Every planted document is a real one with one evaluation item at a paragraph's end, changed in one way.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.generator.chance import seeded

Item = dict[str, Any]
LETTERS = "ABCDEFGHIJKLMNOP"
SYNONYMS = {
    "big": "large", "large": "big", "small": "little", "many": "lots of", "much": "a lot of", "buys": "purchases", "bought": "purchased",
    "gets": "receives", "gives": "hands", "takes": "needs", "makes": "produces", "made": "produced", "has": "owns", "have": "own",
    "begin": "start", "began": "started", "start": "begin", "end": "finish", "total": "whole", "each": "every", "every": "each",
    "following": "below", "best": "most fitting", "true": "correct", "correct": "right", "likely": "probably", "often": "frequently",
    "usually": "mostly", "if": "when", "because": "since", "therefore": "thus", "also": "too", "about": "around", "more": "additional",
    "people": "persons", "man": "person", "woman": "person", "children": "kids", "money": "cash", "day": "date", "week": "seven days",
    "says": "states", "said": "stated", "shows": "displays", "called": "named", "used": "applied", "use": "apply", "how": "in what way",
    "given": "provided", "find": "determine", "return": "give back", "which": "what", "first": "initial", "last": "final", "and": "as well as",
    "son": "boy", "after": "following", "before": "prior to", "sells": "offers", "costs": "is priced at", "needs": "requires", "wants": "would like",
}  # fmt: skip
"""Light paraphrase: words for words, as a copy editor would change them."""


@dataclass(frozen=True, slots=True)
class Planted:
    """A document with an item in it."""

    id: str
    text: str
    kind: str
    benchmark: str
    item: str
    question_words: int


def as_written(item: Item, _: random.Random) -> str:
    """The item's own text: question and choices, or question and answer."""
    return str(item["text"])


def question_only(item: Item, _: random.Random) -> str:
    return str(item["question"])


def as_prompt(item: Item, _: random.Random) -> str:
    """As evaluation harnesses print it."""
    lines = [f"({LETTERS[i % 16]}) {c}" for i, c in enumerate(item["choices"] or [])]
    return "\n".join([f"Question: {item['question']}", *lines, f"Answer: {item['answer']}"])


def upper_case(item: Item, _: random.Random) -> str:
    return as_written(item, _).upper()


def other_punctuation(item: Item, rng: random.Random) -> str:
    """Marks gone or others in their place; curly quotes and dashes."""
    text = as_written(item, rng).replace("'", "’").replace(" - ", " — ")
    return re.sub(r"[.,;:!?\"()]", lambda m: rng.choice(["", ";", " ", m[0]]), text)


def other_whitespace(item: Item, rng: random.Random) -> str:
    """Lines broken anywhere, double spaces, tabs, no-break spaces."""
    return re.sub(r"\s+", lambda _: rng.choice(["\n", "  ", "\t", "\u00a0", " ", " "]), as_written(item, rng))


def marked_up(item: Item, rng: random.Random) -> str:
    """HTML and Markdown around words and lines."""
    words = as_written(item, rng).split(" ")
    ways = ("<b>{}</b>", "**{}**", "<i>{}</i>", "_{}_", "`{}`")
    marked = [rng.choice(ways).format(w) if w.strip() and rng.random() < 0.15 else w for w in words]
    return "<li>" + " ".join(marked).replace("\n", "</li>\n<li>") + "</li>"


def choices_reordered(item: Item, rng: random.Random) -> str:
    choices = list(item["choices"])
    rng.shuffle(choices)
    return "\n".join([item["question"], *(f"{LETTERS[i % 16]}. {c}" for i, c in enumerate(choices))])


def paraphrased(item: Item, rng: random.Random, share: float = 0.6) -> str:
    """Up to 60 % of the words that have a synonym in the list are changed: some 5 to 10 % of all."""

    def change(match: re.Match[str]) -> str:
        word = match[0]
        other = SYNONYMS.get(word.lower())
        return word if other is None or rng.random() > share else other.capitalize() if word[0].isupper() else other

    return re.sub(r"[A-Za-z]+", change, as_written(item, rng))


def first_part(share: float) -> Callable[[Item, random.Random], str]:
    """The beginning of the question."""

    def cut(item: Item, _: random.Random) -> str:
        words = item["question"].split(" ")
        return " ".join(words[: max(1, round(share * len(words)))])

    return cut


def one_digit_changed(item: Item, rng: random.Random) -> str:
    """Every number another one: the same sum with other figures."""
    return re.sub(r"\d", lambda m: str((int(m[0]) + rng.randint(1, 8)) % 10), as_written(item, rng))


KINDS: dict[str, Callable[[Item, random.Random], str]] = {
    "as written": as_written,
    "as a prompt": as_prompt,
    "question alone": question_only,
    "capitals": upper_case,
    "punctuation": other_punctuation,
    "whitespace": other_whitespace,
    "markup": marked_up,
    "choices reordered": choices_reordered,
    "light paraphrase": paraphrased,
    "other numbers": one_digit_changed,
    "first 70 % of the question": first_part(0.7),
    "first 30 % of the question": first_part(0.3),
}


def planted(items: list[Item], hosts: list[str], each: int, seed: int) -> Iterator[Planted]:
    """`each` documents of every kind: items by turns from every benchmark, hosts by hash."""
    by_benchmark: dict[str, list[Item]] = {}
    for item in items:
        by_benchmark.setdefault(item["benchmark"], []).append(item)
    for kind, change in KINDS.items():
        for n in range(each):
            rng = seeded(seed, kind, n)
            fitting = [
                b for b, own in sorted(by_benchmark.items())
                if (kind != "choices reordered" or own[0]["choices"]) and (kind != "light paraphrase" or not b.endswith("_es"))
            ]  # fmt: skip
            item = rng.choice(by_benchmark[fitting[n % len(fitting)]])
            before, after = opened(rng.choice(hosts), rng)
            text = f"{before}{change(item, rng)}{after}"
            yield Planted(
                f"planted-{list(KINDS).index(kind):02}-{n:04}", text, kind, item["benchmark"], item["id"],
                len(item["question"].split()),
            )  # fmt: skip


def opened(host: str, rng: random.Random) -> tuple[str, str]:
    """The host in two, where one of its lines ends: what goes before an item and what behind it."""
    breaks = [m.end() for m in re.finditer(r"\n\n|\n", host)] or [len(host)]
    at = rng.choice(breaks)
    return f"{host[:at].rstrip()}\n\n", f"\n\n{host[at:]}"
