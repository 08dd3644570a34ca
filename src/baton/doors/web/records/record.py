"""The page of a contact or a company: its facts, its leads, its customers and what happened to it."""

from typing import Any

import msgspec
from starlette.responses import Response

from baton.activities.activity import Activity
from baton.contacts.contact import Contact
from baton.contacts.customers import Customer
from baton.contacts.find import ListCustomers, ListPeople
from baton.doors.web.leads.facts import Fact
from baton.doors.web.leads.leads import row
from baton.doors.web.leads.timeline import entries, names
from baton.doors.web.records.records import COMPANIES, MOST, PEOPLE, SHOWN, Record, Sort, as_text, found, sort_of
from baton.doors.web.shell.language import _, told
from baton.doors.web.shell.render import page, redirect
from baton.doors.web.shell.show import Named
from baton.doors.web.shell.stale import Clash, named
from baton.doors.web.shell.visit import Visit
from baton.kernel.errors import Conflict, Invalid, NotFound
from baton.kernel.page import Page
from baton.leads.find import ListLeads
from baton.leads.lead import Lead


async def contact(visit: Visit) -> Response:
    """GET /contacts/{record}, with `edit` naming the fact that stands open."""
    return await record_page(visit, PEOPLE, editing=visit.query.get("edit"))


async def company(visit: Visit) -> Response:
    """GET /companies/{record}, with `edit` naming the fact that stands open."""
    return await record_page(visit, COMPANIES, editing=visit.query.get("edit"))


async def record_page(
    visit: Visit, sort: Sort, *, editing: str | None = None, fact: Fact | None = None, status: int = 200
) -> Response:
    """The page of a record; `fact` takes the place of the one of its key, where an edit was refused."""
    record = await found(visit, sort)
    shown = facts(record, visit, editing)
    if fact is not None:
        shown = [fact if each.key == fact.key else each for each in shown]
    told, more = await _timeline(visit, sort, record)
    return await page(
        visit, "record.html", here=sort.home, status=status, sort=sort, record=record, facts=shown, entries=told, more_url=more,
        rows=await _leads(visit, sort, record), customers=await _customers(visit, sort, record),
        people=await _people(visit, record),
    )  # fmt: skip


def facts(record: Record, visit: Visit, editing: str | None = None) -> list[Fact]:
    """The facts of a record, one of them as a field where `editing` names it."""
    sort, values, shown = sort_of(record), msgspec.to_builtins(record), []
    for key, label, type in sort.facts:
        raw = "" if values[key] is None else str(values[key])
        fact = Fact(key, _(label), as_text(record, key), raw, type, required=key == "name")
        fact.number = type in ("tel", "number")
        fact.edit_url = f"{sort.home}/{record.id}?edit={key}"
        fact.editing = key == editing and visit.may_write
        fact.typed = raw
        _link(fact, record)
        shown.append(fact)
    return shown


def _link(fact: Fact, record: Record) -> None:
    text = fact.raw
    if text and fact.type in ("email", "tel"):
        fact.href = f"{'mailto' if fact.type == 'email' else 'tel'}:{text.replace(' ', '')}"
    if fact.key == "companyName" and isinstance(record, Contact) and record.company_id:
        fact.href = f"/companies/{record.company_id}"
    if fact.type == "url":
        fact.type, fact.outside = "text", True
        known = text.startswith(("https://", "http://"))
        fact.href = text if known else f"https://{text}" if text and ":" not in text else None


async def _leads(visit: Visit, sort: Sort, record: Record) -> list[dict[str, Any]]:
    where = {"field": f"{sort.noun}Id", "op": "=", "value": str(record.id)}
    leads: Page[Lead] = await visit.perform("crm.leads.find", ListLeads(where=where, limit=50, sort="lastActivityAt"))
    stages = {stage.id: stage for pipeline in await visit.pipelines() for stage in pipeline.stages}
    owners: dict[Any, Named] = {member.id: member for member in await visit.members()}
    return [row(lead, stages, owners, visit) for lead in leads.items]


async def _customers(visit: Visit, sort: Sort, record: Record) -> list[Customer]:
    page_: Page[Customer] = await visit.perform(
        "crm.customers.find", msgspec.convert({f"{sort.noun}Id": str(record.id), "limit": 20}, ListCustomers)
    )
    return page_.items


async def _people(visit: Visit, record: Record) -> list[Contact]:
    """Who works at a company."""
    if isinstance(record, Contact):
        return []
    asked = ListPeople(company_id=str(record.id), limit=50)
    people: Page[Contact] = await visit.perform("crm.contacts.find", asked)
    return people.items


async def _timeline(visit: Visit, sort: Sort, record: Record) -> tuple[list[Any], str | None]:
    text = visit.query.get("shown", "")
    limit = min(MOST, max(SHOWN, int(text) if text.isascii() and text.isdigit() and len(text) < 4 else SHOWN))
    asked = sort.timeline(**{sort.id: str(record.id)}, limit=limit)
    told: Page[Activity] = await visit.perform(f"crm.{sort.plural}.timeline", asked)
    lines = entries(told.items, await names(visit), visit, undoable=visit.may_write)
    more = told.next_cursor and limit < MOST
    return lines, f"{sort.home}/{record.id}?shown={limit + 2 * SHOWN}" if more else None


async def edit_contact(visit: Visit) -> Response:
    """POST /contacts/{record}/facts/{key}."""
    return await _edit(visit, PEOPLE)


async def edit_company(visit: Visit) -> Response:
    """POST /companies/{record}/facts/{key}."""
    return await _edit(visit, COMPANIES)


async def _edit(visit: Visit, sort: Sort) -> Response:
    """One fact. Where another hand changed the same fact meanwhile, both are shown."""
    key = visit.path["key"]
    record = await found(visit, sort)
    was = next((fact for fact in facts(record, visit) if fact.key == key), None)
    if was is None:
        raise NotFound("There is no such fact to edit.")
    text = visit.fields.get("value", "").strip()
    if was.raw != visit.fields.get("was", was.raw):
        log: Page[Activity] = await visit.perform(
            f"crm.{sort.plural}.timeline", sort.timeline(**{sort.id: str(record.id)}, limit=SHOWN)
        )
        was.theirs = Clash(key, was.label, named(log.items, [key]), was.value, text, was.raw).words
    else:
        try:
            value: Any = int(text) if key == "size" and text.isdecimal() and len(text) < 10 else text or None
            given = {f"{sort.noun}Id": str(record.id), "version": record.version, key: value}
            await visit.perform(f"crm.{sort.plural}.update", msgspec.convert(given, sort.edit))
            if not visit.from_htmx:
                return redirect(f"{sort.home}/{record.id}")
            visit.said, visit.undo = (
                _("%(label)s of %(name)s is changed.") % {"label": was.label, "name": record.name},
                visit.operation_id,
            )
            return await record_page(visit, sort)
        except (Invalid, Conflict) as error:
            was.wrong = told(error.message)
        except msgspec.ValidationError:
            was.wrong = _("%(label)s cannot be “%(what)s”.") % {"label": was.label, "what": text[:40]}
    was.editing, was.typed = True, visit.fields.get("value", "")
    return await record_page(visit, sort, fact=was, status=422)
