"""The service in figures: a row each, with its goal.

python -m benchmarks.service [one_key flood cancel events routes bombs sql preview memory start] [--million FOLDER]
    [--documents FOLDER] [--quick]     the folders keep their workspaces for another time: making them takes minutes
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.catalog_million import SHARDS
from benchmarks.measuring import machine
from benchmarks.service import answering, reading, resting, steering, submitting
from benchmarks.service.figures import Figure
from benchmarks.service.serving import Options
from pipeline.storage.store import Store
from tests.catalogs import Size, make_workspace

SECTIONS: dict[str, Callable[[Options], Iterator[Figure]]] = {
    "one_key": submitting.one_key,
    "flood": submitting.flood,
    "cancel": steering.cancel,
    "events": steering.events,
    "routes": reading.routes,
    "bombs": reading.bombs,
    "sql": answering.sql,
    "preview": answering.preview,
    "memory": resting.memory,
    "start": resting.start,
}
ON_MILLION = {"routes", "bombs", "sql", "memory", "start"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    parser.add_argument(
        "--million", type=Path, help="folder with a workspace of a million shard rows, made if it is not there"
    )
    parser.add_argument(
        "--documents", type=Path, help="folder with a job over a million documents, made if it is not there"
    )
    parser.add_argument("--quick", action="store_true", help="few repetitions, to see that all works")
    told = parser.parse_args()
    unknown = set(told.sections) - SECTIONS.keys()
    if unknown:
        parser.error(f"no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    chosen = told.sections or list(SECTIONS)
    with tempfile.TemporaryDirectory(prefix="winnow-service-") as made:
        options = Options(
            told.million or Path(made) / "million", told.documents or Path(made) / "documents", told.quick
        )
        if ON_MILLION & set(chosen):
            _make_million(Store(str(options.million / "ws")))
        print("| what | found | goal |\n|---|---|---|")
        for name in chosen:
            for figure in SECTIONS[name](options):
                print(figure.row(), flush=True)
            print(f"<!-- {name}: {machine()} -->", flush=True)


def _make_million(store: Store) -> None:
    size = Size(corpora=40, jobs=5, shards=SHARDS, columns=36)
    if not store.names("jobs"):
        make_workspace(store, size)


if __name__ == "__main__":
    main()
