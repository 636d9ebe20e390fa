"""What every page of ours shares: the style and its digest, escaping, and how numbers are written."""

from __future__ import annotations

import base64
import hashlib
import importlib.resources
import shlex
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pipeline import wording
from pipeline.report import svg
from pipeline.report.texts import visible


def style(more: str = "") -> dict[str, Any]:
    """style and style_digest, which a page's content security policy names: nothing else can style it. more: a page's own
    rules, never text from outside."""
    css = template_text("pipeline.report", "report.css")
    text = Markup(svg.PALETTE + svg.MARKS + css + more)  # noqa: S704 - our own files
    return {"style": text, "style_digest": base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}


def environment(package: str) -> Environment:
    """The templates of a package. Escapes everything: a document's text is hostile."""
    loader = PackageLoader(package, "templates")
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters |= {n: getattr(wording, n) for n in ("count", "size", "duration", "measure")}
    made.filters |= {"visible": visible, "shell": shlex.quote}
    made.globals |= {"share": wording.share}
    return made


def template_text(package: str, name: str) -> str:
    """A file of a package's templates, as it is."""
    return importlib.resources.files(package).joinpath("templates", name).read_text(encoding="utf-8")
