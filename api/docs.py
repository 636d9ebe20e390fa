"""The pages at /docs, with nothing from elsewhere: the routes (Swagger UI), and what every error code means."""

from __future__ import annotations

import html
from importlib import resources

from fastapi import APIRouter, Request, Response
from starlette.responses import FileResponse, HTMLResponse

from api.codes import CODES
from api.openapi import as_json
from pipeline.errors import NotFound

ASSETS = {
    "swagger-ui-bundle.js": ("fastapi_swagger", "resources/swagger-ui-bundle.js", "text/javascript"),
    "swagger-ui.css": ("fastapi_swagger", "resources/swagger-ui.css", "text/css"),
    "favicon.png": ("fastapi_swagger", "resources/favicon-32x32.png", "image/png"),
    "start.js": ("api", "assets/start.js", "text/javascript"),
    "page.css": ("api", "assets/page.css", "text/css"),
}
"""Name -> (package, file in it, media type). Nothing else is served from disk here."""
HEAD = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    '<link rel="icon" href="/docs/assets/favicon.png"><link rel="stylesheet" href="/docs/assets/page.css">'
)
ROUTES_PAGE = (
    f'{HEAD}<title>Winnow: the service</title><link rel="stylesheet" href="/docs/assets/swagger-ui.css">'
    '<script src="/docs/assets/swagger-ui-bundle.js" defer></script><script src="/docs/assets/start.js" defer></script></head>'
    '<body><main id="docs"></main><noscript>This page draws /openapi.json with JavaScript.</noscript></body></html>'
)
router = APIRouter(include_in_schema=False)


@router.get("/openapi.json")
def description(request: Request) -> Response:
    """What the service can do, as OpenAPI 3.1."""
    app = request.app
    return Response(as_json(app, app.state.keys.required()), media_type="application/json")


@router.get("/docs")
def routes_page() -> Response:
    """Every route, to read and to try."""
    return HTMLResponse(ROUTES_PAGE)


@router.get("/docs/errors")
def errors_page() -> Response:
    """Every error code: where the `type` of a problem leads."""
    return HTMLResponse(_errors_html())


@router.get("/docs/assets/{name}")
def asset(name: str) -> Response:
    """A file of these pages."""
    if name not in ASSETS:
        raise NotFound(f"there is no file {name!r} here")
    package, path, media_type = ASSETS[name]
    return FileResponse(str(resources.files(package) / path), media_type=media_type)


def errors_markdown() -> str:
    """docs/errors.md: the same as the page."""
    lines = [
        "# Errors of the service",
        "",
        "Every error is `application/problem+json` (RFC 9457) with a `code`; the service shows this page at `/docs/errors`. Exit codes of",
        "the command line are in the README. Written by `python -m api.docs docs/errors.md`; a test holds it against the code.",
        "",
    ]
    for code, known in CODES.items():
        lines += [
            f"## {code}",
            "",
            f"{known.title}. Status {known.status}.",
            "",
            f"*Cause.* {known.cause}",
            "",
            f"*What to do.* {known.remedy}",
            "",
        ]
    return "\n".join(lines)


def _errors_html() -> str:
    sections = (
        f'<section id="{code}"><h2><code>{code}</code> <span class="status">{known.status}</span> {html.escape(known.title)}</h2>'
        f"<p>{_marked(known.cause)}</p><p><b>What to do.</b> {_marked(known.remedy)}</p></section>"
        for code, known in CODES.items()
    )
    return (
        f'{HEAD}<title>Winnow: errors</title></head><body class="plain"><h1>Errors of the service</h1>'
        f'<p>Every error is a problem detail (RFC 9457) with one of these codes. <a href="/docs">All routes</a>.</p>{"".join(sections)}</body></html>'
    )


def _marked(text: str) -> str:
    """Text with its `code` marked."""
    pieces = html.escape(text).split("`")
    return "".join(f"<code>{piece}</code>" if i % 2 else piece for i, piece in enumerate(pieces))


if __name__ == "__main__":
    import sys
    from pathlib import Path

    Path(sys.argv[1]).write_text(errors_markdown(), encoding="utf-8")
