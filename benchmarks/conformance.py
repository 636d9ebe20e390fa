"""Decisions of datatrove's filters beside ours, document by document.

Each rule set alone, on the original text, at datatrove's default thresholds; C4 once as it ships and once as FineWeb runs
it (terminal punctuation off). Prints the agreement per rule set and every class of disagreement. datatrove needs 10
minutes and more for the English part of the test corpus, so its verdicts are kept in a file and read from there again:

    python benchmarks/conformance.py --reference /tmp/datatrove.parquet [--documents 1000] [--processes 2]
"""

from __future__ import annotations

import argparse
import difflib
import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.data import corpus_files
from scorers.base import Scorer, as_struct
from scorers.gopher import Gopher
from scorers.lines import Lines
from scorers.repetition import Repetition
from scorers.spans import apply_spans
from scorers.text import TextBatch

KEEP = "keep"
MIN_CHARS = 500
Row = dict[str, Any]


def gopher_quality(m: Row) -> Iterator[str]:
    """The rules of datatrove's GopherQualityFilter a document breaks, in its order and by its names."""
    yield from ["gopher_short_doc"] * (m["word_count"] < 50)
    yield from ["gopher_long_doc"] * (m["word_count"] > 100_000)
    yield from ["gopher_below_avg_threshold"] * ((m["mean_word_chars"] or 0) < 3)
    yield from ["gopher_above_avg_threshold"] * ((m["mean_word_chars"] or 0) > 10)
    yield from ["gopher_too_many_hashes"] * (m["hash_word_ratio"] > 0.1)
    yield from ["gopher_too_many_ellipsis"] * (m["ellipsis_word_ratio"] > 0.1)
    yield from ["gopher_too_many_bullets"] * (m["bullet_line_frac"] > 0.9)
    yield from ["gopher_too_many_end_ellipsis"] * (m["ellipsis_line_frac"] > 0.3)
    yield from ["gopher_below_alpha_threshold"] * (m["alpha_word_frac"] < 0.8)
    yield from ["gopher_enough_stop_words"] * (m["stop_words"] < 2)


def gopher_repetition(m: Row) -> Iterator[str]:
    """The same of GopherRepetitionFilter."""
    limits = {"dup_para_frac": 0.3, "dup_para_char_frac": 0.2, "dup_line_frac": 0.3, "dup_line_char_frac": 0.2}
    yield from (name for name, limit in limits.items() if m[name] > limit)
    top = {2: 0.2, 3: 0.18, 4: 0.16}
    yield from (f"top_{n}_gram" for n, limit in top.items() if m[f"top_{n}gram_char_frac"] > limit)
    repeated = {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.10}
    yield from (f"duplicated_{n}_n_grams" for n, limit in repeated.items() if m[f"dup_{n}gram_char_frac"] > limit)


def c4(m: Row) -> Iterator[str]:
    """The same of C4QualityFilter, whatever its lines."""
    yield from ["lorem_ipsum"] * m["c4_lorem_ipsum"]
    yield from ["curly_bracket"] * m["c4_curly_bracket"]
    yield from ["too_few_sentences"] * (m["c4_sentences"] < 5)


def fineweb(m: Row) -> Iterator[str]:
    """The same of FineWebQualityFilter."""
    yield from ["line_punct_ratio"] * (m["terminal_punct_line_frac"] < 0.12)
    yield from ["short_line_ratio"] * (m["short_line_frac"] > 0.67)
    yield from ["char_dup_ratio"] * (m["dup_line_char_frac"] > 0.01)
    yield from ["list_ratio"] * (m["newline_word_ratio"] > 0.3)


RULE_SETS: dict[str, tuple[Scorer, Callable[[Row], Iterator[str]]]] = {
    "gopher_quality": (Gopher(), gopher_quality),
    "gopher_repetition": (Repetition(), gopher_repetition),
    "c4": (Lines(), c4),
    "c4_as_in_fineweb": (Lines(terminal_punct=False), c4),
    "fineweb_quality": (Lines(), fineweb),
}
EDITING = ("c4", "c4_as_in_fineweb")
"""Rule sets that also change the text."""


def english_documents(limit: int | None) -> list[str]:
    """Texts of the corpus with lang = en and more than MIN_CHARS characters; spread over it where `limit` says how many."""
    tables = [pq.read_table(p, columns=["text", "lang"]) for p in corpus_files()]
    table = pa.concat_tables(tables)
    wanted = pc.and_(pc.equal(table["lang"], "en"), pc.greater(pc.utf8_length(table["text"]), MIN_CHARS))
    texts: list[str] = table.filter(wanted)["text"].to_pylist()
    step = max(1, len(texts) // limit) if limit else 1
    return texts[::step][:limit]


def reference_filters() -> dict[str, Any]:
    """datatrove's filters by rule set."""
    from datatrove.pipeline.filters import (  # type: ignore[import-untyped]
        C4QualityFilter,
        FineWebQualityFilter,
        GopherQualityFilter,
        GopherRepetitionFilter,
    )

    return {
        "gopher_quality": GopherQualityFilter(),
        "gopher_repetition": GopherRepetitionFilter(),
        "c4": C4QualityFilter(),
        "c4_as_in_fineweb": C4QualityFilter(filter_no_terminal_punct=False),
        "fineweb_quality": FineWebQualityFilter(),
    }


def reference_row(text: str, filters: dict[str, Any] | None = None) -> Row:
    """datatrove's reason by rule set (KEEP where it keeps), and for each editing one the text it leaves."""
    from datatrove.data import Document  # type: ignore[import-untyped]

    row: Row = {}
    for name, block in (filters or _worker_filters()).items():
        document = Document(text=text, id="0")
        result = block.filter(document)
        row[name] = KEEP if result is True else result[1]
        if name in EDITING:
            row[f"{name}_text"] = document.text if result is True else None
    return row


_FILTERS: dict[str, Any] = {}


def _worker_filters() -> dict[str, Any]:
    if not _FILTERS:
        _FILTERS.update(reference_filters())
    return _FILTERS


def reference_rows(texts: list[str], processes: int) -> list[Row]:
    """datatrove's verdicts on every text."""
    if processes == 1:
        return [reference_row(text) for text in texts]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        rows = []
        started = time.time()
        for row in pool.imap(reference_row, texts, chunksize=8):
            rows.append(row)
            if len(rows) % 1000 == 0:
                print(f"datatrove: {len(rows)} of {len(texts)} documents, {time.time() - started:.0f} s", flush=True)
        return rows


def our_rows(texts: list[str]) -> list[Row]:
    """The same from our measures."""
    batch = TextBatch.from_strings(texts)
    rows: list[Row] = [{} for _ in texts]
    for name, (scorer, broken) in RULE_SETS.items():
        values = scorer.score(batch)
        measured = as_struct(scorer, values, len(batch)).to_pylist()
        edited = apply_spans(batch, values["c4_removed"]).to_arrow().to_pylist() if name in EDITING else None
        for d, (row, m) in enumerate(zip(rows, measured, strict=True)):
            row[name] = next(broken(m), KEEP)
            row[f"{name}_measures"] = m
            if edited is not None:
                row[f"{name}_text"] = edited[d]
    return rows


def disagreements(name: str, reference: list[Row], ours: list[Row]) -> dict[tuple[str, str], list[int]]:
    """Documents whose keep or drop differs, by (datatrove's reason, ours)."""
    found: dict[tuple[str, str], list[int]] = {}
    for d, (a, b) in enumerate(zip(reference, ours, strict=True)):
        if (a[name] == KEEP) != (b[name] == KEEP):
            found.setdefault((a[name], b[name]), []).append(d)
    return found


def other_texts(name: str, reference: list[Row], ours: list[Row]) -> list[int]:
    """Documents that both keep and whose edited texts differ in more than which line break stands between lines."""
    return [
        d
        for d, (a, b) in enumerate(zip(reference, ours, strict=True))
        if a[name] == b[name] == KEEP and a[f"{name}_text"].splitlines() != b[f"{name}_text"].splitlines()
    ]


def report(texts: list[str], reference: list[Row], ours: list[Row]) -> None:
    """Print the agreement of every rule set, and the classes of disagreement with a document each."""
    for name in RULE_SETS:
        found = disagreements(name, reference, ours)
        n = sum(map(len, found.values()))
        kept = sum(row[name] == KEEP for row in reference)
        reasons = sum(a[name] != b[name] for a, b in zip(reference, ours, strict=True))
        print(
            f"\n{name}: {100 * (1 - n / len(texts)):.3f} % of {len(texts)} agree ({n} differ; datatrove keeps {kept}; "
        )
        print(f"  first reason differs in {reasons})")
        for (theirs, mine), documents in sorted(found.items(), key=lambda item: -len(item[1])):
            print(f"  datatrove {theirs}, ours {mine}: {len(documents)}, e.g. {documents[:8]}")
            for d in documents[:3]:
                print(f"    {d}: { ({k: v for k, v in ours[d][f'{name}_measures'].items() if k != 'c4_removed'}) }")
        if name in EDITING:
            other = other_texts(name, reference, ours)
            print(f"  edited text differs in {len(other)} of the documents both keep, e.g. {other[:5]}")
            for d in other[:3]:
                a, b = reference[d][f"{name}_text"].splitlines(), ours[d][f"{name}_text"].splitlines()
                print("   ", [x[:100] for x in difflib.unified_diff(a, b, lineterm="", n=0)][:4])


def main() -> None:
    """Run datatrove where the reference file is not there yet, then compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference", type=Path, required=True)
    parser.add_argument("--documents", type=int, default=None)
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    texts = english_documents(asked.documents)
    if not asked.reference.exists():
        pq.write_table(pa.Table.from_pylist(reference_rows(texts, asked.processes)), asked.reference)
    reference = pq.read_table(asked.reference).to_pylist()
    print(f"{len(texts)} documents, {sum(len(t.encode()) for t in texts) / 1e6:.1f} MB")
    print("first reasons of datatrove:", {n: Counter(r[n] for r in reference).most_common(4) for n in RULE_SETS})
    report(texts, reference, our_rows(texts))


if __name__ == "__main__":
    main()
