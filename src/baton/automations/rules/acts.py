"""How each kind of step is done: by the operations of the product, named when they are performed."""

from typing import Any

import msgspec

from baton.automations.rules.check import ENROL, NOTIFY, SEND
from baton.automations.rules.rule import Act, Enrol, MakeTask, Notify, Send, SendWhatsapp, Step, WakeAgent, performable
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.decode import decode
from baton.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from baton.kernel.operation import registry
from baton.kernel.perform import within
from baton.leads.lead import Lead

MAY_WRITE = "crm.messages.mayWrite"
WHATSAPP = "crm.whatsapp.send"
FOLLOW_UP = "crm.leads.followUp"


async def perform_act(tx: Tx, actor: Actor, lead: Lead | None, step: Step) -> str | None:
    """Do a step whose texts are filled in, within this transaction; answers what there is to say of it. Raises what it raises."""
    match step:
        case Act():
            if step.operation not in performable():
                raise Invalid(f"“{step.operation}” is no operation that an automation performs any more.")
            await _do(tx, actor, lead, step.operation, step.input)
        case MakeTask():
            given = {
                "title": step.title,
                "dueIn": step.due_in,
                "kind": step.kind,
                "assignTo": step.assign_to,
                "notes": step.notes,
            }
            await _do(tx, actor, _needed(lead), FOLLOW_UP, _said(given))
        case WakeAgent():
            given = {"title": step.title, "dueIn": "0m", "kind": "todo", "assignTo": step.agent_id, "notes": step.notes}
            await _do(tx, actor, _needed(lead), FOLLOW_UP, _said(given))
        case Send():
            given = {"templateId": step.template_id, "subject": step.subject, "text": step.text}
            await wait_for_gap(tx, actor, _needed(lead))
            await _do(tx, actor, lead, SEND, _said(given))
        case SendWhatsapp():
            await wait_for_gap(tx, actor, _needed(lead))
            words = {"template": step.template, "language": step.language, "variables": step.variables}
            await _do(tx, actor, lead, WHATSAPP, words)
        case Enrol():
            await _do(tx, actor, _needed(lead), ENROL, {"sequenceId": step.sequence_id})
        case Notify():
            return await _notify(tx, actor, lead, step)
        case _:
            raise Invalid("There is no such step.")
    return None


async def wait_for_gap(tx: Tx, actor: Actor, lead: Lead) -> None:
    """Raise Conflict with the seconds to wait where somebody wrote to the lead a short while ago, Forbidden where nobody may."""
    answer = await within(tx, actor, MAY_WRITE, decode(registry[MAY_WRITE], {"leadId": str(lead.id)}))
    if answer.allowed:
        return
    if answer.next_at is None:
        raise Forbidden(answer.reason)
    raise Conflict(answer.reason, retry_after=max(1, round((answer.next_at - tx.now).total_seconds())))


async def _do(tx: Tx, actor: Actor, lead: Lead | None, name: str, given: dict[str, Any]) -> Any:
    op = registry.get(name)
    if op is None:
        raise NotFound(f"“{name}” is not part of this installation.")
    takes_lead = any(field.encode_name == "leadId" for field in msgspec.structs.fields(op.input))
    whole = ({"leadId": str(lead.id)} if lead and takes_lead else {}) | given
    return await within(tx, actor, name, decode(op, whole, lenient=True))


async def _notify(tx: Tx, actor: Actor, lead: Lead | None, step: Notify) -> str | None:
    """Tell each of those who are meant; says so where nobody is."""
    members = await _told(tx, lead, step)
    for member_id in members:
        given = {"memberId": member_id, "kind": "automation", "title": step.title, "body": step.body or None}
        await _do(tx, actor, lead, NOTIFY, _said(given | ({"href": f"/leads/{lead.id}"} if lead else {})))
    return None if members else "Nobody was told: the lead has no owner."


async def _told(tx: Tx, lead: Lead | None, step: Notify) -> list[str]:
    if isinstance(step.to, list):
        return step.to
    if step.to == "owner":
        return [str(lead.owner_id)] if lead and lead.owner_id else []
    rows = await tx.fetch(
        "SELECT id FROM members WHERE org_id = $1 AND kind = 'person' AND status = 'active' AND role = ANY ($2) ORDER BY id",
        tx.org_id, [role for role in Role if role.admits(Role.ADMIN)],
    )  # fmt: skip
    return [str(row["id"]) for row in rows]


def _needed(lead: Lead | None) -> Lead:
    if lead is None:
        raise Invalid("This step is about a lead, and what happened is about none.")
    return lead


def _said(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}
