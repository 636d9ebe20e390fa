"""Sentences and words of our own that teach what the labelled sets do not show: filled frames, made the same every time."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent
SLOT = re.compile(r"\{(\w+)\}")
PLAIN = re.compile(r"[a-z]+")


@dataclass(frozen=True)
class Sentence:
    """A filled frame: its text, whether it is toxic, and its frame's kind."""

    text: str
    toxic: bool
    kind: str


def toxicity_sentences(words: list[str], per_frame: int, seed: int) -> list[Sentence]:
    """Every frame of toxicity_en.toml filled per_frame times at random (one without slots: six times, in its
    variations). words: what {rude} and {sexual} are filled with."""
    given = tomllib.loads((FOLDER / "toxicity_en.toml").read_text(encoding="utf-8"))
    slots = {**given["slots"], "rude": with_plurals(words), "sexual": words}
    draw = np.random.Generator(np.random.PCG64(seed))
    found: list[Sentence] = []
    for frame in given["frames"]:
        for line in frame["lines"]:
            times = per_frame if "{" in line else 6
            filled = sorted({_filled(line, slots, draw) for _ in range(times)})
            found += [Sentence(_varied(f, slots["calm"], draw), frame["label"] == 1, frame["kind"]) for f in filled]
    return found


def with_plurals(words: list[str]) -> list[str]:
    """The words, and a plural of those that look as if they had one."""
    found = []
    for word in words:
        found.append(word)
        if PLAIN.fullmatch(word) and not word.endswith(("s", "ing", "ed")):
            found.append(word + ("es" if word.endswith(("h", "x")) else "s"))
    return found


def domain_words() -> dict[str, list[str]]:
    """The words and phrases of each domain."""
    given = tomllib.loads((FOLDER / "domain_en.toml").read_text(encoding="utf-8"))
    return {domain: [w.strip() for w in given[domain]["words"].split(",")] for domain in sorted(given)}


def domain_texts(lists: int, seed: int) -> list[tuple[str, str]]:
    """(text, domain): each word alone, half of them in a sentence, and `lists` random lists a domain."""
    draw = np.random.Generator(np.random.PCG64(seed))
    found: list[tuple[str, str]] = []
    for domain, words in domain_words().items():
        for _ in range(lists):
            chosen = draw.choice(len(words), size=int(draw.integers(4, 14)), replace=False)
            found.append((", ".join(words[i] for i in chosen), domain))
        found += [(f"This text is about {word}, {domain.lower()}", domain) for word in words[::2]]
        found += [(word, domain) for word in words]
    return found


def _filled(line: str, slots: dict[str, list[str]], draw: np.random.Generator) -> str:
    return SLOT.sub(lambda m: slots[m[1]][int(draw.integers(len(slots[m[1]])))], line)


def _varied(text: str, openings: list[str], draw: np.random.Generator) -> str:
    how = int(draw.integers(4))
    if how == 0:
        return text[0].upper() + text[1:] + "."
    if how == 1:
        return text + ("!", "!!", "?", "...")[int(draw.integers(4))]
    if how == 2:
        return f"{openings[int(draw.integers(len(openings)))]}, {text}"
    return text
