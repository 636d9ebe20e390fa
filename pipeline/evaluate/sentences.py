"""An evaluation and an audit for a terminal."""

from __future__ import annotations

from typing import Any

from pipeline.wording import count, measure, share

FIGURES = {
    "roc_auc": "ROC AUC",
    "average_precision": "average precision",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "false_positive_rate": "false-positive rate",
    "false_negative_rate": "false-negative rate",
    "calibration_error_equal_mass": "calibration error, 15 bins of equal mass",
    "calibration_error_equal_width": "calibration error, 15 bins of equal width",
    "accuracy": "accuracy",
    "answered_accuracy": "accuracy where it answered",
    "macro_f1": "macro-F1",
    "abstention": "abstention rate",
}
"""Every figure by its key, in the order in which they are shown."""


def evaluation_sentences(told: dict[str, Any]) -> list[str]:
    """What was evaluated, on how many rows, and what was not in it."""
    lines = [f"{told['column']} ({told['unit']}) against {told['label']}"]
    if told["kind"] == "binary":
        side = "low" if told["low"] else "high"
        lines[0] += f": positive is {' or '.join(told['positive'])}, and means {side} scores"
    lines.append(rows_sentence(told))
    lines += [learnt_sentence(one) for one in told.get("learnt_from", ())]
    if told["left_out"]:
        lines.append(held_out_sentence(told["left_out"]))
    if told["kind"] == "binary" and told["threshold"]:
        cut = told["threshold"]
        fair = ", so that the figures at it are too good" if cut["chosen_on_these_rows"] else ""
        lines.append(f"threshold {measure(cut['value'])}: {cut['origin']}{fair}")
    if told["overall"].get("said"):
        lines.append(told["overall"]["said"])
    return lines


def rows_sentence(told: dict[str, Any]) -> str:
    """Where every row went."""
    counts, overall = told["counts"], told["overall"]
    pieces = [f"{count(counts['labelled'])} labelled rows"]
    for key, said in (("without_label", "without a label"), ("quarantined", "in quarantine")):
        if counts[key]:
            pieces.append(f"{count(counts[key])} {said}")
    missing = overall.get("not_measured", 0)
    if missing:
        pieces.append(
            f"{count(missing)} not measured (null), {count(overall['not_measured_positives'])} of them positive"
        )
    if overall.get("abstained"):
        pieces.append(f"{count(overall['abstained'])} abstained")
    return ", ".join(pieces)


def learnt_sentence(one: dict[str, str]) -> str:
    """That a model is asked about its own school-books."""
    return (
        f"{one['model']} was trained on {one['file']}: these figures flatter it. "
        f"Its card has those on sources it never saw (winnow models {one['model']})"
    )


def held_out_sentence(left_out: str) -> str:
    """How the rows were scored, and which figures to read."""
    return (
        f"each {left_out} is scored by a model of all the others; scores of different models are not of one scale, so read the "
        f"figures by {left_out}, not those over all"
    )


def evaluation_rows(overall: dict[str, Any]) -> list[dict[str, Any]]:
    """figure, value, interval."""
    found = []
    for key, name in FIGURES.items():
        if key in overall:
            found.append(
                {"figure": name, "value": overall[key], "95 % interval": interval(overall["intervals"].get(key))}
            )
    return found


def interval(between: tuple[float, float] | None) -> str:
    """'0.81 to 0.86'."""
    return "" if between is None else f"{between[0]:.3f} to {between[1]:.3f}"


def audit_sentences(told: dict[str, Any]) -> list[str]:
    """How much of a corpus speaks of people of a group."""
    mentioning, documents = told["mentioning"], told["documents"]
    lines = [
        f"{count(mentioning)} of {count(documents)} documents ({share(mentioning, documents)}) hold an identity term"
    ]
    if told["not_measured"]:
        lines.append(f"{count(told['not_measured'])} documents have no {told['toxicity']}: they are in no mean")
    return lines
