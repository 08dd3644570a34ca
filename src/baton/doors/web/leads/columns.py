"""The columns that a list of leads may have: what each is called, how it is sorted, how a lead's value reads in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from baton.doors.web.shell import amounts
from baton.doors.web.shell.amounts import money
from baton.doors.web.shell.language import _, marked
from baton.doors.web.shell.show import SOURCES, STATUSES, Named, Who, who
from baton.doors.web.shell.times import Moment, ago, day, due
from baton.doors.web.shell.visit import Visit
from baton.fields.definition import Definition
from baton.kernel.values import utc_now
from baton.leads.lead import Lead
from baton.pipelines.pipeline import Pipeline, Stage


@dataclass(frozen=True, slots=True)
class Column:
    """A column: `sort` is how `crm.leads.find` calls its order, `fact` what an edit in place calls it, `export` what a file does."""

    key: str
    label: str
    sort: str | None = None
    fact: str | None = None
    export: str | None = None
    number: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """A value of a lead in a column, and how it is shown."""

    key: str
    kind: str
    text: str = ""
    who: Who | None = None
    stage: tuple[str, str] | None = None
    score: int | None = None
    moment: Moment | None = None
    chips: Sequence[str] = ()
    href: str | None = None
    late: bool = False
    fact: str | None = None
    number: bool = False
    label: str = ""


COLUMNS: tuple[Column, ...] = (
    Column("name", marked("Name"), "name", "name", "name"),
    Column("companyName", marked("Company"), "companyName", "companyName", "companyName"),
    Column("stageId", marked("Stage"), "stage", "stage", "stage"),
    Column("valueCents", marked("Value"), "valueCents", "valueCents", "value", number=True),
    Column("score", marked("Score"), "score", None, "score"),
    Column("ownerId", marked("Owner"), "owner", "owner", "owner"),
    Column("source", marked("Source"), "source", "source", "source"),
    Column("lastActivityAt", marked("Last activity"), "lastActivityAt", None, "lastActivityAt", number=True),
    Column("title", marked("Title"), None, "title", "title"),
    Column("email", marked("Email"), "email", "email", "email"),
    Column("phone", marked("Phone"), None, "phone", "phone"),
    Column("tags", marked("Tags"), None, "tags", "tags"),
    Column("status", marked("Status"), None, None, "status"),
    Column("pipelineId", marked("Pipeline"), None, None, "pipeline"),
    Column("nextActionAt", marked("Next action"), "nextActionAt", None, "nextActionAt", number=True),
    Column("expectedCloseDate", marked("Expected close"), "expectedCloseDate", "expectedCloseDate", "expectedCloseDate", number=True),
    Column("createdAt", marked("Created"), "createdAt", None, "createdAt", number=True),
    Column("stageEnteredAt", marked("In this stage since"), "stageEnteredAt", None, None, number=True),
    Column("qualifiedAt", marked("Qualified"), None, None, "qualifiedAt", number=True),
    Column("closedAt", marked("Closed"), None, None, "closedAt", number=True),
    Column("industry", marked("Industry"), None, "industry", "industry"),
    Column("companySize", marked("Team size"), None, "companySize", "companySize", number=True),
    Column("location", marked("Location"), None, "location", "location"),
    Column("website", marked("Website"), None, "website", "website"),
    Column("externalId", marked("External id"), None, None, "batonLeadId"),
)  # fmt: skip
USUAL = ("name", "companyName", "stageId", "valueCents", "score", "ownerId", "source", "lastActivityAt")
MOST = 60
_NUMBERS = ("integer", "decimal", "date")


def every(definitions: Sequence[Definition]) -> dict[str, Column]:
    """All columns by their keys, the organization's custom fields (but the archived) after the others."""
    own = [
        Column(
            f"field.{d.key}",
            d.label,
            f"field.{d.key}",
            f"field.{d.key}",
            f"field.{d.key}",
            number=d.type in _NUMBERS,
        )
        for d in definitions
        if d.archived_at is None
    ]
    return {column.key: column for column in (*COLUMNS, *own)}


def chosen(keys: Sequence[str], known: Mapping[str, Column]) -> list[Column]:
    """The columns of these keys; those that are none are left out, the name stands first, and none at all are the usual ones."""
    asked = [known[key] for key in dict.fromkeys(keys) if key in known][:MOST]
    if not asked:
        return [known[key] for key in USUAL]
    return [known["name"], *(column for column in asked if column.key != "name")]


@dataclass(frozen=True, slots=True)
class Reader:
    """What a list needs to tell its cells: names of ids, and the reader's clock."""

    stages: Mapping[UUID, Stage]
    pipelines: Mapping[UUID, Pipeline]
    members: Mapping[UUID, Named]
    definitions: Mapping[str, Definition]
    visit: Visit


async def reader(visit: Visit) -> Reader:
    """The names of the organization's pipelines, stages, members and fields."""
    pipelines = await visit.pipelines()
    return Reader(
        {stage.id: stage for pipeline in pipelines for stage in pipeline.stages},
        {pipeline.id: pipeline for pipeline in pipelines},
        {member.id: member for member in await visit.members()},
        {definition.key: definition for definition in await visit.definitions()},
        visit,
    )


def cell(lead: Lead, column: Column, read: Reader) -> Cell:
    """What a list shows of a lead in a column."""
    return replace(_cell(lead, column, read), label=_(column.label))


def _cell(lead: Lead, column: Column, read: Reader) -> Cell:
    key, fact, number = column.key, column.fact, column.number
    if key.startswith("field."):
        return _custom(lead, column, read)
    match key:
        case "name":
            return Cell(key, "name", lead.name, href=f"/leads/{lead.id}", fact=fact)
        case "stageId":
            stage = read.stages.get(lead.stage_id)
            named = (stage.name, stage.colour) if stage else (_("Archived stage"), "")
            return Cell(key, "stage", stage=named, fact=fact if stage else None)
        case "ownerId":
            owner = read.members.get(lead.owner_id) if lead.owner_id else None
            return Cell(key, "who", who=who(owner) if owner else None, fact=fact)
        case "valueCents":
            return Cell(key, "text", money(lead.value_cents, lead.currency), fact=fact, number=True)
        case "score":
            return Cell(key, "score", score=lead.score)
        case "tags":
            return Cell(key, "chips", chips=lead.tags, fact=fact)
        case "source":
            return Cell(key, "text", SOURCES.get(lead.source, lead.source), fact=fact)
        case "status":
            return Cell(key, "text", STATUSES[lead.status])
        case "pipelineId":
            pipeline = read.pipelines.get(lead.pipeline_id)
            return Cell(key, "text", pipeline.name if pipeline else _("Archived pipeline"))
        case "companyName":
            return Cell(key, "text", "" if lead.company_name == lead.name else lead.company_name or "", fact=fact)
    return _plain(getattr(lead, _ATTRIBUTES[key]), column, read, number)


_ATTRIBUTES = dict(zip(Lead.__struct_encode_fields__, Lead.__struct_fields__, strict=True))


def _plain(value: Any, column: Column, read: Reader, number: bool) -> Cell:
    visit, key, fact = read.visit, column.key, column.fact
    if value is None:
        return Cell(key, "text", "", fact=fact, number=number)
    if isinstance(value, datetime):
        moment = ago(value, visit.now, visit.zone)
        if key == "nextActionAt":
            when = due(value, visit.now, visit.zone)
            return Cell(key, "time", moment=Moment(when.label, moment.full, moment.iso), late=when.late, number=True)
        return Cell(key, "time", moment=moment, number=True)
    if isinstance(value, date):
        return Cell(key, "text", day(value, visit.now.astimezone(visit.zone).date()), fact=fact, number=True)
    if isinstance(value, int):
        return Cell(key, "text", amounts.number(value), fact=fact, number=True)
    return Cell(key, "text", str(value), fact=fact, number=number)


def _custom(lead: Lead, column: Column, read: Reader) -> Cell:
    value, key = lead.fields.get(column.key[6:]), column.key
    definition = read.definitions.get(key[6:])
    if isinstance(value, list):
        return Cell(key, "chips", chips=[str(each) for each in value], fact=column.fact)
    return Cell(key, "text", told(value, definition), fact=column.fact, number=column.number)


def told(value: Any, definition: Definition | None) -> str:
    """A custom field's value as one reads it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, (int, float)):
        return amounts.number(value)
    if definition is not None and definition.type == "date":
        try:
            return day(date.fromisoformat(str(value)), utc_now().date())
        except ValueError:
            return str(value)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
