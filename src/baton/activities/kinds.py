"""The kinds of activity. Spec A7."""

from typing import Final

LEAD_IMPORTED: Final = "lead_imported"
STAGE_CHANGED: Final = "stage_changed"
PIPELINE_MOVED: Final = "pipeline_moved"
ASSIGNMENT_CHANGED: Final = "assignment_changed"
FIELD_UPDATED: Final = "field_updated"
EMAIL_SENT: Final = "email_sent"
EMAIL_RECEIVED: Final = "email_received"
WHATSAPP_SENT: Final = "whatsapp_sent"
WHATSAPP_RECEIVED: Final = "whatsapp_received"
NOTE_ADDED: Final = "note_added"
CALL_LOGGED: Final = "call_logged"
MEETING_LOGGED: Final = "meeting_logged"
OTHER_LOGGED: Final = "activity_logged"
TASK_CREATED: Final = "task_created"
TASK_UPDATED: Final = "task_updated"
TASK_COMPLETED: Final = "task_completed"
TASK_CANCELLED: Final = "task_cancelled"
LEAD_SCORED: Final = "lead_scored"
LEAD_QUALIFIED: Final = "lead_qualified"
LEAD_DISQUALIFIED: Final = "lead_disqualified"
LEAD_CONVERTED: Final = "lead_converted"
LEAD_DELETED: Final = "lead_deleted"
UNDONE: Final = "undone"
LEAD_RESTORED: Final = "lead_restored"

CONTACT_CREATED: Final = "contact_created"
COMPANY_CREATED: Final = "company_created"
CONTACT_UPDATED: Final = "contact_updated"
CONTACT_MERGED: Final = "contact_merged"
CONTACT_UNMERGED: Final = "contact_unmerged"
COMPANY_UPDATED: Final = "company_updated"
COMPANY_MERGED: Final = "company_merged"
COMPANY_UNMERGED: Final = "company_unmerged"
CUSTOMER_CREATED: Final = "customer_created"
CUSTOMER_UPDATED: Final = "customer_updated"
ORGANIZATION_CREATED: Final = "organization_created"
ORGANIZATION_CHANGED: Final = "organization_changed"
MEMBER_ADDED: Final = "member_added"
MEMBER_CHANGED: Final = "member_changed"
MEMBER_REMOVED: Final = "member_removed"
CREDENTIAL_CREATED: Final = "credential_created"
CREDENTIAL_REVOKED: Final = "credential_revoked"
PIPELINE_CREATED: Final = "pipeline_created"
PIPELINE_CHANGED: Final = "pipeline_changed"
PIPELINE_REMOVED: Final = "pipeline_removed"
STAGE_CREATED: Final = "stage_created"
STAGE_UPDATED: Final = "stage_updated"
STAGE_REMOVED: Final = "stage_removed"
STAGES_REORDERED: Final = "stages_reordered"
SCORING_CHANGED: Final = "scoring_changed"
ROUTING_CHANGED: Final = "routing_changed"
PLAYBOOK_CHANGED: Final = "playbook_changed"
FORM_CREATED: Final = "form_created"
FORM_CHANGED: Final = "form_changed"
AGENT_WOKEN: Final = "agent_woken"
AGENT_RAN: Final = "agent_ran"
AGENT_FAILED: Final = "agent_failed"

LOGGABLE: Final[dict[str, str]] = {
    "call": CALL_LOGGED,
    "email": EMAIL_SENT,
    "email_received": EMAIL_RECEIVED,
    "whatsapp": WHATSAPP_SENT,
    "whatsapp_received": WHATSAPP_RECEIVED,
    "meeting": MEETING_LOGGED,
    "note": NOTE_ADDED,
    "other": OTHER_LOGGED,
}
"""What a person may log by hand (Spec B5) and the kind that it becomes."""
