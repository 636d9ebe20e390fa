"""Draws the funnel of a workspace's latest job as a picture of its own: python tools/draw_funnel.py WORKSPACE FILE.svg"""

from __future__ import annotations

import sys
from pathlib import Path

from pipeline.catalog.chosen import choose_job
from pipeline.catalog.views import open_catalog
from pipeline.report.charts import funnel_svg
from pipeline.report.page import recipe_of
from pipeline.report.svg import standalone
from pipeline.storage.store import Store
from pipeline.totals.funnel import condensed, funnel

SMALL_FRAC = 0.02


def main(workspace: str, file: str) -> None:
    store = Store(workspace)
    job = choose_job(store)
    rows = funnel(open_catalog(store, job.id), recipe_of(store, job))
    Path(file).write_text(standalone(funnel_svg(condensed(rows, SMALL_FRAC))), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
