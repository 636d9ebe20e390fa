"""What a scorer is, and how one is found.

A scorer is one file in this folder (or a user's own file, or an installed package's entry point): a frozen dataclass
whose fields are its parameters, named by ``SCORER`` in its module. It measures each document alone and never drops,
reorders or edits anything; thresholds are for rules.
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import importlib
import importlib.metadata
import importlib.util
import json
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import TypeAdapter, ValidationError

from scorers import models
from scorers.text import TextBatch

ENTRY_POINT_GROUP = "winnow.scorers"
NOT_SCORERS = frozenset({"__init__", "base", "text", "words", "spans", "line_bounds"})

Values = Mapping[str, pa.Array | npt.NDArray[Any]]
"""A column's values by its name, each of D entries (an array of shape [D], or [D, k] for a fixed-size list)."""


class ScorerError(ValueError):
    """A scorer is unknown, was given wrong parameters, or broke its own declaration."""


@dataclass(frozen=True, slots=True)
class Column:
    """One measured column. low and high bound what can ever come out (None: no bound), so that a plan can see a rule
    that can never fire; unit is a word such as 'words', 'fraction' or 'bytes'."""

    name: str
    type: pa.DataType
    unit: str
    meaning: str
    low: float | None = None
    high: float | None = None


def count(name: str, unit: str, meaning: str) -> Column:
    """A non-negative whole number."""
    return Column(name, pa.int64(), unit, meaning, low=0)


def fraction(name: str, meaning: str, high: float | None = 1.0) -> Column:
    """A share between 0 and `high` (None where a published definition can exceed 1)."""
    return Column(name, pa.float64(), "fraction", meaning, low=0.0, high=high)


def share(part: npt.NDArray[np.int64], whole: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """The values of a fraction: part / whole, 0 where whole is 0."""
    return np.where(whole == 0, 0.0, part / np.maximum(whole, 1))


@runtime_checkable
class Scorer(Protocol):
    """A named, versioned, pure measurement of one document alone."""

    name: ClassVar[str]
    version: ClassVar[int]

    def columns(self) -> tuple[Column, ...]:
        """What `score` returns, in order."""
        ...

    def score(self, batch: TextBatch) -> Values:
        """Measure every document. Never NaN: what cannot be measured is null."""
        ...


def parameters(scorer: Scorer) -> dict[str, Any]:
    """The scorer's parameters by name, defaults included."""
    if not dataclasses.is_dataclass(scorer) or isinstance(scorer, type):
        raise ScorerError(f"scorer {scorer.name!r} must be a frozen dataclass whose fields are its parameters")
    return {f.name: getattr(scorer, f.name) for f in dataclasses.fields(scorer) if not f.name.startswith("_")}


def reads_url(scorer: Scorer) -> bool:
    """Whether a scorer looks at `TextBatch.urls` too: its class says `reads_url: ClassVar[bool] = True`."""
    return bool(getattr(scorer, "reads_url", False))


def models_of(scorer: Scorer) -> tuple[str, ...]:
    """Names of the models a scorer reads: what its optional method `models()` says."""
    said = getattr(scorer, "models", None)
    return tuple(said()) if callable(said) else ()


def fingerprint(scorer: Scorer) -> str:
    """32 hex digits over name, version, parameters and the models it reads: their digests, and what their cards say of
    how text goes in and scores come out."""
    elsewhere = getattr(scorer, "told_by_models", ())  # parameters that name files: their content is what counts
    # parameters that came later, with the value that stands for what was before: notes from then are still found
    younger = getattr(scorer, "younger", {})
    given = {
        k: v for k, v in parameters(scorer).items() if k not in elsewhere and not (k in younger and v == younger[k])
    }
    told: dict[str, Any] = {"name": scorer.name, "version": scorer.version, "parameters": given}
    if used := models_of(scorer):
        cards = [models.known(name).card for name in used]
        told["models"] = [(c.sha256, c.settings, c.calibration) for c in cards]
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()[:32]


def struct_type(scorer: Scorer) -> pa.StructType:
    """The Arrow type of the scorer's column in the notes; field metadata carries unit and meaning."""
    return pa.struct(
        [pa.field(c.name, c.type, metadata={"unit": c.unit, "meaning": c.meaning}) for c in scorer.columns()]
    )


def as_struct(scorer: Scorer, values: Values, rows: int) -> pa.StructArray:
    """Check what a scorer returned against what it declared, and make one struct column of it."""
    declared = struct_type(scorer)
    names = {f.name for f in declared}
    if set(values) != names:
        raise ScorerError(f"scorer {scorer.name!r} returned columns {sorted(values)}, declared {sorted(names)}")
    arrays = [_as_array(scorer, f, values[f.name], rows) for f in declared]
    return pa.StructArray.from_arrays(arrays, fields=list(declared))


def _as_array(scorer: Scorer, declared: pa.Field, value: pa.Array | npt.NDArray[Any], rows: int) -> pa.Array:
    if isinstance(value, np.ndarray) and value.ndim == 2 and pa.types.is_fixed_size_binary(declared.type):
        flat = np.ascontiguousarray(value).view(np.uint8).reshape(-1)
        value = pa.Array.from_buffers(declared.type, len(value), [None, pa.py_buffer(flat)])
    elif isinstance(value, np.ndarray):
        value = pa.array(value)
    if len(value) != rows:
        raise ScorerError(f"scorer {scorer.name!r}, column {declared.name!r}: {len(value)} values for {rows} documents")
    if value.type != declared.type:
        value = value.cast(declared.type)
    if pa.types.is_floating(value.type) and pc.any(pc.is_nan(value)).as_py():
        # DuckDB orders NaN above every number, so that a broken score would pass a minimum
        raise ScorerError(f"scorer {scorer.name!r}, column {declared.name!r}: NaN; what cannot be measured is null")
    return value


def available() -> dict[str, str]:
    """Every scorer that can be named, with where it comes from: 'scorers.<name>' or an entry point's target."""
    theirs = {e.name: e.value for e in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)}
    return {**theirs, **_here()}


def _here() -> dict[str, str]:
    files = sorted(Path(__file__).parent.glob("*.py"))
    return {p.stem: f"scorers.{p.stem}" for p in files if p.stem not in NOT_SCORERS}


def scorer_class(name: str) -> type[Scorer]:
    """The class behind a scorer's name, or behind the path of a Python file that holds one (``*.py``)."""
    if name.endswith(".py"):
        return _from_file(Path(name))
    known = _here()
    if name not in known:  # asking every installed package what it brings takes 5 ms
        known = available()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ScorerError(f"no scorer {name!r}; there are {', '.join(sorted(known))}.{hint}")
    module_name, _, attribute = known[name].partition(":")
    found: type[Scorer] = getattr(importlib.import_module(module_name), attribute or "SCORER")
    return found


def _from_file(path: Path) -> type[Scorer]:
    if not path.is_file():
        raise ScorerError(f"scorer file {str(path)!r} does not exist (looked in {Path.cwd()})")
    spec = importlib.util.spec_from_file_location(f"winnow_user_scorer_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ScorerError(f"scorer file {str(path)!r} is not importable Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their own module up
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise ScorerError(f"scorer file {path}:{error.lineno}: {error.msg}") from error
    except Exception as error:
        line = next(
            (f.lineno for f in reversed(traceback.extract_tb(error.__traceback__)) if f.filename == str(path)), 0
        )
        raise ScorerError(f"scorer file {path}:{line}: {type(error).__name__}: {error}") from error
    if not hasattr(module, "SCORER"):
        raise ScorerError(f"scorer file {str(path)!r} defines no SCORER = YourClass at its end")
    found: type[Scorer] = module.SCORER
    return found


def build(name: str, given: Mapping[str, Any] | None = None) -> Scorer:
    """A scorer by name and parameters; wrong or unknown parameters say which and what there is."""
    cls = scorer_class(name)
    known = [f.name for f in dataclasses.fields(cls) if not f.name.startswith("_")]  # type: ignore[arg-type]
    for key in given or {}:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise ScorerError(f"scorer {name!r} has no parameter {key!r}; it has {known or 'none'}.{hint}")
    try:
        built: Scorer = TypeAdapter(cls).validate_python(dict(given or {}))
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise ScorerError(f"scorer {name!r}: {said}") from error
    return built
