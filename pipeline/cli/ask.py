"""winnow sql, why, report."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from pipeline.cli.options import DEFAULT_WORKSPACE, JobId, Json, Workspace, examples, say

WIDE_COLUMNS = 12
"""Above it a row is shown upright."""


def register(app: typer.Typer) -> None:
    """Add these commands to the app."""
    app.command(epilog=examples(
        'winnow sql "select stage, reason, count(*) from documents group by all order by 3 desc"',
        'winnow sql "select * from columns where \\"table\\" = \'documents\'"',
        'winnow sql "select file_path, avg(gopher.word_count) from documents group by 1" --format csv',
    ))(sql)  # fmt: skip
    app.command(epilog=examples("winnow why page-000123"))(why)
    app.command(epilog=examples("winnow report", "winnow report --job job_0193"))(report)


def sql(
    query: Annotated[str, typer.Argument(help="One SQL statement; `select * from columns` says what there is.")],
    workspace: Workspace = DEFAULT_WORKSPACE,
    job: JobId = None,
    format_: Annotated[str, typer.Option("--format", help="table, json, csv or parquet.")] = "table",
    output: Annotated[str | None, typer.Option("--output", "-o", help="Write to a file.")] = None,
) -> None:
    """Ask the workspace in SQL (DuckDB): documents, verdicts, duplicates, shards, stages, jobs, scorers, columns, quarantine."""
    import duckdb

    from pipeline.catalog import VIEWS, open_catalog
    from pipeline.cli.jobs import one_of
    from pipeline.errors import UsageError
    from pipeline.store import Store

    one_of("--format", format_, ("table", "json", "csv", "parquet"))
    if format_ == "parquet" and output is None:
        raise UsageError("--format parquet needs --output FILE")
    connection = open_catalog(Store(workspace), job)
    try:
        if len(connection.extract_statements(query)) != 1:
            raise UsageError("sql takes one statement")
        found = connection.sql(query)
        result = found.to_arrow_table() if found is not None else None
    except duckdb.Error as error:
        raise UsageError(
            f'SQL: {error}\nViews: {", ".join(VIEWS)}; their columns: winnow sql "select * from columns"'
        ) from None
    if result is not None:
        _write(result, format_, output)


def _write(result: Any, format_: str, output: str | None) -> None:
    import json
    import sys

    import pyarrow.csv as csv
    import pyarrow.parquet as pq

    from pipeline.cli.show import table
    from pipeline.files import told

    if format_ == "parquet":
        with told(str(output)):
            pq.write_table(result, output)
        return
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
    with told(str(output)):
        sink = open(output, "wb") if output else sys.stdout.buffer  # noqa: SIM115 - stdout is not ours to close
        if format_ == "csv":
            csv.write_csv(_flat(result), sink)
        else:
            for row in result.to_pylist():
                sink.write((json.dumps(row, ensure_ascii=False, default=_plain) + "\n").encode())
        if output:
            sink.close()


def _flat(result: Any) -> Any:
    """CSV has no nesting: structs and lists as JSON text."""
    import json

    import pyarrow as pa

    for i, field in enumerate(result.schema):
        if (
            pa.types.is_nested(field.type)
            or pa.types.is_binary(field.type)
            or pa.types.is_fixed_size_binary(field.type)
        ):
            texts = [
                None if v is None else json.dumps(v, ensure_ascii=False, default=_plain)
                for v in result.column(i).to_pylist()
            ]
            result = result.set_column(i, field.name, pa.array(texts, pa.string()))
    return result


def _plain(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else str(value)


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
    as_json: Json = False,
) -> None:
    """Say what became of a document: which rules, values and bounds; which cluster, which keeper."""
    from pipeline.explain import explain, sentences
    from pipeline.store import Store

    found = explain(Store(workspace), doc_id, job)
    if as_json:
        say(found, True)
        return
    for line in sentences(found):
        typer.echo(line)


def report(workspace: Workspace = DEFAULT_WORKSPACE, job: JobId = None) -> None:
    """Write a job's report: one self-contained HTML page."""
    from pipeline.report.page import write_report
    from pipeline.store import Store

    typer.echo(write_report(Store(workspace), job))
