"""winnow train perplexity: an n-gram model of the user's own text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli.options import Json, examples, say
from pipeline.errors import UsageError

Data = Annotated[list[str], typer.Argument(help="Parquet, JSONL or text files, globs or folders.", metavar="DATA...")]
Text = Annotated[str | None, typer.Option("--text", help="The column of text; found by its usual names otherwise.")]
Name = Annotated[str, typer.Option("--name", help="What scorers and recipes call the model.")]
Where = Annotated[str | None, typer.Option("--where", help="SQL predicate over a row's columns.")]
Order = Annotated[int, typer.Option("--order", min=2, max=6, help="Words in the longest n-grams.")]
Prune = Annotated[
    str, typer.Option("--prune", help="Leave out n-grams seen so often or less, by order, as lmplz: 0,0,1.")
]
Normalise = Annotated[str, typer.Option("--normalise", help="ccnet or none.")]
TokenRule = Annotated[str, typer.Option("--tokens", help="words or whitespace.")]
Packed = Annotated[bool, typer.Option("--packed", help="6 bytes an n-gram, with 8-bit values.")]
Harmful = Annotated[bool, typer.Option("--harmful", help="DATA is harmful text; propose a threshold.")]
Contrast = Annotated[list[str] | None, typer.Option("--contrast", help="Harmless text. May be repeated.")]
ContrastWhere = Annotated[str | None, typer.Option("--contrast-where", help="SQL predicate over its rows.")]
Language = Annotated[str, typer.Option("--language", help="The text's language code, for the card.")]
Arpa = Annotated[Path | None, typer.Option("--arpa", help="Write an ARPA file too.")]
Engine = Annotated[str, typer.Option("--engine", help="own, lmplz (must be on PATH), or auto.")]
MemoryMb = Annotated[int, typer.Option("--memory-mb", min=16, help="For sorting.")]
Fallback = Annotated[
    bool, typer.Option("--discount-fallback", help="Fixed discounts where text is too little to estimate them.")
]
Licence = Annotated[str, typer.Option("--licence", help="Under which licence the model may be used, for its card.")]


def register(train: typer.Typer) -> None:
    """Add the command to the group."""
    train.command(epilog=examples(
        "winnow train perplexity corpus/ --name my-en --where \"lang = 'en'\" --prune 0,0,1",
        "winnow train perplexity harmful.parquet --name my-harmful --harmful --contrast corpus/",
    ))(perplexity)  # fmt: skip


def perplexity(
    data: Data,
    name: Name,
    text: Text = None,
    where: Where = None,
    order: Order = 5,
    prune: Prune = "",
    normalise: Normalise = "ccnet",
    tokens: TokenRule = "words",
    packed: Packed = False,
    harmful: Harmful = False,
    contrast: Contrast = None,
    contrast_where: ContrastWhere = None,
    language: Language = "",
    licence: Licence = "unstated",
    arpa: Arpa = None,
    engine: Engine = "auto",
    memory: MemoryMb = 1000,
    discount_fallback: Fallback = False,
    as_json: Json = False,
) -> None:
    """Train an n-gram model (modified Kneser-Ney, as lmplz) and add it under a name."""
    from pipeline.cli.jobs import one_of
    from pipeline.train.ngram import Plan
    from pipeline.train.perplexity import Wish
    from pipeline.train.perplexity import train as run
    from pipeline.train.plain import plain_text
    from scorers.models.ngram_model import settings_from

    one_of("--normalise", normalise, ("ccnet", "none"))
    one_of("--tokens", tokens, ("words", "whitespace"))
    one_of("--engine", engine, ("auto", "own", "lmplz"))
    if harmful != bool(contrast):
        raise UsageError(
            "--harmful and --contrast DATA go together: a threshold needs harmless text beside the harmful"
        )
    settings = settings_from({"normalisation": normalise, "tokens": tokens})
    plan = Plan(
        order, _thresholds(prune), settings, memory * 1_000_000, packed, discount_fallback, engine,  # type: ignore[arg-type]
    )  # fmt: skip
    beside = plain_text(contrast, text, contrast_where) if contrast else None
    found, trained = run(plain_text(data, text, where), Wish(name, plan, licence, beside, language), arpa)
    told: dict[str, Any] = {
        "name": name, "path": str(found.path), "sha256": found.sha256, "size_bytes": found.card.size_bytes,
        "tokens": trained.tokens, "ngrams": list(trained.header.counts), "engine": trained.engine,
        "calibration": found.card.calibration, "metrics": found.card.metrics, "limits": list(found.card.limits),
    }  # fmt: skip
    say(told if as_json else _sentence(told), as_json)


def _thresholds(written: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in written.split(",") if part.strip())
    except ValueError:
        raise UsageError(f"--prune {written!r}: expected whole numbers by order, such as 0,0,1") from None


def _sentence(told: dict[str, Any]) -> str:
    lines = [
        f"{told['name']}: {told['tokens']:,} tokens, n-grams by order {', '.join(f'{n:,}' for n in told['ngrams'])}; "
        f"{told['size_bytes'] / 1e6:.1f} MB at {told['path']}",
        "perplexity of held-out documents by percentile: "
        + ", ".join(f"p{p} {v:,.0f}" for p, v in told["calibration"]["perplexity_percentiles"].items()),
    ]
    if "suspect_below_perplexity" in told["calibration"]:
        suspects = told["metrics"]["suspects"]
        lines.append(
            f"suspect below perplexity {told['calibration']['suspect_below_perplexity']:,.1f}: precision "
            f"{suspects['precision']:.2f}, recall {suspects['recall']:.2f} on held-out text"
        )
    return "\n".join([*lines, *told["limits"], f"use it: score: [{{perplexity: {{model: {told['name']}}}}}]"])
