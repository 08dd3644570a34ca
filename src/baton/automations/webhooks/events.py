"""The events that webhooks tell: which activity is which event, and what is said of it. Spec C9."""

from typing import Annotated, Any, Final, TypeAlias

import msgspec
from msgspec import Meta

from baton.activities import kinds
from baton.activities.activity import Activity
from baton.kernel.errors import Invalid
from baton.leads.lead import Lead

TEST: Final = "webhook.test"
EVENTS: Final[dict[str, str]] = {
    kinds.LEAD_IMPORTED: "lead.created",
    kinds.STAGE_CHANGED: "lead.stage_changed",
    kinds.PIPELINE_MOVED: "lead.pipeline_moved",
    kinds.ASSIGNMENT_CHANGED: "lead.assigned",
    kinds.FIELD_UPDATED: "lead.updated",
    kinds.LEAD_SCORED: "lead.scored",
    kinds.LEAD_QUALIFIED: "lead.qualified",
    kinds.LEAD_DISQUALIFIED: "lead.disqualified",
    kinds.LEAD_CONVERTED: "lead.converted",
    kinds.LEAD_DELETED: "lead.deleted",
    kinds.LEAD_RESTORED: "lead.restored",
    kinds.UNDONE: "lead.undone",
    kinds.CONTACT_ENRICHED: "lead.enriched",
    kinds.TASK_CREATED: "task.created",
    kinds.TASK_UPDATED: "task.updated",
    kinds.TASK_COMPLETED: "task.completed",
    kinds.TASK_CANCELLED: "task.cancelled",
    kinds.NOTE_ADDED: "note.added",
    kinds.CALL_LOGGED: "call.logged",
    kinds.MEETING_LOGGED: "meeting.logged",
    kinds.EMAIL_SENT: "email.sent",
    kinds.EMAIL_RECEIVED: "email.received",
    kinds.WHATSAPP_SENT: "whatsapp.sent",
    kinds.WHATSAPP_RECEIVED: "whatsapp.received",
    kinds.CONTACT_CREATED: "contact.created",
    kinds.COMPANY_CREATED: "company.created",
    kinds.CUSTOMER_CREATED: "customer.created",
    kinds.WEBHOOK_TESTED: TEST,
}
"""Activity kind → event. A test goes only to the endpoint that is tested."""

_NAMES = frozenset(EVENTS.values()) - {TEST}
_GROUPS = frozenset(f"{name.partition('.')[0]}.*" for name in _NAMES) | {"*"}
Patterns: TypeAlias = Annotated[
    list[Annotated[str, Meta(max_length=100, extra_json_schema={"enum": sorted(_NAMES | _GROUPS)})]],
    Meta(min_length=1, max_length=100),
]
"""What an endpoint listens to."""


def checked(patterns: list[str]) -> list[str]:
    """What an endpoint listens to: events, groups such as "lead.*", or "*". Raises Invalid for others and for none."""
    unknown = [pattern for pattern in patterns if pattern not in _NAMES and pattern not in _GROUPS]
    if unknown or not patterns:
        raise Invalid(f"Events are: {', '.join(sorted(_NAMES))}; or a group such as lead.*, or *.", field="events")
    return list(dict.fromkeys(patterns))


def listens(patterns: list[str], event: str) -> bool:
    """Whether an endpoint that listens to these hears an event."""
    return event in patterns or "*" in patterns or f"{event.partition('.')[0]}.*" in patterns


def body(activity: Activity, org_id: Any, lead: Lead | None) -> bytes:
    """What is sent of an activity: who did what, old and new values, and the lead as it is now (JSON, camelCase)."""
    data = {
        "id": activity.id,
        "orgId": org_id,
        "kind": activity.kind,
        "actor": {"type": activity.actor_type, "id": activity.actor_id, "name": activity.actor_name},
        "via": activity.via,
        "leadId": activity.lead_id,
        "subjectType": activity.subject_type,
        "subjectId": activity.subject_id,
        "changes": {field: {"old": pair[0], "new": pair[1]} for field, pair in activity.changes.items()},
        "details": activity.payload,
        "reason": activity.reason,
        "operation": activity.operation,
        "operationId": activity.operation_id,
        "causedBy": activity.caused_by,
        "lead": lead,
    }
    event = EVENTS.get(activity.kind, activity.kind)
    return msgspec.json.encode({"type": event, "timestamp": activity.occurred_at, "data": data})
