"""winnow sql, why, report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from pipeline.cli.connection import LOOKING_S, KeyFile, ServerOnly, service
from pipeline.cli.options import DEFAULT_WORKSPACE, JobId, Json, Workspace, examples, say

if TYPE_CHECKING:
    import duckdb

    from winnow.client import Client, Job

WIDE_COLUMNS = 12
"""Above it a row is shown upright."""


def register(app: typer.Typer) -> None:
    """Add these commands to the app."""
    app.command(epilog=examples(
        'winnow sql "select stage, reason, count(*) from documents group by all order by 3 desc"',
        'winnow sql "select * from columns where \\"table\\" = \'documents\'"',
        'winnow sql "select file_path, avg(gopher.word_count) from documents group by 1" --format csv',
        'winnow sql --safe --timeout 5 "select count(*) from documents"',
        'winnow sql "select count(*) from documents" --server http://127.0.0.1:8765',
    ))(sql)  # fmt: skip
    app.command(epilog=examples("winnow why page-000123", "winnow why page-000123 --server http://127.0.0.1:8765"))(why)
    app.command(
        epilog=examples(
            "winnow report",
            "winnow report --job job_0193",
            "winnow report --server http://127.0.0.1:8765 -o report.html",
        )
    )(report)


def sql(
    query: Annotated[str, typer.Argument(help="One SQL statement; `select * from columns` says what there is.")],
    workspace: Workspace = DEFAULT_WORKSPACE,
    job: JobId = None,
    format_: Annotated[str, typer.Option("--format", help="table, json (an array), jsonl, csv or parquet.")] = "table",
    output: Annotated[str | None, typer.Option("--output", "-o", help="Write to a file.")] = None,
    safe: Annotated[
        bool, typer.Option("--safe", help="As the service asks: queries only, in a confined process with limits.")
    ] = False,
    timeout: Annotated[float | None, typer.Option(help="Seconds at most; implies --safe.", min=0.1)] = None,
    max_rows: Annotated[int | None, typer.Option(help="Rows at most; implies --safe.", min=1)] = None,
    server: ServerOnly = None,
    key_file: KeyFile = None,
) -> None:
    """Ask the workspace in SQL (DuckDB): documents, verdicts, duplicates, shards, stages, jobs, scorers, columns, quarantine."""
    from pipeline.cli.jobs import one_of
    from pipeline.errors import UsageError

    one_of("--format", format_, ("table", "json", "jsonl", "csv", "parquet"))
    if format_ == "parquet" and output is None:
        raise UsageError("--format parquet needs --output FILE")
    if server is not None:
        result = _there(query, job, timeout, max_rows, server, key_file)
    elif safe or timeout is not None or max_rows is not None:
        result = _confined(query, workspace, job, timeout, max_rows)
    else:
        result = _here(query, workspace, job)
    if result is not None:
        _write(result, format_, output)


def _here(query: str, workspace: str, job: str | None) -> Any:
    """The owner's own question, in this process: any statement, no limits."""
    import duckdb

    from pipeline.catalog.views import VIEWS, open_catalog
    from pipeline.errors import UsageError
    from pipeline.sql.engine import again
    from pipeline.storage.store import Store

    connection = open_catalog(Store(workspace), job)
    try:
        if len(connection.extract_statements(query)) != 1:
            raise UsageError("sql takes one statement")
        return again(lambda: _asked(connection, query))
    except duckdb.Error as error:
        raise UsageError(
            f'SQL: {error}\nViews: {", ".join(VIEWS)}; their columns: winnow sql "select * from columns"'
        ) from None


def _asked(connection: duckdb.DuckDBPyConnection, query: str) -> Any:
    found = connection.sql(query)
    return found.to_arrow_table() if found is not None else None


def _confined(query: str, workspace: str, job: str | None, timeout: float | None, max_rows: int | None) -> Any:
    """A stranger's question, as the service would take it."""
    from pipeline.sandbox.ask import ask
    from pipeline.sandbox.limits import Limits
    from pipeline.storage.store import Store

    usual = Limits()
    limits = Limits(seconds=timeout or usual.seconds, rows=max_rows or usual.rows)
    answer = ask(Store(workspace), query, job, limits=limits)
    if answer.truncated:
        typer.echo(f"truncated: {answer.said}", err=True)
    return answer.table()


def _there(
    query: str, job: str | None, timeout: float | None, max_rows: int | None, server: str, key_file: Path | None
) -> Any:
    """A question to a service."""
    with service(server, key_file, LOOKING_S) as client:
        job_id = client.job(job).id if job is not None else None
        answer = client.sql(query, job_id, timeout, max_rows)
    if answer.truncated:
        typer.echo(f"truncated: {answer.said}", err=True)
    return answer.to_arrow()


def _decided(client: Client, job: str | None) -> Job:
    """The job named; else the latest that completed, as `winnow sql` and a workspace of one's own have it."""
    if job is not None:
        return client.job(job)
    completed = client.jobs(1, state=["completed", "completed_with_quarantine"])
    return next(iter(completed), None) or client.job("last")


def _write(result: Any, format_: str, output: str | None) -> None:
    import sys

    from pipeline.cli.show import table
    from pipeline.sql.encode import encoded, json_lines
    from pipeline.storage.files import told

    if format_ == "table" and output is None:
        rows = [{k: _short(v) for k, v in row.items()} for row in result.slice(0, 200).to_pylist()]
        if result.num_columns > WIDE_COLUMNS:
            for row in rows[:20]:
                table([{"column": k, "value": v} for k, v in row.items()])
        else:
            table(rows)
        if result.num_rows > 200:
            typer.echo(f"{result.num_rows:,} rows; the first 200 are shown. All of them: --format csv or json")
        return
    with told(output or "standard output"):
        sink = open(output, "wb") if output else sys.stdout.buffer  # noqa: SIM115 - stdout is not ours to close
        if format_ == "jsonl":
            sink.writelines(line + b"\n" for line in json_lines(result))
        else:
            sink.write(encoded(result, cast(Literal["json", "csv", "parquet"], format_)))
        if output:
            sink.close()


def _short(value: Any) -> Any:
    if isinstance(value, bytes):
        return value[:8].hex() + ("…" if len(value) > 8 else "")
    if isinstance(value, dict):
        return {k: _short(v) for k, v in value.items()}
    return value


def why(
    doc_id: Annotated[str, typer.Argument(help="A document's id.")],
    workspace: Workspace = DEFAULT_WORKSPACE,
    job: JobId = None,
    server: ServerOnly = None,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Say what became of a document: which rules, values and bounds; which cluster, which keeper."""
    from pipeline.explain import explain
    from pipeline.explain_sentences import sentences
    from pipeline.storage.store import Store
    from pipeline.wording import printable

    if server is not None:
        with service(server, key_file, LOOKING_S) as client:
            found = _decided(client, job).explain(doc_id)
    else:
        found = explain(Store(workspace), doc_id, job)
    if as_json:
        say(found, True)
        return
    for line in sentences(found):
        typer.echo(printable(line))


def report(
    workspace: Workspace = DEFAULT_WORKSPACE,
    job: JobId = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", help="Where to write a service's page; report-JOB.html otherwise.")
    ] = None,
    server: ServerOnly = None,
    key_file: KeyFile = None,
) -> None:
    """Write a job's report: one self-contained HTML page."""
    from pipeline.errors import UsageError
    from pipeline.report.page import write_report
    from pipeline.storage.store import Store

    if server is not None:
        with service(server, key_file, LOOKING_S) as client:
            found = _decided(client, job)
            typer.echo(found.report(output or f"report-{found.id}.html"))
        return
    if output is not None:
        raise UsageError("--output goes with --server: a report of this workspace lies beside its job")
    typer.echo(write_report(Store(workspace), job))
