"""Croissant 1.1 metadata of an export: http://mlcommons.org/croissant/1.1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from pipeline.recipe import Recipe
from pipeline.storage.manifest import Manifest

CONFORMS_TO = "http://mlcommons.org/croissant/1.1"
PARQUET = "application/x-parquet"
"""The name Croissant readers know; the registered application/vnd.apache.parquet is read by none of them."""
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "dct": "http://purl.org/dc/terms/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{
        term: f"cr:{term}"
        for term in (
            *("citeAs", "column", "equivalentProperty", "extract", "field", "fileObject", "fileProperty", "fileSet"),
            *("format", "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet"),
            *(
                "references",
                "regex",
                "repeated",
                "replace",
                "samplingRate",
                "separator",
                "source",
                "subField",
                "transform",
            ),
        )
    },
}
"""The specification's own, term by term: readers warn of any other."""


def croissant(
    recipe: Recipe, made: Manifest, schema: pa.Schema, licenses: Sequence[tuple[str, int]], version: str
) -> dict[str, Any]:
    """The export's files with their digests, and its columns. Nested columns are left to the Parquet schema."""
    parts = [p for p in made.parts if p.path.startswith("data/")]
    files = [
        {
            "@type": "cr:FileObject", "@id": p.path, "name": p.path, "contentUrl": p.path, "sha256": p.sha256,
            "contentSize": f"{p.bytes} B", "encodingFormat": PARQUET,
        }
        for p in parts
    ]  # fmt: skip
    every = {
        "@type": "cr:FileSet", "@id": "data", "name": "data", "containedIn": [{"@id": p.path} for p in parts],
        "encodingFormat": PARQUET, "includes": "data/*.parquet",
    }  # fmt: skip
    fields = [_field(f) for f in schema if _data_type(f.type)]
    documents = {"@type": "cr:RecordSet", "@id": "documents", "name": "documents", "field": fields}
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": recipe.name,
        "description": recipe.description or "A curated text corpus.",
        "license": [name for name, _ in licenses if name] or "unknown",
        "version": f"0.0.0+{made.key}",
        "keywords": ["pretraining", "text", "winnow"],
        "isLiveDataset": False,
        "sdVersion": version,
        "distribution": [*files, *([every] if parts else [])],
        "recordSet": [documents] if parts else [],
    }


def _field(field: pa.Field) -> dict[str, Any]:
    name = f"documents/{field.name}"
    source = {"fileSet": {"@id": "data"}, "extract": {"column": field.name}}
    return {"@type": "cr:Field", "@id": name, "name": name, "dataType": _data_type(field.type), "source": source}


def _data_type(type_: pa.DataType) -> str | None:
    if pa.types.is_string(type_) or pa.types.is_large_string(type_):
        return "sc:Text"
    if pa.types.is_boolean(type_):
        return "sc:Boolean"
    if pa.types.is_integer(type_):
        return "sc:Integer"
    return "sc:Float" if pa.types.is_floating(type_) else None
