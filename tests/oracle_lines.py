"""Slow, obvious twins of line deduplication: strings, dictionaries and one pass after the other."""

from __future__ import annotations

import re
from collections import Counter
from itertools import groupby, zip_longest

from pipeline.recipe.dedup import Lines

CCNET_MARKS = "，。、„”“«»１」「《》´∶：？！（）；–—．～’…━〈〉【】％►"


def ccnet_normalised(line: str) -> str:
    """normalize_for_dedup of cc_net, on a line."""
    lowered = re.sub(r"\d", "0", line.strip().lower())
    return re.sub(f"[{CCNET_MARKS}\x00-\x1f\x7f-\x9f]", "", lowered)


def line_units(text: str, settings: Lines) -> list[tuple[str, str]]:
    """(content, what follows it) of every line or paragraph; joined they are the text."""
    if not text:
        return []
    lines = [(line, "\n") for line in text.split("\n")]
    lines[-1] = (lines[-1][0], "")
    if settings.unit == "line":
        return lines
    runs = [list(run) for _, run in groupby(lines, key=lambda line: not line[0].strip())]
    if not runs[0][0][0].strip() and runs[0][0][0] + runs[0][0][1]:
        leading = "".join(line + end for line, end in runs.pop(0))
        first = leading.partition("\n")[0]
        units = [(first, leading[len(first) :])]
    else:
        units = []
    for content, blanks in zip_longest(runs[::2], runs[1::2], fillvalue=[]):
        said = "".join(line + end for line, end in content)
        end = content[-1][1]
        units.append((said.removesuffix(end), end + "".join(line + e for line, e in blanks)))
    return units


def line_key(content: str, settings: Lines) -> str | None:
    """What a line is compared by; None where it takes no part."""
    bare = content.strip()
    if settings.skip_blank and not bare:
        return None
    if len(bare.encode()) < settings.min_bytes or len(bare.split()) < settings.min_words:
        return None
    return ccnet_normalised(content) if settings.normalise == "ccnet" else content


def without_repeated_lines(texts: list[str], settings: Lines) -> list[str]:
    """Every text without the lines that go; '' where nothing but whitespace is left."""
    split = [line_units(t, settings) for t in texts]
    keys = [[line_key(content, settings) for content, _ in units] for units in split]
    per_document = settings.count == "documents"
    counts = Counter(k for ks in keys for k in (dict.fromkeys(ks) if per_document else ks) if k is not None)
    seen: Counter[str] = Counter()
    made = []
    for units, ks in zip(split, keys, strict=True):
        here: set[str] = set()
        left = []
        for unit, k in zip(units, ks, strict=True):
            again = per_document and k in here
            if k is not None and not again:
                seen[k] += 1
                here.add(k)
            if k is None or not (again or (counts[k] > settings.max_count and seen[k] > settings.keep)):
                left.append(unit)
        text = "".join(content + after for content, after in left)
        if units and left[-1:] != units[-1:] and not units[-1][1]:
            text = text.removesuffix("\n")
        made.append(text if len(left) == len(units) or text.strip() else "")
    return made


def remembered(hashes: list[int], known: list[bool]) -> None:
    """A filter may know what it was never told, and must know what it was."""
    seen: set[int] = set()
    for h, said in zip(hashes, known, strict=True):
        assert said or h not in seen
        seen.add(h)
