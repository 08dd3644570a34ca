"""E-mail by agents: it asks by default, with the words as they will leave; many small ones end at the limit. Spec A6, A11."""

import asyncio

import pytest

from baton.kernel.errors import Conflict, Invalid, NeedsApproval, TooMany
from baton.kernel.perform import perform
from tests.agents.desk import approval, asked, policy, told
from tests.operations.cases_mail import lead_to_write_to
from tests.team import Team

SEND = "crm.emails.send"


@pytest.fixture
async def desk(fresh: Team) -> Team:
    """An organization with a mailbox, whose Athena keeps still."""
    await fresh.do(fresh.ana, "crm.agents.setPlaybook", agentId=str(fresh.athena.id), rules=[])
    return fresh


async def test_an_email_asks_with_its_final_words(desk: Team) -> None:
    """Nothing leaves until somebody approves; what they saw is what is sent, though the template was changed since."""
    lead = await lead_to_write_to(desk)
    body = {
        "name": "Hello",
        "subject": "Hello {{ lead.firstName }}",
        "text": "Dear {{ lead.firstName }}, {{ sender.name }}",
    }
    template = await desk.do(desk.ben, "crm.templates.create", body)
    held = await asked(desk, SEND, leadId=lead["leadId"], templateId=str(template.id))
    assert (held.input["subject"], held.input["text"]) == ("Hello Jane", "Dear Jane, Marcus")
    assert held.input["to"].endswith("@acme.example")
    assert held.summary == "Send an email: Hello Jane"
    assert await messages(desk) == 0
    await desk.do(
        desk.ben, "crm.templates.update", {"templateId": str(template.id), "subject": "Buy now", "text": "Now"}
    )
    await desk.do(desk.ben, "crm.approvals.approve", approvalId=str(held.id))
    await desk.run_due()
    await desk.run_due()
    (only,) = (await desk.do(desk.ana, "crm.messages.list", leadId=lead["leadId"])).items
    assert (only.subject, only.text) == ("Hello Jane", "Dear Jane, Marcus")
    story = await told(desk, await desk.do(desk.ana, "crm.leads.get", lead))
    assert story[-3:-1] == [("approval_requested", "Marcus"), ("approval_decided", "Ben Okafor")]
    assert story[-1][1] == "Marcus"


async def messages(team: Team) -> int:
    """How many messages to leads were taken to be sent."""
    async with team.db.transaction(team.org_id) as conn:
        found: int = await conn.fetchval(
            "SELECT count(*) FROM messages WHERE org_id = $1 AND member_id IS NULL", team.org_id
        )
        return found


async def test_edited_words_are_what_leaves(desk: Team) -> None:
    """Edit and approve: the person's words, to the same address; another recipient is refused."""
    lead = await lead_to_write_to(desk)
    held = await asked(desk, SEND, leadId=lead["leadId"], subject="Hi", text="Hi.")
    edit = {"approvalId": str(held.id), "input": {"text": "Good morning."}}
    with pytest.raises((Conflict, Invalid)):
        await desk.do(desk.ben, "crm.approvals.edit", edit | {"input": {"to": "boss@rival.example"}})
    await desk.do(desk.ben, "crm.approvals.edit", edit)
    await desk.run_due()
    (only,) = (await desk.do(desk.ana, "crm.messages.list", leadId=lead["leadId"])).items
    assert (only.subject, only.text) == ("Hi", "Good morning.")


async def test_an_address_that_was_changed_makes_it_stale(desk: Team) -> None:
    """ATTACKS "record edited in between": what was approved for one address does not go to another."""
    lead = await lead_to_write_to(desk)
    held = await asked(desk, SEND, leadId=lead["leadId"], subject="Hi", text="Hi.")
    await desk.do(desk.ben, "crm.approvals.approve", approvalId=str(held.id))
    await desk.do(desk.ana, "crm.leads.update", leadId=lead["leadId"], email="new@rival.example")
    await desk.run_due()
    assert (await approval(desk, held.id)).status == "stale"
    assert await messages(desk) == 0


async def test_500_small_sends_end_exactly_at_the_limit(desk: Team) -> None:
    """ATTACKS: an agent that may send by itself stops at its sends of the day, however many it tries at once."""
    first = await lead_to_write_to(desk)
    leads = [first["leadId"], *[str((await desk.capture()).id) for _ in range(19)]]
    await policy(desk, {"operation": "outward", "decision": "allow"})
    await desk.do(desk.ana, "crm.agents.setLimits", agentId=str(desk.marcus.id), sendsPerDay=7)
    refused = 0

    async def send(n: int) -> None:
        nonlocal refused
        body = {"leadId": leads[n % 20], "subject": f"S{n}", "text": "t"}
        try:
            await perform(desk.db, desk.marcus, SEND, body)
        except (TooMany, Conflict):
            refused += 1

    await asyncio.gather(*(send(n) for n in range(500)))
    assert await messages(desk) == 7
    assert refused == 493
    used = (await desk.do(desk.ana, "crm.agents.limits", agentId=str(desk.marcus.id))).used
    assert used["sends"] == 7


async def test_a_person_is_not_asked(desk: Team) -> None:
    """Policies are about agents: Ben's own e-mail goes as he sends it."""
    lead = await lead_to_write_to(desk)
    await desk.do(desk.ben, SEND, lead | {"subject": "Hi", "text": "Hi."})
    assert await messages(desk) == 1
    with pytest.raises((NeedsApproval, Conflict)):
        await desk.do(desk.marcus, SEND, lead | {"subject": "Hi", "text": "Hi."})


async def two_leads_of_one_person(desk: Team) -> tuple[str, str]:
    """Two leads whose address is one person's, written differently."""
    first = await lead_to_write_to(desk)
    address = (await desk.do(desk.ana, "crm.leads.get", first)).email
    second = await desk.do(desk.ana, "crm.leads.create", lastName="Smith", email=address.upper())
    return first["leadId"], str(second.id)


async def test_two_agents_write_to_one_person_once(desk: Team) -> None:
    """ATTACKS: two agents, each with a lead of the same person, write at once; the person gets one e-mail within the gap."""
    leads = await two_leads_of_one_person(desk)
    agents = (desk.marcus, desk.athena)
    for agent in agents:
        await policy(desk, {"operation": "outward", "decision": "allow"}, agent=agent)
    answers = await asyncio.gather(
        *(
            perform(desk.db, agent, SEND, {"leadId": lead, "subject": "Hi", "text": "Hi."})
            for agent, lead in zip(agents, leads, strict=True)
        ),
        return_exceptions=True,
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["Conflict", "Message"]
    assert await messages(desk) == 1


async def test_two_approved_drafts_to_one_person_leave_once(desk: Team) -> None:
    """The gap is asked again when an approved draft is carried out: the second does not leave."""
    held = [
        await asked(desk, SEND, leadId=lead, subject="Hi", text="Hi.") for lead in await two_leads_of_one_person(desk)
    ]
    await asyncio.gather(*(desk.do(desk.ben, "crm.approvals.approve", approvalId=str(one.id)) for one in held))
    await desk.run_due()
    assert await messages(desk) == 1
