"""Undo: each effect is reversed, kept because it was changed since, or impossible, and it says which."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from baton.kernel.errors import BatonError, Forbidden, NotFound
from baton.leads.lead import facts
from tests.team import Team
from tests.test_replay import steps

LATER = {"score", "nextActionAt"}


async def last_operation(team: Team, lead_id: Any) -> str:
    return str((await team.log(lead_id))[-1].operation_id)


async def undo(team: Team, operation_id: str) -> Any:
    return await team.do(team.ana, "crm.operations.undo", operationId=operation_id, reason="A mistake.")


async def test_a_move_goes_back(team: Team) -> None:
    """The lead stands where it stood, and the timeline tells both."""
    lead = await team.capture()
    ref = {"leadId": str(lead.id)}
    await team.do(team.ben, "crm.leads.setStatus", ref | {"status": "won"})
    done = await undo(team, await last_operation(team, lead.id))
    assert [(e.what, e.outcome) for e in done.effects] == [("stageId", "reversed")]
    after = await team.do(team.ben, "crm.leads.get", ref)
    assert facts(after) == facts(lead)
    again = await undo(team, await last_operation(team, lead.id))
    assert [(e.what, e.outcome) for e in again.effects] == [("stageId", "reversed")]
    assert (await team.do(team.ben, "crm.leads.get", ref)).status == "won"


async def test_what_was_changed_since_is_kept(team: Team) -> None:
    """Another's later change stands; the rest goes back."""
    lead = await team.capture()
    ref = {"leadId": str(lead.id)}
    await team.do(team.ben, "crm.leads.update", ref | {"title": "CTO", "industry": "Energy"})
    operation = await last_operation(team, lead.id)
    await team.do(team.ana, "crm.leads.update", ref | {"title": "CFO"})
    done = await undo(team, operation)
    assert {e.what: (e.outcome, e.why) for e in done.effects} == {
        "title": ("kept", "It was changed since."),
        "industry": ("reversed", None),
    }
    after = await team.do(team.ben, "crm.leads.get", ref)
    assert (after.title, after.industry) == ("CFO", None)


async def test_a_whole_run_is_taken_back(fresh: Team) -> None:
    """What Athena did in one run is undone as one; what she told stays told."""
    lead = await fresh.capture(title="CEO", companySize=900)
    await fresh.run_due()
    (run,) = await fresh.do(fresh.ana, "crm.agents.runs", leadId=str(lead.id))
    done = await undo(fresh, str(run.id))
    assert {e.outcome for e in done.effects} == {"reversed"}
    after = await fresh.do(fresh.ana, "crm.leads.get", leadId=str(lead.id))
    assert facts(after) == facts(lead)
    assert not (await fresh.do(fresh.ana, "crm.tasks.list", leadId=str(lead.id))).items


async def test_a_created_lead_disappears_and_its_trail_stays(team: Team) -> None:
    """Undoing a creation deletes softly; worked on since, it is kept."""
    lead = await team.do(team.ben, "crm.leads.create", lastName="Solberg")
    operation = await last_operation(team, lead.id)
    await undo(team, operation)
    with pytest.raises(NotFound):
        await team.do(team.ben, "crm.leads.get", leadId=str(lead.id))
    other = await team.do(team.ben, "crm.leads.create", lastName="Rey")
    operation = await last_operation(team, other.id)
    await team.do(team.ana, "crm.leads.update", leadId=str(other.id), title="CTO")
    (effect,) = (await undo(team, operation)).effects
    assert (effect.outcome, effect.why) == ("kept", "It was worked on since.")


async def test_an_undo_is_no_way_around_a_role(fresh: Team) -> None:
    """B9: a member takes back their own acts and agents', an agent only its own; what only admins do, only they take back."""
    lead = await fresh.capture(title="CEO", companySize=900)
    ref = {"leadId": str(lead.id)}
    await fresh.do(fresh.ana, "crm.leads.update", ref | {"industry": "Energy"})
    anas = await last_operation(fresh, lead.id)
    await fresh.do(fresh.ben, "crm.leads.update", ref | {"location": "Lyon"})
    bens = await last_operation(fresh, lead.id)
    await fresh.run_due()
    (run,) = await fresh.do(fresh.ana, "crm.agents.runs", ref)
    for actor, operation in (
        (fresh.ben, anas),
        (fresh.marcus, bens),
        (fresh.marcus, str(run.id)),
        (fresh.athena, bens),
    ):
        with pytest.raises(Forbidden):
            await fresh.do(actor, "crm.operations.undo", operationId=operation)
    for actor, operation in ((fresh.ben, bens), (fresh.ben, str(run.id)), (fresh.ana, anas)):
        assert (await fresh.do(actor, "crm.operations.undo", operationId=operation)).effects
    await fresh.do(fresh.ana, "crm.leads.delete", ref)
    async with fresh.db.transaction(fresh.org_id) as conn:
        deleted = await conn.fetchval("SELECT operation_id FROM activities WHERE kind = 'lead_deleted'")
    with pytest.raises(Forbidden):
        await fresh.do(fresh.ben, "crm.operations.undo", operationId=str(deleted))
    await fresh.do(fresh.ana, "crm.operations.undo", operationId=str(deleted))
    assert await fresh.do(fresh.ben, "crm.leads.get", ref)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(todo=steps)
async def test_undo_restores_the_row(team: Team, todo: list[tuple[str, dict[str, Any]]]) -> None:
    """Whatever one operation did to a lead, its undo takes back every fact that is not calculated from others."""
    lead = await team.capture(company="Acme", title="CFO")
    ref = {"leadId": str(lead.id)}
    stages = (await team.do(team.ana, "crm.pipelines.list"))[0].stages
    for name, given_fields in todo:
        if name in ("crm.leads.delete", "crm.leads.restore"):
            continue
        fields = {"stageId": str(stages[given_fields["stage"]].id)} if "stage" in given_fields else given_fields
        before = await team.do(team.ana, "crm.leads.get", ref)
        earlier = await last_operation(team, lead.id)
        try:
            await team.do(team.ana, name, ref | ({"ownerId": None} if name == "crm.leads.assign" else {}) | fields)
        except BatonError:
            continue
        operation = await last_operation(team, lead.id)
        if operation == earlier:
            continue  # it changed nothing
        await undo(team, operation)
        after = await team.do(team.ana, "crm.leads.get", ref)
        kept = {k: v for k, v in facts(before).items() if k not in LATER}
        assert {k: v for k, v in facts(after).items() if k not in LATER} == kept
