"""Training an n-gram model on the user's own text, with lmplz where it is there and with the same estimate where it is not."""

from __future__ import annotations

import shutil
import subprocess  # to call lmplz, with a fixed list of arguments
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.train.ngram_output import Target, write_model
from pipeline.train.smoothing import Job, TrainingError, check, count, discounts, estimate
from pipeline.train.vocabulary import Vocabulary, new_vocabulary
from scorers.models.ngram_arpa import read_arpa
from scorers.models.ngram_file import Header, TextSettings, write_table
from scorers.models.ngram_text import Tokens, tokens_of
from scorers.text import TextBatch

Engine = Literal["auto", "own", "lmplz"]

NUMBERS = 1 << 20
"""Word numbers that are read from disk at once."""
DEFAULT_MEMORY_BYTES = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Plan:
    """What to train. prune: n-grams seen so often or less are left out, by order, as lmplz --prune; memory_bytes: for
    sorting (besides it: the vocabulary, about 50 bytes a word, and the finished table); packed: the small form with
    8-bit values; fallback: fixed discounts where a text is too small to estimate them; engine: 'lmplz' must be on PATH,
    'auto' takes it when it is."""

    order: int = 5
    prune: tuple[int, ...] = ()
    settings: TextSettings = field(default_factory=TextSettings)
    memory_bytes: int = DEFAULT_MEMORY_BYTES
    packed: bool = False
    fallback: bool = False
    engine: Engine = "auto"


@dataclass(frozen=True, slots=True)
class Trained:
    """What came out. tokens, lines, text_bytes: of the training text; engine: what did it."""

    header: Header
    tokens: int
    lines: int
    text_bytes: int
    engine: str


@dataclass(slots=True)
class _Seen:
    tokens: int = 0
    lines: int = 0
    text_bytes: int = 0


def train_ngram(texts: Iterable[pa.Array], plan: Plan, compact: Path, arpa: Path | None = None) -> Trained:
    """Train on batches of strings; write the compact file, and ARPA where a path is given. The same texts in the same
    order give the same bytes, whatever memory_bytes. TrainingError where there is too little text."""
    lmplz = shutil.which("lmplz")
    if plan.engine == "lmplz" and lmplz is None:
        raise TrainingError("engine lmplz: not on PATH; build it from the package kenlm's source, or take --engine own")
    seen = _Seen()
    with tempfile.TemporaryDirectory(prefix=".train-", dir=compact.parent) as made:
        folder = Path(made)
        tokens = _counted(texts, plan.settings, seen)
        if plan.engine != "own" and lmplz is not None and not plan.packed:
            header = _by_lmplz(lmplz, tokens, plan, folder, compact, arpa)
            engine = "lmplz"
        else:
            header = _by_own(tokens, plan, folder, Target(compact, arpa, plan.packed))
            engine = "own"
    return Trained(header, seen.tokens, seen.lines, seen.text_bytes, engine)


def _counted(texts: Iterable[pa.Array], settings: TextSettings, seen: _Seen) -> Iterator[Tokens]:
    for column in texts:
        batch = TextBatch.from_arrow(column)
        tokens = tokens_of(batch, settings)
        seen.tokens += len(tokens.ends)
        seen.lines += len(tokens.line_tokens)
        seen.text_bytes += batch.text_bytes
        yield tokens


def _by_own(tokens: Iterator[Tokens], plan: Plan, folder: Path, target: Target) -> Header:
    vocabulary, path = new_vocabulary(), folder / "numbers"
    lines = _write_numbers(tokens, vocabulary, path)
    if lines == 0:
        raise TrainingError("there is no word in the training text: expected documents with text")
    bits, prune = check(plan.order, vocabulary.words, plan.prune)
    job = Job(plan.order, bits, vocabulary.words, prune, plan.memory_bytes, folder)
    stats = count(job, _read_numbers(path))
    path.unlink()
    counts = (vocabulary.words, *(int(n) for n in stats[2:, 5]))
    taken = discounts(stats, plan.fallback)
    return write_model(job, estimate(job, taken), counts, vocabulary, plan.settings, target)


def _write_numbers(tokens: Iterator[Tokens], vocabulary: Vocabulary, path: Path) -> int:
    lines = 0
    with path.open("wb") as file:
        for batch in tokens:
            lines += len(batch.line_tokens)
            vocabulary.number(batch).tofile(file)
    return lines


def _read_numbers(path: Path) -> Iterator[npt.NDArray[np.uint32]]:
    """Whole lines: a block ends with the end of a line."""
    rest = np.empty(0, np.uint32)
    with path.open("rb") as file:
        while len(block := np.fromfile(file, np.uint32, NUMBERS)):
            together = np.concatenate([rest, block])
            ends = np.flatnonzero(together == 2)
            cut = int(ends[-1]) + 1 if len(ends) else 0
            yield together[:cut]
            rest = together[cut:]


def _by_lmplz(
    lmplz: str, tokens: Iterator[Tokens], plan: Plan, folder: Path, compact: Path, arpa: Path | None
) -> Header:
    text, made = folder / "text", arpa or folder / "model.arpa"
    with text.open("wb") as file:
        for batch in tokens:
            file.write(batch.text[: batch.text_bytes].data)
    arguments: list[Any] = [
        lmplz, "--order", plan.order, "--text", text, "--arpa", made, "--temp_prefix", folder / "lmplz", "--memory",
        f"{plan.memory_bytes}b", "--skip_symbols",
    ]  # fmt: skip
    arguments += ["--prune", *plan.prune] if plan.prune else []
    arguments += ["--discount_fallback"] if plan.fallback else []
    told = subprocess.run(  # noqa: S603 (fixed arguments, no shell)
        [str(a) for a in arguments], capture_output=True, text=True, check=False
    )
    if told.returncode != 0:
        raise TrainingError(f"lmplz ended with {told.returncode}: {told.stderr.strip()[-600:]}")
    header, table = read_arpa(made, plan.settings)
    write_table(compact, header, table)
    return header
