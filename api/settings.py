"""What the service is told: one tree, from options of `winnow serve` and from the environment."""

from __future__ import annotations

import hashlib
import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from pipeline.errors import UsageError
from pipeline.storage.files import is_remote, local_path

PREFIX = "WINNOW_"
LIMIT_PREFIX = "WINNOW_LIMIT_"
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
BUCKET_SCHEMES = ("s3", "s3a", "gs", "gcs", "hf")
Positive = Annotated[int, Field(gt=0)]
Seconds = Annotated[float, Field(gt=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ServiceLimits(_Strict):
    """How much anybody may ask of the service. Each is also read from WINNOW_LIMIT_<NAME>."""

    body_bytes: Positive = 1 << 20
    body_seconds: Seconds = 10.0
    head_bytes: Positive = 16 << 10
    head_seconds: Seconds = 10.0
    json_depth: Positive = 64
    page_items: Positive = 1000
    requests_per_minute: Positive = 1200
    failures_per_minute: Positive = 20
    sql_at_once: Positive = 4
    sql_at_once_per_key: Positive = 2
    sql_seconds: Seconds = 10.0
    sql_seconds_max: Seconds = 60.0
    sql_rows: Positive = 10_000
    sql_bytes: Positive = 10 << 20
    sse_streams: Positive = 100
    sse_streams_per_key: Positive = 25
    connections: Positive = 512
    keep_alive_seconds: Positive = 5
    stalled_seconds: Positive = 120
    drain_seconds: Positive = 30
    disk_free_bytes: Positive = 512 << 20


class Settings(_Strict):
    """Where the service works and for whom.

    roots: folders that input may come from and output may go to; buckets: the same of object storage, as
    `s3://bucket/prefix`; hosts: further names it is called by (the Host header), beside its own and the loopback's; proxies:
    addresses whose X-Forwarded-For is believed, so that limits are counted by who is behind them.
    """

    workspace: str = "winnow-workspace"
    state: str | None = None
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8765
    roots: tuple[str, ...] = ()
    buckets: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()
    ray_address: str | None = None
    executor: Literal["auto", "local", "ray"] = "auto"
    jobs_at_once: Positive = 1
    queue: Positive = 100
    clerks: Positive = 2
    insecure: bool = False
    limits: ServiceLimits = ServiceLimits()

    @field_validator("buckets")
    @classmethod
    def _known_schemes(cls, buckets: tuple[str, ...]) -> tuple[str, ...]:
        for bucket in buckets:
            scheme, sign, rest = bucket.partition("://")
            if not sign or scheme not in BUCKET_SCHEMES or not rest.strip("/"):
                raise ValueError(f"{bucket!r} is no bucket; write s3://bucket or s3://bucket/prefix (also gs, gcs, hf)")
        return tuple(b.rstrip("/") for b in buckets)

    @property
    def state_folder(self) -> Path:
        """Where the service keeps its own: keys, catalog, lock, logs. Always on this machine."""
        if self.state is not None:
            return local_path(self.state).absolute()
        if not is_remote(self.workspace):
            return local_path(self.workspace).absolute() / "service"
        digest = hashlib.sha256(self.workspace.rstrip("/").encode()).hexdigest()[:16]
        return Path.home() / ".local/state/winnow" / digest

    @property
    def runner_logs(self) -> Path:
        """Where runners' logs are that cannot lie beside their job in a bucket."""
        return self.state_folder / "runners"

    @property
    def root_folders(self) -> tuple[Path, ...]:
        """The roots as they really lie, links followed. By default: the current folder and the workspace."""
        given = [local_path(root) for root in self.roots]
        if not given:
            given = [Path.cwd(), *([] if is_remote(self.workspace) else [local_path(self.workspace)])]
        return tuple(dict.fromkeys(Path(os.path.realpath(root)) for root in given))

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def host_names(self) -> frozenset[str]:
        """The names a request may call it by."""
        unspecified = ("0.0.0.0", "::", "")  # noqa: S104 - compared with, not bound to
        own = () if self.host in unspecified else (self.host,)
        return frozenset(name.lower() for name in (*LOOPBACK_NAMES, *own, *self.hosts))


def load_settings(given: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from what was given (None: not given), else from WINNOW_* of the environment, else as they are by default.

    Raises UsageError with every value that is wrong, and where it came from.
    """
    found = os.environ if environment is None else environment
    values = _from_environment(found) | {k: v for k, v in given.items() if v is not None}
    limits = {k.removeprefix(LIMIT_PREFIX).lower(): v for k, v in found.items() if k.startswith(LIMIT_PREFIX)}
    if limits and "limits" not in values:
        values["limits"] = limits
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise UsageError("; ".join(_told(e["loc"], e["msg"]) for e in error.errors())) from None


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, field in Settings.model_fields.items():
        said = environment.get(PREFIX + name.upper())
        if said and name != "limits":
            several = field.annotation == tuple[str, ...]
            values[name] = tuple(s.strip() for s in said.split(",") if s.strip()) if several else said
    return values


def _told(where: tuple[int | str, ...], said: str) -> str:
    name = str(where[-1] if where[0] == "limits" and len(where) > 1 else where[0])
    variable = (LIMIT_PREFIX if where[0] == "limits" else PREFIX) + name.upper()
    return f"service setting {name} (option or {variable}): {said}"
