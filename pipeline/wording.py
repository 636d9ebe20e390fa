"""Numbers and text as people read them, the same on the report, the card and the terminal."""

from __future__ import annotations

SIZE_STEPS = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


def count(n: float) -> str:
    """12345 -> '12,345'."""
    return f"{n:,.0f}"


def many(n: int, what: str) -> str:
    """1, 'document' -> '1 document'; 2 -> '2 documents'."""
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def short_count(n: float) -> str:
    """12345 -> '12k', for axes."""
    for step, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(n) >= step:
            return f"{n / step:.3g}{letter}"
    return f"{n:.3g}"


def share(part: float, whole: float) -> str:
    """A percentage; small ones keep a digit, and only a true zero reads 0 %."""
    if whole <= 0 or part == 0:
        return "0 %"
    percent = 100 * part / whole
    if percent < 0.01:
        return "< 0.01 %"
    if 99.95 <= percent < 100:
        return "> 99.9 %"
    return f"{percent:.2f} %" if percent < 1 else f"{percent:.1f} %" if percent < 100 else "100 %"


def size(size_bytes: float) -> str:
    """1234567 -> '1.2 MB' (decimal, as disks and bills count)."""
    for step, unit in SIZE_STEPS:
        if size_bytes >= step:
            return f"{size_bytes / step:,.1f} {unit}"
    return f"{size_bytes:,.0f} B"


def duration(seconds: float) -> str:
    """3725 -> '1 h 2 min'."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes = int(seconds // 60)
    return f"{minutes} min {int(seconds % 60)} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def measure(value: float) -> str:
    """A measured value or a bound: 50, 0.1, 100,000."""
    if float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:.4g}"


def measure_beside(value: float, limit: float) -> str:
    """The same with as many digits as it takes to see on which side of a limit it lies: 0.50003 beside 0.5."""
    told = (measure(value), *(f"{value:.{digits}g}" for digits in range(5, 17)))
    return next((t for t in told if _side(float(t.replace(",", "")), limit) == _side(value, limit)), repr(value))


def _side(value: float, limit: float) -> int:
    return (value > limit) - (value < limit)


def printable(text: str) -> str:
    """Without control characters: corpora hold terminal sequences, too. Line ends and tabs stay."""
    return "".join(c if c in "\n\t" or c.isprintable() else "\ufffd" for c in text)
