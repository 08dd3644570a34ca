"""Automations and sequences under attack: agents that write rules, foreign ids, hostile names, private addresses, loops, twice at once."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from baton.automations.sequences.walk import ENROLMENTS
from baton.kernel.errors import BatonError, Conflict, Forbidden, Invalid, NotFound
from baton.kernel.operation import registry
from baton.kernel.values import utc_now
from tests.automations.conftest import automation, tag
from tests.automations.conftest import work as work
from tests.automations.test_sequences import WAIT, enrol, sequence
from tests.operations import cases_autom as cases_autom
from tests.operations.cases import cases
from tests.team import Team


@pytest.mark.parametrize(
    "name", [n for n in sorted(registry) if n.startswith(("crm.automations.", "crm.sequences.")) and registry[n].kind == "mutation"]
)  # fmt: skip
async def test_an_agent_writes_and_switches_no_rules(fresh: Team, name: str) -> None:
    """Defence: rules are people's; what an agent may ask for is to put a lead into a sequence."""
    if registry[name].internal or name.startswith("crm.sequences.enrol"):
        return
    with pytest.raises(Forbidden):
        await fresh.do(fresh.marcus, name, await cases[name].make(fresh))


async def test_a_rule_cannot_reach_what_is_closed_to_rules(fresh: Team) -> None:
    """People, keys, roles, agents, approvals, mailboxes and rules themselves are no steps, whoever writes the rule."""
    for name in ("crm.members.addPerson", "crm.credentials.create", "crm.automations.setState", "crm.agents.setPlaybook",
                 "crm.emails.resolve", "crm.sequences.setState", "crm.organization.update", "crm.automations.step"):  # fmt: skip
        step: dict[str, Any] = {"do": "operation", "operation": name, "input": {}}
        with pytest.raises(Invalid, match="no operation"):
            await automation(fresh, [step], on=False)


async def test_foreign_ids_are_unknown(fresh: Team, carla: Team) -> None:
    """A sequence, an agent, a member, a segment of another organization does not exist, in a rule or in an enrolment."""
    foreign = await sequence(carla, [WAIT])
    lead = await carla.capture()
    for step in ({"do": "enrol", "sequenceId": str(foreign.id)}, {"do": "wake", "agentId": str(carla.marcus.id)},
                 {"do": "notify", "title": "x", "to": [str(carla.ben.id)]}):  # fmt: skip
        with pytest.raises(NotFound):
            await automation(fresh, [step], on=False)
    mine = await sequence(fresh, [WAIT])
    with pytest.raises(NotFound):
        await enrol(fresh, mine, lead)
    with pytest.raises(NotFound):
        await fresh.do(fresh.ben, "crm.sequences.enrolMany", sequenceId=str(mine.id), leadIds=[str(lead.id)])


@pytest.mark.parametrize(
    "url",
    [
        "https://169.254.169.254/",
        "https://[::ffff:10.0.0.1]/",
        "file:///etc",
    ],
)
async def test_a_webhook_step_calls_no_private_place(fresh: Team, url: str) -> None:
    """Defence: the one client that calls the outside; what a template makes of an address is checked again when it is called."""
    with pytest.raises(BatonError):
        await automation(fresh, [{"do": "webhook", "url": url}], on=False)


async def test_an_address_from_a_lead_is_checked_when_called(fresh: Team, work: Any) -> None:
    """A lead whose website points inside: the step is refused and held, and nothing was called."""
    made = await automation(fresh, [{"do": "webhook", "url": "https://{{ lead.title }}/"}], name="Inside")
    lead = await fresh.capture(title="169.254.169.254")
    await fresh.do(fresh.ben, "crm.leads.logActivity", leadId=str(lead.id), type="note", notes="go")
    await work()
    held = (await fresh.do(fresh.ana, "crm.automations.held", automationId=str(made.id))).items
    assert [run.lead_id for run in held] == [lead.id]


async def test_the_same_enrolment_walked_by_many_at_once_steps_once(fresh: Team) -> None:
    """Defence: the place in the sequence changes in the transaction of the step."""
    made = await sequence(fresh, [{"do": "task", "title": "Only once"}])
    lead = await fresh.capture()
    await enrol(fresh, made, lead)
    later = utc_now() + timedelta(minutes=10)
    await asyncio.gather(*(ENROLMENTS.walk(fresh.db, fresh.org_id, made.id, later) for _ in range(5)))
    tasks = await fresh.do(fresh.ana, "crm.tasks.list", leadId=str(lead.id))
    assert [task.title for task in tasks.items].count("Only once") == 1


async def test_two_who_enrol_at_once_enrol_once(fresh: Team) -> None:
    """Defence: the lead is locked, and the database admits one."""
    made = await sequence(fresh, [WAIT])
    lead = await fresh.capture()
    answers = await asyncio.gather(*(enrol(fresh, made, lead) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(answer, Conflict) for answer in answers) == 3


async def test_a_template_that_would_not_end_is_cut_off(fresh: Team, work: Any) -> None:
    """Defence: bounded templates; the run is held with what was wrong, others go on."""
    bomb = "{% for i in (1..1000000) %}{{ lead.name }}{% endfor %}"
    await automation(
        fresh, [{"do": "operation", "operation": "crm.leads.addTags", "input": {"tags": [bomb]}}], name="Bomb"
    )
    await automation(fresh, [tag("fine")], name="Fine")
    lead = await fresh.capture()
    await fresh.do(fresh.ben, "crm.leads.logActivity", leadId=str(lead.id), type="note", notes="go")
    async with asyncio.timeout(30):
        await work()
    assert (await fresh.do(fresh.ana, "crm.leads.get", leadId=str(lead.id))).tags == ["fine"]
    assert [run.automation for run in (await fresh.do(fresh.ana, "crm.automations.held")).items] == ["Bomb"]


async def test_an_erased_person_is_forgotten_and_left_alone(fresh: Team, work: Any) -> None:
    """What waits for them ends, and no error still tells their name. Defence: each room forgets what it keeps."""
    made = await sequence(fresh, [WAIT, {"do": "task", "title": "Call"}])
    lead = await fresh.capture(firstName="Zebulon")
    began = await enrol(fresh, made, lead)
    fails = {"do": "operation", "operation": "crm.leads.moveStage", "input": {"stageId": "{{ lead.firstName }}"}}
    await automation(fresh, [fails])
    await fresh.do(fresh.ben, "crm.leads.logActivity", leadId=str(lead.id), type="note", notes="go")
    await work()
    await fresh.do(fresh.ana, "crm.contacts.erase", contactId=str(lead.contact_id), confirm=lead.email)
    (run,) = (await fresh.do(fresh.ana, "crm.automations.runs")).items
    assert run.status == "dropped"
    ended = await fresh.do(fresh.ana, "crm.enrolments.get", enrolmentId=str(began.id))
    assert ended.state == "stopped"
    await work(now=utc_now() + timedelta(days=9))
    async with fresh.db.transaction(fresh.org_id) as conn:
        for table in ("automation_runs", "automation_steps", "enrolments", "enrolment_steps"):
            assert not await conn.fetchval(f"SELECT count(*) FROM {table} t WHERE t::text LIKE '%Zebulon%'")
