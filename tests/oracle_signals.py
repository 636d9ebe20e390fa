"""RedPajama-v2's signals, slow and obvious: the twin that the kernels are held to."""

from __future__ import annotations

import math
import re
import string
import unicodedata
from collections import Counter
from pathlib import Path

import scorers

STOP_WORDS = set(" ".join((Path(scorers.__file__).parent / "stop_words_en.txt").read_text().splitlines()[1:]).split())
BULLETS = tuple("•‣▶◀◦■□▪▫–")
TOP = "rps_doc_frac_chars_top_{}gram"
REPEATED = "rps_doc_frac_chars_dupe_{}grams"


def normalise(text: str) -> str:
    """Without ASCII punctuation, lower case, single spaces, NFD."""
    bare = "".join(c for c in text if c not in string.punctuation).lower()
    return unicodedata.normalize("NFD", re.sub(r"\s+", " ", bare.strip()))


def lines_of(text: str) -> list[str]:
    """Lines with their newline; an empty last one is none."""
    return [line for line in re.split(r"(?<=\n)", text) if line]


def mean(values: list[float]) -> float | None:
    """None of nothing."""
    return sum(values) / len(values) if values else None


def share(part: float, whole: float) -> float | None:
    """None of nothing."""
    return part / whole if whole else None


def word_signals(text: str) -> dict[str, float | None]:
    """Over the words of the text as it stands, and over its characters."""
    words = re.findall(r"\w+|[^\w\s]+", text)
    symbols = text.count("#") + text.count("...") + text.count("…")
    return {
        "rps_doc_curly_bracket": (text.count("{") + text.count("}")) / max(len(text), 1),
        "rps_doc_frac_all_caps_words": share(sum(w.isupper() for w in words), len(words)),
        "rps_doc_frac_no_alph_words": share(sum(not re.search("[a-zA-Z]", w) for w in words), len(words)),
        "rps_doc_stop_word_fraction": share(sum(w in STOP_WORDS for w in words), len(words)) or 0.0,
        "rps_doc_symbol_to_word_ratio": share(symbols, len(words)),
        "rps_doc_num_sentences": len(re.findall(r"\b[^.!?]+[.!?]*", text)),
    }


def normal_signals(text: str) -> dict[str, float | None]:
    """Over the normalised words."""
    normal = normalise(text)
    words = normal.split()
    counts = Counter(words)
    return {
        "rps_doc_lorem_ipsum": normal.count("lorem ipsum") / max(len(normal), 1),
        "rps_doc_mean_word_length": mean([len(w) for w in words]),
        "rps_doc_frac_unique_words": share(len(counts), len(words)),
        "rps_doc_unigram_entropy": entropy(list(counts.values())),
        "rps_doc_word_count": len(words),
    }


def entropy(counts: list[int]) -> float | None:
    """Of a distribution, in nats."""
    total = sum(counts)
    return sum(-c / total * math.log(c / total) for c in counts) if counts else None


def line_signals(text: str) -> dict[str, float | None]:
    """Means over lines, and the share of lines that end in an ellipsis."""
    lines = lines_of(text)
    normal = [normalise(line) for line in lines]
    return {
        "rps_doc_frac_lines_end_with_ellipsis": mean([line.rstrip().endswith(("...", "…")) for line in lines]),
        "rps_lines_ending_with_terminal_punctution_mark": mean(
            [line.rstrip().endswith((".", "!", "?", "”")) for line in lines]
        ),
        "rps_lines_javascript_counts": mean([line.split().count("javascript") for line in normal]),
        "rps_lines_num_words": mean([len(line.split()) for line in normal]),
        "rps_lines_numerical_chars_fraction": mean(
            [sum(c.isnumeric() for c in line) / max(len(line), 1) for line in normal]
        ),
        "rps_lines_start_with_bulletpoint": mean([line.lstrip().startswith(BULLETS) for line in lines]),
        "rps_lines_uppercase_letter_fraction": mean([sum(c.isupper() for c in line) / len(line) for line in lines]),
    }


def repetition_signals(text: str) -> dict[str, float | None]:
    """Characters in the most frequent and in repeated n-grams, over those of all words."""
    words = normalise(text).split()
    total = max(sum(map(len, words)), 1)
    found: dict[str, float | None] = {}
    for n in range(2, 11):
        grams = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
        counts = Counter(grams)
        if n < 5:
            gram, times = counts.most_common(1)[0] if counts else ((), 0)
            found[TOP.format(n)] = times * sum(map(len, gram)) / total if times > 1 else 0.0
            continue
        covered = {i + k for i, gram in enumerate(grams) if counts[gram] > 1 for k in range(n)}
        found[REPEATED.format(n)] = sum(len(words[i]) for i in covered) / total
    return found


def signals(text: str) -> dict[str, float | None]:
    """All 27."""
    return word_signals(text) | normal_signals(text) | line_signals(text) | repetition_signals(text)
