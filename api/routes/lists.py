"""What there is: scorers, recipes, models, corpora."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path

from api.access.roles import GuardedRoute, needs
from api.models.lists import Corpora, Models, Recipes, RecipeText, Scorers
from api.models.shape import NAME
from api.routes.documented import OF_CLERKS, errors
from api.routes.given import Asking, Served, ask_clerk

router = APIRouter(prefix="/v1", tags=["lists"], route_class=GuardedRoute, dependencies=[needs("viewer")])


@router.get(
    "/scorers", operation_id="list_scorers", summary="Scorers", response_model=Scorers, responses=errors(*OF_CLERKS)
)
async def list_scorers(service: Served, caller: Asking) -> Any:
    """Every scorer: what it measures, its parameters and columns with type, unit and meaning."""
    return await ask_clerk(service, caller, "scorers")


@router.get(
    "/recipes", operation_id="list_recipes", summary="Presets", response_model=Recipes, responses=errors(*OF_CLERKS)
)
async def list_recipes(service: Served, caller: Asking) -> Any:
    """The recipes that ship: a job's `recipe` can be one of these names."""
    return await ask_clerk(service, caller, "recipes")


@router.get(
    "/recipes/{name}", operation_id="get_recipe", summary="One preset", response_model=RecipeText,
    responses=errors(*OF_CLERKS, "not_found"),
)  # fmt: skip
async def get_recipe(
    service: Served,
    caller: Asking,
    name: Annotated[str, Path(pattern=NAME, description="A preset's name.", examples=["fineweb"])],
) -> Any:
    """A preset as YAML with its comments, and as a tree with every default written out."""
    return await ask_clerk(service, caller, "recipe", name=name)


@router.get(
    "/models", operation_id="list_models", summary="Models", response_model=Models, responses=errors(*OF_CLERKS)
)
async def list_models(service: Served, caller: Asking) -> Any:
    """The models that scorers read, with their cards: digest, labels, data with licences, calibration, metrics."""
    return await ask_clerk(service, caller, "models")


@router.get(
    "/corpora", operation_id="list_corpora", summary="Corpora", response_model=Corpora, responses=errors(*OF_CLERKS)
)
async def list_corpora(service: Served, caller: Asking) -> Any:
    """The corpora of the workspace and their committed tables."""
    return await ask_clerk(service, caller, "corpora")
