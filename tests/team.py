"""The people of the tests: Ana the admin, Ben the member and the agent Marcus of Northwind; Carla of another organization."""

import asyncio
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from baton.accounts.found import Found
from baton.accounts.members import AddPerson, Member
from baton.agents.start_organization import Started, start_organization
from baton.doors import operations as operations  # fills the registry
from baton.jobs import relay
from baton.jobs.handlers import handle
from baton.kernel.actor import Actor, Role, system
from baton.kernel.db import Database
from baton.kernel.perform import perform

PASSWORD = "a long enough password"


@dataclass
class Team:
    """An organization with its people, and `do`, which performs an operation as one of them."""

    db: Database
    org_id: UUID
    started: Started
    ana: Actor
    ben: Actor
    vera: Actor
    athena: Actor
    marcus: Actor
    form: Actor
    emails: dict[str, str] = field(default_factory=dict)

    async def do(self, actor: Actor, name: str, input: Any = None, **fields: Any) -> Any:
        """Perform an operation with a body, or with its fields as keywords."""
        return await perform(self.db, actor, name, fields if input is None else input)

    async def capture(self, **fields: Any) -> Any:
        """A lead captured through the website, answered as the lead."""
        body = {
            "orgId": str(self.org_id),
            "firstName": "Jane",
            "lastName": "Smith",
            "email": f"{secrets.token_hex(4)}@acme.example",
        }
        made = await perform(self.db, self.form, "crm.leads.capture", body | fields)
        return await self.do(self.ana, "crm.leads.get", leadId=str(made.id))

    async def log(self, lead_id: UUID) -> list[Any]:
        """A lead's activities, oldest first."""
        page = await self.do(self.ana, "crm.leads.timeline", leadId=str(lead_id), limit=200)
        return list(reversed(page.items))

    async def run_due(self, *, now: datetime | None = None) -> int:
        """Do all work that follows from the log now, inline, as a worker would; answers how many runs this team's agents made."""
        before = await self.runs()
        while True:
            read = await read_log(self.db)
            jobs = await self.db.relay.fetch("DELETE FROM jobs.pgqueuer RETURNING entrypoint, payload")
            for job in jobs:
                await handle(self.db, job["entrypoint"], job["payload"], now=now)
            if not read and not jobs:
                break
        return await self.runs() - before

    async def runs(self) -> int:
        """How many runs agents have finished."""
        async with self.db.transaction(self.org_id) as conn:
            done: int = await conn.fetchval("SELECT count(*) FROM agent_runs WHERE status = 'done'")
            return done


async def read_log(db: Database) -> int:
    """Relay all that was committed; answers how many activities. A row counts as readable once every transaction that began
    before it has ended, PostgreSQL's own (analyze) too: those are waited for."""
    read = 0
    async with asyncio.timeout(10):
        while True:
            while step := (await relay.step(db)).read:
                read += step
            unread = await db.relay.fetchval(
                "SELECT EXISTS (SELECT 1 FROM activities a, log_cursors c WHERE c.name = $1 AND (a.txid, a.id) > (c.txid, c.id))",
                relay.NAME,
            )
            if not unread:
                return read
            await asyncio.sleep(0.01)


async def make_team(db: Database, name: str = "Northwind") -> Team:
    """A new organization with its own people."""
    emails = {who: f"{who}.{secrets.token_hex(4)}@{name.lower()}.example" for who in ("olivia", "ana", "ben", "vera")}
    started = await start_organization(
        db, Found(name=name, owner_name="Olivia Park", owner_email=emails["olivia"], owner_password=PASSWORD)
    )
    olivia = Actor(
        type="user", org_id=started.org_id, role=Role.OWNER, name="Olivia Park", id=started.owner_id, via="page"
    )
    actors = {}
    for who, full, role in (
        ("ana", "Ana Duarte", Role.ADMIN),
        ("ben", "Ben Okafor", Role.MEMBER),
        ("vera", "Vera Lind", Role.VIEWER),
    ):
        person = AddPerson(name=full, email=emails[who], role=role, password=PASSWORD)
        member: Member = await perform(db, olivia, "crm.members.addPerson", person)
        actors[who] = Actor(type="user", org_id=started.org_id, role=role, name=full, id=member.id, via="page")
    agents = {
        who: Actor(type="agent", org_id=started.org_id, role=Role.MEMBER, name=who.title(), id=id, via="agent")
        for who, id in (("athena", started.athena_id), ("marcus", started.marcus_id))
    }
    form = system(started.org_id, "Website form", via="form")
    return Team(
        db,
        started.org_id,
        started,
        actors["ana"],
        actors["ben"],
        actors["vera"],
        agents["athena"],
        agents["marcus"],
        form,
        emails,
    )
