"""The table of verbs: what a clerk can be asked, and the function that answers.

A verb's arguments are its function's keyword parameters: names and types are checked here, for all of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from pydantic import ConfigDict, ValidationError, validate_call

from pipeline.clerk.answers import about_job, compare, documents, lists, numbers, preview, recipes
from pipeline.clerk.desk import Desk
from pipeline.errors import Place, UsageError, did_you_mean, pointer

VERBS: dict[str, Callable[..., Any]] = {
    "check_recipe": recipes.check_recipe,
    "plan": recipes.plan,
    "preview": preview.preview,
    "explain": documents.explain,
    "samples": documents.samples,
    "clusters": documents.clusters,
    "cluster": documents.cluster,
    "histogram": numbers.histogram,
    "funnel": numbers.funnel,
    "recipe": recipes.recipe,
    "recipes": recipes.recipes,
    "compare": compare.compare,
    "report": about_job.report,
    "schema": about_job.schema,
    "scorers": lists.scorers,
    "models": lists.list_models,
    "corpora": lists.corpora,
}


def answer(desk: Desk, verb: str, arguments: Mapping[str, Any]) -> Any:
    """What a verb says. UsageError for a verb or arguments that there are not, or of another type."""
    if verb not in VERBS:
        raise UsageError(f"no verb {verb!r}; there are {', '.join(VERBS)}.{did_you_mean(verb, VERBS)}")
    try:
        json.dumps(arguments, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise UsageError(
            f"the arguments of {verb!r} are not Unicode text (half a surrogate pair); send UTF-8"
        ) from None
    try:
        return _checked(verb)(desk, **arguments)
    except ValidationError as error:
        places = [Place(pointer(*e["loc"]), e["msg"], e["type"]) for e in error.errors(include_url=False)]
        raise UsageError("; ".join(f"{p.pointer}: {p.detail}" for p in places), places) from None


@cache
def _checked(verb: str) -> Callable[..., Any]:
    made: Callable[..., Any] = validate_call(config=ConfigDict(arbitrary_types_allowed=True, strict=True))(VERBS[verb])
    return made
