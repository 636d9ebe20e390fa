"""Jobs: what is asked for, and what is told of one."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints

from api.models.shape import JOB_ID, LABEL_CHARS_MAX, NAME, Answer, Body, PageToken, example

State = Literal[
    "queued", "running", "paused", "cancelling", "completed", "completed_with_quarantine", "failed", "cancelled"
]
Executor = Literal["auto", "local", "ray"]
Until = Literal["ingest", "score", "judge", "dedup", "mix", "export"]

WORKERS_MAX = 1_024
INPUTS_MAX = 1_000
CHANGES_MAX = 200
LABELS_MAX = 32
PATH_CHARS_MAX = 4_096
YAML_CHARS_MAX = 200_000

PathText = Annotated[str, StringConstraints(min_length=1, max_length=PATH_CHARS_MAX)]
Change = Annotated[str, StringConstraints(min_length=3, max_length=10_000, pattern=r"^[^=]+=")]
LabelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$")]
LabelValue = Annotated[str, StringConstraints(max_length=LABEL_CHARS_MAX, pattern=r"^[^\x00-\x1f\x7f]*$")]

RECIPE_EXAMPLE: dict[str, Any] = {
    "name": "web-en",
    "input": {"paths": ["/data/crawl"]},
    "score": ["exact", "gopher"],
    "rules": {"long_enough": {"column": "gopher.word_count", "min": 50}},
    "dedup": {"exact": "raw"},
}


JOB = {
    "id": "job_019a5e7f3c41d2c9a1b4", "name": "fineweb", "state": "running", "created_at": "2026-11-21T09:30:00.000Z",
    "since": "2026-11-21T09:30:01.250Z", "attempt": 1, "wanted": "run", "corpus": "crawl", "owner": "key_7f3a",
    "labels": {"team": "english"}, "supervised": True,
}  # fmt: skip


PLAN = {
    "recipe": "fineweb", "recipe_digest": "0a1b2c3d4e5f60718293a4b5c6d7e8f9", "corpus": "crawl",
    "input": {"files": 4, "text_bytes": 118200345, "units": 16},
    "stages": ["ingest", "score", "judge", "pairs", "dedup", "mix", "export"],
    "scorers": [{"alias": "gopher", "scorer": "gopher", "parameters": {"definition": "datatrove"}}],
    "passes": [["language", "exact", "gopher", "repetition", "lines", "minhash"]], "measured": [False],
    "rules": ["word_count: gopher.word_count is from 50 to 100000"], "forecast": {"workers": 2, "seconds": 12.5},
}  # fmt: skip


class NewJob(Body):
    """A recipe, its input, and where the curated corpus goes."""

    recipe: Annotated[str, StringConstraints(min_length=1, max_length=YAML_CHARS_MAX)] | dict[str, Any] = Field(
        description="A preset's name (see `GET /v1/recipes`), a recipe as a tree, or as YAML text.",
        examples=["fineweb"],
    )
    inputs: list[PathText] | None = Field(
        None,
        min_length=1,
        max_length=INPUTS_MAX,
        description="Files, globs or folders, within the roots and buckets of the service. null: those of the recipe.",
        examples=[["/data/crawl"]],
    )
    changes: list[Change] = Field(
        default=[],
        max_length=CHANGES_MAX,
        description="Values changed in the recipe, `path=value` in YAML, as `winnow run --set`.",
        examples=[["rules.word_count.min=100"]],
    )
    corpus: Annotated[str, StringConstraints(pattern=NAME)] | None = Field(
        None, description="Name of the corpus in the workspace. null: from the input's path."
    )
    output: PathText | None = Field(
        None,
        description="Folder or bucket prefix of the curated corpus, within the roots and buckets. null: in the workspace.",
    )
    until: Until = Field("export", description="The last stage to run.")
    workers: int | None = Field(
        None, ge=1, le=WORKERS_MAX, description="Worker processes; the service bounds them. null: what it chooses."
    )
    executor: Executor | None = Field(
        None, description="Where units run: worker processes of the service's machine, or Ray. null: as it is set up."
    )
    copy_input: bool = Field(
        default=False, alias="copy", description="Take a copy of Parquet input that may vanish after the job."
    )
    overwrite: bool = Field(default=False, description="Replace another Winnow export in the output folder.")
    labels: dict[LabelName, LabelValue] = Field(
        default={}, max_length=LABELS_MAX, description="Names and values of your own, to find the job again."
    )

    model_config = ConfigDict(
        populate_by_name=True,
        json_schema_extra={
            "examples": [
                {"recipe": "fineweb", "inputs": ["/data/crawl"], "changes": ["rules.word_count.min=100"]},
                {"recipe": RECIPE_EXAMPLE, "output": "/data/curated/web-en", "labels": {"team": "english"}},
            ]
        },
    )


class Job(Answer):
    """A job as its files tell it."""

    id: str = Field(description="Sorts by time of creation.", pattern=JOB_ID)
    name: str = Field(description="The recipe's name.")
    state: State = Field(description="The last four never change again.")
    reason_code: str = Field("", description='Why it is in this state, as a code of docs/errors.md; "" if all is well.')
    message: str = Field("", description="The same for people: what, where, what to do.")
    created_at: str = Field(description="RFC 3339, UTC.")
    since: str | None = Field(None, description="When it came into this state, RFC 3339, UTC.")
    attempt: int = Field(0, ge=0, description="Runner processes started for it so far.")
    attempts_failed: int = Field(0, ge=0, description="How many of these ended without being asked to.")
    wanted: str | None = Field(None, description="What it was last asked for: run, pause or cancel.")
    recipe_digest: str | None = Field(None, description="32 hex digits over the canonical recipe.")
    corpus: str | None = Field(None, description="Name of the corpus in the workspace; null until it is planned.")
    output: str | None = Field(None, description="Where the curated corpus is or goes.")
    rows: int | None = Field(None, ge=0, description="Rows of the input; null until they are counted.")
    funnel: dict[str, int] | None = Field(
        None, description="Documents by what became of them: kept, judge.<rule>, dedup.exact, quarantine.<reason>."
    )
    tables: dict[str, list[str]] = Field(default={}, description="Keys of the tables it stands on, by kind.")
    scorers: dict[str, str] = Field(default={}, description="Key of the notes that hold each scorer's columns.")
    warnings: list[str] = Field(default=[], description="What one should know although it went on.")
    seconds: float | None = Field(None, ge=0, description="Seconds of work, pauses left out.")
    owner: str = Field("", description='Name of the key that submitted it; "" without keys.')
    labels: dict[str, str] = Field(default={}, description="As submitted.")
    retry_of: str | None = Field(None, description="The job that this one tries again.")
    supervised: bool = Field(
        default=False, description="Whether the service runs it; jobs of `winnow run` can be looked at, not steered."
    )

    model_config = example(JOB)


class JobsPage(Answer):
    """Jobs, the newest first unless asked otherwise."""

    items: list[Job]
    next_page_token: PageToken = None

    model_config = example({"items": [JOB], "next_page_token": None})


class PlanForecast(Answer):
    """What it would take, from measured rates."""

    workers: int = Field(description="Workers this forecast assumes.")
    seconds: float = Field(description="Seconds, a guess from rates on one machine.")


class PlanInput(Answer):
    """What was found."""

    files: int = Field(description="Files taken in.")
    text_bytes: int = Field(description="Bytes of text, as far as the files' footers tell.")
    units: int = Field(description="Units of work a pass.")


class PlanScorer(Answer):
    """A scorer of the recipe."""

    alias: str = Field(description="Its name in this recipe.")
    scorer: str = Field(description="Its name.")
    parameters: dict[str, Any] = Field(description="As the recipe gives them.")


class PlanReference(Answer):
    """A corpus or files that `dedup.against` names."""

    name: str = Field(description="As the recipe has it.")
    documents: int | None = Field(
        default=None, description="Documents that take part; null: files, still to be taken in."
    )
    text_bytes: int


class JobPlan(Answer):
    """What a job would do; nothing is done."""

    recipe: str = Field(description="The recipe's name.")
    recipe_digest: str
    corpus: str
    input: PlanInput
    stages: list[str] = Field(description="In order.")
    scorers: list[PlanScorer]
    passes: list[list[str]] = Field(description="Scorers by pass over the text.")
    measured: list[bool] = Field(description="Of each pass: whether its notes are there already.")
    rules: list[str] = Field(description="Each rule as a sentence.")
    fuzzy: list[str] = Field(default=[], description="How near-duplicates are looked for, and what it costs.")
    lines: list[str] = Field(default=[], description="The same of lines that the corpus repeats.")
    substrings: list[str] = Field(default=[], description="The same of passages that lie in several documents.")
    against: list[PlanReference] = Field(default=[], description="Reference sets that documents are held against.")
    forecast: PlanForecast

    model_config = example(PLAN)
