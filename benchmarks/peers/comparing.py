"""Every peer at every task: rows of figures, with a reason where there is none."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.peers import truth
from benchmarks.peers.corpora import Text
from benchmarks.peers.environments import NotInstalled
from benchmarks.peers.peer import FROM_FILES, TASKS, Peer, Task
from benchmarks.peers.running import NotRun, Ran, kept_ids, run
from benchmarks.peers.truth import Truth


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table. reason: why there are no figures; quality: of the small corpus, real: of the labelled real text."""

    task: Task
    peer: str
    version: str
    how: str = ""
    reason: str = ""
    text_mb: float = 0.0
    cpu_s: float = 0.0
    wall_s: float = 0.0
    peak_mb: float = 0.0
    quality: dict[str, Any] = field(default_factory=dict)
    real: dict[str, Any] = field(default_factory=dict)

    @property
    def mb_per_s(self) -> float:
        return self.text_mb / self.cpu_s if self.cpu_s else 0.0

    def told(self) -> dict[str, Any]:
        return {**asdict(self), "mb_per_s": round(self.mb_per_s, 3)}


@dataclass(frozen=True)
class Bench:
    """What all are run on, smallest text first. reformatted: its documents with other white space and marks;
    real, languages: None without the test data; model: of languages."""

    generated: list[Text]
    truth: Truth
    reformatted: frozenset[str]
    real: Text | None
    real_truth: Truth | None
    languages: Text | None
    model: Path | None
    work: Path
    limit_s: float


def rows(bench: Bench, peers: list[Peer], tasks: list[Task]) -> Iterator[Row]:
    """Task by task, peer by peer."""
    for task in tasks:
        for peer in peers:
            offer = peer.offers.get(task)
            if offer is None:
                yield Row(task, peer.title, peer.version, reason=peer.cannot[task])
                continue
            print(f"{TASKS[task]}: {peer.title}", file=sys.stderr, flush=True)
            try:
                yield _row(bench, peer, task)
            except (NotRun, NotInstalled) as why:
                yield Row(task, peer.title, peer.version, offer.how, str(why))


def _row(bench: Bench, peer: Peer, task: Task) -> Row:
    offer = peer.offers[task]
    if task == "language" and bench.model is None:
        raise NotRun("the language model is not there: winnow models pull lid.176")
    if task in FROM_FILES:
        return _from_files(bench, peer, task)
    text = bench.languages if task == "language" and bench.languages else bench.generated[-1]
    ran = run(peer, task, text.folder, bench.work / peer.name / task, offer.megabytes, bench.limit_s, bench.model)
    quality = {}
    if task == "signatures" and ran.answers:
        quality = truth.of_signatures(bench.truth, ran.answers[: len(bench.truth.ids)], bench.reformatted)
    if task == "language" and text.labels:
        said = list(zip(ran.answers, text.labels.values(), strict=False))
        quality = {"documents": len(said), "right": sum(a == b for a, b in said)}
    return _figures(peer, task, ran, ran.text_bytes, quality)


def _from_files(bench: Bench, peer: Peer, task: Task) -> Row:
    """Judged on the small corpus, timed on the largest one that it is fast enough for."""
    work, offer = bench.work / peer.name / task, peer.offers[task]

    def ran_on(text: Text) -> Ran:
        return run(peer, task, text.folder, work, offer.megabytes, bench.limit_s, bench.model)

    ran = ran_on(bench.generated[0])
    quality, real = truth.of_kept(bench.truth, kept_ids(peer, ran)), {}
    if task == "fuzzy" and bench.real and bench.real_truth:
        try:
            real = truth.of_kept(bench.real_truth, kept_ids(peer, ran_on(bench.real)))
        except NotRun as why:
            real = {"reason": str(why)}
    largest = [t for t in bench.generated if t.text_bytes <= offer.megabytes * 1.1e6][-1]
    if largest is not bench.generated[0]:
        ran = ran_on(largest)
    return _figures(peer, task, ran, largest.text_bytes, quality, real)


def _figures(
    peer: Peer, task: Task, ran: Ran, text_bytes: int, quality: dict[str, Any], real: dict[str, Any] | None = None
) -> Row:
    return Row(
        task, peer.title, peer.version, peer.offers[task].how, "", text_bytes / 1e6, ran.cpu_s, ran.wall_s, ran.peak_bytes / 1e6, quality, real or {}
    )  # fmt: skip
