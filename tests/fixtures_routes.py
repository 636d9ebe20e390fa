"""The service with routes of our own: one takes JSON, one takes bytes, one breaks. Import the fixture by name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi import APIRouter, Request
from fastapi.testclient import TestClient
from pydantic import BaseModel, ConfigDict

import api.app as app_module
from api.access.roles import GuardedRoute, needs
from pipeline.errors import IntegrityError, Place, PlanError, StorageError
from tests.serving import serving, settings_of

BODY_BYTES = 10_000
routes_of_tests = APIRouter(prefix="/v1/test", route_class=GuardedRoute, dependencies=[needs("viewer")])


class Rule(BaseModel):
    model_config = ConfigDict(extra="forbid")

    min: int


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")

    rules: dict[str, Rule] = {}


@routes_of_tests.post("/echo", operation_id="echo")
async def echo(body: Body) -> dict[str, int]:
    return {"rules": len(body.rules)}


@routes_of_tests.post("/raw", operation_id="raw")
async def raw(request: Request) -> dict[str, int]:
    return {"bytes": len(await request.body())}


@routes_of_tests.get("/breaks", operation_id="breaks")
async def breaks(kind: str) -> None:
    secret = "wn_0123456789_" + "S" * 43
    raise {
        "internal": RuntimeError(f"the password is {secret}"),
        "plan": PlanError(f"rule 'x' has no column; {secret}", [Place("/rules/x~1y", f"none, {secret}", "plan")]),
        "integrity": IntegrityError("s3://user:hunter2hunter2@host/x: damaged"),
        "storage": StorageError("/x: no space is left"),
    }[kind]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    ours = app_module.routers
    patch = pytest.MonkeyPatch()
    patch.setattr(app_module, "routers", lambda: (*ours(), routes_of_tests))
    with serving(
        settings_of(
            tmp_path_factory.mktemp("limits") / "ws", limits={"body_bytes": BODY_BYTES, "requests_per_minute": 100_000}
        )
    ) as found:
        yield found
    patch.undo()
