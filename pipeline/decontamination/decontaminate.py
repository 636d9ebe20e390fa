"""`decontaminate` in a recipe is shorthand: here it becomes a scorer, and a rule or an edit, that everything else knows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scorers.models.overlap_profiles import Profile

NAME = "contamination"
"""Of the scorer, its alias and the rule: 'removed by contamination'."""
NOTHING_LEFT = f"{NAME}_whole"
"""The rule on documents that are evaluation items from end to end, where spans are cut."""
SPANS = f"{NAME}.spans"
DEFAULT_PROFILE = "winnow-13"


def profiles() -> Mapping[str, Profile]:
    """Published decontaminations by name; loaded when a recipe asks for one, because whoever only passes recipes on needs no
    scorers."""
    from scorers.models.overlap_profiles import PROFILES

    return PROFILES


def with_decontamination(tree: Any) -> Any:
    """A recipe's tree with what its `decontaminate` stands for. A tree that has it already stays as it is; ValueError where
    `score` says otherwise."""
    asked = tree.get("decontaminate") if isinstance(tree, Mapping) else None
    if not isinstance(asked, Mapping) or asked.get("profile", DEFAULT_PROFILE) not in profiles():
        return tree  # nothing to do, or for the model to refuse
    name = str(asked.get("profile", DEFAULT_PROFILE))
    wanted = {"against": list(asked.get("against") or ()), "profile": name}
    score = list(tree.get("score") or ())
    there = next((e[NAME] or {} for e in score if isinstance(e, Mapping) and NAME in e), None)
    if there is None:
        score.append({NAME: wanted})
    elif _told(there) != _told(wanted):
        raise ValueError(
            f"decontaminate: `score` has a {NAME} of its own with other `against` or `profile`; change both, or leave one out"
        )
    made = {**tree, "score": score}
    if asked.get("action", "remove") == "spans":
        export = dict(made.get("export") or {})
        edits = list(export.get("edits") or ())
        made["export"] = {**export, "edits": edits if SPANS in edits else [*edits, SPANS]}
    rules = _rules(profiles()[name], asked.get("action", "remove") == "spans")
    made["rules"] = {**(made.get("rules") or {}), **rules, **(made.get("rules") or {})}
    return made


def _rules(profile: Profile, cut: bool) -> dict[str, dict[str, Any]]:
    """What a clean document is; where spans are cut, that there are not too many of them, and that something is left."""
    if not cut:
        bound, value = profile.bound
        return {NAME: {"column": f"{NAME}.{profile.column}", bound: value, "why": profile.about}}
    left = {"column": f"{NAME}.text_frac", "below": 1, "why": "nothing is left without what evaluation sets hold"}
    many = {NAME: {"column": f"{NAME}.span_count", "max": profile.max_spans}} if profile.max_spans else {}
    return {**many, NOTHING_LEFT: left}


def _told(scorer: Mapping[str, Any]) -> tuple[list[str], Any]:
    against = scorer.get("against") or ()
    listed = [against] if isinstance(against, str | Mapping) else against
    texts = [a if isinstance(a, str) else json.dumps(dict(a), sort_keys=True) for a in listed]
    return texts, scorer.get("profile", DEFAULT_PROFILE)
