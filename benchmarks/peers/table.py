"""The rows as Markdown, one table a task, fastest first; what could not be run stands below with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.peers.comparing import Row
from benchmarks.peers.peer import FROM_FILES, TASKS, Task

Quality = dict[str, Any]
REAL = "real text: found; with a kept copy; lost"


def share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else "–"


def columns(task: Task, row: Row) -> dict[str, str]:
    """What a task's table says of quality: heading to cell."""
    q: Quality = row.quality
    if task == "signatures":
        return {"error of the estimated Jaccard (RMS)": f"{q['rmse']:.3f}" if q else "–"}
    if task == "language":
        return {"right": share(q["right"], q["documents"]) if q else "–"}
    if task == "rules":
        return {}
    told = {
        "similar pairs found": share(q["found"], q["pairs"]),
        "removed": f"{q['removed']:,}",
        "of them with a kept copy": share(q["right"], q["removed"]),
        "lost": str(q["lost"]),
    }
    if task == "exact":
        return {"removed": told["removed"], "of them with a kept copy": told["of them with a kept copy"]}
    if "reason" in row.real:
        told[REAL] = row.real["reason"]
    elif row.real:
        r = row.real
        told[REAL] = f"{share(r['found'], r['pairs'])}; {share(r['right'], r['removed'])}; {r['lost']}"
    return told


def markdown(rows: Sequence[Row]) -> str:
    """Every task with its table."""
    return "\n\n".join(
        _task(task, [r for r in rows if r.task == task]) for task in TASKS if any(r.task == task for r in rows)
    )


def _task(task: Task, rows: Sequence[Row]) -> str:
    ran = sorted((r for r in rows if not r.reason), key=lambda r: -r.mb_per_s)
    lines = [f"### {TASKS[task]}", ""]
    if ran:
        quality = [columns(task, r) for r in ran]
        heads = list(dict.fromkeys(h for q in quality for h in q))
        process = "peak MB" if task in FROM_FILES else "peak MB ¹"
        lines += [_line(["", "MB/s", "CPU s", "of MB", process, *heads, "how"]), _line(["---"] * (6 + len(heads)))]
        for row, said in zip(ran, quality, strict=True):
            name = f"{row.peer} {row.version}".strip()
            figures = [_figure(row.mb_per_s), f"{row.cpu_s:.2f}", f"{row.text_mb:.1f}", f"{row.peak_mb:,.0f}"]
            lines.append(
                _line(
                    [f"**{name}**" if not row.version else name, *figures, *(said.get(h, "–") for h in heads), row.how]
                )
            )
    left: dict[str, list[str]] = {}
    for row in (r for r in rows if r.reason):
        left.setdefault(row.reason, []).append(f"{row.peer} {row.version}".strip())
    if left:
        told = "; ".join(f"{', '.join(names)}: {reason}" for reason, names in left.items())
        lines += ["", f"Not run: {told}."]
    return "\n".join(lines)


def _figure(value: float) -> str:
    return f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
