"""winnow serve, winnow keys: the service, and who may ask it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli.options import DEFAULT_WORKSPACE, Json, RayAddress, Workspace, examples, say

keys_app = typer.Typer(name="keys", help="Make, list and revoke the keys of a service.", no_args_is_help=True)
State = Annotated[
    str | None,
    typer.Option(
        "--state", envvar="WINNOW_STATE", help="The service's own folder; `service` in the workspace otherwise."
    ),
]
Where = Annotated[str | None, typer.Option("--workspace", "-w", help="Folder or bucket that holds tables and jobs.")]
Roots = Annotated[
    list[str] | None,
    typer.Option(
        help="A folder that input may come from and output go to; the current one and the workspace otherwise."
    ),
]
Buckets = Annotated[list[str] | None, typer.Option(help="The same of buckets: s3://bucket/prefix.")]
TrustedHosts = Annotated[list[str] | None, typer.Option(help="A further name that the service is called by.")]
Proxies = Annotated[
    list[str] | None, typer.Option(help="Address of a reverse proxy whose X-Forwarded-For is believed.")
]
Insecure = Annotated[
    bool,
    typer.Option("--insecure", help="Let others in without keys: only where something in front keeps strangers out."),
]
LogLevel = Annotated[str, typer.Option(envvar="WINNOW_LOG_LEVEL", help="debug, info, warning or error.")]


TIMES = ("created_at", "expires_at", "revoked_at")


def register(app: typer.Typer) -> None:
    """Add these commands to the app."""
    app.command(epilog=examples(
        "winnow serve",
        "winnow serve --workspace /data/workspace --root /data/crawl --port 9000",
        "winnow serve --workspace s3://bucket/winnow --bucket s3://bucket/crawl --host 0.0.0.0",
    ))(serve)  # fmt: skip
    app.add_typer(keys_app)
    keys_app.command(epilog=examples("winnow keys create --name ci --role operator --expires 30d"))(create)
    keys_app.command("list", epilog=examples("winnow keys list"))(list_)
    keys_app.command(epilog=examples("winnow keys revoke ci"))(revoke)


def serve(
    workspace: Where = None,
    state: State = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on; 127.0.0.1 otherwise.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 8765 otherwise, 0 for any that is free.")] = None,
    root: Roots = None,
    bucket: Buckets = None,
    trusted_host: TrustedHosts = None,
    proxy: Proxies = None,
    executor: Annotated[str | None, typer.Option(help="auto, local or ray.")] = None,
    ray_address: RayAddress = None,
    jobs_at_once: Annotated[int | None, typer.Option(min=1, help="Jobs that run at once; 1 otherwise.")] = None,
    queue: Annotated[int | None, typer.Option(min=1, help="Jobs that may wait; 100 otherwise.")] = None,
    insecure: Insecure = False,
    log_level: LogLevel = "info",
) -> None:
    """Serve jobs, results and SQL over HTTP until SIGTERM. Each option is also read from WINNOW_<OPTION>."""
    from api.observe.logs import LEVELS, configure_logs
    from api.server import serve as serve_app
    from api.settings import load_settings
    from pipeline.cli.jobs import one_of

    one_of("--log-level", log_level, LEVELS)
    settings = load_settings({
        "workspace": workspace, "state": state, "host": host, "port": port, "roots": root or None, "buckets": bucket or None,
        "hosts": trusted_host or None, "proxies": proxy or None, "executor": executor, "ray_address": ray_address, "jobs_at_once": jobs_at_once,
        "queue": queue, "insecure": insecure or None,
    })  # fmt: skip
    for folder in root or ():
        if not Path(folder).is_dir():
            typer.echo(f"note: --root {folder}: there is no such folder here, so far", err=True)
    configure_logs(log_level)
    serve_app(settings, lambda address, keys: _told(address, keys, settings))


def _told(address: str, keys_needed: bool, settings: Any) -> None:
    if keys_needed:
        who = "a key is needed (winnow keys create)"
    elif settings.loopback:
        who = "no key was made yet: whoever is on this machine is admin; make one with: winnow keys create --name NAME --role admin"
    else:
        who = "--insecure: whoever reaches it is admin"
    typer.echo(f"Winnow serves {settings.workspace} at {address}\n  access  {who}\n  docs    {address}/docs")


def create(
    name: Annotated[str, typer.Option(help="What the key is for; shown in logs.")],
    role: Annotated[
        str, typer.Option(help="viewer reads and asks, operator submits and steers too, admin deletes too.")
    ] = "viewer",
    expires: Annotated[str | None, typer.Option(help="90m, 12h, 30d, 4w; never otherwise.")] = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    state: State = None,
    as_json: Json = False,
) -> None:
    """Make a key. Its text is shown now and never again. From the first key on, the service lets nobody in without one."""
    from typing import get_args

    from api.access.keys import parse_lifetime
    from api.access.roles import Role
    from pipeline.cli.jobs import one_of

    roles: tuple[Role, ...] = get_args(Role)
    one_of("--role", role, roles)
    made, text = _keys(workspace, state).create(name, next(r for r in roles if r == role), parse_lifetime(expires))
    if as_json:
        say({**_shown(made), "key": text}, True)
        return
    typer.echo(text)
    ends = f"until {made.expires_at:%Y-%m-%d %H:%M} UTC" if made.expires_at else "without an end"
    typer.echo(
        f"{made.role} key {made.name!r} ({made.id}), {ends}. Keep it: it is not shown again. Clients take it from WINNOW_KEY.",
        err=True,
    )


def list_(workspace: Workspace = DEFAULT_WORKSPACE, state: State = None, as_json: Json = False) -> None:
    """List keys: their names, roles and ends. Their texts are nowhere."""
    from pipeline.cli.show import table

    shown = [_shown(k) for k in _keys(workspace, state).records()]
    if as_json:
        say(shown, True)
    elif shown:
        table([{**k, **{name: _day(k[name]) for name in TIMES}} for k in shown])
    else:
        typer.echo("no key was ever made: the service answers this machine only, without keys")


def revoke(
    which: Annotated[str, typer.Argument(help="A key's id or name.")],
    workspace: Workspace = DEFAULT_WORKSPACE,
    state: State = None,
    as_json: Json = False,
) -> None:
    """End a key. A running service knows at once."""
    gone = _keys(workspace, state).revoke(which)
    say(_shown(gone), True) if as_json else typer.echo(f"key {gone.name!r} ({gone.id}) opens nothing any more")


def _keys(workspace: str, state: str | None) -> Any:
    from api.access.keys import Keys
    from api.settings import load_settings

    return Keys(load_settings({"workspace": workspace, "state": state}).state_folder)


def _day(time: str | None) -> str:
    """To the minute, so that a line holds a key."""
    return time[:16].replace("T", " ") if time else ""


def _shown(record: Any) -> dict[str, Any]:
    import datetime

    times = {
        name: value.isoformat().replace("+00:00", "Z") if (value := getattr(record, name)) else None for name in TIMES
    }
    state = record.state(datetime.datetime.now(datetime.UTC))
    return {"id": record.id, "name": record.name, "role": record.role, "state": state, **times}
