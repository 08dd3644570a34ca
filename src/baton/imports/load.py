"""Loading a table as leads: chunk by chunk, each one transaction, all under one operation. Spec A7, A11.

`load(db, actor, path, options)` is what doors call; with `dry_run=True` it is the preview and writes nothing.
"""

import asyncio
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from baton.accounts.members import Member
from baton.accounts.organization import Organization
from baton.imports.map import Plan, plan
from baton.imports.options import ImportReport, Named, Options, check_choices
from baton.imports.read import open_table
from baton.imports.rows import Known, KnownRows, LoadedRow, LoadRows
from baton.imports.shape import Shape
from baton.imports.table import Notes, Refusal, Table
from baton.imports.vocabulary import Ladder
from baton.kernel.actor import Actor
from baton.kernel.db import Database
from baton.kernel.errors import Conflict, Invalid, NotFound, Unavailable
from baton.kernel.operation import perform
from baton.kernel.values import email_key, fold, new_id
from baton.leads.create import NewLead
from baton.leads.facts import currency as currency_code
from baton.leads.facts import source as source_name
from baton.pipelines.pipeline import Pipeline

Progress = Callable[[int, int], None]
CHUNK = 500


@dataclass(frozen=True, slots=True)
class _Entry:
    line: int
    lead: NewLead
    identity: str


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

    Rows go in in chunks of 500, each in one transaction, all under the report's `operationId`. An import that was
    interrupted is continued by running it again: what is in is recognised. `progress` is told (rows done, rows in all).
    Raises Invalid, NotFound, TooLarge for the file, the options or the pipeline, Forbidden for a viewer, Unavailable.
    """
    options = options or Options()
    check_choices(options)
    table = source if isinstance(source, Table) else await asyncio.to_thread(_open, source, options)
    organization: Organization = await perform(db, actor, "crm.organization.get")
    pipeline = await _pipeline(db, actor, options)
    currency = currency_code(options.currency or organization.currency)
    found = await asyncio.to_thread(plan, table, options, currency)
    shape = Shape(
        plan=found,
        ladder=Ladder(pipeline),
        pipeline_id=str(pipeline.id),
        owners=await _owners(db, actor),
        currency=currency,
        source=source_name(options.source or (found.system.source if found.system else None) or "other"),
        region=options.region,
    )
    report = _report(table, pipeline, found, dry_run)
    notes = Notes()
    chunks = _chunks(table, shape, report, notes)
    write = _Look(db, actor, report, pipeline) if dry_run else _Write(db, actor, report, pipeline)
    try:
        while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
            await write.chunk(chunk)
            if progress:
                progress(report.rows, found.records)
    except Unavailable as error:
        message = f"{error.message} {report.created:,} rows are in; run the import again and it goes on from there."
        raise Unavailable(message) from error
    if progress:
        progress(report.rows, found.records)
    report.warnings.extend(notes.sentences())
    return report


def _open(path: Path, options: Options) -> Table:
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


async def _owners(db: Database, actor: Actor) -> dict[str, str]:
    """Members by name and by e-mail, folded; a name that two of them share belongs to neither."""
    members: list[Member] = await perform(db, actor, "crm.members.list")
    names = [fold(member.name) for member in members]
    owners = {name: str(member.id) for name, member in zip(names, members, strict=True) if names.count(name) == 1}
    return owners | {fold(member.email): str(member.id) for member in members if member.email}


def _chunks(table: Table, shape: Shape, report: ImportReport, notes: Notes) -> Iterator[list[_Entry]]:
    """The rows that are leads and differ from those before them; the report gets the others."""
    entries = _entries(table, shape, report, notes)
    while chunk := list(itertools.islice(entries, CHUNK)):
        yield chunk


def _entries(table: Table, shape: Shape, report: ImportReport, notes: Notes) -> Iterator[_Entry]:
    seen: dict[str, int] = {}
    for row in table.rows(notes):
        report.rows += 1
        result = row if isinstance(row, Refusal) else shape.lead(row, notes)
        if isinstance(result, Refusal):
            report.refused.append(Named(line=row.line, reason=result.reason))
            continue
        lead, identity = result
        earlier = seen.setdefault(identity, row.line)
        if earlier != row.line:
            _is_in(report, row.line, f"It repeats line {earlier}: {_same(lead, identity)}")
            continue
        yield _Entry(row.line, lead, identity)


def _same(lead: NewLead, identity: str) -> str:
    if identity.startswith("row:"):
        return "the same name, company and phone, or the same in every cell"
    return f"the same id, {lead.external_id}" if lead.external_id else f"the same e-mail, {lead.email}"


def _is_in(report: ImportReport, line: int, reason: str) -> None:
    report.duplicates += 1
    report.repeated.append(Named(line=line, reason=reason))


@dataclass(frozen=True, slots=True)
class _Write:
    """Loads chunks; a chunk that a rule refuses is halved until the row at fault stands alone and is named."""

    db: Database
    actor: Actor
    report: ImportReport
    pipeline: Pipeline

    async def chunk(self, entries: list[_Entry]) -> None:
        rows = LoadRows(pipeline_id=str(self.pipeline.id), leads=[entry.lead for entry in entries])
        try:
            answers: list[LoadedRow] = await perform(
                self.db, self.actor, "crm.imports.load", rows, operation_id=self.report.operation_id
            )
        except (Invalid, NotFound, Conflict) as error:
            if len(entries) == 1:
                self.report.refused.append(Named(line=entries[0].line, reason=error.message))
                return
            middle = len(entries) // 2
            await self.chunk(entries[:middle])
            await self.chunk(entries[middle:])
            return
        for entry, answer in zip(entries, answers, strict=True):
            if answer.outcome == "created":
                self.report.created += 1
            else:
                same = _same(entry.lead, entry.identity)
                _is_in(self.report, entry.line, f"It was in already, as lead {answer.id}: {same}")


@dataclass(frozen=True, slots=True)
class _Look:
    """Counts what loading a chunk would do."""

    db: Database
    actor: Actor
    report: ImportReport
    pipeline: Pipeline

    async def chunk(self, entries: list[_Entry]) -> None:
        ids = [entry.lead.external_id for entry in entries if entry.lead.external_id]
        emails = [entry.lead.email for entry in entries if entry.lead.email and not entry.lead.external_id]
        asked = KnownRows(pipeline_id=str(self.pipeline.id), external_ids=ids, emails=emails)
        known: Known = await perform(self.db, self.actor, "crm.imports.check", asked)
        taken, mailed = set(known.external_ids), set(known.emails)
        for entry in entries:
            lead = entry.lead
            if lead.external_id in taken or (not lead.external_id and lead.email and email_key(lead.email) in mailed):
                _is_in(self.report, entry.line, f"It is in already: {_same(lead, entry.identity)}")
            else:
                self.report.created += 1
