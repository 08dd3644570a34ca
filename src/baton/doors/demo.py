"""The demo organization: people, agents, and a few hundred leads whose history was really performed, operation by operation."""

import asyncio
import secrets
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from baton.accounts.credentials import CreateCredential, NewCredential
from baton.accounts.found import Found
from baton.accounts.members import AddPerson, Member
from baton.agents.start_organization import Started, start_organization
from baton.doors import demo_leads
from baton.kernel import data_dir
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Database
from baton.kernel.perform import perform
from baton.kernel.settings import Settings
from baton.kernel.values import utc_now
from baton.pipelines.pipeline import Pipeline
from baton.routing.rules import NewRoutingRule, SetRoutingRules

FILE = "demo.json"
AT_ONCE = 6


class DemoPerson(msgspec.Struct, rename="camel"):
    """Somebody who can sign in to the demo organization."""

    id: UUID
    name: str
    role: str
    email: str
    password: str


class DemoFacts(msgspec.Struct, rename="camel"):
    """What a script needs of the demo organization: its id, its people with their passwords, an agent's token, a form."""

    org_id: UUID
    people: list[DemoPerson]
    agent_token: str
    form_address: str


def known_demo(settings: Settings) -> DemoFacts | None:
    """The demo organization of this data directory, if one was made."""
    try:
        return msgspec.json.decode((settings.data_dir / FILE).read_bytes(), type=DemoFacts)
    except FileNotFoundError:
        return None


async def make_demo(db: Database, settings: Settings, *, leads: int = 320, now: datetime | None = None) -> DemoFacts:
    """The demo organization, made where this data directory has none yet. Its history ends at `now`."""
    known = known_demo(settings)
    if known is not None and await db.relay.fetchval("SELECT true FROM organizations WHERE org_id = $1", known.org_id):
        return known
    moment = now or utc_now()
    start = moment - timedelta(days=120)
    owner = AddPerson(name="Olivia Park", email=_address("olivia"), password=_password())
    started = await start_organization(
        db,
        Found(
            name="Northwind",
            owner_name=owner.name,
            owner_email=owner.email,
            owner_password=owner.password or "",
            time_zone="UTC",
        ),
        now=start,
    )
    olivia = _actor(started, started.owner_id, owner.name, Role.OWNER)
    people = [DemoPerson(started.owner_id, owner.name, "owner", owner.email, owner.password or "")]
    for name, role in (("Ana Duarte", Role.ADMIN), ("Ben Okafor", Role.MEMBER)):
        person = AddPerson(
            name=name, email=_address(name.split()[0].lower()), role=role, password=_password(), capacity=80
        )
        member: Member = await perform(db, olivia, "crm.members.addPerson", person, now=start)
        people.append(DemoPerson(member.id, name, role, person.email, person.password or ""))
    _, ana, ben = people
    await _routing(db, olivia, started, [ben, ana], start)
    token: NewCredential = await perform(
        db, olivia, "crm.credentials.create", CreateCredential(name="Demo", member_id=str(started.marcus_id))
    )
    team = demo_leads.Team(
        org_id=started.org_id,
        ana=_actor(started, ana.id, ana.name, Role.ADMIN),
        ben=_actor(started, ben.id, ben.name, Role.MEMBER),
        marcus=Actor(
            type="agent", org_id=started.org_id, role=Role.MEMBER, name="Marcus", id=started.marcus_id, via="agent"
        ),
    )
    facts = DemoFacts(started.org_id, people, token.token, started.form_address)
    # Known before its leads arrive: cut off here, it is a demo with fewer of them, not a second one at the next start.
    data_dir.write_private(settings.data_dir / FILE, msgspec.json.encode(facts).decode() + "\n")
    place = await demo_leads.place(db, team)
    await _live(db, team, place, leads, start, moment)
    await _policy(db, olivia, started.marcus_id, moment)
    await demo_leads.ask(db, team, place, moment)
    return facts


async def _routing(db: Database, olivia: Actor, started: Started, people: list[DemoPerson], start: datetime) -> None:
    healthcare = {"all": [
        {"field": "industry", "op": "has_word", "value": ["healthcare", "medical", "pharma"]},
        {"field": "location", "op": "has_word", "value": ["Germany", "France", "Spain", "Portugal", "Sweden", "Ireland", "Italy", "EU"]},
    ]}  # fmt: skip
    pool = [str(person.id) for person in people]
    rules = [
        NewRoutingRule(name="Healthcare, EU", condition=healthcare, pool=[str(started.marcus_id)]),
        NewRoutingRule(name="Everyone", pool=[*pool, str(started.marcus_id)]),
    ]
    await perform(db, olivia, "crm.routing.setRules", SetRoutingRules(rules=rules), now=start)


async def _policy(db: Database, olivia: Actor, marcus_id: UUID, start: datetime) -> None:
    """From now on Marcus asks before he makes a large offer."""
    large = {"all": [
        {"field": "status", "op": "=", "value": "proposal"}, {"field": "valueCents", "op": ">", "value": demo_leads.OFFER},
    ]}  # fmt: skip
    row = {"name": "Large offers", "operation": "crm.leads.moveStage", "condition": large, "decision": "ask"}
    wish = {"agentId": str(marcus_id), "rows": [row]}
    await perform(db, olivia, "crm.agents.setPolicy", wish, now=start)


async def _live(
    db: Database, team: demo_leads.Team, place: dict[str, Pipeline], count: int, start: datetime, end: datetime
) -> None:
    """Let the leads of the past months arrive and be worked, a few at a time."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(story: demo_leads.Story) -> None:
        async with turns:
            await demo_leads.tell(db, team, place, story)

    await asyncio.gather(*(one(story) for story in demo_leads.stories(count, start, end)))


def _actor(started: Started, id: UUID, name: str, role: Role) -> Actor:
    return Actor(type="user", org_id=started.org_id, role=role, name=name, id=id, via="page")


def _password() -> str:
    return f"baton-{secrets.token_hex(5)}"


def _address(name: str) -> str:
    # People are known across organizations by their e-mail: a demo on a shared database must not meet another's.
    return f"{name}.{secrets.token_hex(2)}@northwind.example"
