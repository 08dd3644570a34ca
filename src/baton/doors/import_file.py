"""`baton import`: a file of leads goes in; every row that does not is named."""

from pathlib import Path
from uuid import UUID

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from baton.doors import words
from baton.imports.load import load
from baton.imports.options import IGNORE, KEEP, ImportReport, Options
from baton.imports.read import open_table
from baton.imports.refused import write_refused
from baton.imports.table import Table
from baton.kernel.actor import Actor, Role, system
from baton.kernel.db import Database
from baton.kernel.errors import Invalid, NotFound
from baton.kernel.values import as_uuid, fold


async def import_file(
    database: Database, path: Path, options: Options, *, organization: str | None, dry_run: bool, refused: Path | None
) -> None:
    """Load a file into the organization of that name or id (or the only one there is), and say what became of its rows.

    Rows that are refused are listed, and written with their reasons to `refused`, where one is named.
    Raises Invalid, NotFound, TooLarge.
    """
    actor = await actor_in(database, organization, "Import from the command line")
    table = open_table(path, encoding=options.encoding, delimiter=options.delimiter, sheet=options.sheet)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=words.err, transient=True, disable=not words.err.is_terminal) as bar:
        task = bar.add_task(escape(path.name), total=None)
        report = await load(
            database,
            actor,
            table,
            options,
            dry_run=dry_run,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    _tell(report)
    if refused is not None:
        _keep_refused(report, table, refused)


def _keep_refused(report: ImportReport, table: Table, path: Path) -> None:
    try:
        write_refused(report, table, path)
    except OSError as error:
        words.failed(
            f"{path} cannot be written ({error.strerror}); choose another place for refused rows with --refused."
        )
    else:
        words.out.print(f"  All rows that were refused, with reasons: {escape(str(path))}")


def _tell(report: ImportReport) -> None:
    verb = "would be created" if report.dry_run else "created"
    updated = f"{report.updated:,} {'would be updated' if report.dry_run else 'updated'}, " if report.updated else ""
    words.done(
        f"{report.file}: {report.rows:,} rows for {report.pipeline}. {report.created:,} leads {verb}, {updated}"
        f"{report.duplicates:,} rows are in already, {len(report.refused):,} refused."
    )
    used = [f"{column.header} → {column.becomes}" for column in report.columns if column.becomes not in (KEEP, IGNORE)]
    kept = [column.header for column in report.columns if column.becomes == KEEP]
    words.out.print(f"  [dim]Columns: {escape(', '.join(used))}[/]")
    if kept:
        words.out.print(f"  [dim]Kept as custom fields: {escape(', '.join(kept))}[/]")
    for question in report.questions:
        words.out.print(
            f"  [yellow]?[/] {escape(question.column)} can be read in several ways "
            f"({escape(', '.join(question.examples))}) and is kept as text: "
            f"choose {_OPTION[question.asks]} {' or '.join(question.choices)} and import again."
        )
    for warning in report.warnings:
        words.out.print(f"  [yellow]![/] {escape(warning)}")
    for named in report.refused[:_LISTED]:
        words.out.print(f"  [red]line {named.line}:[/] {escape(named.reason)}")
    if len(report.refused) > _LISTED:
        words.out.print(f"  [red]… and {len(report.refused) - _LISTED:,} more; --refused FILE writes them all[/]")


_LISTED = 20
_OPTION = {"dateOrder": "--date-order", "decimalMark": "--decimal-mark"}


async def actor_in(database: Database, wanted: str | None, name: str) -> Actor:
    """The command line itself, acting in an organization under a name: whoever may read its data directory is its admin.

    Raises NotFound, and Invalid where there are several organizations and none is named.
    """
    rows = await database.relay.fetch("SELECT org_id, name FROM organizations ORDER BY created_at")
    if not rows:
        raise NotFound("There is no organization yet. Run: baton init, or baton up --demo")
    if wanted is None and len(rows) > 1:
        names = ", ".join(row["name"] for row in rows)
        raise Invalid(f"There are several organizations ({names}). Choose one with --organization.")
    chosen: list[UUID] = [
        row["org_id"]
        for row in rows
        if wanted is None or row["org_id"] == as_uuid(wanted) or fold(row["name"]) == fold(wanted)
    ]
    if len(chosen) != 1:
        raise NotFound(f"There is no single organization “{wanted}”; name one by its id.")
    return system(chosen[0], name, via="csv", role=Role.ADMIN)
