"""The facts of a lead as the page shows and edits them, one by one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from baton.accounts.members import Member
from baton.doors.web.leads.columns import told
from baton.doors.web.leads.custom import Control, control
from baton.doors.web.shell.amounts import major, money, number
from baton.doors.web.shell.language import _, marked
from baton.doors.web.shell.show import SOURCES, Who, who
from baton.doors.web.shell.times import day
from baton.doors.web.shell.visit import Visit
from baton.fields.definition import Definition
from baton.imports.numbers import marks, written
from baton.imports.numbers import money as read_money
from baton.kernel.errors import Invalid
from baton.leads.lead import Lead


@dataclass(slots=True)
class Fact:
    """A fact as it is shown; while it is edited, `typed` is what stands in its field and `raw` what it was."""

    key: str
    label: str
    value: str = ""
    raw: str = ""
    type: str = "text"
    href: str | None = None
    outside: bool = False
    number: bool = False
    required: bool = False
    who: Who | None = None
    beside: str | None = None
    chips: list[str] = field(default_factory=list)
    options: list[tuple[str, str]] = field(default_factory=list)
    edit_url: str | None = None
    dialog: bool = False
    editing: bool = False
    typed: str = ""
    currency: str = ""
    wrong: str | None = None
    theirs: str | None = None
    control: Control | None = None


_TEXTS = (
    ("companyName", marked("Company"), "company_name", "text"),
    ("title", marked("Title"), "title", "text"),
    ("email", marked("Email"), "email", "email"),
    ("phone", marked("Phone"), "phone", "tel"),
)
_MORE = (
    ("location", marked("Location"), "location", "text"),
    ("industry", marked("Industry"), "industry", "text"),
    ("companySize", marked("Team size"), "company_size", "number"),
    ("website", marked("Website"), "website", "url"),
    ("name", marked("Name"), "name", "text"),
)
EDITABLE = frozenset([key for key, *_ in (*_TEXTS, *_MORE)] + ["valueCents", "source", "expectedCloseDate", "tags"])


OWN = "field-"
"""How the address of an organization's own fact begins."""


def facts(
    lead: Lead, members: list[Member], visit: Visit, editing: str | None = None, own: Sequence[Definition] = ()
) -> list[Fact]:
    """All facts of a lead in the page's order, `own` the organization's; one of them as a field where `editing` names it."""
    known = [each for each in own if each.archived_at is None]
    others = sorted(set(lead.fields) - {each.key for each in known})
    shown = [
        *(_text(lead, *each) for each in _TEXTS),
        *([Fact("contact", _("Contact"), lead.name, href=f"/contacts/{lead.contact_id}")] if lead.contact_id else []),
        _owner(lead, members),
        _value(lead),
        _source(lead),
        _close(lead, visit),
        Fact("tags", _("Tags"), ", ".join(lead.tags), ", ".join(lead.tags), chips=lead.tags),
        *(_text(lead, *each) for each in _MORE),
        *(_own(lead, each) for each in known),
        *(Fact(f"other-{i}", name, _custom(lead.fields[name])) for i, name in enumerate(others)),
    ]
    for fact in shown:
        if fact.key in EDITABLE or fact.control is not None:
            fact.edit_url = f"/leads/{lead.id}?edit={fact.key}"
            fact.editing = fact.key == editing and visit.may_write
            fact.typed = fact.raw
    return shown


def raw_money(lead: Lead) -> str:
    """The lead's value as one would type it."""
    return "" if lead.value_cents is None else f"{major(lead.value_cents, lead.currency).normalize():f}"


def _text(lead: Lead, key: str, label: str, name: str, type: str) -> Fact:
    value = getattr(lead, name)
    text = "" if value is None else str(value)
    fact = Fact(key, _(label), number(value) if isinstance(value, int) else text, text, type, required=key == "name")
    fact.number = type in ("tel", "number")
    if text and type in ("email", "tel"):
        fact.href = f"{'mailto' if type == 'email' else 'tel'}:{text.replace(' ', '')}"
    if key == "companyName" and lead.company_id:
        fact.href = f"/companies/{lead.company_id}"
    if type == "url":
        fact.type = "text"
        fact.outside = True
        fact.href = (
            text
            if text.startswith(("https://", "http://"))
            else f"https://{text}"
            if text and ":" not in text
            else None
        )
    return fact


def _value(lead: Lead) -> Fact:
    shown = "" if lead.value_cents is None else money(lead.value_cents, lead.currency)
    return Fact(
        "valueCents", _("Potential value"), shown, raw_money(lead), "money", number=True, currency=lead.currency
    )


def _source(lead: Lead) -> Fact:
    by_form = lead.via == "form" and lead.source == "website"
    shown = _("Website form") if by_form else SOURCES.get(lead.source, lead.source)
    return Fact("source", _("Source"), shown, lead.source, options=list(SOURCES.items()))


def _close(lead: Lead, visit: Visit) -> Fact:
    close = lead.expected_close_date
    if close is None:
        return Fact("expectedCloseDate", _("Expected close"), type="date")
    shown = day(close, visit.now.astimezone(visit.zone).date())
    return Fact("expectedCloseDate", _("Expected close"), shown, close.isoformat(), "date")


def _owner(lead: Lead, members: list[Member]) -> Fact:
    by_id = {member.id: member for member in members}
    fact = Fact("owner", _("Owner"), edit_url=f"/leads/{lead.id}/assign", dialog=True)
    if lead.owner_id is None:
        return fact
    owner = by_id.get(lead.owner_id)
    if owner is None:
        fact.value = _("A former member")
        return fact
    fact.who = who(owner)
    supervisor = by_id.get(owner.supervisor_id) if owner.supervisor_id else None
    fact.beside = _("for %(name)s") % {"name": supervisor.name} if supervisor else None
    return fact


def _own(lead: Lead, definition: Definition) -> Fact:
    """A fact of the organization's own, with the control that suits its type."""
    value = lead.fields.get(definition.key)
    shown = control(definition, value)
    fact = Fact(f"{OWN}{definition.key}", definition.label, told(value, definition), shown.value, control=shown)
    fact.number = definition.type in ("integer", "decimal")
    if definition.type == "multiSelect" and isinstance(value, list):
        fact.chips = [str(each) for each in value]
    if definition.type == "url" and str(value).startswith(("https://", "http://")):
        fact.href, fact.outside = str(value), True
    return fact


def _custom(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def parsed(key: str, fields: Mapping[str, str], own_currency: str) -> dict[str, Any]:
    """What an edited field means, as input of `crm.leads.update`. Raises Invalid."""
    text = fields.get("value", "").strip()
    if key == "tags":
        return {"tags": [tag.strip() for tag in text.split(",") if tag.strip()]}
    if key == "companySize":
        digits = "".join(c for c in text if c not in " ,.'")
        if digits and not (digits.isascii() and digits.isdigit()):
            raise Invalid("The team size is a whole number.", field=key)
        return {key: int(digits) if digits else None}
    if key == "valueCents":
        currency = fields.get("currency", "").strip().upper() or own_currency
        return {key: cents(text, currency), "currency": currency}
    return {key: text or None} if key not in ("name", "source") else {key: text}


def cents(text: str, currency: str) -> int | None:
    """An amount as people type it ("42,000", "1.234,50", "42k") in minor units, None for nothing. Raises Invalid."""
    if not text:
        return None
    number = written(text, currency)
    ways = sorted(marks(number, currency)) if number else []
    found = read_money(text, ways[-1], currency) if ways else None
    if found is None or found.currency != currency:
        raise Invalid(f"“{text[:40]}” is not an amount in {currency}. Write it like 42,000.", field="valueCents")
    return found.minor
