"""winnow scorers, recipes, corpora: what there is."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from pipeline.cli.options import DEFAULT_WORKSPACE, Json, Workspace, examples, say


def register(app: typer.Typer) -> None:
    """Add these commands to the app."""
    app.command(epilog=examples("winnow scorers", "winnow scorers gopher"))(scorers)
    app.command(epilog=examples("winnow recipes", "winnow recipes fineweb > mine.yaml"))(recipes)
    app.command(epilog=examples("winnow corpora"))(corpora)


def scorers(
    name: Annotated[str | None, typer.Argument(help="Show one: its parameters and columns.")] = None,
    as_json: Json = False,
) -> None:
    """List scorers, or show one: parameters, columns, units, meanings."""
    from pipeline.cli.show import table
    from pipeline.errors import UsageError
    from scorers import base

    if name is None:
        rows: list[dict[str, Any]] = []
        for known in base.available():
            cls = base.scorer_class(known)
            rows.append({"scorer": known, "version": cls.version, "measures": _first_sentence(cls)})
        say(rows, True) if as_json else table(rows)
        return
    try:
        scorer = base.build(name)
    except base.ScorerError as error:
        raise UsageError(str(error)) from None
    columns = [
        {"column": f"{name}.{c.name}", "type": str(c.type), "unit": c.unit, "meaning": c.meaning}
        for c in scorer.columns()
    ]
    parameters = base.parameters(scorer)
    if as_json:
        say({"scorer": name, "version": scorer.version, "parameters": parameters, "columns": columns}, True)
        return
    typer.echo(f"{name} (version {scorer.version}): {_first_sentence(type(scorer))}")
    typer.echo("parameters: " + (", ".join(f"{k}={v!r}" for k, v in parameters.items()) or "none"))
    table(columns)


def _first_sentence(cls: type) -> str:
    text = " ".join((cls.__doc__ or "").split())
    return text.split(". ")[0].rstrip(".")


def recipes(name: Annotated[str | None, typer.Argument(help="Print one.")] = None, as_json: Json = False) -> None:
    """List the presets, or print one to start your own from."""
    from pipeline.cli.show import table
    from pipeline.errors import UsageError, did_you_mean
    from pipeline.recipe_file import load_recipe, presets

    known = presets()
    if name is not None:
        if name not in known:
            raise UsageError(f"no preset {name!r}; there are {', '.join(known)}.{did_you_mean(name, known)}")
        typer.echo(known[name].read_text(encoding="utf-8"), nl=False)
        return
    rows = []
    for preset in known:
        recipe = load_recipe(preset)
        dedup = " + ".join(recipe.dedup.kinds) if recipe.dedup else "none"
        rows.append({"recipe": preset, "rules": len(recipe.rules), "dedup": dedup, "description": recipe.description})
    say(rows, True) if as_json else table(rows)


def corpora(workspace: Workspace = DEFAULT_WORKSPACE, as_json: Json = False) -> None:
    """List the corpora of a workspace and their tables."""
    from pipeline.cli.show import table
    from pipeline.errors import UsageError
    from pipeline.storage import manifest
    from pipeline.storage.store import Store

    store = Store(workspace)
    if not store.names("corpora"):
        raise UsageError(f"workspace {store.root}: no corpora there. Run something first: winnow demo")
    rows = []
    for corpus in store.names("corpora"):
        for kind in store.names(f"corpora/{corpus}"):
            for made in manifest.tables(store, corpus, kind):
                rows.append(
                    {
                        "corpus": corpus,
                        "table": kind,
                        "key": made.key,
                        "rows": made.rows,
                        "parts": len(made.parts),
                        "bytes": made.bytes,
                    }
                )
    say(rows, True) if as_json else table(rows)
