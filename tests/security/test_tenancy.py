"""One organization cannot reach another: by ids in any place of any operation, by headers, addresses, sums, or the database."""

import json
import statistics
import time
from uuid import uuid4

import asyncpg
import httpx2
import pytest

from baton.kernel.db import Database
from baton.kernel.embedded import EmbeddedPostgres
from tests.doors.conftest import Caller
from tests.security.bodies import OFFERED, at, case_of, is_id, places, with_value
from tests.security.pages import sign_in
from tests.team import Team

UNKNOWN = "01900000-0000-7000-8000-000000000000"
_OWN = {"crm.leads.capture": ("orgId",)}  # names the organization that gets the lead: anybody may


@pytest.mark.parametrize("name", OFFERED)
async def test_no_id_of_another_organization(ana: Caller, carla: Team, name: str) -> None:
    """Each id in an operation's input, one by one another organization's: answered as one that does not exist, in the same words.

    Defence: every reference is looked up with `org_id = $1`, and foreign keys name the organization.
    """
    mine, theirs = await case_of(ana.team, name), await case_of(carla, name)
    for path in places(mine):
        if not is_id(at(mine, path)) or path == _OWN.get(name):
            continue
        foreign = at(theirs, path)
        answers = []
        for id in (foreign, UNKNOWN, foreign):
            answer = await ana.call("POST", f"/api/v1/{name}", with_value(mine, path, id))
            told = json.loads(answer.text.replace(str(foreign), UNKNOWN))
            answers.append(
                (answer.status_code, {k: v for k, v in told.items() if k not in ("requestId", "operationId")})
            )
        for _, told in answers:
            told["leads"] = sorted(told.get("leads", []), key=str)  # bulk edits go by the order of ids
        assert answers[1] == answers[2], path  # the first of them may have changed what else the body names
        status, told = answers[2]
        assert status in (400, 404, 409) or told["refused"] >= 1, (path, answers[2])


@pytest.mark.parametrize("path", ["/api/v1/crm.leads.get", "/api/crm/leads/detail/{id}", "/api/trpc/crm.leads.get"])
async def test_found_or_not_takes_as_long(member: Caller, carla: Team, path: str) -> None:
    """A foreign id and an unknown one cannot be told apart by a clock either: both are one look-up inside the organization."""
    foreign = str((await carla.capture()).id)

    async def took(id: str) -> float:
        asked = {"input": json.dumps({"leadId": id})} if "trpc" in path else {"leadId": id}
        began = time.perf_counter()
        answer = await member.call("GET", path.format(id=id), params=asked)
        assert answer.status_code == 404
        return time.perf_counter() - began

    pairs = [(await took(foreign), await took(str(uuid4()))) for _ in range(60)][
        10:
    ]  # in turns: a busy moment slows both
    known, unknown = (statistics.median(times) for times in zip(*pairs, strict=True))
    assert 0.5 < known / unknown < 2


async def test_the_organization_is_the_credentials(member: Caller, carla: Team) -> None:
    """An organization named in a header, body, address or parameter moves nobody: membership decides.

    Defence: `actor_of` takes the organization from the credential or checks it against the memberships.
    """
    theirs = await carla.capture(lastName="Secret-Contoso")
    org = str(carla.org_id)
    headed = await member.call("GET", "/api/v1/crm.leads.find", headers={"orgid": org})
    assert headed.status_code == 404
    for header in ("x-org-id", "org-id", "x-tenant", "x-organization", "organization"):
        answer = await member.call("GET", "/api/v1/crm.leads.find", headers={header: org})
        assert "Secret-Contoso" not in answer.text
    for name in ("orgId", "org_id", "orgid", "organizationId", "tenant"):
        asked = [
            await member.call("GET", "/api/crm/leads/detail", params={name: org}),
            await member.call("GET", "/api/trpc/crm.leads.list", params={"input": json.dumps({name: org})}),
            await member.call("POST", "/api/v1/crm.leads.find", {name: org}),
            await member.call("POST", "/api/crm/leads/detail", {"name": "Mine", name: org}),
        ]
        assert all("Secret-Contoso" not in answer.text for answer in asked)
        assert asked[2].status_code == 400
        made = asked[3].json()
        found = await member.ok("GET", f"/api/crm/leads/detail/{made['id']}")
        assert found["name"] == "Mine"
    reached = await member.call("GET", f"/api/crm/leads/detail/{theirs.id}")
    assert reached.status_code == 404


async def test_sums_count_ones_own(member: Caller, carla: Team) -> None:
    """Counts and sums are an organization's own, also through a stage, pipeline or cursor of another."""
    lead = await carla.capture(estimatedValue=987_654_321)
    await member.team.capture(estimatedValue=5)
    summary = await member.ok("GET", "/api/trpc/crm.leads.pipelineSummary")
    assert (summary["result"]["data"]["total"], summary["result"]["data"]["totalPipelineValue"]) == (1, 5)
    found = await member.ok("POST", "/api/v1/crm.leads.find", {"count": True})
    assert found["total"] == 1
    for asked in (
        {"pipelineId": str(lead.pipeline_id)},
        {"stageId": str(lead.stage_id)},
        {"ownerId": str(carla.ben.id)},
    ):
        answer = await member.call("GET", "/api/v1/crm.leads.list", params=asked)
        assert answer.status_code == 404 or answer.json()["leads"] == []
        where = [{"field": field, "op": "=", "value": id} for field, id in asked.items()]
        assert (await member.ok("POST", "/api/v1/crm.leads.find", {"where": {"all": where}}))["items"] == []
    page = await carla.do(carla.ana, "crm.leads.find", limit=1)
    resumed = (
        await member.ok("POST", "/api/v1/crm.leads.find", {"cursor": page.next_cursor})
        if page.next_cursor
        else {"items": []}
    )
    assert all(item["id"] != str(lead.id) for item in resumed["items"])
    searched = await member.ok("POST", "/api/v1/crm.leads.find", {"search": "Jane Smith"})
    assert len(searched["items"]) == 1


async def test_pages_and_streams_of_another(http: httpx2.AsyncClient, fresh: Team, carla: Team) -> None:
    """Every page with another organization's ids says that nothing is there; a change through it changes nothing."""
    reader = await sign_in(http, fresh, "ana")
    lead = await carla.capture(lastName="Secret-Contoso")
    task = await carla.do(carla.ben, "crm.leads.followUp", leadId=str(lead.id), dueIn="1h")
    for path in (f"/leads/{lead.id}", f"/leads/{lead.id}/assign", f"/leads/{lead.id}/convert", f"/leads/{lead.id}/follow-up",
                 f"/board/{lead.pipeline_id}", f"/board/{lead.pipeline_id}/totals", f"/board/{lead.pipeline_id}/column/{lead.stage_id}",
                 f"/leads?pipeline={lead.pipeline_id}", f"/leads?stage={lead.stage_id}", f"/leads?owner={carla.ben.id}"):  # fmt: skip
        answer = await reader.get(path)
        assert answer.status_code == 404 or path.startswith("/leads?")
        assert "Secret-Contoso" not in answer.text
    for path, fields in (
        (f"/leads/{lead.id}/move", {"stageId": str(lead.stage_id)}), (f"/leads/{lead.id}/log", {"text": "x"}),
        (f"/leads/{lead.id}/facts/name", {"value": "Hacked"}), (f"/leads/{lead.id}/assign", {"ownerId": str(fresh.ben.id)}),
        (f"/leads/{lead.id}/qualify", {}), (f"/leads/{lead.id}/disqualify", {"reason": "x"}), (f"/tasks/{task.id}/complete", {}),
    ):  # fmt: skip
        answer = await reader.post(path, fields)
        assert answer.status_code == 404, path
    assert (
        await carla.do(carla.ana, "crm.leads.get", leadId=str(lead.id))
    ).version == lead.version + 1  # the follow-up


async def test_every_table_of_an_organization_has_row_security(server: EmbeddedPostgres) -> None:
    """Also those that later migrations add: org_id first in the key, row-level security on, one policy for the application that
    names the setting; the application owns nothing and is no superuser."""
    owner = await asyncpg.connect(server.dsn())
    tables = await owner.fetch(
        """SELECT c.relname AS name, c.relrowsecurity AS secured, pg_get_userbyid(c.relowner) AS owner,
                  (SELECT array_agg(pg_get_expr(p.polqual, p.polrelid)) FROM pg_policy p WHERE p.polrelid = c.oid
                      AND (p.polroles = '{0}' OR 'baton_app'::regrole = ANY (p.polroles))) AS policies,
                  (SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
                    WHERE i.indrelid = c.oid AND i.indisprimary) AS first_key,
                  has_table_privilege('baton_app', c.oid, 'SELECT') AS readable
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
              AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'org_id' AND NOT a.attisdropped)"""
    )
    assert len(tables) > 20
    for table in tables:
        if table["name"].startswith("directory_"):
            assert not table["readable"], table["name"]
            continue
        assert table["secured"], table["name"]
        assert table["first_key"] == "org_id", table["name"]
        for policy in table["policies"]:
            assert policy == "(org_id = (NULLIF(current_setting('app.org_id'::text, true), ''::text))::uuid)", (
                table["name"],
                policy,
            )
        assert table["owner"] not in ("baton_app", "baton_relay"), table["name"]
    roles = await owner.fetch("SELECT * FROM pg_roles WHERE rolname IN ('baton_app', 'baton_relay')")
    for role in roles:
        assert not any(role[power] for power in ("rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb"))
    await owner.close()


async def test_functions_that_run_as_the_owner(server: EmbeddedPostgres) -> None:
    """Each SECURITY DEFINER function fixes its search path and is not everybody's."""
    owner = await asyncpg.connect(server.dsn())
    rows = await owner.fetch(
        """SELECT p.proname AS name, coalesce(array_to_string(p.proconfig, ';'), '') AS set,
                  has_function_privilege('public', p.oid, 'EXECUTE') AS everybodys
             FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'public' AND p.prosecdef"""
    )
    await owner.close()
    assert len(rows) >= 12
    for row in rows:
        assert "search_path=" in row["set"], row["name"]
        assert not row["everybodys"], row["name"]


@pytest.mark.parametrize("setting", [None, "", UNKNOWN])
async def test_without_an_organization_nothing_is_found(db: Database, carla: Team, setting: str | None) -> None:
    """Search and every table with no, an empty or an unknown setting: nothing, and no error that tells more."""
    await carla.capture(lastName="Findable")
    async with db.app.acquire() as conn, conn.transaction():
        if setting is not None:
            await conn.execute(f"SET LOCAL app.org_id = '{setting}'")
        for function in ("search_leads", "search_contacts", "search_companies"):
            assert await conn.fetch(f"SELECT {function}('Findable')") == []
        for table in (
            "leads",
            "activities",
            "contacts",
            "views",
            "segments",
            "field_definitions",
            "idempotency_keys",
            "webhook_endpoints",
        ):
            assert await conn.fetchval(f"SELECT count(*) FROM {table}") == 0, table
