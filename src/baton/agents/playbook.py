"""A playbook: rules in rows that say on which activity an agent acts, for which leads, and what it does. Spec A6, A12."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from baton.accounts.members import Member, member
from baton.accounts.sign_in import must_not_be_agent
from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.fields.lead import check as check_condition
from baton.kernel.actor import Actor, Role
from baton.kernel.conditions import Condition, everything
from baton.kernel.db import Tx, struct_of
from baton.kernel.errors import Forbidden, Invalid
from baton.kernel.liquid import check_template
from baton.kernel.operation import Input, Output, operation, registry
from baton.kernel.shapes import Kind, Name, Values
from baton.kernel.values import Ref, new_id

TRIGGERS = (
    kinds.LEAD_IMPORTED, kinds.STAGE_CHANGED, kinds.ASSIGNMENT_CHANGED, kinds.FIELD_UPDATED, kinds.LEAD_SCORED, kinds.LEAD_QUALIFIED,
    kinds.LEAD_DISQUALIFIED, kinds.NOTE_ADDED, kinds.CALL_LOGGED, kinds.MEETING_LOGGED, kinds.EMAIL_RECEIVED, kinds.WHATSAPP_RECEIVED,
    kinds.TASK_CREATED, kinds.TASK_COMPLETED, kinds.TASK_DUE, kinds.SLA_NEAR, kinds.HANDED_OFF,
)  # fmt: skip


THINK = "crm.agents.think"
"""The step of a model agent: its model decides what to do, with `instructions`; no operation, for nobody asks for it from outside."""


class Step(Input, kw_only=True):
    """One act: an operation and its input, whose texts may name the lead ({{ lead.name }}), its score, the agent, the activity."""

    operation: Kind
    input: Values = {}


class PlaybookRule(Output, kw_only=True):
    """When an activity of kind `trigger` happens to a lead that meets `condition`, do `steps` in order."""

    id: UUID
    agent_id: UUID
    name: str
    trigger: str
    condition: Condition
    steps: list[Step]
    enabled: bool


class NewPlaybookRule(Input, kw_only=True):
    """A rule to set."""

    name: Name
    trigger: Kind
    condition: Condition = msgspec.field(default_factory=everything)
    steps: Annotated[list[Step], Meta(min_length=1, max_length=20)]
    enabled: bool = True


class ReadPlaybook(Input, kw_only=True):
    """The agent whose playbook to read."""

    agent_id: Ref


class SetPlaybook(Input, kw_only=True):
    """All rules of an agent's playbook, in order, replacing those before."""

    agent_id: Ref
    rules: Annotated[list[NewPlaybookRule], Meta(max_length=200)]


_COLUMNS = "id, agent_id, name, trigger, condition, steps, enabled"


@operation("crm.agents.playbook", kind="query", role=Role.VIEWER, summary="Read an agent's playbook")
async def read_playbook(tx: Tx, actor: Actor, input: ReadPlaybook) -> list[PlaybookRule]:
    """An agent's rules, in order. Raises NotFound."""
    return await _of(tx, await _agent(tx, input.agent_id))


async def _of(tx: Tx, agent: Member) -> list[PlaybookRule]:
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM playbook_rules WHERE org_id = $1 AND agent_id = $2 ORDER BY position, id",
        tx.org_id,
        agent.id,
    )
    return [struct_of(row, PlaybookRule) for row in rows]


async def for_trigger(tx: Tx, trigger: str) -> list[PlaybookRule]:
    """The enabled rules of all active agents for a kind of activity, agent by agent, in order."""
    rows = await tx.fetch(
        """SELECT r.id, r.agent_id, r.name, r.trigger, r.condition, r.steps, r.enabled
             FROM playbook_rules r JOIN members m ON m.org_id = r.org_id AND m.id = r.agent_id AND m.status = 'active'
            WHERE r.org_id = $1 AND r.trigger = $2 AND r.enabled ORDER BY m.name, m.id, r.position, r.id""",
        tx.org_id, trigger,
    )  # fmt: skip
    return [struct_of(row, PlaybookRule) for row in rows]


@operation("crm.agents.setPlaybook", role=Role.ADMIN, summary="Change an agent's playbook")
async def set_playbook(tx: Tx, actor: Actor, input: SetPlaybook) -> list[PlaybookRule]:
    """Replace an agent's rules; the next activity finds them. Raises Invalid for what cannot work, NotFound, Forbidden for agents."""
    must_not_be_agent(actor)
    agent = await _agent(tx, input.agent_id)
    await tx.execute("DELETE FROM playbook_rules WHERE org_id = $1 AND agent_id = $2", tx.org_id, agent.id)
    for position, rule in enumerate(input.rules):
        _check(rule, agent)
        await tx.execute(
            """INSERT INTO playbook_rules (org_id, id, agent_id, name, trigger, condition, steps, position, enabled)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
            tx.org_id, new_id(), agent.id, rule.name.strip(), rule.trigger,
            await check_condition(tx, rule.condition), rule.steps, position, rule.enabled,
        )  # fmt: skip
    await append(
        tx, actor,
        Entry(kind=kinds.PLAYBOOK_CHANGED, subject_type="member", subject_id=agent.id, payload={"rules": [r.name for r in input.rules]}),
    )  # fmt: skip
    return await _of(tx, agent)


async def _agent(tx: Tx, ref: Ref) -> Member:
    found = await member(tx, ref)
    if found.kind != "agent":
        raise Invalid(f"{found.name} is a person; only agents have playbooks.", field="agentId")
    return found


def _check(rule: NewPlaybookRule, agent: Member) -> None:
    if not rule.name.strip() or not rule.steps or len(rule.steps) > 20:
        raise Invalid("A rule has a name and 1 to 20 steps.", field="rules")
    if rule.trigger not in TRIGGERS:
        raise Invalid(f"A trigger is one of: {', '.join(TRIGGERS)}.", field="trigger")
    for step in rule.steps:
        if step.operation == THINK:
            _check_thought(step, agent)
            continue
        op = registry.get(step.operation)
        if op is None or op.kind != "mutation" or op.role is None or op.internal:
            raise Invalid(f"“{step.operation}” is no operation that an agent can perform.", field="steps")
        if not agent.role.admits(op.role):
            raise Forbidden(f"{agent.name} is a {agent.role} and may not: {op.summary}.")
        check_template(step.input)


def _check_thought(step: Step, agent: Member) -> None:
    if agent.agent_kind != "model":
        raise Invalid(f"{agent.name} has no model to think with: it works by its playbook.", field="steps")
    if set(step.input) - {"instructions"} or not isinstance(step.input.get("instructions", ""), str):
        raise Invalid("Thinking takes “instructions”, a text, and nothing else.", field="steps")
    check_template(step.input)
