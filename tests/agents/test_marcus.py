"""Marcus as every organization gets him: a draft for each lead, nothing leaves unasked, who answers gets a person. Spec A6, A12."""

from baton.agents.defaults import marcus
from tests.agents.desk import told
from tests.operations.cases_mail import lead_to_write_to
from tests.team import Team


async def test_he_drafts_asks_sends_once_and_hands_over(fresh: Team) -> None:
    """Spec A12: with no key at all: given a lead, he drafts from what is known; approved, it is sent once; a reply goes to a person."""
    await fresh.do(fresh.ana, "crm.agents.setPlaybook", agentId=str(fresh.athena.id), rules=[])
    lead = await lead_to_write_to(fresh)
    await fresh.do(fresh.ana, "crm.leads.assign", lead | {"ownerId": str(fresh.marcus.id)})
    await fresh.run_due()
    (held,) = await fresh.do(fresh.ana, "crm.approvals.list", leadId=lead["leadId"])
    assert held.input["subject"] == "Thank you for writing, Jane"
    assert "{{" not in held.input["text"]
    (run,) = await fresh.do(fresh.ana, "crm.agents.runs", leadId=lead["leadId"])
    assert (run.status, run.receipt[0].outcome) == ("waiting", "waiting")
    await fresh.do(fresh.ben, "crm.approvals.approve", approvalId=str(held.id))
    for _ in range(3):
        await fresh.run_due()
    assert len((await fresh.do(fresh.ana, "crm.messages.list", leadId=lead["leadId"])).items) == 1
    await fresh.do(fresh.ana, "crm.leads.logActivity", lead | {"type": "email_received", "notes": "Yes, call me."})
    await fresh.run_due()
    now = await fresh.do(fresh.ana, "crm.leads.get", lead)
    assert now.owner_id == fresh.started.owner_id
    assert ("handed_off", "Marcus") in await told(fresh, now)
    (task,) = (await fresh.do(fresh.ana, "crm.tasks.list", lead)).items
    assert (task.title, task.assignee_id) == ("Answer Jane Smith", fresh.started.owner_id)


async def test_who_did_not_write_gets_words_of_their_own(fresh: Team) -> None:
    """A lead that was found is written to by name and company."""
    await fresh.do(fresh.ana, "crm.agents.setPlaybook", agentId=str(fresh.athena.id), rules=[])
    await lead_to_write_to(fresh)
    found = {
        "firstName": "Ana",
        "lastName": "Li",
        "email": "ana@kestrel.example",
        "companyName": "Kestrel",
        "industry": "Healthcare",
    }
    made = await fresh.do(fresh.ana, "crm.leads.create", found)
    await fresh.do(fresh.ana, "crm.leads.assign", leadId=str(made.id), ownerId=str(fresh.marcus.id))
    await fresh.run_due()
    (held,) = await fresh.do(fresh.ana, "crm.approvals.list", leadId=str(made.id))
    assert held.input["subject"] == "A question to Kestrel"
    assert held.input["text"].startswith("Hello Ana,\n\nI look after Healthcare here")


def test_his_rules_name_him() -> None:
    """Each of his rules is about his own leads."""
    assert all('"me"' in str(rule.condition).replace("'", '"') for rule in marcus("me"))
