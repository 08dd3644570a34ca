"""Contacts and companies as the pages know them, and their lists."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.responses import Response

from baton.contacts.company import Company, CreateCompany, EditCompany, GetCompany
from baton.contacts.contact import Contact, CreateContact, EditContact, GetContact
from baton.contacts.find import ListCompanies, ListPeople
from baton.doors.web.shell.amounts import number, total_of
from baton.doors.web.shell.language import _, marked
from baton.doors.web.shell.render import page
from baton.doors.web.shell.times import ago
from baton.doors.web.shell.visit import Visit
from baton.kernel.errors import Invalid
from baton.kernel.page import Page
from baton.leads.record_timeline import CompanyTimeline, ContactTimeline

Record = Contact | Company


@dataclass(frozen=True, slots=True)
class Sort:
    """A sort of record as the pages know it: its words, its facts (key, label, type), and the operations on it."""

    noun: str
    plural: str
    home: str
    facts: tuple[tuple[str, str, str], ...]
    get: Any
    edit: Any
    create: Any
    find: Any
    timeline: Any

    @property
    def id(self) -> str:
        """How operations call the id of one."""
        return f"{self.noun}_id"


PEOPLE = Sort(
    "contact",
    "contacts",
    "/contacts",
    (
        ("name", marked("Name"), "text"),
        ("email", marked("Email"), "email"),
        ("phone", marked("Phone"), "tel"),
        ("title", marked("Title"), "text"),
        ("companyName", marked("Company"), "text"),
        ("externalId", marked("External id"), "text"),
    ),
    GetContact,
    EditContact,
    CreateContact,
    ListPeople,
    ContactTimeline,
)
COMPANIES = Sort(
    "company",
    "companies",
    "/companies",
    (
        ("name", marked("Name"), "text"),
        ("website", marked("Website"), "url"),
        ("industry", marked("Industry"), "text"),
        ("location", marked("Location"), "text"),
        ("size", marked("People"), "number"),
        ("externalId", marked("External id"), "text"),
    ),
    GetCompany,
    EditCompany,
    CreateCompany,
    ListCompanies,
    CompanyTimeline,
)
SHOWN = 30
MOST = 200


async def contacts(visit: Visit) -> Response:
    """GET /contacts."""
    return await _list(visit, PEOPLE)


async def companies(visit: Visit) -> Response:
    """GET /companies."""
    return await _list(visit, COMPANIES)


async def _list(visit: Visit, sort: Sort) -> Response:
    q, cursor = visit.query.get("q", "").replace("\0", "").strip()[:200], visit.query.get("cursor")
    order = "name" if visit.query.get("sort") == "name" else "createdAt"
    asked = sort.find(search=q or None, sort=order, cursor=cursor, count=cursor is None)
    try:
        found: Page[Record] = await visit.perform(f"crm.{sort.plural}.find", asked)
    except Invalid as error:
        if error.field != "cursor":
            raise
        asked.cursor, asked.count = None, True
        found = await visit.perform(f"crm.{sort.plural}.find", asked)
    asking = {"q": q} if q else {}
    here = {**asking, **({"sort": "name"} if order == "name" else {})}
    return await page(
        visit, "records.html", here=sort.home, sort=sort, q=q, order=order,
        rows=[_row(record, visit) for record in found.items],
        heads=[_(fact[1]) for fact in sort.facts[1:-1]],
        page={
            "here": _url(sort.home, here, cursor), "name_url": _url(sort.home, {**asking, "sort": "name"}),
            "new_url": _url(sort.home, asking), "first_url": _url(sort.home, here) if cursor else None,
            "next_url": _url(sort.home, here, found.next_cursor) if found.next_cursor else None,
            "total": "" if found.total is None else _("%(total)s in all") % {"total": total_of(found)},
        },
    )  # fmt: skip


def _url(path: str, query: dict[str, str], cursor: str | None = None) -> str:
    text = urlencode({**query, **({"cursor": cursor} if cursor else {})})
    return f"{path}?{text}" if text else path


def _row(record: Record, visit: Visit) -> dict[str, Any]:
    sort = sort_of(record)
    cells = [as_text(record, key) for key, *rest in sort.facts[1:-1]]
    company = record.company_id if isinstance(record, Contact) else None
    return {"id": record.id, "name": record.name, "cells": cells, "company": company,
            "made": ago(record.created_at, visit.now, visit.zone)}  # fmt: skip


def sort_of(record: Record) -> Sort:
    """The sort that a record is of."""
    return PEOPLE if isinstance(record, Contact) else COMPANIES


async def found(visit: Visit, sort: Sort, id: str | None = None) -> Record:
    """The record of the address. Raises NotFound."""
    asked = sort.get(**{sort.id: id or visit.path["record"]})
    record: Record = await visit.perform(f"crm.{sort.plural}.get", asked)
    return record


def as_text(record: Record, key: str) -> str:
    """A fact as a list or a page shows it."""
    value = msgspec.to_builtins(record)[key]
    return "" if value is None else number(value) if isinstance(value, int) else str(value)
