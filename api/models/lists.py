"""What there is: scorers, recipes, models, corpora, views; and the files of a job."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from api.models.shape import Answer, PageToken


class MeasuredColumn(Answer):
    """A column with what its values mean."""

    name: str
    type: str = ""
    unit: str = ""
    meaning: str = ""
    low: float | None = Field(None, description="The least value there can be; null: no such bound.")
    high: float | None = Field(None, description="The largest value there can be; null: no such bound.")


class ScorerEntry(Answer):
    """A scorer."""

    name: str
    version: int
    measures: str = Field(description="In a sentence.")
    parameters: dict[str, Any] = Field(default={}, description="Names and defaults.")
    models: list[str] = Field(default=[], description="Models it reads with the defaults.")
    columns: list[MeasuredColumn] = Field(default=[], description="With the defaults.")


class Scorers(Answer):
    """Every scorer of the service."""

    items: list[ScorerEntry]


class RecipeEntry(Answer):
    """A preset."""

    name: str = Field(description="Give it as a job's `recipe`.")
    description: str
    rules: int = Field(description="How many rules it has.")
    dedup: list[str] = Field(description="Which duplicates it removes: exact, fuzzy.")
    digest: str = Field(description="32 hex digits over its canonical form.")


class Recipes(Answer):
    """The presets."""

    items: list[RecipeEntry]


class RecipeText(Answer):
    """A preset, to start one's own from."""

    name: str
    description: str
    digest: str = Field(description="32 hex digits over its canonical form.")
    yaml: str = Field(description="As it ships, with its comments.")
    recipe: dict[str, Any] = Field(description="The same as a tree, with every default.")
    rules: list[str] = Field(description="Each rule as a sentence.")


class ModelEntry(Answer):
    """A model that scorers read."""

    name: str
    kind: str = ""
    there: bool = Field(default=True, description="Whether its file is on this machine.")
    card: dict[str, Any] = Field(default={}, description="Digest, labels, data with licences, calibration, metrics.")


class Models(Answer):
    """Every model of the service."""

    items: list[ModelEntry]


class CorpusTable(Answer):
    """A committed table of a corpus."""

    corpus: str
    table: str = Field(description="Its kind.")
    key: str = Field(description="A hash of all that determines its content.")
    rows: int
    parts: int
    bytes: int


class Corpora(Answer):
    """Every table of every corpus of the workspace."""

    items: list[CorpusTable]


class View(Answer):
    """A view that SQL may name."""

    view: str
    meaning: str
    columns: list[MeasuredColumn]


class Schema(Answer):
    """What can be asked in SQL."""

    views: list[View]


class ArtifactEntry(Answer):
    """A file of a job's output. Rows and digests of the corpus' parts are in its `manifest.json`."""

    name: str = Field(description="Within the output folder; GET it under `artifacts/`.")
    bytes: int


class Artifacts(Answer):
    """The files of a job's output, by name."""

    items: list[ArtifactEntry]
    next_page_token: PageToken = None
