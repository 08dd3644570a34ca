"""The inbox: what waits for a member, in one list with its counts, and nothing that is another's. Spec A6."""

from datetime import timedelta
from typing import Any

from baton.kernel.values import utc_now
from tests.agents.desk import asked, policy
from tests.team import Team

NOTE = "crm.leads.logActivity"


async def _quiet(team: Team) -> None:
    """Athena, who works on what comes in, does nothing of her own."""
    await team.do(team.ana, "crm.agents.setPlaybook", agentId=str(team.athena.id), rules=[])


async def filled(team: Team) -> dict[str, Any]:
    """One thing of each kind waits for Ana; Ben has a task of tomorrow and nothing else."""
    await _quiet(team)
    lead = await team.capture(firstName="Hannah", lastName="Weiss")
    id = str(lead.id)
    await policy(team, {"operation": NOTE, "decision": "ask"})
    await team.do(team.ana, "crm.members.update", memberId=str(team.marcus.id), supervisorId=str(team.ana.id))
    late = (utc_now() - timedelta(days=2)).isoformat()
    task = await team.do(team.ana, "crm.tasks.create", leadId=id, title="Send the offer", dueAt=late)
    soon = (utc_now() + timedelta(days=2)).isoformat()
    await team.do(team.ben, "crm.tasks.create", leadId=id, title="Not today", dueAt=soon, assignTo=str(team.ben.id))
    await team.do(team.ben, "crm.leads.assign", leadId=id, ownerId=str(team.ana.id))
    note = await team.do(team.ben, NOTE, leadId=id, type="note", notes="@Ana can you look at this?")
    approval = await asked(team, NOTE, leadId=id, type="note", notes="May I write this down?")
    for kind, title in (("reply", "Hannah Weiss replied"), ("sla_missed", "Hannah Weiss is late in New")):
        await team.do(
            team.athena, "crm.notifications.notify", memberId=str(team.ana.id), kind=kind, title=title, leadId=id
        )
    await team.run_due()
    return {"lead": lead, "approval": approval, "task": task, "note": note}


async def test_everything_that_waits_stands_in_one_list(team: Team) -> None:
    """Spec A6: an approval, a late task, a reply, a mention, a lead handed over, an alert; each once, and counted."""
    made = await filled(team)
    found = await team.do(team.ana, "crm.inbox.list")
    assert [each.kind for each in found.items] == ["approval", "task", "reply", "mention", "lead", "alert"]
    by_kind = {each.kind: each for each in found.items}
    assert by_kind["approval"].id == made["approval"].id
    assert by_kind["task"].id == made["task"].id
    assert by_kind["task"].late
    assert by_kind["mention"].activity_id == made["note"].id
    assert by_kind["lead"].title == "Ben Okafor assigned Hannah Weiss to you"
    counts = await team.do(team.ana, "crm.inbox.counts")
    assert counts == found.counts
    assert (counts.total, counts.approvals, counts.decide, counts.tasks, counts.replies) == (6, 1, 1, 1, 1)
    only = await team.do(team.ana, "crm.inbox.list", only="mention")
    assert [each.kind for each in only.items] == ["mention"]


async def test_what_is_anothers_does_not_stand_there(team: Team) -> None:
    """Ben may decide the approval, but Ana is asked; his task is not of today. A viewer and an agent are asked nothing."""
    await filled(team)
    ben = await team.do(team.ben, "crm.inbox.list")
    assert ben.items == []
    assert (ben.counts.decide, ben.counts.approvals) == (1, 0)
    for other in (team.vera, team.marcus):
        assert (await team.do(other, "crm.inbox.counts")).total == 0


async def test_what_is_dealt_with_is_gone(team: Team) -> None:
    """Approved by who was asked, completed, read: nothing waits."""
    made = await filled(team)
    await team.do(team.ana, "crm.approvals.approve", approvalId=str(made["approval"].id))
    await team.do(team.ana, "crm.tasks.complete", taskId=str(made["task"].id))
    await team.do(team.ana, "crm.notifications.markRead", all=True)
    assert (await team.do(team.ana, "crm.inbox.list")).items == []


async def test_who_approved_already_is_not_asked_again(team: Team) -> None:
    """Where a second person is needed the first waits no more."""
    made = await filled(team)
    async with team.db.transaction(team.org_id) as conn:
        await conn.execute("UPDATE approvals SET needed = 2 WHERE org_id = $1", team.org_id)
    await team.do(team.ana, "crm.approvals.approve", approvalId=str(made["approval"].id))
    assert (await team.do(team.ana, "crm.inbox.counts")).decide == 0
    assert (await team.do(team.ben, "crm.inbox.counts")).decide == 1
