"""The files of a job's output folder: listed, and streamed in whole or in ranges."""

from __future__ import annotations

import contextlib
import os
import re
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Response
from pydantic import Field

import api.routes.any_text  # noqa: F401 - {x:text} in paths
from api.access.roles import GuardedRoute, needs
from api.files import file_response, opened
from api.models.lists import ArtifactEntry, Artifacts
from api.models.shape import Body
from api.pages import PAGE_SIZE, PAGE_SIZE_MAX, PageTokenGiven, page_token, position_of
from api.routes.answers import ETAG, IfNoneMatch, unless_matched
from api.routes.documented import OF_JOBS, Responses, errors, header
from api.routes.given import JobId, Served
from api.service import Service
from pipeline.control.state import job_state
from pipeline.errors import NotFound, PathOutside
from pipeline.sources.confined import is_below
from pipeline.storage.destination import CONTENT, files
from pipeline.storage.store import Store

router = APIRouter(
    prefix="/v1/jobs/{job_id}", tags=["results"], route_class=GuardedRoute, dependencies=[needs("viewer")]
)
NAME_PIECE = re.compile(r"(?!\.)[^/\\\x00-\x1f\x7f\ud800-\udfff]{1,255}")
MEDIA_TYPES = {
    ".parquet": "application/vnd.apache.parquet",
    ".md": "text/markdown; charset=utf-8",
    ".yaml": "application/yaml",
    ".json": "application/json",
}
BINARY = {
    kind.partition(";")[0]: {"schema": {"description": "The file, or a part of it."}, "example": "bytes of the file"}
    for kind in ("application/octet-stream", *MEDIA_TYPES.values())
}
SENT: Responses = {
    200: {
        "description": "The file.",
        "content": BINARY,
        "headers": {"ETag": ETAG, "Accept-Ranges": header("Ranges are taken.", "bytes")},
    },
    206: {
        "description": "The range that `Range` names.",
        "content": BINARY,
        "headers": {"Content-Range": header("Which, and of how many bytes.", "bytes 0-99/2048")},
    },
    304: {"description": "Nothing changed since the answer with this ETag."},
}


FileName = Annotated[str, Path(max_length=1_000, description="As the listing has it.", examples=["manifest.json"])]
ByteRange = Annotated[
    str | None, Header(alias="Range", max_length=200, description="`bytes=0-99`: one range.", examples=["bytes=0-99"])
]
IfRange = Annotated[
    str | None,
    Header(
        alias="If-Range",
        max_length=200,
        description="An ETag: of another version, all is sent.",
        examples=['"2048-1763717400000000000"'],
    ),
]


class ArtifactPaging(Body):
    """Which files."""

    page_size: int = Field(PAGE_SIZE, ge=1, le=PAGE_SIZE_MAX, description="Items a page.")
    page_token: PageTokenGiven = None


@router.get(
    "/artifacts", operation_id="list_job_artifacts", summary="Files of a job's output", response_model=Artifacts,
    responses=errors(*OF_JOBS, "path_outside", "bad_page_token", "storage"),
)  # fmt: skip
def list_artifacts(service: Served, job_id: JobId, paging: Annotated[ArtifactPaging, Query()]) -> Artifacts:
    """What the job wrote: `data/`, `removed/`, `quarantine/`, the dataset card, the manifest with rows and digests of every
    part. Empty while there is none."""
    question = {"path": f"/v1/jobs/{job_id}/artifacts"}
    after = position_of(paging.page_token, question, str)
    output = _output_of(service, job_id)
    beyond = str(after[0]) if after else ""
    found = [] if output is None else sorted(f for f in files(output) if f[0] > beyond and _is_plain(f[0]))
    page = found[: paging.page_size]
    following = page_token((page[-1][0],), question) if len(found) > len(page) else None
    items = [ArtifactEntry(name=name, bytes=size) for name, size in page]
    return Artifacts(items=items, next_page_token=following)


@router.get(
    "/artifacts/{name:text}", operation_id="get_job_artifact", summary="One file of a job's output",
    response_class=Response, responses=errors(*OF_JOBS, "not_found", "path_outside", "range_not_satisfiable", "storage") | SENT,
)  # fmt: skip
def get_artifact(
    service: Served,
    job_id: JobId,
    name: FileName,
    byte_range: ByteRange = None,
    if_range: IfRange = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """A file, whole or the range of it that `Range` names; always as a download."""
    output = _output_of(service, job_id)
    path = None if output is None else _path_in(output, name)
    found = None
    if output is not None and path is not None:
        with contextlib.suppress(FileNotFoundError):  # it went this moment: a takedown or an export replaces files
            found = opened(output, path)
    if found is None:
        raise NotFound(f"job {job_id} has no file {name[:200]!r}; GET /v1/jobs/{job_id}/artifacts lists them")
    with contextlib.ExitStack() as held:
        held.enter_context(found.file)
        etag, plain = f'"{found.stamp}"', name.rpartition("/")[2]
        sent = file_response(found, etag, _media_type(name), plain, byte_range, if_range)
        answer = unless_matched(sent, if_none_match)
        if answer is sent:
            held.pop_all()
    return answer


def _output_of(service: Service, job_id: str) -> Store | None:
    """Where a job's output is, if it has one. A job of `winnow run` may have written where the service must not look."""
    root = job_state(service.store, job_id)["output"]
    if root is None:
        return None
    output = Store(root)
    if output.remote:
        allowed = any(
            f"{output.root}/".startswith(f"{place}/") for place in (*service.paths.buckets, service.store.root)
        )
    else:
        places = (
            service.paths.roots
            if service.store.remote
            else (*service.paths.roots, os.path.realpath(service.store.root))
        )
        allowed = is_below(os.path.realpath(output.root), places)
    if not allowed:
        raise PathOutside(f"the output of job {job_id} lies outside the folders and buckets of this service")
    return output


def _path_in(output: Store, name: str) -> str | None:
    """The whole path of a file of an export; None where there is none of this name, or it leads elsewhere."""
    if name.partition("/")[0] not in CONTENT or not _is_plain(name):
        return None
    path = output.full(name)
    if output.remote:
        return path if output.fs.isfile(path) else None
    real = os.path.realpath(path)
    return real if os.path.isfile(real) and is_below(real, [os.path.realpath(output.root)]) else None


def _is_plain(name: str) -> bool:
    """Whether a name can be sent and asked for: others' files may lie in an output, too."""
    return all(NAME_PIECE.fullmatch(piece) for piece in name.split("/"))


def _media_type(name: str) -> str:
    return MEDIA_TYPES.get(os.path.splitext(name)[1], "application/octet-stream")
