"""Measuring recipes on sources that the model measured never saw, and the calibration that follows from it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.measures import classes
from pipeline.measures.calibration_error import expected_error
from pipeline.measures.ranking import area_under_curve
from pipeline.train import calibrate
from scorers.models import calibration
from tools.default_models import baselines, domain, kinds, quality, texts, toxicity
from tools.default_models.material import Material
from tools.default_models.student import tell

CALIBRATION_FOLDS = 5
MOST_ROWS_A_SET = 800
"""Of each set for calibration, so that 20,000 tweets do not decide alone what a probability means."""
ROWS_A_SET_OF_KINDS = 250
"""The same for kinds, of which the moderation set has no more: both sets count alike."""

F64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Judged:
    """calibration: for the card; metrics: for the card and its page."""

    calibration: dict[str, Any]
    metrics: dict[str, Any]


def judge_toxicity(of: Material, given: toxicity.Given) -> Judged:
    """Leave-one-source-out over the labelled sets; the two HateChecks share templates and are left out together."""
    scores: dict[str, F64] = {}
    told: dict[str, Any] = {}
    for family in sorted({toxicity.FAMILIES.get(name, name) for name in toxicity.SETS}):
        left_out = frozenset(n for n in toxicity.SETS if toxicity.FAMILIES.get(n, n) == family)
        model, plain = toxicity.content(given, left_out), baselines.plain_fasttext(given, left_out)
        judge = toxicity.taught(given, [n for n in toxicity.TAUGHT_SETS if n not in left_out])
        for name in sorted(left_out):
            rows, right = given.sets[name], toxicity.truth(given.sets[name]) > 0
            scores[name] = tell(model, rows.text)[:, 0].astype(np.float64)
            told[name] = {
                "rows": len(rows), "toxic": round(float(right.mean()), 4), "auc": _auc(scores[name], right),
                "plain_fasttext_auc": _auc(tell(plain, rows.text)[:, 0], right),
                "word_list_auc": _auc(_listed(of, name, rows), right),
            }  # fmt: skip
            others = baselines.profanity_check(rows.text)
            if others is not None:
                told[name]["alt_profanity_check_auc"] = _auc(others, right)
            if name in given.points:
                told[name]["teacher_auc"] = _auc(judge.decision_function(given.points[name]), right)
    return _calibrated_toxicity(given, scores, told)


def _calibrated_toxicity(given: toxicity.Given, scores: dict[str, F64], told: dict[str, Any]) -> Judged:
    """From the scores of sets left out, as many rows of each English one."""
    kept = {n: _some_rows(given.sets[n].text) for n in toxicity.TAUGHT_SETS}
    pooled = np.concatenate([scores[n][kept[n]] for n in kept])
    right = np.concatenate([toxicity.truth(given.sets[n])[kept[n]] for n in kept])
    fold = _folds([given.sets[n].text[i] for n in kept for i in kept[n]])
    source = np.repeat(np.arange(len(kept)), [len(k) for k in kept.values()])
    fitted = calibrate.best_calibration(pooled, right, fold)
    metrics = {
        "held_out": told, "calibration_error": _error(pooled, right, fold),
        "calibration_error_on_a_new_source": _error(pooled, right, source), "rows_calibrated_on": len(pooled),
        **_false_alarms(given.sets["hatecheck_en"], calibration.apply(fitted, scores["hatecheck_en"])),
    }  # fmt: skip
    return Judged({"toxic": fitted}, metrics)


def judge_domain(given: domain.Given) -> Judged:
    """Held-out folds of whole sources; beside it a plain fastText's shape on the same labels."""
    labels = domain.LABELS
    right = np.array([labels.index(label) for label in given.windows.label], np.int64)
    scores = np.zeros((len(right), len(labels)))
    for left_out in range(domain.FOLDS):
        rows = np.flatnonzero(given.fold == left_out)
        scores[rows] = tell(domain.content(given, left_out), [given.windows.text[i] for i in rows])
    order = np.argsort(-scores, axis=1, kind="stable")
    fold = _folds(given.windows.url)
    fitted, metrics = {}, _classes(order[:, 0], right, labels)
    for place, key in enumerate(("first", "second")):
        top, hit = scores[np.arange(len(right)), order[:, place]], order[:, place] == right
        fitted[key] = calibrate.best_calibration(top, hit, fold)
        metrics[f"calibration_error_{key}"] = _error(top, hit, fold)
        metrics[f"calibration_error_{key}_on_new_sources"] = _error(top, hit, given.fold)
    metrics["by_source"] = {
        source: {"rows": int(rows.sum()), "accuracy": round(float((order[rows, 0] == right[rows]).mean()), 4)}
        for source in sorted(set(given.windows.source))
        if (rows := np.array([s == source for s in given.windows.source])).any()
    }
    return Judged(fitted, metrics)


def judge_quality(given: quality.Given) -> Judged:
    """Held-out folds of whole sources; mail and web pages are never learnt from, in any fold."""
    right = np.array([q == "1" for q in given.rows.label])
    scores = np.zeros(len(right))
    for left_out in range(quality.FOLDS):
        rows = np.flatnonzero(given.fold == left_out)
        scores[rows] = tell(quality.content(given, left_out), [given.rows.text[i] for i in rows])[:, 0]
    fold = _folds(given.rows.url)
    kinds = np.array(given.rows.source)
    by_low = {
        source: _auc(scores[right | (kinds == source)], right[right | (kinds == source)])
        for source in sorted(set(kinds[~right]))
    }
    by_high = {
        source: _auc(scores[~right | (kinds == source)], right[~right | (kinds == source)])
        for source in sorted(set(kinds[right]))
    }
    fitted = calibrate.best_calibration(scores, right, fold)
    metrics = {
        "rows": len(right), "high": round(float(right.mean()), 4), "auc": _auc(scores, right),
        "auc_against_each_low_source": by_low, "auc_of_each_high_source": by_high,
        "calibration_error": _error(scores, right, fold), "calibration_error_on_new_sources": _error(scores, right, given.fold),
    }  # fmt: skip
    return Judged({"high": fitted}, metrics)


def judge_kinds(given: kinds.Given, content: bytes) -> Judged:
    """Held-out folds of rows, and each set left out whole; HateCheck's hateful rows, never learnt from, by the model itself."""
    fold = {name: _folds(some) for name, some in given.sets.items()}
    scores = {name: np.zeros((len(some), len(kinds.LABELS))) for name, some in given.sets.items()}
    for number in range(CALIBRATION_FOLDS):
        left_out = {name: np.flatnonzero(fold[name] == number) for name in fold}
        model = kinds.content(given, left_out)
        for name, rows in left_out.items():
            scores[name][rows] = tell(model, [given.sets[name][i] for i in rows])
    alone = {name: tell(kinds.content(given, {name: np.arange(len(some))}), some) for name, some in given.sets.items()}
    metrics: dict[str, Any] = {}
    for title, told in (("folds", scores), ("set_left_out", alone)):
        of_sets = {name: _kinds_of(told[name], given.shares[name]) for name in given.sets}
        tables = [found.pop("confusion") for found in of_sets.values()]
        metrics[title] = of_sets
        metrics[f"confusion_{title}_rows_true_columns_said"] = np.sum(tables, axis=0).tolist()
    fitted, off = _calibrated_kinds(given, scores, fold)
    return Judged(fitted, {**metrics, **off, **_kinds_of_hatecheck(given.hatecheck, content)})


def _calibrated_kinds(
    given: kinds.Given, scores: dict[str, F64], fold: dict[str, npt.NDArray[np.int64]]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Calibrations, and how far they are off, from the scores of folds left out; as many rows of each set."""
    kept = {name: _some_rows(some, ROWS_A_SET_OF_KINDS) for name, some in given.sets.items()}
    pooled = np.concatenate([scores[n][kept[n]] for n in kept])
    right = np.concatenate([given.shares[n][kept[n]] for n in kept]).astype(np.float64)
    of_rows = np.concatenate([fold[n][kept[n]] for n in kept])
    fitted = {k: calibrate.best_calibration(pooled[:, i], right[:, i], of_rows) for i, k in enumerate(kinds.LABELS)}
    off = {k: _error(pooled[:, i], right[:, i], of_rows) for i, k in enumerate(kinds.LABELS)}
    return fitted, {"rows_calibrated_on": len(pooled), "calibration_error": off}


def _kinds_of(scores: npt.NDArray[Any], shares: npt.NDArray[Any]) -> dict[str, Any]:
    """Of rows whose label is more one kind than all others together."""
    rows = np.flatnonzero(shares.max(axis=1) > 0.5)
    right = shares[rows].argmax(axis=1)
    told = _classes(scores[rows].argmax(axis=1), right, kinds.LABELS)
    there = [i for i in range(len(kinds.LABELS)) if (right == i).any()]
    return {
        "rows": told["rows"], "accuracy": told["accuracy"], "macro_f1": told["macro_f1"],
        "confusion": told["confusion_rows_true_columns_said"],
        **{f"f1_{kinds.LABELS[i]}": told["f1"][kinds.LABELS[i]] for i in there},
        **{f"auc_{kinds.LABELS[i]}": _auc(scores[rows, i], right == i) for i in there},
    }  # fmt: skip


def _kinds_of_hatecheck(rows: texts.Texts, content: bytes) -> dict[str, Any]:
    """What hateful rows are said to be, and how many of each functionality are said to be hate."""
    hateful = [i for i, label in enumerate(rows.label) if label == "1"]
    said = tell(content, [rows.text[i] for i in hateful]).argmax(axis=1)
    held: dict[str, list[bool]] = {}
    for i, kind in zip(hateful, said, strict=True):
        held.setdefault(json.loads(rows.detail[i])["functionality"], []).append(kinds.LABELS[kind] == "hate")
    return {
        "hatecheck_hateful_rows_said": {k: round(float((said == i).mean()), 4) for i, k in enumerate(kinds.LABELS)},
        "hatecheck_hate_found_by_functionality": {k: round(float(np.mean(v)), 4) for k, v in sorted(held.items())},
    }


def human_check(of: Material, content: bytes) -> dict[str, Any]:
    """quality-en beside DCLM's human votes on 247 web pages: a weak check, never learnt from."""
    rows = texts.read(of.data / "quality" / "dclm_human.parquet", "quality")
    right = np.array([q == "1" for q in rows.label])
    return {"rows": len(rows), "auc": _auc(tell(content, rows.text)[:, 0], right)}


def _listed(of: Material, name: str, rows: texts.Texts) -> F64:
    if name != "hatecheck_multilingual":
        return baselines.listed_words(of.data, rows.text, "en")
    codes = {"polish": "pl", "spanish": "es", "portuguese": "pt", "german": "de", "dutch": "nl", "mandarin": "zh"}
    codes |= {"arabic": "ar", "hindi": "hi", "french": "fr", "italian": "it"}
    ids = texts.read(of.data / "toxicity" / f"{name}.parquet", "toxic").source
    found = np.zeros(len(rows))
    for source in sorted(set(ids)):
        here = [i for i, s in enumerate(ids) if s == source]
        found[here] = baselines.listed_words(of.data, [rows.text[i] for i in here], codes[source.removeprefix("mhc_")])
    return found


def _false_alarms(rows: texts.Texts, probability: F64) -> dict[str, Any]:
    """On HateCheck's non-hateful rows: how many are called toxic at 0.5, by functionality and by group; and of hateful
    rows, how many are found."""
    details = [json.loads(d) for d in rows.detail]
    found: dict[str, Any] = {}
    for name, wanted in (("false_positive_rate", "0"), ("true_positive_rate", "1")):
        for by in ("functionality", "target"):
            held: dict[str, list[bool]] = {}
            for detail, label, p in zip(details, rows.label, probability, strict=True):
                if label == wanted and detail.get(by):
                    held.setdefault(str(detail[by]), []).append(bool(p >= 0.5))
            found[f"hatecheck_{name}_by_{by}"] = {k: round(float(np.mean(v)), 4) for k, v in sorted(held.items())}
    return found


def _classes(said: npt.NDArray[np.int64], right: npt.NDArray[np.int64], labels: tuple[str, ...]) -> dict[str, Any]:
    table = classes.table(right, said, len(labels))
    return {
        "rows": len(right), "macro_f1": _rounded(table.macro_f1), "accuracy": _rounded(table.accuracy),
        "f1": {label: _rounded(float(v)) for label, v in zip(labels, table.by_class()[2], strict=True)},
        "confusion_rows_true_columns_said": table.counts[:, :-1].astype(int).tolist(),
    }  # fmt: skip


def _rounded(value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else round(value, 4)


def _folds(keys: list[str]) -> npt.NDArray[np.int64]:
    return np.array([int(hashlib.sha256(k.encode()).hexdigest()[:8], 16) % CALIBRATION_FOLDS for k in keys], np.int64)


def _some_rows(some: list[str], most: int = MOST_ROWS_A_SET) -> npt.NDArray[np.int64]:
    drawn = sorted(range(len(some)), key=lambda i: hashlib.sha256(some[i].encode()).digest())
    return np.array(sorted(drawn[:most]), np.int64)


def _error(scores: npt.NDArray[Any], right: npt.NDArray[Any], fold: npt.NDArray[Any]) -> float:
    found = expected_error(calibrate.held_out(scores, right, fold), right)
    assert found is not None, "no rows to measure a calibration on"
    return round(found, 4)


def _auc(scores: npt.NDArray[Any], right: npt.NDArray[np.bool_]) -> float:
    found = area_under_curve(np.asarray(scores, np.float64), right)
    assert found is not None, "rows of one kind only have no AUC"
    return round(found, 4)
