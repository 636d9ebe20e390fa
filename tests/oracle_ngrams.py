"""Slow, obvious twins of the n-gram kernels: cc_net's normalisation, Kneser-Ney by definition, ARPA by its definition."""

from __future__ import annotations

import math
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence

from scorers.models.ngram_file import TextSettings

Ngram = tuple[str, ...]
Arpa = dict[Ngram, tuple[float, float]]

UNICODE_PUNCTUATION = {
    "，": ",", "。": ".", "、": ",", "„": '"', "”": '"', "“": '"', "«": '"', "»": '"', "１": '"', "」": '"', "「": '"',
    "《": '"', "》": '"', "´": "'", "∶": ":", "：": ":", "？": "?", "！": "!", "（": "(", "）": ")", "；": ";", "–": "-",
    "—": " - ", "．": ". ", "～": "~", "’": "'", "…": "...", "━": "-", "〈": "<", "〉": ">", "【": "[", "】": "]", "％": "%",
    "►": "-",
}  # fmt: skip
CONTROLS = {chr(c) for c in (*range(32), *range(127, 160))}
WITHOUT_SPACES = (
    (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x1950, 0x19DF), (0x1A20, 0x1AAF), (0x2E80, 0x2FDF),
    (0x3005, 0x3007), (0x3021, 0x312F), (0x31A0, 0x31BF), (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF),
    (0xA9E0, 0xA9FF), (0xAA60, 0xAADF), (0xF900, 0xFAFF), (0xFF66, 0xFF9F), (0x1B000, 0x1B16F), (0x20000, 0x323AF),
)  # fmt: skip


def ccnet_normalise(line: str) -> str:
    """text_normalizer.normalize with its defaults, after facebookresearch/cc_net."""
    line = line.strip().lower()
    line = "".join(c for c in unicodedata.normalize("NFD", line) if unicodedata.category(c) != "Mn")
    line = "".join("0" if unicodedata.category(c) == "Nd" else c for c in line)
    line = "".join(UNICODE_PUNCTUATION.get(c, c) for c in line)
    return "".join(c for c in line if c not in CONTROLS)


def plain(line: str) -> str:
    """The normalisation 'none': control characters go, unless they are whitespace."""
    return "".join(c for c in line if c not in CONTROLS or c.isspace())


def stands_alone(character: str) -> bool:
    """Marks, symbols, and letters of scripts without spaces."""
    category = unicodedata.category(character)
    if category[0] in "PS":
        return True
    return category[0] in "LM" and any(low <= ord(character) <= high for low, high in WITHOUT_SPACES)


def token_lines(text: str, settings: TextSettings) -> list[list[str]]:
    """Every sentence of a document, as tokens."""
    if not text:
        return []
    found = []
    for line in [text] if settings.one_line else text.split("\n"):
        line = ccnet_normalise(line) if settings.normalisation == "ccnet" else plain(line)
        if settings.tokens == "words":
            line = "".join(f" {c} " if stands_alone(c) else c for c in line)
        if line.split() or settings.blank_lines:
            found.append(line.split())
    return found


def arpa_of(text: str) -> tuple[int, Arpa]:
    """(order, every n-gram of an ARPA file with log10 probability and back-off)."""
    found: Arpa = {}
    for line in text.split("\n"):
        parts = line.split("\t")
        if len(parts) >= 2:
            found[tuple(parts[1].split(" "))] = (float(parts[0]), float(parts[2]) if len(parts) > 2 else 0.0)
    return max(map(len, found)), found


def log10_of(model: Arpa, context: Ngram, word: str) -> float:
    """A word's log10 probability after a context, by the definition of a back-off model."""
    if (*context, word) in model:
        return model[(*context, word)][0]
    if not context:
        return model[("<unk>",)][0]
    return model.get(context, (0.0, 0.0))[1] + log10_of(model, context[1:], word)


def line_events(model: Arpa, order: int, words: Sequence[str]) -> list[float]:
    """log10 of every word of a sentence and of its end."""
    known = ["<s>", *(w if (w,) in model else "<unk>" for w in words), "</s>"]
    return [log10_of(model, tuple(known[max(0, i - order + 1) : i]), known[i]) for i in range(1, len(known))]


def worst_window(events: Sequence[float], window: int) -> tuple[float, int]:
    """(least mean of so many events in a row, where the first such window begins)"""
    size = min(window, len(events))
    means = [sum(events[i : i + size]) / size for i in range(len(events) - size + 1)]
    return min(means), means.index(min(means))


def kneser_ney(lines: Sequence[Sequence[str]], order: int, prune: Sequence[int], discount: Sequence[float]) -> Arpa:
    """Interpolated Kneser-Ney as lmplz estimates it, straight from the definitions, with given discounts."""
    raw: list[Counter[Ngram]] = [Counter() for _ in range(order + 1)]
    for words in lines:
        line = ("<s>", *words, "</s>")
        for n in range(1, order + 1):
            raw[n].update(line[i : i + n] for i in range(len(line) - n + 1) if (n, i) != (1, 0))
    adjusted: list[dict[Ngram, int]] = [{} for _ in range(order + 1)]
    for n in range(1, order + 1):
        left = Counter(g[1:] for g in raw[n + 1]) if n < order else Counter()
        adjusted[n] = {g: c if n == order or g[0] == "<s>" else left[g] for g, c in raw[n].items()}
    vocabulary = len(adjusted[1]) + 2  # <unk> and </s> are in, <s> is not
    made: dict[Ngram, float] = {("<s>",): 1.0}
    weights: dict[Ngram, float] = {}
    for n in range(1, order + 1):
        contexts: defaultdict[Ngram, list[Ngram]] = defaultdict(list)
        for gram in adjusted[n]:
            contexts[gram[:-1]].append(gram)
        for context, grams in contexts.items():
            total = sum(adjusted[n][g] for g in grams)
            kept = [g for g in grams if n == 1 or raw[n][g] > prune[n - 1]]
            lost = sum(adjusted[n][g] for g in set(grams) - set(kept))
            weight = (lost + sum(discount[min(adjusted[n][g], 3)] for g in kept)) / total
            weights[context] = weight
            for g in kept:
                lower = made[g[1:]] if n > 1 else 1 / (vocabulary - 1)
                made[g] = (adjusted[n][g] - discount[min(adjusted[n][g], 3)]) / total + weight * lower
            if n == 1:
                made[("<unk>",)] = weight / (vocabulary - 1)
    return {g: (math.log10(p), math.log10(weights.get(g, 1.0)) if len(g) < order else 0.0) for g, p in made.items()}


def sorted_records(records: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """By key, those of one key in their order."""
    return sorted(records, key=lambda r: (r[0], r[1]))
