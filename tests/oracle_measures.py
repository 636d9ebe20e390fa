"""Slow, obvious twins of the Gopher, repetition, C4 and FineWeb measures, written from the published code.

They take a document as a str and its words as a list of str, so that they say nothing of how words are split, and give
the columns of one scorer as a dict.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from statistics import median
from typing import Any

from scorers.kernels.characters import SENTENCE_END, TERMINAL_PUNCTUATION, character_classes

STOP_WORDS = {"the", "be", "to", "of", "and", "that", "have", "with"}
NEMO_BULLETS = "•‣⁃⁌⁍∙○●◘◦⦾⦿"
NEMO_ELLIPSES = {"...", "[...]", "…", "(...)", "[…]", "-»", "read more..", "read more"}
POLICIES = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")
CITATION = re.compile(r"\[\d*]|\[edit]|\[citation needed]")


def over(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def has_class(character: str, bit: int) -> bool:
    return bool(character_classes()[ord(character)] & bit)


# --- Gopher quality


def gopher_datatrove(text: str, words: list[str], counted: list[str]) -> dict[str, Any]:
    """counted: the words with a character outside datatrove's PUNCTUATION_SET."""
    lines = text.splitlines()
    return {
        "word_count": len(counted),
        "mean_word_chars": sum(map(len, counted)) / len(counted) if counted else None,
        "hash_word_ratio": over(text.count("#"), len(words)),
        "ellipsis_word_ratio": over(text.count("...") + text.count("…"), len(words)),
        "bullet_line_frac": over(sum(x.lstrip().startswith(("•", "-")) for x in lines), len(lines)),
        "ellipsis_line_frac": over(sum(x.rstrip().endswith(("...", "…")) for x in lines), len(lines)),
        "alpha_word_frac": over(sum(any(c.isalpha() for c in w) for w in words), len(words)),
        "stop_words": len(STOP_WORDS & set(words)),
    }


def gopher_dclm(text: str, words: list[str]) -> dict[str, Any]:
    lines = [p for line in text.split("\n") if (p := line.strip())]
    tokens = [t for t in re.split("[ \n\r\t\v\f\0]", text) if t]
    symbols = sum(text.count(s) for s in ("#", "...", ". . .", "…"))
    return {
        "word_count": sum(t[0].isalnum() for t in tokens),
        "mean_word_chars": sum(map(len, words)) / len(words) if words else None,
        "symbol_word_ratio": over(symbols, len(words)),
        "bullet_line_frac": over(sum(x.startswith(("●", "•", "*", "-")) for x in lines), len(lines)),
        "ellipsis_line_frac": over(sum(x.endswith(("...", ". . .", "…")) for x in lines), len(lines)),
        "alpha_word_frac": over(sum(any(c.isalpha() for c in w) for w in words), len(words)),
        "stop_words": sum(w.lower() in STOP_WORDS for w in words),
    }


def gopher_dolma(text: str, words: list[str]) -> dict[str, Any]:
    lines = text.split("\n")
    return {
        "word_count": len(words),
        "median_word_chars": float(median(map(len, words))) if words else None,
        "symbol_word_ratio": over(sum("#" in w or "…" in w for w in words), len(words)),
        "bullet_line_frac": over(sum(x.startswith(("*", "-")) for x in lines), len(lines)),
        "ellipsis_line_frac": over(sum(x.endswith("…") for x in lines), len(lines)),
        "alpha_word_frac": over(sum(any(c.isalpha() for c in w) for w in words), len(words)),
        "stop_words": sum(w in STOP_WORDS for w in words),
    }


def gopher_nemo(text: str, words: list[str]) -> dict[str, Any]:
    lines = [x for x in text.split("\n") if x.strip()]
    symbols = sum(w in NEMO_ELLIPSES or len(re.findall("#+", w)) / len(w) > 0.5 for w in words)
    return {
        "word_count": len(words),
        "mean_word_chars": sum(map(len, words)) / len(words) if words else None,
        "symbol_word_ratio": over(symbols, len(words)),
        "bullet_line_frac": over(sum(x.strip().startswith(tuple(NEMO_BULLETS)) for x in lines), len(lines)),
        "ellipsis_line_frac": over(sum(x.strip().lower().endswith(tuple(NEMO_ELLIPSES)) for x in lines), len(lines)),
        "alpha_word_frac": over(sum(any(c.isalpha() for c in w) for w in words), len(words)),
        "stop_words": sum(w in STOP_WORDS for w in words),
    }


# --- Gopher repetition


def later_duplicates(elements: list[str]) -> tuple[int, int]:
    """Second and later occurrences, and their characters."""
    seen: set[str] = set()
    found, chars = 0, 0
    for element in elements:
        if element in seen:
            found += 1
            chars += len(element)
        seen.add(element)
    return found, chars


def scanned(words: list[str], n: int) -> int:
    """datatrove's find_all_duplicate."""
    seen: set[str] = set()
    chars, k = 0, 0
    while k < len(words) - n + 1:
        joined = "".join(words[k : k + n])
        if joined in seen:
            chars += len(joined)
            k += n
        else:
            seen.add(joined)
            k += 1
    return chars


def ngrams(words: list[str], n: int) -> list[tuple[str, ...]]:
    return [tuple(words[k : k + n]) for k in range(len(words) - n + 1)]


def chars_of(words: tuple[str, ...] | list[str]) -> int:
    return sum(map(len, words))


def repetition_datatrove(text: str, words: list[str]) -> dict[str, float]:
    found = {}
    for name, parts in (
        ("line", re.split("\n+", text)),
        ("para", re.split("\n{2,}", text.strip())),
    ):
        later, later_chars = later_duplicates(parts)
        found[f"dup_{name}_frac"] = later / len(parts)
        found[f"dup_{name}_char_frac"] = over(later_chars, len(text))
    for n in (2, 3, 4):
        counts = Counter(" ".join(g) for g in ngrams(words, n))
        top, occurrences = counts.most_common(1)[0] if counts else ("", 0)
        found[f"top_{n}gram_char_frac"] = over(len(top) * occurrences, len(text))
    for n in range(5, 11):
        found[f"dup_{n}gram_char_frac"] = over(scanned(words, n), len(text))
    return found


def repetition_dclm(text: str, words: list[str]) -> dict[str, float]:
    found = {}
    for name, separator in (("line", "\n"), ("para", "\n\n")):
        parts = [p for part in text.split(separator) if (p := part.strip())]
        repeated = {p: k for p, k in Counter(parts).items() if k > 1}
        found[f"dup_{name}_frac"] = over(sum(repeated.values()), len(parts))
        found[f"dup_{name}_char_frac"] = over(sum(len(p) * k for p, k in repeated.items()), chars_of(parts))
    for n in range(2, 11):
        grams = ngrams(words, n)
        counts = Counter(grams)
        most = max(counts.values(), default=0)
        if n < 5:
            top = max((chars_of(g) for g, k in counts.items() if k == most), default=0) * most if most > 1 else 0
            found[f"top_{n}gram_char_frac"] = over(top, chars_of(words))
            continue
        covered = {j for k, g in enumerate(grams) if counts[g] > 1 for j in range(k, k + n)}
        found[f"dup_{n}gram_char_frac"] = over(sum(len(words[j]) for j in covered), chars_of(words))
    return found


def repetition_dolma(text: str, words: list[str]) -> dict[str, float]:
    lines = Counter(text.split("\n"))
    repeated = {x: k for x, k in lines.items() if k > 1}
    found = {
        "dup_line_frac": sum(repeated.values()) / lines.total(),
        "dup_line_char_frac": sum(len(x) * k for x, k in repeated.items()) / max(chars_of(words), 1),
    }
    if not words:
        found["dup_line_char_frac"] = float(sum(len(x) * k for x, k in repeated.items()))
    for n in range(2, 11):
        counts = Counter(ngrams(words, n))
        if n < 5:
            top, occurrences = counts.most_common(1)[0] if counts else ((), 0)
            found[f"top_{n}gram_char_frac"] = over(occurrences * chars_of(top), chars_of(words))
            continue
        twice = sum(k * chars_of(g) for g, k in counts.items() if k > 1)
        found[f"dup_{n}gram_char_frac"] = over(twice, sum(k * chars_of(g) for g, k in counts.items()))
    return found


# --- C4 and FineWeb


def fineweb(text: str, words: list[str], short_line_chars: int = 30) -> dict[str, float]:
    lines = [x for x in text.split("\n") if x.strip()]
    return {
        "terminal_punct_line_frac": over(sum(has_class(x[-1], TERMINAL_PUNCTUATION) for x in lines), len(lines)),
        "short_line_frac": over(sum(len(x) <= short_line_chars for x in lines), len(lines)),
        "dup_line_char_frac": over(later_duplicates(lines)[1], len(text.replace("\n", ""))),
        "newline_word_ratio": over(text.count("\n"), len(words)),
    }


def c4_datatrove(
    text: str, terminal_punct: bool = True, min_words: int = 3, max_word_chars: int = 1000
) -> tuple[list[str], bool, bool]:
    """The kept lines as datatrove joins them; 'lorem ipsum' found; '{' found."""
    kept, lorem, curly = [], False, False
    for line in text.splitlines():
        line = line.strip()
        words = line.split()
        if max_word_chars != -1 and any(len(w) > max_word_chars for w in words):
            continue
        line = CITATION.sub("", line)
        if terminal_punct and (not line.endswith((".", "?", "!", '"', "'")) or line.endswith("...")):
            continue
        if len(words) < min_words:
            continue
        lorem = lorem or "lorem ipsum" in line.lower()
        if "javascript" in line.lower():
            continue
        curly = curly or "{" in line
        if any(p in line.lower() for p in POLICIES):
            continue
        kept.append(line)
    return kept, lorem, curly


def c4_dclm(text: str, min_words: int = 5, max_word_chars: int = 1000) -> tuple[str, bool, bool]:
    """The edited text; 'lorem ipsum' found; '{' found."""
    lines = [x for x in text.split("\n") if all(len(w) <= max_word_chars for w in x.split())]
    lines = CITATION.sub("", "\n".join(lines)).split("\n") if lines else []
    lines = [x for x in lines if re.search(r'[.!?"…]\s*$', x) or not x]
    lines = [x for x in lines if not re.search(r"(?:\.\.\.|…)\s*$", x)]
    lines = [x for x in lines if len(x.split()) >= min_words or not x]
    lorem = "lorem ipsum" in "\n".join(lines).lower()
    lines = [x for x in lines if not re.search("javascript", x, re.IGNORECASE)]
    curly = any("{" in x for x in lines)
    lines = [x for x in lines if not re.search("|".join(POLICIES), x, re.IGNORECASE)]
    return "\n".join(lines).strip(), lorem, curly


def sentence_count(tokens: list[str]) -> int:
    """spaCy's sentencizer over its tokens, whitespace tokens among them."""
    sentences, ended = 1, False
    for token in tokens:
        ends = len(token) == 1 and has_class(token, SENTENCE_END)
        if ended and not ends and not all(unicodedata.category(c).startswith("P") for c in token):
            sentences += 1
            ended = False
        elif ends:
            ended = True
    return sentences


# --- pieces


def newline_lines(text: str) -> list[tuple[str, str, int]]:
    """Each line, stripped, and its length."""
    return [(line, line.strip(), len(line)) for line in text.split("\n")]


def break_lines(text: str) -> list[tuple[str, str]]:
    """Each line, and stripped."""
    return [(line, line.strip()) for line in text.splitlines()]


def without_spans(text: str, spans: list[tuple[int, int]]) -> str:
    """The text less spans of its bytes."""
    gone = {k for start, end in spans for k in range(start, end)}
    return bytes(b for k, b in enumerate(text.encode()) if k not in gone).decode()


ORACLES: dict[str, Callable[..., Any]] = {
    "gopher.word_sums": gopher_datatrove,
    "gopher.symbol_counts": gopher_dclm,
    "gopher.line_marks": gopher_nemo,
    "gopher.symbol_words": gopher_nemo,
    "gopher.median_chars": gopher_dolma,
    "gopher.fasttext_words": gopher_dclm,
    "repetition.duplicates": repetition_dclm,
    "repetition.bare_hashes": repetition_dclm,
    "repetition.paragraphs": repetition_datatrove,
    "ngrams.ngrams_by_words": repetition_dolma,
    "ngrams.ngrams_by_text": repetition_datatrove,
    "line_table.split_on_newlines": newline_lines,
    "line_table.split_on_breaks": break_lines,
    "lines.line_ends": fineweb,
    "c4.judge_lines": c4_datatrove,
    "c4.kept_segments": c4_dclm,
    "c4.removed_spans": c4_datatrove,
    "c4.citing_lines": sentence_count,
    "sentences.kept_sentences": sentence_count,
    "spans.copy_without_spans": without_spans,
}
"""The twin of every kernel of these measures, by its name in scorers.kernels.jit.KERNELS."""
