"""Loading a table as leads: chunk by chunk, each one transaction, all under one operation. Spec A7, A11.

`load(db, actor, path, options)` is what doors call; with `dry_run=True` it is the preview and writes nothing.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from baton.accounts.members import Member
from baton.accounts.organization import Organization
from baton.contacts.matching import Matching
from baton.fields.definition import Definition
from baton.imports.entries import Entry, chunks
from baton.imports.map import Plan, plan
from baton.imports.options import ImportReport, Options, check_choices
from baton.imports.read import open_table
from baton.imports.shape import Shape
from baton.imports.table import Notes, Table
from baton.imports.vocabulary import Ladder
from baton.imports.write import Look, Write
from baton.kernel.actor import Actor
from baton.kernel.db import Database
from baton.kernel.errors import Conflict, NotFound, Unavailable
from baton.kernel.perform import perform
from baton.kernel.values import fold, new_id
from baton.leads.facts import currency as currency_code
from baton.leads.facts import source as source_name
from baton.pipelines.pipeline import Pipeline

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A file with all that is needed to load it: how its columns are read, into which pipeline, and the report to fill."""

    table: Table
    plan: Plan
    shape: Shape
    pipeline: Pipeline
    report: ImportReport


async def load(
    db: Database,
    actor: Actor,
    source: Path | Table,
    options: Options | None = None,
    *,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> ImportReport:
    """Make a lead of every row that is not in yet; every other row is counted, or named with its line and a reason.

    Rows go in in chunks of 1,000, each in one transaction, all under the report's `operationId`. An import that was
    interrupted is continued by running it again: what is in is recognised. `progress` is told (rows done, rows in all).
    Raises Invalid, NotFound, TooLarge for the file, the options or the pipeline, Forbidden for a viewer, Unavailable.
    """
    options = options or Options()
    ready = await prepare(db, actor, source, options, dry_run=dry_run)
    writer = (Look if dry_run else Write)(db, actor, ready.report, ready.pipeline, options.on_duplicate)
    try:
        await load_prepared(ready, writer, progress=progress)
    except Unavailable as error:
        message = (
            f"{error.message} {ready.report.created:,} rows are in; run the import again and it goes on from there."
        )
        raise Unavailable(message) from error
    return ready.report


async def prepare(
    db: Database, actor: Actor, source: Path | Table, options: Options, *, dry_run: bool = False
) -> Prepared:
    """Open a file, decide on its columns, and look up what its words mean in the organization. Raises as `load`."""
    check_choices(options)
    table = source if isinstance(source, Table) else await asyncio.to_thread(open_as, source, options)
    organization: Organization = await perform(db, actor, "crm.organization.get")
    pipeline = await _pipeline(db, actor, options)
    currency = currency_code(options.currency or organization.currency)
    found = await asyncio.to_thread(plan, table, options, currency)
    how: Matching = await perform(db, actor, "crm.contacts.matching")
    shape = Shape(
        plan=found,
        ladder=Ladder(pipeline),
        pipeline_id=str(pipeline.id),
        owners=await _owners(db, actor),
        currency=currency,
        source=source_name(options.source or (found.system.source if found.system else None) or "other"),
        region=options.region or how.default_region,
        defined=await _defined(db, actor),
        matching=how,
    )
    return Prepared(table, found, shape, pipeline, _report(table, pipeline, found, dry_run))


async def load_prepared(ready: Prepared, writer: Write, *, after: int = 0, progress: Progress | None = None) -> None:
    """Hand the rows behind the first `after` to a writer, chunk by chunk; the next is read while one is written."""
    notes = Notes()
    found = chunks(ready.table, ready.shape, notes, after=after)

    def read() -> "asyncio.Task[list[Entry] | None]":
        return asyncio.create_task(asyncio.to_thread(next, found, None))

    reading = read()
    try:
        while (chunk := await reading) is not None:
            reading = read()
            await writer.chunk(chunk)
            if progress:
                progress(after + ready.report.rows, ready.plan.records)
    finally:
        await asyncio.wait([reading])
    if progress:
        progress(after + ready.report.rows, ready.plan.records)
    ready.report.warnings.extend(notes.sentences())


def open_as(path: Path, options: Options) -> Table:
    """A file opened as the options say."""
    return open_table(path, encoding=options.encoding, delimiter=options.delimiter, sheet=options.sheet)


def _report(table: Table, pipeline: Pipeline, found: Plan, dry_run: bool) -> ImportReport:
    return ImportReport(
        file=table.name,
        format=table.format,
        pipeline=pipeline.name,
        dry_run=dry_run,
        encoding=table.encoding,
        delimiter=table.delimiter,
        system=found.system.name if found.system else None,
        operation_id=None if dry_run else new_id(),
        columns=[column.use for column in found.columns],
        questions=list(found.questions),
        warnings=[*table.warnings, *found.warnings],
    )


async def _pipeline(db: Database, actor: Actor, options: Options) -> Pipeline:
    """The pipeline by name, id or external id; the intake where none is named."""
    pipelines: list[Pipeline] = await perform(db, actor, "crm.pipelines.list")
    if options.pipeline is None:
        chosen = next((each for each in pipelines if each.is_intake), None)
        if chosen is None:
            raise Conflict("The organization has no intake pipeline; name the one that the leads enter.")
        return chosen
    wanted = fold(options.pipeline)
    for each in pipelines:
        if wanted in (fold(each.name), str(each.id), fold(each.external_id or "")):
            return each
    names = ", ".join(each.name for each in pipelines)
    raise NotFound(f"There is no pipeline “{options.pipeline}”; there are: {names}.", field="pipeline")


async def _defined(db: Database, actor: Actor) -> dict[str, Definition]:
    """The organization's own fields that are in use, by folded label and key; the key wins."""
    found: list[Definition] = await perform(db, actor, "crm.fields.list")
    used = [definition for definition in found if definition.archived_at is None]
    return {fold(each.label): each for each in reversed(used)} | {fold(each.key): each for each in used}


async def _owners(db: Database, actor: Actor) -> dict[str, str]:
    """Members by name and by e-mail, folded; a name that two of them share belongs to neither."""
    members: list[Member] = await perform(db, actor, "crm.members.list")
    names = [fold(member.name) for member in members]
    owners = {name: str(member.id) for name, member in zip(names, members, strict=True) if names.count(name) == 1}
    return owners | {fold(member.email): str(member.id) for member in members if member.email}
