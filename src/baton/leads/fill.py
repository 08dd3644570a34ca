"""Filling in what a provider found about a lead: gaps only, so that what a person typed stays. Spec C8."""

from typing import Any
from uuid import UUID

import msgspec

from baton.activities import kinds
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Invalid
from baton.kernel.operation import Input, Output, operation
from baton.leads import lead as leads
from baton.leads.edit import LeadFacts, changes_of, set_facts
from baton.leads.lead import Lead

FILLABLE = (
    "firstName", "lastName", "email", "phone", "website", "title", "companyName", "location", "industry", "companySize",
)  # fmt: skip
MAX_TEXT = 500


class FillLead(Input, kw_only=True):
    """What was found: values by field ("field.<key>" for a custom one), and where each was read."""

    lead_id: UUID
    run_id: UUID
    provider: str
    url: str | None = None
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}


class Filled(Output, kw_only=True):
    """What was filled in, and what was found but left: each with why."""

    filled: dict[str, Any]
    kept: dict[str, str]


@operation("crm.leads.fill", role=Role.MEMBER, summary="Fill in what was found about a lead", internal=True)
async def fill(tx: Tx, actor: Actor, input: FillLead) -> Filled:
    """Fill a lead's gaps, and refresh what an earlier lookup filled; what a person set or cleared stays. Raises NotFound."""
    before = await leads.lock(tx, input.lead_id)
    found, kept = await _wanted(tx, before, input.values)
    new: dict[str, Any] = {}
    while found:
        try:
            new = await changes_of(tx, before, _as_edit(found))
            break
        except Invalid as error:
            wrong = _at_fault(error, found)
            kept[wrong] = error.message
            found.pop(wrong)
    payload = {
        "provider": input.provider, "url": input.url, "runId": str(input.run_id),
        "sources": {name: input.sources.get(name, input.url) for name in found}, "kept": kept,
    }  # fmt: skip
    await set_facts(tx, actor, before, new, kinds.CONTACT_ENRICHED, payload=payload)
    return Filled(filled=found if new else {}, kept=kept)


async def _wanted(tx: Tx, before: Lead, values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """What may be filled in, and why the rest may not."""
    facts = leads.facts(before)
    authors = await _authors(tx, before.id)
    found: dict[str, Any] = {}
    kept: dict[str, str] = {}
    for name, value in values.items():
        key = name.removeprefix("field.")
        now = facts["fields"].get(key) if name.startswith("field.") else facts.get(name)
        author = authors.get(name)
        if name not in FILLABLE and not name.startswith("field."):
            kept[name[:100]] = "This is not a field that is looked up."
        elif value in (None, "", []) or value == now:
            continue
        elif now not in (None, "", []) and author != kinds.CONTACT_ENRICHED:
            kept[name] = "It has a value already."
        elif now in (None, "", []) and author not in (None, kinds.CONTACT_ENRICHED):
            kept[name] = "It was cleared."
        else:
            found[name] = value[:MAX_TEXT] if isinstance(value, str) else value
    return found, kept


async def _authors(tx: Tx, lead_id: UUID) -> dict[str, str]:
    """The kind of activity that last changed each field of a lead; none for a field that only its creation left empty."""
    rows = await tx.fetch(
        """SELECT kind, changes FROM activities WHERE org_id = $1 AND lead_id = $2 AND lead_version IS NOT NULL
            ORDER BY lead_version, id""",
        tx.org_id, lead_id,
    )  # fmt: skip
    authors: dict[str, str] = {}
    for row in rows:
        for name, (old, new) in row["changes"].items():
            if name == "fields":
                was, becomes = old or {}, new or {}
                changed = {key for key in was.keys() | becomes.keys() if was.get(key) != becomes.get(key)}
                authors |= {f"field.{key}": row["kind"] for key in changed}
            elif old is not None or new is not None:
                authors[name] = row["kind"]
    return authors


def _as_edit(found: dict[str, Any]) -> LeadFacts:
    own = {name.removeprefix("field."): value for name, value in found.items() if name.startswith("field.")}
    given = {name: value for name, value in found.items() if not name.startswith("field.")}
    try:
        return msgspec.convert(given | ({"fields": own} if own else {}), LeadFacts, strict=False)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$.")
        raise Invalid(message, field=path.rstrip("`") or None) from None


def _at_fault(error: Invalid, found: dict[str, Any]) -> str:
    """The field that an error names, else the last one: something must go, so that the rest can be kept."""
    named = (error.field or "").removeprefix("fields.")
    return next((name for name in (error.field or "", f"field.{named}") if name in found), list(found)[-1])
