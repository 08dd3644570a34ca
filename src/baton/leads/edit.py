"""Editing a lead's facts. Spec A5, A7, B9."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from baton.activities import kinds
from baton.fields import definition as definitions
from baton.fields.definition import Definition
from baton.fields.values import require
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Invalid
from baton.kernel.operation import Input, operation
from baton.kernel.shapes import Cents, Count, CurrencyCode, Email, Line, Name, Reason, TagNames, Values, Version
from baton.kernel.values import Ref, clean, email_address
from baton.leads import facts as check
from baton.leads import lead as leads
from baton.leads.facts import Source
from baton.leads.identify import identified
from baton.leads.lead import Lead
from baton.leads.score import rescore
from baton.scoring.score import SCORED_FIELDS


class LeadFacts(Input, kw_only=True):
    """Facts to set; absent ones stay, null clears. `fields` merges into the custom fields; a null value removes one."""

    name: Name | UnsetType = UNSET
    first_name: Line | UnsetType | None = UNSET
    last_name: Line | UnsetType | None = UNSET
    email: Email | UnsetType | None = UNSET
    phone: Line | UnsetType | None = UNSET
    website: Line | UnsetType | None = UNSET
    title: Line | UnsetType | None = UNSET
    company_name: Line | UnsetType | None = UNSET
    location: Line | UnsetType | None = UNSET
    industry: Line | UnsetType | None = UNSET
    company_size: Count | UnsetType | None = UNSET
    value_cents: Cents | UnsetType | None = UNSET
    currency: CurrencyCode | UnsetType = UNSET
    expected_close_date: date | UnsetType | None = UNSET
    tags: TagNames | UnsetType = UNSET
    fields: Values | UnsetType = UNSET
    source: Source | UnsetType = UNSET


class EditLead(LeadFacts, kw_only=True):
    """The lead, and what to set of it."""

    lead_id: Ref
    version: Version | None = None
    reason: Reason | None = None


_TEXTS = ("first_name", "last_name", "phone", "website", "title", "company_name", "location", "industry")


@operation("crm.leads.update", role=Role.MEMBER, summary="Edit a lead")
async def edit(tx: Tx, actor: Actor, input: EditLead) -> Lead:
    """Set facts of a lead, and score it again where the rules look at them. Raises Invalid, NotFound, Conflict."""
    before = await leads.lock(tx, input.lead_id, version=input.version)
    new = await changes_of(tx, before, input)
    return await set_facts(tx, actor, before, new, kinds.FIELD_UPDATED, reason=input.reason) if new else before


async def changes_of(tx: Tx, before: Lead, input: LeadFacts) -> dict[str, Any]:
    """The facts that differ from a lead's own, checked, by their names. Raises Invalid."""
    new = _checked(before, input, await definitions.read(tx) if input.fields else [])
    return {name: value for name, value in new.items() if getattr(before, name) != value}


async def set_facts(
    tx: Tx, actor: Actor, before: Lead, new: dict[str, Any], kind: str, *, reason: str | None = None,
    payload: dict[str, Any] | None = None,
) -> Lead:  # fmt: skip
    """Set checked facts of a locked lead under a kind of activity; contact and company follow, and the score."""
    new = new | await identified(tx, actor, before, new)
    after = await leads.change(tx, actor, before, kind, reason=reason, payload=payload, **new)
    return await rescore(tx, actor, after, "change") if SCORED_FIELDS & new.keys() else after


def _checked(before: Lead, input: LeadFacts, defined: Sequence[Definition]) -> dict[str, Any]:
    given = {name: v for name in LeadFacts.__struct_fields__ if (v := getattr(input, name)) is not UNSET}
    for name in _TEXTS:
        if name in given:
            given[name] = check.checked(name, given[name])
    if "name" in given and not check.checked("name", given["name"]):
        raise Invalid("A lead needs a name.", field="name")
    if "name" in given:
        given["name"] = given["name"].strip()
    elif {"first_name", "last_name"} & given.keys():
        given |= _renamed(before, given)
    if "email" in given:
        given["email"] = email_address(given["email"]) if clean(given["email"]) else None
    for name, field, below in (("company_size", "companySize", 2**31), ("value_cents", "valueCents", 2**62)):
        if name in given:
            given[name] = check.natural(field, given[name], below)
    for name, function in (("currency", check.currency), ("source", check.source), ("tags", check.tags)):
        if name in given:
            given[name] = function(given[name])
    if "fields" in given:
        asked = list(given["fields"])
        given["fields"] = check.fields(before.fields | given["fields"], defined, before.fields)
        require(defined, given["fields"], asked)
    return given


def _renamed(before: Lead, given: dict[str, Any]) -> dict[str, Any]:
    after = msgspec.structs.replace(before, **{k: v for k, v in given.items() if k in ("first_name", "last_name")})
    full = " ".join(part for part in (after.first_name, after.last_name) if part)
    return {"name": full} if full else {}
