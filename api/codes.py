"""Every error code that an answer can carry: status, title, what causes it, what to do. docs/errors.md is written from it."""

from __future__ import annotations

from typing import NamedTuple


class Code(NamedTuple):
    """status: of HTTP; title: what it is, the same every time; cause and remedy: sentences, with `code` marked."""

    status: int
    title: str
    cause: str
    remedy: str


CODES: dict[str, Code] = {
    # of the request
    "bad_request": Code(
        400,
        "The request cannot be read",
        "The body is not JSON or YAML, or a header or query has no sense.",
        "Send valid UTF-8 JSON (`Content-Type: application/json`) or a recipe as `application/yaml`; the detail names the character.",
    ),
    "bad_page_token": Code(
        400,
        "The page token is not one of this listing",
        "`page_token` was changed, or comes from a listing with other filters.",
        "Leave `page_token` out to begin anew, and keep filters the same from page to page.",
    ),
    "bad_host": Code(
        400,
        "The Host header names another service",
        "The service was called by a name that it was not told is its own. Attacks by DNS rebinding look like this.",
        "Start it with `winnow serve --trusted-host NAME` for every name it has behind a proxy.",
    ),
    "unauthorized": Code(
        401,
        "A valid key is needed",
        "There is no `Authorization: Bearer` header, or its key is unknown, expired or revoked.",
        "Make a key with `winnow keys create --name NAME --role viewer` on the service's machine, and send its text.",
    ),
    "forbidden": Code(
        403,
        "The key may not do this",
        "The key's role is lower than what the route needs: viewers read and ask, operators submit and steer, admins delete.",
        "Use a key of the role that the detail names.",
    ),
    "cross_origin": Code(
        403,
        "Another site's page asks for a change",
        "A browser sent an `Origin` or `Sec-Fetch-Site` of another site with a request that changes something.",
        "Call the service from a program, or from its own pages.",
    ),
    "not_found": Code(
        404,
        "There is no such thing",
        "Nothing has this path, name or id.",
        "Check the spelling; `/docs` lists the routes, and listings the ids.",
    ),
    "job_not_found": Code(
        404,
        "There is no such job",
        "No job of this workspace has this id, or it was deleted.",
        "`GET /v1/jobs` lists them.",
    ),
    "document_not_found": Code(
        404,
        "There is no such document",
        "No document of the job's corpus has this id.",
        "Take an id from `samples`, from the output, or by SQL: `select doc_id from documents`.",
    ),
    "cluster_not_found": Code(
        404,
        "There is no such cluster of duplicates",
        "The job found no cluster of this number.",
        "`GET /v1/jobs/{job_id}/clusters` lists them.",
    ),
    "column_not_found": Code(
        404,
        "There is no such column",
        "No scorer of the job measured a column of this name.",
        "The detail names the nearest; `GET /v1/schema` lists all.",
    ),
    "method_not_allowed": Code(
        405,
        "The method does not fit the path",
        "The path is there, but not with this method.",
        "The `Allow` header says which methods it has.",
    ),
    "not_acceptable": Code(
        406,
        "None of the accepted media types can be given",
        "The `Accept` header leaves no media type that the route has.",
        "Leave `Accept` out, or take one that `/docs` names for the route.",
    ),
    "request_timeout": Code(
        408,
        "The request came too slowly",
        "The body did not arrive whole within its time.",
        "Send it again, at once; `GET /v1/limits` has `body_seconds`.",
    ),
    "body_too_large": Code(
        413,
        "The body is too large",
        "The body is over `body_bytes` of `GET /v1/limits`.",
        "Name inputs by path; a recipe itself is a few kilobytes.",
    ),
    "unsupported_media_type": Code(
        415,
        "The body's media type is not read here",
        "`Content-Type` is missing or not one that the route reads.",
        "Send `application/json`; recipes may be `application/yaml`, too.",
    ),
    "range_not_satisfiable": Code(
        416,
        "The range lies outside the file",
        "The `Range` header begins behind the end, or names more ranges than are served.",
        "Ask for one range within `Content-Length`.",
    ),
    "invalid": Code(
        422,
        "The request does not fit the schema",
        "A field or query parameter is unknown, missing, of another type or out of bounds. `errors` has a JSON pointer for each.",
        "Correct what the pointers name; `/docs` has the schema and an example.",
    ),
    "idempotency_key_reused": Code(
        422,
        "The idempotency key belongs to another request",
        "The same `Idempotency-Key` came with another body before.",
        "Take a new key for a new request, and the same only to repeat one.",
    ),
    "path_outside": Code(
        422,
        "The path lies outside what the service may touch",
        "An input or output lies outside the configured folders and buckets, leads out of them by a link, or is written so that it could mean something else.",
        "Give a path below a folder or bucket of `GET /v1/limits`; whoever runs the service adds others with `--root` and `--bucket`.",
    ),
    # of the job and its recipe
    "usage": Code(
        422,
        "The request asks for something that cannot be",
        "Values that are well formed do not fit together or do not exist.",
        "The detail says what was expected.",
    ),
    "recipe": Code(
        422,
        "The recipe is not one",
        "A key is unknown, a value of the wrong type, or the YAML cannot be read.",
        "The detail and `errors` name the place; `winnow plan RECIPE` checks it without a service.",
    ),
    "plan": Code(
        422,
        "The recipe cannot run on this input",
        "A rule names a column that no scorer has, a bound can never hold, or no input is found.",
        "The detail names what there is; `POST /v1/plans` checks without running.",
    ),
    "model": Code(
        422,
        "A model is missing or not what its card says",
        "A scorer reads a model that is not on this machine, is damaged, or was replaced.",
        "The detail has the command that brings it; `GET /v1/models` lists those that are here.",
    ),
    "scorer": Code(
        422,
        "A scorer or its parameters are wrong",
        "There is no such scorer, or it has no such parameter.",
        "`GET /v1/scorers` lists scorers with their parameters.",
    ),
    "not_ready_yet": Code(
        409,
        "The job has not come so far",
        "What was asked for is made by a stage that this job has not finished.",
        "Wait for the stage; `GET /v1/jobs/{job_id}/stages` and `/events` say how far it is.",
    ),
    "wrong_state": Code(
        409,
        "The job's state does not allow this",
        "Terminal states never change; only what runs can be paused, only what is paused resumed, only what has ended deleted.",
        "`GET /v1/jobs/{job_id}` says the state; `retry` starts an ended job again as a new one.",
    ),
    "not_supervised": Code(
        409,
        "The job was not started by this service",
        "`winnow run` started it; the service lists it and cannot steer it.",
        "Stop it where it runs.",
    ),
    "conflict": Code(
        409,
        "Something else changed meanwhile",
        "What the request relies on is not so any more.",
        "Read it again and repeat the request.",
    ),
    "output_taken": Code(
        409,
        "The output folder belongs to another export",
        "The output holds files that are not this recipe's export.",
        "Choose an empty folder, or `overwrite` for an export of Winnow's.",
    ),
    # of SQL
    "out_of_memory": Code(
        422,
        "It needs more memory than it may have",
        "What was asked needs more memory than the process that looks it up may take.",
        "Ask for less at once: a smaller sample, fewer bins, shorter texts.",
    ),
    "sql_error": Code(
        422,
        "The statement found no answer",
        "The statement is wrong, or the engine ended.",
        "The detail has DuckDB's words; `GET /v1/schema` lists views and columns.",
    ),
    "sql_refused": Code(
        422,
        "The statement is not allowed",
        "It is more than one question, or uses a table, function or syntax that is not on the list.",
        "Ask with one SELECT over the views of `GET /v1/schema`; the detail names what was refused.",
    ),
    "sql_timeout": Code(
        422,
        "The statement ran out of time",
        "It took longer than `timeout_seconds`, or the service's limit.",
        "Ask for less, or give `timeout_seconds` up to `sql_seconds_max` of `GET /v1/limits`.",
    ),
    "sql_out_of_memory": Code(
        422,
        "The statement ran out of memory",
        "Its joins, sorts or groups need more than a question may have.",
        "Group by fewer values, or ask in pieces.",
    ),
    "sql_too_large": Code(
        422,
        "The statement or its answer is too large",
        "The statement is too long, or no row fits into the answer.",
        "Select fewer or shorter columns.",
    ),
    # of how much is asked
    "queue_full": Code(
        429,
        "The queue is full",
        "As many jobs wait as may wait.",
        "Submit again after `Retry-After` seconds, with the same `Idempotency-Key`.",
    ),
    "rate_limited": Code(
        429,
        "Too many requests",
        "One key or address asked more often than `requests_per_minute`.",
        "Wait `Retry-After` seconds; follow jobs by `/events` instead of asking again and again.",
    ),
    "too_many_failures": Code(
        429,
        "Too many wrong keys",
        "One address sent more wrong keys within a minute than `failures_per_minute`.",
        "Wait a minute, and check the key.",
    ),
    "too_many_questions": Code(
        429,
        "Too many questions at once",
        "As many SQL questions as may run at once are running, of this key or of all.",
        "Wait for one to end; `Retry-After` says when to try.",
    ),
    "too_many_streams": Code(
        429,
        "Too many event streams at once",
        "As many streams of events as may be open are open.",
        "Close some, or ask for events page by page (`Accept: application/json`).",
    ),
    # of the service
    "internal": Code(
        500,
        "A fault of the service",
        "Something happened that should not.",
        "The service's log has it under the `request_id`; please report it with that.",
    ),
    "failed": Code(
        500,
        "A fault of the service",
        "Work ended with an error that has no code of its own.",
        "The detail and the job's log say more; please report it.",
    ),
    "conservation": Code(
        500,
        "Rows do not add up",
        "Rows in differ from rows kept, removed and quarantined; nothing was committed.",
        "Please report it with the job's log.",
    ),
    "integrity": Code(
        500,
        "Stored bytes are damaged",
        "A file of the workspace is not what its manifest or checksum says.",
        "Run `winnow verify --repair`, then retry the job: only what was damaged is made anew.",
    ),
    "storage": Code(
        503,
        "Storage cannot be read or written",
        "A disk is full or read-only, permissions are missing, or a bucket cannot be reached.",
        "The detail names the path; free space or mend access, and repeat the request.",
    ),
    "clerk_lost": Code(
        503,
        "The process that looked it up ended",
        "A helper process of the service was ended while it worked, for its memory perhaps.",
        "Repeat the request; ask for less if it happens again.",
    ),
    "not_ready": Code(
        503,
        "The service is not ready",
        "A check of `/readyz` fails: catalog, supervisor, disk, Ray; or the service is ending.",
        "Wait `Retry-After` seconds; whoever runs the service sees the check in the detail.",
    ),
    "timeout": Code(
        504,
        "It took longer than it may",
        "Planning, explaining or counting did not end within its time.",
        "Ask for less, or again when the machine is less busy.",
    ),
    # what jobs end with (their reason_code) and what stops the start of the service
    "quarantine_over_budget": Code(
        422,
        "More input is unreadable than the recipe allows",
        "More rows or files went to quarantine than `input.quarantine` allows.",
        "Look at the quarantine, mend the input, or raise the budget.",
    ),
    "guard_held": Code(
        422,
        "A guard of deduplication held the commit",
        "Deduplication would have removed more of a source than its guard allows.",
        "Look at the clusters; loosen the guard if they are right.",
    ),
    "unit_failed": Code(
        500,
        "A unit kept failing",
        "One unit of a stage failed in every attempt; the others are committed.",
        "The job's log names the unit; retry goes on from what is committed.",
    ),
    "paused": Code(
        409,
        "The job is paused",
        "Somebody paused it.",
        "`resume` goes on from what is committed.",
    ),
    "fenced": Code(
        409,
        "A later attempt holds the job",
        "A runner found that another took its place, and wrote no more.",
        "Nothing: the later attempt goes on.",
    ),
    "interrupted": Code(
        500,
        "The job's process ended without a word",
        "It was killed, or its machine stopped.",
        "`retry` goes on from what is committed.",
    ),
    "cancelled": Code(
        409,
        "The job was cancelled",
        "Somebody stopped it.",
        "`retry` makes a new job that goes on from what is committed.",
    ),
    "catalog_held": Code(
        409,
        "The catalog is open elsewhere",
        "Another process, a running service most likely, has the catalog's file open.",
        "Ask that service, or stop it first.",
    ),
    "already_served": Code(
        409,
        "Another service works on this workspace",
        "A second service was started on the same workspace.",
        "Use the first, stop it, or choose another `--workspace`.",
    ),
    "keys_needed": Code(
        401,
        "Keys are needed before others can reach the service",
        "`winnow serve --host` names an address beyond this machine, and no key was ever made.",
        "Make a key first: `winnow keys create --name NAME --role admin`.",
    ),
    "keys_damaged": Code(
        503,
        "The file of keys is damaged",
        "`keys.json` of the state folder cannot be read; nobody is let in.",
        "Put back a copy of it; or move it away and make new keys.",
    ),
}
BY_STATUS = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    408: "request_timeout",
    409: "conflict",
    413: "body_too_large",
    415: "unsupported_media_type",
    416: "range_not_satisfiable",
    422: "invalid",
    429: "rate_limited",
    503: "not_ready",
}
"""The code of an error that came with a status alone, from the framework."""
