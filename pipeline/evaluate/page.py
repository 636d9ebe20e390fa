"""An evaluation and an audit as one self-contained page each. No script, no outside request."""

from __future__ import annotations

from typing import Any

from pipeline.evaluate import charts
from pipeline.evaluate.sentences import evaluation_rows, held_out_sentence, learnt_sentence, rows_sentence
from pipeline.report.shell import environment, style, template_text

PACKAGE = "pipeline.evaluate"


def render_evaluation(told: dict[str, Any]) -> str:
    """The page of what `evaluation.evaluate` told."""
    more: dict[str, Any] = {"figures_told": evaluation_rows(told["overall"]), "rows_told": rows_sentence(told)}
    more["held_out_told"] = held_out_sentence(told["left_out"]) if told["left_out"] else ""
    more["learnt_told"] = [learnt_sentence(one) for one in told.get("learnt_from", ())]
    return _render("evaluate.html.j2", told | more)


def render_audit(told: dict[str, Any]) -> str:
    """The page of what `audit.audit` told."""
    return _render("audit.html.j2", told)


def _render(template: str, told: dict[str, Any]) -> str:
    page = environment(PACKAGE).get_template(template)
    return page.render(**style(template_text(PACKAGE, "evaluate.css")), charts=charts, **told).lstrip()
