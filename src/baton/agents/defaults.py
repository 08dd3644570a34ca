"""The two agents that a new organization starts with: Athena for intake, Marcus for outbound. Spec A6, A12."""

from baton.accounts.hours import WorkingHours
from baton.accounts.members import AddAgent, EditMember, Member, add_agent, update
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


_HELLO = """Hello {{ lead.firstName | default: lead.name }},

I look after {{ lead.industry | default: "companies like yours" }} here, and would like to hear what {{ lead.companyName | default: "you" }}
could use help with. Would fifteen minutes this week suit you?

Kind regards
{{ agent.name }}"""


def marcus(agent_id: str) -> list[NewPlaybookRule]:
    """Marcus's rules: a first letter to each lead that is given to him, which asks before it leaves; who answers gets a person."""
    mine = {"field": "ownerId", "op": "=", "value": agent_id}
    fresh = [
        mine,
        _OPEN,
        {"field": "email", "op": "is_set"},
        {"field": "assignedAt", "op": "within_last", "value": {"days": 1}},
    ]
    asked = {"field": "via", "op": "=", "value": "form"}
    return [
        NewPlaybookRule(
            name="Answer who wrote to us",
            trigger=kinds.ASSIGNMENT_CHANGED,
            condition={"all": [*fresh, asked]},
            steps=[Step(operation="crm.emails.send", input={"templateId": "first-answer"})],
        ),
        NewPlaybookRule(
            name="A first letter to everybody else",
            trigger=kinds.ASSIGNMENT_CHANGED,
            condition={"all": [*fresh, {"not": asked}]},
            steps=[
                Step(
                    operation="crm.emails.send",
                    input={"subject": "A question to {{ lead.companyName | default: lead.name }}", "text": _HELLO},
                )
            ],
        ),
        NewPlaybookRule(
            name="Who answers gets a person",
            trigger=kinds.EMAIL_RECEIVED,
            condition={"all": [mine, _OPEN]},
            steps=[
                Step(
                    operation="crm.leads.handOff",
                    input={
                        "summary": "{{ lead.name }} answered: the conversation is a person's from here on.",
                        "nextStep": "Answer {{ lead.name }}",
                        "dueIn": "1h",
                    },
                )
            ],
        ),
    ]


_TEAM: tuple[tuple[str, str, int | None], ...] = (
    ("Athena", "Intake: qualifies, finds an owner, schedules the first step", None),
    ("Marcus", "Outbound: writes to the leads that it owns, and hands over who answers", 60),
)  # fmt: skip


async def create_agents(tx: Tx, actor: Actor, supervisor: Member) -> tuple[Member, Member]:
    """Make Athena and Marcus with their playbooks, both under a supervisor. Either works with a token too, or with a model."""
    hours = WorkingHours(days=(1, 2, 3, 4, 5, 6, 7), from_="07:00", to="21:00")
    made = []
    for name, purpose, capacity in _TEAM:
        agent = await add_agent(
            tx, actor,
            AddAgent(name=name, agent_kind="playbook", purpose=purpose, supervisor_id=str(supervisor.id), time_zone=supervisor.time_zone,
                     capacity=capacity, external_id=f"agent-{name.lower()}"),
        )  # fmt: skip
        made.append(await update(tx, actor, EditMember(member_id=str(agent.id), working_hours=hours)))
    for agent, rules in zip(made, (ATHENA, marcus(str(made[1].id))), strict=True):
        await set_playbook(tx, actor, SetPlaybook(agent_id=str(agent.id), rules=rules))
    return made[0], made[1]
