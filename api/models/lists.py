"""What there is: scorers, recipes, models, corpora, views; and the files of a job."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from api.models.shape import Answer, OpenAnswer, PageToken, example

COLUMN = {
    "name": "gopher.word_count",
    "type": "int32",
    "unit": "words",
    "meaning": "words of the document",
    "low": 0,
    "high": None,
}
SCORER = {
    "scorer": "gopher", "version": 1, "measures": "Gopher's quality measures", "parameters": {"definition": "paper"}, "models": [],
    "columns": [COLUMN],
}  # fmt: skip
RECIPE = {
    "recipe": "minimal", "description": "Very short documents, exact and near copies; any language.", "rules": 1,
    "dedup": ["exact", "fuzzy"], "digest": "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
}  # fmt: skip
RECIPE_TEXT = {
    "name": "minimal", "description": RECIPE["description"], "digest": RECIPE["digest"], "yaml": "version: 1\nname: minimal\n",
    "recipe": {"version": 1, "name": "minimal"}, "rules": ["long_enough: gopher.word_count is at least 5"],
}  # fmt: skip
MODEL = {
    "model": "quality-en", "origin": "built in", "here": True, "name": "quality-en", "kind": "classifier", "licence": "Apache-2.0",
    "about": "How much an English document reads like edited prose.", "labels": ["good", "bad"],
}  # fmt: skip
CORPUS = {
    "corpus": "crawl",
    "tables": [
        {
            "kind": "text",
            "key": "4f1c2a90d3e7b658",
            "rows": 33960,
            "parts": 16,
            "bytes": 1203456,
            "counts": {"documents": 33960},
        }
    ],
}
VIEW = {"view": "documents", "meaning": "every row of the input", "columns": [COLUMN]}


class MeasuredColumn(OpenAnswer):
    """A column with what its values mean."""

    name: str
    type: str = ""
    unit: str | None = None
    meaning: str | None = None


class ScorerEntry(OpenAnswer):
    """A scorer."""

    scorer: str
    version: int
    measures: str = Field(description="In a sentence.")
    parameters: dict[str, Any] = Field(default={}, description="Names and defaults.")
    models: list[str] = Field(default=[], description="Models it reads with the defaults.")
    columns: list[MeasuredColumn] = Field(
        default=[], description="With the defaults; low and high: what values there can be."
    )


class Scorers(OpenAnswer):
    """Every scorer of the service."""

    items: list[ScorerEntry]

    model_config = example({"items": [SCORER]})


class RecipeEntry(OpenAnswer):
    """A preset."""

    recipe: str = Field(description="Its name: a job's `recipe`.")
    description: str
    rules: int = Field(description="How many rules it has.")
    dedup: list[str] = Field(description="Which duplicates it removes: exact, fuzzy.")
    digest: str = Field(description="32 hex digits over its canonical form.")


class Recipes(OpenAnswer):
    """The presets."""

    items: list[RecipeEntry]

    model_config = example({"items": [RECIPE]})


class RecipeText(OpenAnswer):
    """A preset, to start one's own from."""

    name: str
    description: str
    digest: str = Field(description="32 hex digits over its canonical form.")
    yaml: str = Field(description="As it ships, with its comments.")
    recipe: dict[str, Any] = Field(description="The same as a tree, with every default.")
    rules: list[str] = Field(description="Each rule as a sentence.")

    model_config = example(RECIPE_TEXT)


class ModelEntry(OpenAnswer):
    """A model that scorers read, with its card."""

    model: str
    origin: str = Field(description="Whence its file comes.")
    here: bool = Field(description="Whether its file is on this machine.")


class Models(OpenAnswer):
    """Every model that a scorer can name."""

    items: list[ModelEntry]

    model_config = example({"items": [MODEL]})


class CorpusTable(OpenAnswer):
    """A committed table of a corpus."""

    kind: str
    key: str = Field(description="A hash of all that determines its content.")
    rows: int
    parts: int
    bytes: int
    counts: dict[str, int] = Field(default={}, description="Its rows by what became of them.")


class CorpusEntry(OpenAnswer):
    """A corpus."""

    corpus: str
    tables: list[CorpusTable]


class Corpora(OpenAnswer):
    """The corpora of the workspace, with their tables."""

    items: list[CorpusEntry]

    model_config = example({"items": [CORPUS]})


class View(OpenAnswer):
    """A view that SQL may name."""

    view: str
    meaning: str
    columns: list[MeasuredColumn]


class Schema(OpenAnswer):
    """What can be asked in SQL."""

    job: str | None = Field(None, description="Whose scorers' columns are among those of `documents`; null: no job's.")
    views: list[View]

    model_config = example({"job": None, "views": [VIEW]})


class ArtifactEntry(Answer):
    """A file of a job's output. Rows and digests of the corpus' parts are in its `manifest.json`."""

    name: str = Field(description="Within the output folder; GET it under `artifacts/`.")
    bytes: int


class Artifacts(Answer):
    """The files of a job's output, by name."""

    items: list[ArtifactEntry]
    next_page_token: PageToken = None

    model_config = example({"items": [{"name": "manifest.json", "bytes": 2048}], "next_page_token": None})
