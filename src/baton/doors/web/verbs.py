"""The plain verbs: what was done to something that has a name, and what a card says while others work on it."""

from baton.activities import kinds

VERBS: dict[str, str] = {
    kinds.LEAD_QUALIFIED: "qualified this lead",
    kinds.LEAD_DISQUALIFIED: "disqualified this lead",
    kinds.LEAD_DELETED: "deleted this lead",
    kinds.LEAD_RESTORED: "restored this lead",
    kinds.CONTACT_CREATED: "added the contact",
    kinds.COMPANY_CREATED: "added the company",
    kinds.CONTACT_UPDATED: "changed the contact",
    kinds.CONTACT_MERGED: "merged two contacts into",
    kinds.CONTACT_UNMERGED: "took apart again the merged contacts",
    kinds.COMPANY_UPDATED: "changed the company",
    kinds.COMPANY_MERGED: "merged two companies into",
    kinds.COMPANY_UNMERGED: "took apart again the merged companies",
    kinds.CUSTOMER_UPDATED: "changed the customer",
    kinds.ORGANIZATION_CREATED: "founded",
    kinds.ORGANIZATION_CHANGED: "changed the organization",
    kinds.MEMBER_ADDED: "added",
    kinds.MEMBER_CHANGED: "changed the member",
    kinds.MEMBER_REMOVED: "removed",
    kinds.CREDENTIAL_CREATED: "made the key",
    kinds.CREDENTIAL_REVOKED: "revoked the key",
    kinds.PIPELINE_CREATED: "made the pipeline",
    kinds.PIPELINE_CHANGED: "changed the pipeline",
    kinds.STAGE_CREATED: "added the stage",
    kinds.STAGE_UPDATED: "changed the stage",
    kinds.STAGES_REORDERED: "put the stages in another order",
    kinds.SCORING_CHANGED: "changed the scoring rules",
    kinds.ROUTING_CHANGED: "changed the routing rules",
    kinds.PLAYBOOK_CHANGED: "changed the playbook",
    kinds.FORM_CREATED: "made the form",
    kinds.FORM_CHANGED: "changed the form",
    kinds.UNDONE: "took this back",
    kinds.CUSTOMER_CREATED: "made a customer of",
    kinds.PIPELINE_REMOVED: "removed the pipeline",
    kinds.STAGE_REMOVED: "removed the stage",
    kinds.AGENT_WOKEN: "began to work",
}

LIVE: dict[str, str] = {
    kinds.LEAD_IMPORTED: "just added this",
    kinds.STAGE_CHANGED: "is moving this",
    kinds.PIPELINE_MOVED: "is moving this",
    kinds.ASSIGNMENT_CHANGED: "is handing this over",
    kinds.FIELD_UPDATED: "is editing this",
    kinds.TASK_CREATED: "is scheduling this",
    kinds.NOTE_ADDED: "is writing here",
}
"""What a card on the board says, after the actor's name, while others work on it."""
