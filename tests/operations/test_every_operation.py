"""Every operation of the registry: its activity, its actor, its role, its rollback, and that no other organization reaches it."""

import dataclasses
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from baton.kernel.actor import Actor, Role, system
from baton.kernel.errors import Conflict, Forbidden, NotFound
from baton.kernel.operation import Operation, registry
from baton.kernel.perform import perform
from tests.leads.words import unlike
from tests.operations import cases_agents as cases_agents
from tests.operations import cases_autom as cases_autom
from tests.operations import cases_clock as cases_clock
from tests.operations import cases_desk as cases_desk
from tests.operations import cases_files as cases_files
from tests.operations import cases_insight as cases_insight  # its cases too
from tests.operations import cases_mail as cases_mail
from tests.operations import cases_model as cases_model
from tests.operations import cases_pages as cases_pages
from tests.operations import cases_people as cases_people
from tests.operations import cases_quarantine as cases_quarantine
from tests.operations import cases_records as cases_records
from tests.operations import cases_webhooks as cases_webhooks
from tests.operations import more_cases as more_cases  # its cases too
from tests.operations.cases import cases
from tests.team import Team

MUTATIONS = sorted(name for name, op in registry.items() if op.kind == "mutation")
# Who joins or holds a link acts as whom it makes of them.
AS_THEMSELVES = (
    "crm.organizations.start", "crm.members.acceptInvitation", "crm.profile.resetPassword", "crm.profile.noteReset",
)  # fmt: skip
QUERIES = sorted(name for name, op in registry.items() if op.kind == "query")


def performer(team: Team, op: Operation) -> Actor:
    """The least who may perform an operation."""
    if op.name == "crm.organizations.start":
        return system(uuid4(), "Baton", role=Role.OWNER)
    if op.name == "crm.agents.finishRun":
        return team.athena
    if op.name in ("crm.approvals.request", "crm.agents.noteRefusal", "crm.agents.keepTurn", "crm.agents.mayThink"):
        return team.marcus  # agents alone ask, and are refused
    if op.role is None:
        return team.form
    return {Role.VIEWER: team.vera, Role.MEMBER: team.ben, Role.ADMIN: team.ana}[op.role]


async def count(team: Team, actor: Actor, name: str) -> int:
    async with team.db.transaction(actor.org_id) as conn:
        found: int = await conn.fetchval(
            "SELECT count(*) FROM activities WHERE org_id = $1 AND operation = $2", actor.org_id, name
        )
        return found


def test_every_operation_has_a_case() -> None:
    """An operation without a case would not be tested."""
    assert sorted(registry) == sorted(cases)


@pytest.mark.parametrize("name", MUTATIONS)
async def test_appends_its_activities_under_its_actor(team: Team, name: str) -> None:
    """Spec A7, A8, B9."""
    op, case = registry[name], cases[name]
    actor = performer(team, op)
    input = await case.make(team)
    before = await count(team, actor, name)
    await perform(team.db, actor, name, input)
    async with team.db.transaction(actor.org_id) as conn:
        rows = await conn.fetch(
            """SELECT kind, actor_type, actor_id, actor_name, operation_id FROM activities
                WHERE org_id = $1 AND operation = $2 ORDER BY recorded_at DESC, id DESC""",
            actor.org_id, name,
        )  # fmt: skip
    latest = [row for row in rows if row["operation_id"] == rows[0]["operation_id"]]
    assert len(rows) > before
    assert set(case.leaves) <= {row["kind"] for row in latest}
    assert await unlike(team.db, actor.org_id) == []
    if name not in AS_THEMSELVES:
        assert {(row["actor_type"], row["actor_id"], row["actor_name"]) for row in latest} == {
            (actor.type, actor.id, actor.name)
        }


@pytest.mark.parametrize("name", MUTATIONS)
async def test_leaves_nothing_when_it_fails(team: Team, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every write is one transaction: what fails at its very end has not happened."""
    op, case = registry[name], cases[name]
    actor = performer(team, op)
    input = await case.make(team)

    async def fail_at_the_end(tx: Any, actor: Actor, input: Any) -> None:
        await op.verb(tx, actor, input)
        raise RuntimeError("the end")

    async def fail_together(tx: Any, calls: Any) -> list[Any]:
        assert op.grouped is not None
        await op.grouped(tx, calls)
        raise RuntimeError("the end")

    before = await count(team, actor, name)
    grouped = fail_together if op.grouped else None
    monkeypatch.setitem(registry, name, dataclasses.replace(op, verb=fail_at_the_end, grouped=grouped))
    with pytest.raises(RuntimeError, match="the end"):
        await perform(team.db, actor, name, input)
    assert await count(team, actor, name) == before


@pytest.mark.parametrize("name", sorted(n for n, op in registry.items() if op.role not in (None, Role.VIEWER)))
async def test_is_refused_below_its_role(team: Team, name: str) -> None:
    """Spec B9."""
    op = registry[name]
    below = {Role.MEMBER: team.vera, Role.ADMIN: team.ben, Role.OWNER: team.ana}[op.role or Role.VIEWER]
    with pytest.raises(Forbidden):
        await perform(team.db, below, name, await cases[name].make(team))


@pytest.mark.parametrize("name", sorted(n for n, case in cases.items() if case.foreign))
async def test_is_not_found_from_another_organization(team: Team, carla: Team, name: str) -> None:
    """What belongs to another organization does not exist here, with every id."""
    op = registry[name]
    input = await cases[name].make(team)
    actor = performer(carla, op)
    with pytest.raises(NotFound):
        await perform(team.db, actor, name, input)


@pytest.mark.parametrize("name", QUERIES)
async def test_answers_what_it_says(team: Team, name: str) -> None:
    """A query's answer is of its declared type, and survives JSON."""
    op, case = registry[name], cases[name]
    answer = await perform(team.db, performer(team, op), name, await case.make(team))
    assert msgspec.json.decode(msgspec.json.encode(answer), type=op.output) == answer


@pytest.mark.parametrize("name", MUTATIONS)
async def test_is_done_once_with_a_key(team: Team, name: str) -> None:
    """The same Idempotency-Key answers the first result and does nothing again."""
    op, case = registry[name], cases[name]
    actor = performer(team, op)
    input = await case.make(team)
    key = uuid4().hex
    first = await perform(team.db, actor, name, input, idempotency_key=key)
    done = await count(team, actor, name)
    if op.secret:
        with pytest.raises(Conflict, match="shown once"):
            await perform(team.db, actor, name, input, idempotency_key=key)
        return
    again = await perform(team.db, actor, name, input, idempotency_key=key)
    assert await count(team, actor, name) == done
    assert msgspec.json.encode(again) == msgspec.json.encode(first)
