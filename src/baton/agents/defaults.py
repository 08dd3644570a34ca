"""The two agents that a new organization starts with: Athena for intake, Marcus for outbound. Spec A6, A12."""

from baton.accounts.hours import WorkingHours
from baton.accounts.members import AddAgent, AgentKind, EditMember, Member, add_agent, update
from baton.activities import kinds
from baton.agents.playbook import NewPlaybookRule, SetPlaybook, Step, set_playbook
from baton.kernel.actor import Actor
from baton.kernel.db import Tx

_FROM_OUTSIDE = {"field": "via", "op": "in", "value": ["form", "api", "search"]}
_OPEN = {"field": "open", "op": "=", "value": True}

ATHENA = [
    NewPlaybookRule(
        name="Qualify who is worth a call",
        trigger=kinds.LEAD_IMPORTED,
        condition={
            "all": [
                _FROM_OUTSIDE,
                _OPEN,
                {"field": "score", "op": ">=", "value": 40},
                {"field": "qualifiedAt", "op": "is_not_set"},
            ]
        },
        steps=[
            Step(
                operation="crm.leads.qualify",
                input={"reason": "Score {{ score.value }}: {{ score.because | join: ', ' }}."},
            )
        ],
    ),
    NewPlaybookRule(
        name="Give every new lead an owner",
        trigger=kinds.LEAD_IMPORTED,
        condition={"all": [_FROM_OUTSIDE, _OPEN, {"field": "ownerId", "op": "is_not_set"}]},
        steps=[Step(operation="crm.leads.route")],
    ),
    NewPlaybookRule(
        name="Schedule the first follow-up",
        trigger=kinds.LEAD_IMPORTED,
        condition={"all": [_FROM_OUTSIDE, _OPEN, {"field": "nextActionAt", "op": "is_not_set"}]},
        steps=[
            Step(
                operation="crm.leads.followUp",
                input={
                    "dueIn": "1h",
                    "title": "First call with {{ lead.name }}",
                    "reason": "A first answer within one working hour of the owner.",
                },
            )
        ],
    ),
]


_TEAM: tuple[tuple[str, AgentKind, str, int | None], ...] = (
    ("Athena", "playbook", "Intake: qualifies, finds an owner, schedules the first step", None),
    ("Marcus", "external", "Outbound: works the leads that it owns, over MCP or REST", 60),
)  # fmt: skip


async def create_agents(tx: Tx, actor: Actor, supervisor: Member) -> tuple[Member, Member]:
    """Make Athena with her playbook, and Marcus, who works with a token, both under a supervisor."""
    hours = WorkingHours(days=(1, 2, 3, 4, 5, 6, 7), from_="07:00", to="21:00")
    made = []
    for name, kind, purpose, capacity in _TEAM:
        agent = await add_agent(
            tx, actor,
            AddAgent(name=name, agent_kind=kind, purpose=purpose, supervisor_id=str(supervisor.id), time_zone=supervisor.time_zone,
                     capacity=capacity, external_id=f"agent-{name.lower()}"),
        )  # fmt: skip
        made.append(await update(tx, actor, EditMember(member_id=str(agent.id), working_hours=hours)))
    await set_playbook(tx, actor, SetPlaybook(agent_id=str(made[0].id), rules=ATHENA))
    return made[0], made[1]
