"""The fields of a lead that conditions may name, wherever they are asked: rules, filters, playbooks. Spec A10."""

from collections.abc import Mapping

import msgspec

from baton.fields import definition
from baton.kernel import conditions
from baton.kernel.conditions import Compiled, Condition, Field
from baton.kernel.db import Tx

_OWNER_KIND = "(SELECT m.kind FROM members m WHERE m.org_id = l.org_id AND m.id = l.owner_id)"

LEAD_FIELDS: dict[str, Field] = {
    "id": Field("l.id", "uuid"),
    "pipelineId": Field("l.pipeline_id", "uuid"),
    "stageId": Field("l.stage_id", "uuid"),
    "status": Field("l.status", "text"),
    "open": Field("(l.closed_at IS NULL)", "boolean"),
    "name": Field("l.name", "text"),
    "firstName": Field("l.first_name", "text"),
    "lastName": Field("l.last_name", "text"),
    "email": Field("l.email", "text"),
    "phone": Field("l.phone", "text"),
    "website": Field("l.website", "text"),
    "title": Field("l.title", "text"),
    "companyName": Field("l.company_name", "text"),
    "location": Field("l.location", "text"),
    "industry": Field("l.industry", "text"),
    "companySize": Field("l.company_size", "integer"),
    "contactId": Field("l.contact_id", "uuid"),
    "companyId": Field("l.company_id", "uuid"),
    "ownerId": Field("l.owner_id", "uuid"),
    "ownerKind": Field(_OWNER_KIND, "text"),
    "valueCents": Field("l.value_cents", "integer"),
    "currency": Field("l.currency", "text"),
    "expectedCloseDate": Field("l.expected_close_date", "date"),
    "tags": Field("l.tags", "tags"),
    "source": Field("l.source", "text"),
    "via": Field("l.via", "text"),
    "score": Field("l.score", "integer"),
    "createdAt": Field("l.created_at", "time"),
    "qualifiedAt": Field("l.qualified_at", "time"),
    "assignedAt": Field("l.assigned_at", "time"),
    "stageEnteredAt": Field("l.stage_entered_at", "time"),
    "closedAt": Field("l.closed_at", "time"),
    "slaDueAt": Field("l.sla_due_at", "time"),
    "nextActionAt": Field("l.next_action_at", "time"),
    "lastActivityAt": Field("l.last_activity_at", "time"),
}


async def of(tx: Tx, *asked: Condition) -> Mapping[str, Field]:
    """The fields that these conditions may name: every lead's, and the organization's own as `field.<key>`, by their types.

    The organization's definitions are read only where a condition names such a field. A key that nobody defined is text.
    """
    if b'"field.' not in msgspec.json.encode(asked):
        return LEAD_FIELDS
    return LEAD_FIELDS | {f"field.{each.key}": definition.column(each) for each in await definition.read(tx)}


async def compiled(tx: Tx, condition: Condition, *, first: int, in_table: bool = False) -> Compiled:
    """SQL for a condition over the organization's leads `l`, its parameters from `$first` on. Raises Invalid.

    With `in_table` it stands in a WHERE over the table of leads itself, so that indexes can answer it.
    """
    known = dict(await of(tx, condition))
    if in_table and len(known) > len(LEAD_FIELDS):
        known |= {f"field.{each.key}": definition.indexed_column(each) for each in await definition.read(tx)}
    return conditions.compile(condition, known, now=tx.now, first=first, only_where=in_table)


async def check(tx: Tx, condition: Condition) -> Condition:
    """The condition itself, if it can be asked of the organization's leads. Raises Invalid."""
    return conditions.check(condition, await of(tx, condition), now=tx.now)
