"""What each role may do, and the check of it before a request's body is read."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from fastapi import Depends, Request, params
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.responses import Response

from api.errors import Forbidden, Unauthorized
from pipeline.errors import did_you_mean

Role = Literal["viewer", "operator", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
"""From the least to the most: viewers read and ask; operators submit and steer jobs, too; admins delete them, too."""


@dataclass(frozen=True)
class Caller:
    """Whoever asks. name: the key's name (`anonymous` where no key was ever made); owner: the key's id, which jobs and
    limits are counted by ("" for anonymous)."""

    name: str
    owner: str
    role: Role

    def may(self, role: Role) -> bool:
        """Whether this caller's role reaches a role."""
        return ROLES.index(self.role) >= ROLES.index(role)


ANONYMOUS = Caller("anonymous", "", "admin")


@dataclass(frozen=True)
class Needs:
    """A dependency: the caller, if its role reaches this one. Raises Unauthorized, Forbidden."""

    role: Role

    def __call__(self, request: Request) -> Caller:
        caller = caller_of(request)
        if not caller.may(self.role):
            raise Forbidden(
                f"{request.method} {request.url.path} needs the role {self.role}; the key {caller.name!r} has {caller.role}. "
                f"Ask for one: winnow keys create --role {self.role}"
            )
        return caller


def needs(role: Role) -> Any:
    """What a route or router says in `dependencies`, or of a parameter: `caller: Annotated[Caller, needs("viewer")]`."""
    return Depends(Needs(role))


def caller_of(request: Request) -> Caller:
    """Who asks; the access middleware found it out. Raises Unauthorized where nobody did."""
    caller: Caller | None = request.scope.get("state", {}).get("caller")
    if caller is None:
        raise Unauthorized("a key is needed", headers={"WWW-Authenticate": "Bearer"})
    return caller


class GuardedRoute(APIRoute):
    """A route that checks its role before the body is read: a stranger learns nothing from a schema, and parses nothing.

    The role is the highest that the route and its routers name in `dependencies`. A route without one cannot be made.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        named = _named(options.get("dependencies") or ())
        if not named:
            raise TypeError(f"{path}: no role; add dependencies=[needs('viewer')] to the route or its router")
        self.role: Role = max(named, key=ROLES.index)
        options["openapi_extra"] = {**(options.get("openapi_extra") or {}), "x-winnow-role": self.role}
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle, check, known = super().get_route_handler(), Needs(self.role), _query_names(self.dependant)

        async def guarded(request: Request) -> Response:
            check(request)
            _check_query(request, known)
            return await handle(request)

        return guarded


def _query_names(dependant: Dependant) -> frozenset[str]:
    """The query parameters of an endpoint and of what it depends on, those in models too."""
    names: set[str] = set()
    for field in dependant.query_params:
        kind = field.field_info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            names |= {inner.alias or name for name, inner in kind.model_fields.items()}
        else:
            names.add(field.alias)
    return frozenset(names.union(*(_query_names(d) for d in dependant.dependencies)))


def _check_query(request: Request, known: frozenset[str]) -> None:
    """A misspelt parameter would be passed over, and the answer be to another question."""
    unknown = [name for name in dict.fromkeys(request.query_params) if name not in known]
    if not unknown:
        return
    there = f"there are {', '.join(sorted(known))}" if known else "this path takes none"
    raise RequestValidationError(
        [
            {
                "type": "extra_forbidden",
                "loc": ("query", name[:100]),
                "msg": f"unknown parameter; {there}.{did_you_mean(name[:100], known)}",
                "input": None,
            }
            for name in unknown[:20]
        ]
    )


def _named(dependencies: Sequence[params.Depends]) -> list[Role]:
    return [d.dependency.role for d in dependencies if isinstance(d.dependency, Needs)]
