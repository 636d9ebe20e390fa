"""Every figure of benchmarks/README.md, one after the other: make figures. The peers have a command of their own: make bench."""

from __future__ import annotations

import subprocess
import sys

MODULES = (
    ("benchmarks.scorers_speed",),
    ("benchmarks.kernels_dedup", "1"),
    ("benchmarks.neardup_recall",),
    ("benchmarks.clustering", "10"),
    ("benchmarks.line_dedup", "--tenfold"),
    ("benchmarks.substring_dedup", "--tenfold"),
    ("benchmarks.ngram_speed",),
    ("benchmarks.end_to_end", "--tenfold"),
    ("benchmarks.incremental",),
    ("benchmarks.decontamination", "speed"),
    ("benchmarks.decontamination", "planted"),
    ("benchmarks.decontamination_conformance",),
    ("benchmarks.sql_sandbox",),
    ("benchmarks.preview_speed",),
    ("benchmarks.service",),
)

if __name__ == "__main__":
    for module, *arguments in MODULES:
        print(f"\n## python -m {module} {' '.join(arguments)}", flush=True)
        subprocess.run([sys.executable, "-m", module, *arguments], check=True)
