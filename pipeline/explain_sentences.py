"""Why a document is where it is, as sentences for people; what is known of it is what `pipeline.explain` found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.catalog.removed_lines import line_sentences
from pipeline.catalog.removed_substrings import substring_sentences

MEMBERS_TOLD = 5
MATCHED = "matched"
"""The scorer's column of words: told in a sentence of its own."""


def sentences(found: list[dict[str, Any]]) -> list[str]:
    """Of every document that was found: the outcome, and indented below it what led there."""
    lines = []
    for document in found:
        lines.append(f"{document['doc_id']}: {document['outcome']}")
        said = [*_origin(document), *_failures(document), *_duplicates(document), *_taken_out(document)]
        lines += [f"  {one}" for one in (*said, *_measured(document["measured"]))]
    return lines


def _origin(document: dict[str, Any]) -> Iterator[str]:
    """Where it came from, and whether it was let in and may stay."""
    where = document["provenance"]
    yield f"from {where.get('file_path')} at {where.get('file_row')}" + (f", {where['url']}" if "url" in where else "")
    if takedown := document.get("takedown"):
        yield f"taken down on {takedown['at'][:10]} by {takedown['by']} ({takedown['id']}): {takedown['why']}"
        if undo := takedown.get("undone"):
            yield f"undone on {undo['at'][:10]} by {undo['by']}: {undo['why']}; the next run judges it again"
    if document["outcome"] == "quarantined":
        yield f"quarantined: {where.get('quarantine')}: {where.get('quarantine_detail', '')}"


def _failures(document: dict[str, Any]) -> Iterator[str]:
    for failure in document["failed"]:
        value = "" if failure["value"] is None else f" is {failure['value']}, wanted"
        yield f"failed {failure['rule']}:{value} {failure['bound']}"


def _duplicates(document: dict[str, Any]) -> Iterator[str]:
    if cluster := document["duplicate"]:
        yield _place(cluster)
    for member in document["cluster_members"][:MEMBERS_TOLD]:
        kept = "" if member["keep"] else f" ({_how(member)})"
        yield f"  {'keeps ' if member['keep'] else 'drops '} {member['doc_id']}{kept}"


def _place(cluster: dict[str, Any]) -> str:
    """What a document is within its cluster."""
    other, method = cluster["duplicate_of"], cluster["method"]
    if cluster["keep"]:
        return f"keeper of a cluster of {cluster['cluster_size']}"
    if method == "url":
        return f"same address as {other} or a copy of it; their texts were not compared"
    if method == "reference":
        alike = (
            "same address as it or a copy of it" if cluster["jaccard"] is None else f"Jaccard {cluster['jaccard']:.4f}"
        )
        return f"duplicate of {other} in the reference set {cluster['reference']}: {alike}"
    return f"{method} duplicate of {other}: Jaccard {cluster['jaccard']:.4f}, cluster of {cluster['cluster_size']}"


def _how(member: dict[str, Any]) -> str:
    return str(member["method"]) if member["jaccard"] is None else f"{member['method']}, {member['jaccard']:.4f}"


def _taken_out(document: dict[str, Any]) -> list[str]:
    return line_sentences(document["removed_lines"]) + substring_sentences(document["removed_substrings"])


def _measured(measured: dict[str, dict[str, Any]]) -> Iterator[str]:
    for scorer, values in measured.items():
        if (held := _held(values)) is not None:
            yield held
        shown = ", ".join(f"{k}={_short(v)}" for k, v in values.items() if not isinstance(v, list) and k != MATCHED)
        yield f"{scorer}: {shown}"


def _held(values: dict[str, Any]) -> str | None:
    """Which evaluation text a document holds, where a scorer of contamination found one."""
    if values.get(MATCHED) is None or not values.get("overlap_frac"):
        return None
    share = 100 * values["overlap_frac"]
    return (
        f'holds {share:.3g} % of {values["benchmark"]}, item {values["item"]}, {values["field"]}: "{values[MATCHED]}"'
    )


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
