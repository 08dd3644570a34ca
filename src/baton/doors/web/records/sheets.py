"""A contact or a company that is added by hand, and the panel of those that may be the same."""

from typing import Any

import msgspec
from starlette.responses import Response

from baton.contacts.duplicates import Likely
from baton.doors.web.records.records import COMPANIES, PEOPLE, Record, Sort, found
from baton.doors.web.shell.language import _
from baton.doors.web.shell.render import done, fragment
from baton.doors.web.shell.sheets import Refusal, sheet
from baton.doors.web.shell.visit import Visit
from baton.kernel.errors import Conflict, Invalid, NotFound
from baton.kernel.explain import explained


async def new_contact(visit: Visit) -> Response:
    """GET and POST /contacts/new."""
    return await _new(visit, PEOPLE)


async def new_company(visit: Visit) -> Response:
    """GET and POST /companies/new."""
    return await _new(visit, COMPANIES)


async def _new(visit: Visit, sort: Sort) -> Response:
    error: Refusal | None = None
    if visit.request.method == "POST":
        given: dict[str, Any] = {key: text for key, *rest in sort.facts if (text := visit.fields.get(key, "").strip())}
        try:
            if str(given.get("size", "0")).isdecimal():
                given |= {"size": int(given["size"])} if "size" in given else {}
            made: Record = await visit.perform(f"crm.{sort.plural}.create", msgspec.convert(given, sort.create))
            return done(visit, _("%(name)s is added.") % {"name": made.name}, f"{sort.home}/{made.id}")
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
        except msgspec.ValidationError as refusal:
            error = explained(refusal, sort.create)
    return await sheet(
        visit,
        "record_new.html",
        _("Add a contact") if sort.noun == "contact" else _("Add a company"),
        act=_("Add"),
        back=sort.home,
        values=visit.fields,
        error=error,
        here=sort.home,
        facts=sort.facts,
    )


async def alike_contact(visit: Visit) -> Response:
    """GET /contacts/{record}/alike: the panel of those that may be the same person."""
    return await _alike(visit, PEOPLE)


async def alike_company(visit: Visit) -> Response:
    """GET /companies/{record}/alike: the panel of those that may be the same company."""
    return await _alike(visit, COMPANIES)


async def _alike(visit: Visit, sort: Sort) -> Response:
    record = await found(visit, sort)
    pairs = await visit.perform(f"crm.{sort.plural}.duplicates", Likely(of=str(record.id), limit=5))
    others = [(pair.second if pair.first.id == record.id else pair.first, pair.likeness, pair.why) for pair in pairs]
    return fragment(visit, "records/alike.html", sort=sort, record=record, others=others)
