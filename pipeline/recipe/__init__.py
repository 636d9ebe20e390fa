"""The recipe: the whole declarative description of one output dataset. One strict tree; says nothing about machines."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from pipeline.decontamination.decontaminate import with_decontamination
from pipeline.dedup.documents.presets import with_preset
from pipeline.recipe.decontaminate import Decontaminate
from pipeline.recipe.dedup import Dedup
from pipeline.recipe.rules import Bucket, Rule
from pipeline.recipe.tree import Strict, parse_size
from pipeline.sources.folders import WILD

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
VARIANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}")


class Budget(Strict):
    """How much input may be unreadable before the job stops with exit code 3."""

    max_row_frac: Annotated[float, Field(ge=0, le=1)] = 0.01
    max_file_frac: Annotated[float, Field(ge=0, le=1)] = 0.01


class Input(Strict):
    """Where the documents are. `text` and `id` name columns; null finds the usual ones."""

    paths: tuple[str, ...] = ()
    format: Literal["auto", "parquet", "jsonl", "text"] = "auto"
    text: str | None = None
    id: str | None = None
    max_doc_bytes: Annotated[int, Field(gt=0)] = 100_000_000
    quarantine: Budget = Budget()

    _sizes = field_validator("max_doc_bytes", mode="before")(parse_size)

    @field_validator("paths")
    @classmethod
    def _one_name(cls, paths: tuple[str, ...]) -> tuple[str, ...]:
        """A shell completes `crawl` to `crawl/`: that makes no other recipe, whose output would be another's."""
        keep = [not p.strip("/") or "://" in p or WILD.search(p) for p in paths]  # in URLs and globs it has a meaning
        return tuple(p if kept else p.rstrip("/") for p, kept in zip(paths, keep, strict=True))


FINEWEB_2 = {1: 1, 2: 2, 3: 3, 5: 5, 100: 8, 1000: 1}
"""FineWeb-2's rehydration, README.md: copies of a kept document by the size of its duplicate cluster, from that size on."""


class Mix(Strict):
    """How often a kept document goes in. rehydrate: copies by cluster size, each from that size on up to the next."""

    rehydrate: Literal["fineweb2"] | dict[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1, le=1000)]] | None = (
        None
    )

    @property
    def copies(self) -> dict[int, int]:
        """Copies by the least cluster size they hold from; sizes below the first go in once."""
        return dict(FINEWEB_2) if self.rehydrate == "fineweb2" else dict(self.rehydrate or {})


ZSTD_LEVEL = 3
"""Level 1 writes 1.6 times as fast, and files that are 16 % larger: keeping them for a day costs more than that saves."""


class Export(Strict):
    """How the curated corpus is written."""

    shard_bytes: Annotated[int, Field(gt=0)] = 256_000_000
    zstd_level: Annotated[int, Field(ge=1, le=22)] = ZSTD_LEVEL
    edits: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    _sizes = field_validator("shard_bytes", mode="before")(parse_size)

    def told(self, *left_out: str) -> dict[str, Any]:
        """What determines what is written, for its key. The usual level is not told: files keep their names that had no other."""
        told = self.model_dump(mode="json", exclude=set(left_out))
        return {k: v for k, v in told.items() if (k, v) != ("zstd_level", ZSTD_LEVEL)}


class Recipe(Strict):
    """One output dataset. sweep: variants of it, each a few changed values by path (`rules.long_enough.min: 100`), for
    `winnow run --sweep`."""

    version: Literal[1] = 1
    name: str
    description: str = ""
    input: Input = Input()
    score: tuple[str | dict[str, dict[str, Any] | None], ...] = ()
    buckets: dict[str, Bucket] = {}
    rules: dict[str, Rule] = {}
    decontaminate: Decontaminate | None = None
    dedup: Dedup | None = None
    mix: Mix = Mix()
    export: Export = Export()
    sweep: dict[str, dict[str, Any]] = {}

    @model_validator(mode="before")
    @classmethod
    def _written_out(cls, tree: Any) -> Any:
        return with_decontamination(with_preset(tree))

    @field_validator("name")
    @classmethod
    def _plain_name(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", value):
            raise ValueError(
                f"{value!r}: a name is 1 to 100 letters, digits, '.', '_' or '-', starting with one of the first two"
            )
        return value

    @field_validator("sweep")
    @classmethod
    def _variants(cls, value: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        for name, changes in value.items():
            if not VARIANT.fullmatch(name):
                raise ValueError(f"variant {name!r}: letters, digits, '.', '_' and '-' only, because it names a folder")
            if not changes:
                raise ValueError(f"variant {name!r} changes nothing; write a.b: value, as in --set a.b=value")
        return value

    @field_validator("rules", "buckets")
    @classmethod
    def _sql_names(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name in value:
            if not NAME.fullmatch(name):
                raise ValueError(f"name {name!r}: letters, digits and '_' only, so that SQL can name it")
        return value

    def canonical(self) -> str:
        """The recipe as canonical JSON: equal recipes, equal text. Fields come in the model's order and rules in the
        recipe's, because the first failed rule is a document's reason."""
        return json.dumps(self.model_dump(mode="json", by_alias=True, exclude={"sweep"}), ensure_ascii=False)

    def digest(self) -> str:
        """32 hex digits over the canonical form."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()[:32]
