"""The story that must be true: a lead lands at 11pm; by morning it is qualified, owned and scheduled, and the timeline says by whom."""

from datetime import UTC, datetime, timedelta

import pytest

from baton.kernel.perform import perform
from tests.team import Team

LATE = datetime(2026, 11, 18, 23, 4, tzinfo=UTC)  # a Wednesday
HANNAH = {
    "firstName": "Hannah", "lastName": "Weiss", "email": "hannah@kestrel.example", "company": "Kestrel Health",
    "title": "Director of Operations", "companySize": 420, "source": "website",
}  # fmt: skip


async def test_a_lead_lands_at_11pm(fresh: Team) -> None:
    """Spec A12: qualified, given an owner, scheduled for its first follow-up, by the agent and under its name."""
    made = await perform(fresh.db, fresh.form, "crm.leads.capture", {"orgId": str(fresh.org_id)} | HANNAH, now=LATE)
    assert await fresh.run_due(now=LATE + timedelta(seconds=3)) == 1
    lead = await fresh.do(fresh.ana, "crm.leads.get", leadId=str(made.id))
    assert lead.status == "qualified"
    assert lead.qualified_at == LATE + timedelta(seconds=3)
    assert lead.owner_id == fresh.started.owner_id
    assert lead.next_action_at == datetime(2026, 11, 19, 10, tzinfo=UTC)  # an hour into the next working day
    told = [(a.actor_name, a.actor_type, a.kind) for a in await fresh.log(made.id)]
    assert told == [
        ("Website form", "system", "lead_imported"),
        ("Website form", "system", "lead_scored"),
        ("Athena", "agent", "stage_changed"),
        ("Athena", "agent", "lead_qualified"),
        ("Athena", "agent", "assignment_changed"),
        ("Athena", "agent", "task_created"),
    ]
    moved = (await fresh.log(made.id))[2]
    assert moved.reason == "Score 62: 200 people or more, director title, source website, e-mail known."
    assert moved.occurred_at == LATE + timedelta(seconds=3)
    (run,) = await fresh.do(fresh.vera, "crm.agents.runs", leadId=str(made.id))
    assert [(step.rule, step.outcome) for step in run.receipt] == [
        ("Qualify who is worth a call", "done"),
        ("Give every new lead an owner", "done"),
        ("Schedule the first follow-up", "done"),
    ]


async def test_every_act_of_an_agent_knows_what_it_follows_from(fresh: Team) -> None:
    """Why did this happen: each of Athena's acts names the activity that woke her, and belongs to her run."""
    lead = await fresh.capture(**{k: v for k, v in HANNAH.items() if k != "email"})
    await fresh.run_due()
    log = await fresh.log(lead.id)
    (run,) = await fresh.do(fresh.vera, "crm.agents.runs", leadId=str(lead.id))
    acts = [a for a in log if a.actor_name == "Athena"]
    assert {a.caused_by for a in acts} == {log[0].id}
    assert {a.operation_id for a in acts} == {run.id}


async def test_a_changed_playbook_changes_what_she_does(fresh: Team) -> None:
    """Rules are rows: editing one changes the next lead's story, with no restart."""
    note = {
        "operation": "crm.leads.logActivity",
        "input": {"type": "note", "notes": "Hello {{ lead.firstName }} from {{ agent.name }}"},
    }
    rule = {"name": "Greet the French", "trigger": "lead_imported", "steps": [note],
            "condition": {"field": "location", "op": "has_word", "value": "France"}}  # fmt: skip
    await fresh.do(fresh.ana, "crm.agents.setPlaybook", agentId=str(fresh.athena.id), rules=[rule])
    lyon, berlin = (
        await fresh.capture(location="Lyon, France", firstName="Camille"),
        await fresh.capture(location="Berlin, Germany"),
    )
    await fresh.run_due()
    (greeting,) = [a for a in await fresh.log(lyon.id) if a.actor_name == "Athena"]
    assert greeting.payload["notes"] == "Hello Camille from Athena"
    assert not [a for a in await fresh.log(berlin.id) if a.actor_name == "Athena"]


async def test_a_run_that_was_cut_off_goes_on(fresh: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a worker had done when it died is not done again, and the rest of the plan follows, as it was decided."""
    from baton.agents import perform_run

    lead = await fresh.capture(**{k: v for k, v in HANNAH.items() if k != "email"})
    for dies_at in ("crm.leads.route", "crm.leads.followUp", "crm.agents.finishRun"):

        async def die(
            db: object, actor: object, name: str, *args: object, dies_at: str = dies_at, **more: object
        ) -> object:
            if name == dies_at:
                raise ConnectionResetError
            return await perform(db, actor, name, *args, **more)  # type: ignore[arg-type]

        activity = (await fresh.log(lead.id))[0]
        with monkeypatch.context() as patch:
            patch.setattr(perform_run, "perform", die)
            with pytest.raises(ConnectionResetError):
                await wake(fresh, activity.id)
    await wake(fresh, (await fresh.log(lead.id))[0].id)
    await wake(fresh, (await fresh.log(lead.id))[0].id)
    kinds = [a.kind for a in await fresh.log(lead.id) if a.actor_name == "Athena"]
    assert kinds == ["stage_changed", "lead_qualified", "assignment_changed", "task_created"]


async def wake(team: Team, activity_id: object) -> None:
    from baton.jobs.relay import Job
    from baton.jobs.wake_agents import wake_agents

    await wake_agents(team.db, Job(team.org_id, "lead_imported", [activity_id], 0))  # type: ignore[list-item]


async def test_a_paused_agent_does_nothing(fresh: Team) -> None:
    """A6: an agent acts by its own configuration; a paused one is not woken."""
    await fresh.do(fresh.ana, "crm.members.update", memberId=str(fresh.athena.id), status="paused")
    lead = await fresh.capture()
    await fresh.run_due()
    assert not [a for a in await fresh.log(lead.id) if a.actor_name == "Athena"]


async def test_a_pause_stops_an_agent_between_two_steps(fresh: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """A6: the kill switch works at once; what the agent had begun ends with a receipt that says so."""
    from baton.agents import perform_run

    lead = await fresh.capture(**{k: v for k, v in HANNAH.items() if k != "email"})

    async def pausing(db: object, actor: object, name: str, *args: object, **more: object) -> object:
        if name == "crm.leads.route":
            await fresh.do(fresh.ana, "crm.members.update", memberId=str(fresh.athena.id), status="paused")
        return await perform(db, actor, name, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(perform_run, "perform", pausing)
    await fresh.run_due()
    (run,) = await fresh.do(fresh.ana, "crm.agents.runs", leadId=str(lead.id))
    assert [step.outcome for step in run.receipt] == ["done", "failed", "failed"]
    assert "paused" in run.receipt[1].detail
    after = await fresh.do(fresh.ana, "crm.leads.get", leadId=str(lead.id))
    assert (after.status, after.owner_id, after.next_action_at) == ("qualified", None, None)
    assert (await fresh.log(lead.id))[-1].kind == "agent_failed"


async def test_imported_leads_are_left_to_people(fresh: Team) -> None:
    """Athena's rules are for leads from outside: what a person creates by hand is theirs."""
    lead = await fresh.do(fresh.ben, "crm.leads.create", lastName="Solberg")
    await fresh.run_due()
    assert [a.actor_name for a in await fresh.log(lead.id)] == ["Ben Okafor", "Ben Okafor"]


async def test_routing_takes_turns_and_knows_capacity(fresh: Team) -> None:
    """C4: people and agents in one pool, in turn; whoever is full is passed over; the reason says so."""
    await fresh.do(fresh.ana, "crm.members.update", memberId=str(fresh.marcus.id), capacity=1)
    pool = [str(fresh.ben.id), str(fresh.marcus.id)]
    await fresh.do(fresh.ana, "crm.routing.setRules", rules=[{"name": "Healthcare, EU", "pool": pool}])
    owners, reasons = [], []
    for _ in range(4):
        lead = await fresh.capture()
        routed = await fresh.do(fresh.athena, "crm.leads.route", leadId=str(lead.id))
        owners.append(routed.owner_id)
        reasons.append(routed.reason)
    assert owners == [fresh.ben.id, fresh.marcus.id, fresh.ben.id, fresh.ben.id]
    assert reasons[:2] == [
        "Rule “Healthcare, EU”. Ben Okafor has 1 lead.",
        "Rule “Healthcare, EU”. Marcus has 1 of 1 leads.",
    ]
