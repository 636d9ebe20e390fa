"""What each role may do, and the check of it before a request's body is read."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from fastapi import Depends, Request, params
from fastapi.routing import APIRoute
from starlette.responses import Response

from api.errors import Forbidden, Unauthorized

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
        handle, check = super().get_route_handler(), Needs(self.role)

        async def guarded(request: Request) -> Response:
            check(request)
            return await handle(request)

        return guarded


def _named(dependencies: Sequence[params.Depends]) -> list[Role]:
    return [d.dependency.role for d in dependencies if isinstance(d.dependency, Needs)]
