"""The demo organization as scripts need it: addresses, people, tokens that work now, pipelines with their stages."""

import msgspec

from baton.accounts.sign_in import memberships, open_jwt
from baton.doors.demo import DemoFacts
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Database
from baton.kernel.perform import perform
from baton.kernel.settings import Settings
from baton.kernel.values import email_key, utc_now
from baton.pipelines.pipeline import Pipeline


async def demo_json(settings: Settings, database: Database, facts: DemoFacts) -> str:
    """`{"baseUrl", "orgId", "people", "tokens": {"admin", "member", "agent"}, "pipelines"}`, tokens for the first of each role."""
    tokens = {"agent": facts.agent_token}
    for person in facts.people:
        row = await database.app.fetchrow("SELECT id FROM directory_person($1)", email_key(person.email))
        if row and person.role not in tokens:
            places = await memberships(database, row["id"])
            tokens[person.role] = await open_jwt(
                database, settings.secret, row["id"], places, facts.org_id, now=utc_now()
            )
    reader = facts.people[0]
    actor = Actor(type="user", org_id=facts.org_id, role=Role(reader.role), name=reader.name, id=reader.id)
    pipelines: list[Pipeline] = await perform(database, actor, "crm.pipelines.list")
    people = [{"name": p.name, "role": p.role, "email": p.email, "password": p.password} for p in facts.people]
    return msgspec.json.encode(
        {
            "baseUrl": settings.public_url,
            "orgId": facts.org_id,
            "people": people,
            "tokens": {role: tokens[role] for role in ("admin", "member", "agent")},
            "pipelines": [
                {
                    "id": pipeline.id,
                    "name": pipeline.name,
                    "type": pipeline.type,
                    "stages": [{"id": stage.id, "name": stage.name} for stage in pipeline.stages],
                }
                for pipeline in pipelines
            ],
        }
    ).decode()
