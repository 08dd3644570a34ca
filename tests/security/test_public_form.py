"""What anybody may post: nothing but a lead's own words, about nobody known, and without learning who is there. Spec B4."""

import dataclasses
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from baton.doors.app import create_app
from baton.kernel.db import Database
from baton.kernel.settings import Settings
from tests.doors.conftest import Caller, client_of
from tests.security.pages import Reader
from tests.team import Team

JANE = {"firstName": "Jane", "lastName": "Smith", "email": "jane@acme.example"}
EXTRA: dict[str, Any] = {
    "score": 100,
    "status": "won",
    "via": "page",
    "role": "admin",
    "tags": ["vip"],
    "externalId": "x",
    "deletedAt": "2000-01-01T00:00:00Z",
    "qualifiedAt": "2000-01-01T00:00:00Z",
    "id": str(uuid4()),
    "version": 7,
    "org": "x",
    "now": "2000-01-01T00:00:00Z",
}


def places_of(team: Team) -> dict[str, str]:
    """Where a visitor would like to put themselves."""
    ids = {
        "ownerId": team.ben.id,
        "stageId": uuid4(),
        "pipelineId": uuid4(),
        "contactId": uuid4(),
        "companyId": uuid4(),
    }
    return {name: str(id) for name, id in ids.items()}


async def test_extra_fields_set_nothing(http: httpx2.AsyncClient, fresh: Team) -> None:
    """Owner, stage, score, status and origin are not the visitor's to say: tRPC drops them, REST refuses, the form takes its own.

    Defence: `Capture` names what it takes; `crm.forms.submit` reads the form's own fields alone.
    """
    body = EXTRA | places_of(fresh) | JANE | {"orgId": str(fresh.org_id)}
    made = (await http.post("/api/trpc/crm.leads.capture", json=body)).json()["result"]["data"]
    assert set(made) == {"id", "success"}
    assert (await http.post("/api/v1/crm.leads.capture", json=body)).status_code == 400
    form = {
        name: str(value) for name, value in (EXTRA | places_of(fresh) | JANE | {"email": "form@acme.example"}).items()
    }
    sent = await http.post(
        f"/f/{fresh.started.form_address}", data=form | {"valueCents": "9999999", "field.admin": "yes", "fields": "{}"}
    )
    assert sent.status_code == 303
    intake = await fresh.do(fresh.ana, "crm.pipelines.list")
    first = next(pipeline for pipeline in intake if pipeline.is_intake).stages[0]
    for lead in (await fresh.do(fresh.ana, "crm.leads.find")).items:
        assert (
            lead.owner_id,
            lead.stage_id,
            lead.status,
            lead.via,
            lead.tags,
            lead.external_id,
            lead.value_cents,
            lead.fields,
        ) == (
            None,
            first.id,
            "new",
            "form",
            [],
            None,
            None,
            {},
        )
        assert lead.score < 50
        assert lead.version == 2


async def test_a_known_person_is_not_overwritten(http: httpx2.AsyncClient, admin: Caller) -> None:
    """A stranger who types somebody's e-mail changes neither the person nor their leads, and learns nothing of them.

    Defence: `find_or_make` never updates (ON CONFLICT DO NOTHING).
    """
    known = {
        "firstName": "Priya",
        "lastName": "Nair",
        "email": "priya@known.example",
        "phone": "+49 30 1234",
        "title": "CEO",
        "companyName": "Known",
    }
    contact = await admin.ok("POST", "/api/v1/crm.contacts.create", known)
    lead = await admin.ok("POST", "/api/v1/crm.leads.create", {"contactId": contact["id"], "name": "Priya"})
    for email in ("priya@known.example", "PRIYA@Known.example", " priya@known.example "):
        body = {
            "orgId": str(admin.team.org_id),
            "firstName": "Evil",
            "lastName": "Twin",
            "email": email,
            "phone": "+1 666",
            "title": "Intern",
            "company": "Known",
        }
        answer = await http.post("/api/trpc/crm.leads.capture", json=body)
        assert set(answer.json()["result"]["data"]) == {"id", "success"}
        await http.post(
            f"/f/{admin.team.started.form_address}",
            data={"firstName": "Evil", "lastName": "Twin", "email": email, "companyName": "KNOWN"},
        )
    assert await admin.ok("GET", f"/api/v1/crm.contacts.get?contactId={contact['id']}") == contact
    after = await admin.ok("GET", f"/api/v1/crm.leads.get?leadId={lead['id']}")
    assert (after["firstName"], after["phone"], after["title"]) == (lead["firstName"], lead["phone"], lead["title"])


async def test_which_organizations_exist_is_not_told(
    http: httpx2.AsyncClient, db: Database, fresh: Team, server: Any
) -> None:
    """A suspended, an unknown and an impossible organization: one answer. So with closed and unknown forms, and a bad field first."""
    import asyncpg

    owner = await asyncpg.connect(server.dsn())
    await owner.execute("UPDATE organizations SET status = 'suspended' WHERE org_id = $1", fresh.org_id)
    await owner.close()
    told = []
    for org in (str(fresh.org_id), str(uuid4()), "00000000-0000-0000-0000-000000000000", "pipe-enterprise"):
        for path in ("/api/trpc/crm.leads.capture", "/api/v1/crm.leads.capture"):
            answer = await http.post(path, json=JANE | {"orgId": org})
            assert answer.status_code == 404
            text = answer.json().get("error") or {k: v for k, v in answer.json().items() if k != "requestId"}
            told.append((path, str(text)))
    assert len(set(told)) == 2
    pages = [await http.get(f"/f/{address}") for address in (fresh.started.form_address, "nothing-here", "a" * 90)]
    assert {page.status_code for page in pages} == {404}
    assert len({page.text for page in pages}) == 1
    posts = [await http.post(f"/f/{address}", data=JANE) for address in (fresh.started.form_address, "nothing-here")]
    assert len({(post.status_code, post.text) for post in posts}) == 1


async def test_a_flood_is_held_back_and_told_when(settings: Settings, db: Database, fresh: Team) -> None:
    """Many posts from one network, and from many networks to one organization, end at the limits; the forwarded address of a
    caller is not believed. Defence: `Limits`, by network and by organization, on every public door together."""
    limited = dataclasses.replace(settings, capture_per_address=6, capture_per_organization=10)
    body = JANE | {"orgId": str(fresh.org_id)}
    async with client_of(create_app(limited, db)) as http:
        doors: list[tuple[str, dict[str, Any]]] = [
            ("/api/trpc/crm.leads.capture", {"json": body}),
            ("/api/v1/crm.leads.capture", {"json": body}),
            (f"/f/{fresh.started.form_address}", {"data": JANE}),
        ]
        statuses = []
        for n in range(12):
            path, sent = doors[n % 3]
            forged = {"x-forwarded-for": f"203.0.113.{n}", "x-real-ip": f"203.0.113.{n}"}
            answer = await http.post(path, headers=forged, **sent)
            statuses.append(answer.status_code)
        assert [status < 400 for status in statuses] == [True] * 6 + [False] * 6
        assert statuses[-1] == 429
    async with client_of(create_app(dataclasses.replace(limited, trusted_proxies=1), db)) as http:
        many = [
            await http.post("/api/trpc/crm.leads.capture", json=body, headers={"x-forwarded-for": f"203.0.{n}.1"})
            for n in range(14)
        ]
        assert [answer.status_code for answer in many] == [200] * 10 + [429] * 4
        assert int(many[-1].headers["retry-after"]) > 0


async def test_the_trap_catches_and_loses_nothing(http: httpx2.AsyncClient, fresh: Team) -> None:
    """Who fills in the field that people do not see gets thanks, and makes no lead: the capture waits for a person."""
    sent = await http.post(f"/f/{fresh.started.form_address}", data=JANE | {"nickname": "bot"})
    plain = await http.post(f"/f/{fresh.started.form_address}", data=JANE | {"nickname": ""})
    assert (sent.status_code, sent.headers["location"]) == (plain.status_code, plain.headers["location"]), (
        "a bot cannot tell"
    )
    assert len((await fresh.do(fresh.ana, "crm.leads.find")).items) == 1
    held = await fresh.do(fresh.ben, "crm.quarantine.list")
    assert [one.answers["email"] for one in held.items] == [JANE["email"]]


async def test_a_proof_of_work_has_no_side_door(http: httpx2.AsyncClient, admin: Caller) -> None:
    """A form that asks for a proof is not sent without one through the doors for programs; through its page it is held."""
    form = await admin.ok("POST", "/api/v1/crm.forms.create", {"name": "Proof", "proofOfWork": True})
    body = {"address": form["address"], "values": JANE}
    for path in ("/api/trpc/crm.forms.submit", "/api/v1/crm.forms.submit"):
        assert (await http.post(path, json=body)).status_code == 403
    await http.post(f"/f/{form['address']}", data=JANE | {"altcha": "forged"})
    assert (await admin.team.do(admin.team.ana, "crm.leads.find")).items == []
    assert len((await admin.team.do(admin.team.ana, "crm.quarantine.list")).items) == 1


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "https://ok.example;script-src *",
        "https://ok.example\r\nset-cookie: a=b",
        "//evil.example",
        "https://user:pass@evil.example/",
        "https://ok.example 'unsafe-inline'",
        "https://",
    ],
)
async def test_where_a_form_leads_is_a_plain_web_address(admin: Caller, page: Reader, url: str) -> None:
    """The address stands in a header and in the page's policy: nothing else can be put there."""
    answer = await admin.call("POST", "/api/v1/crm.forms.create", {"name": "Lead away", "redirectUrl": url})
    assert (answer.status_code, answer.json()["field"]) == (400, "redirectUrl")
    by_page = await page.post("/settings/forms/new", {"name": "Lead away", "redirectUrl": url})
    assert by_page.status_code == 422 or "Lead away" not in str(await admin.ok("GET", "/api/v1/crm.forms.list"))


async def test_other_sites_read_only_the_public_doors(http: httpx2.AsyncClient, fresh: Team) -> None:
    """CORS: the capture's answer is open to every site, without credentials; nothing else is, not in a batch either."""
    origin = {"origin": "https://shop.example"}
    body = JANE | {"orgId": str(fresh.org_id)}
    open_ = await http.post("/api/trpc/crm.leads.capture", json=body, headers=origin)
    assert open_.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in open_.headers
    for path in (
        "/api/trpc/crm.leads.list",
        "/api/v1/crm.leads.find",
        "/api/crm/leads/detail",
        "/board",
        "/api/auth/token",
        "/api/trpc/crm.leads.capture,crm.leads.update",
    ):
        for method in ("OPTIONS", "POST", "GET"):
            answer = await http.request(method, path, headers=origin | {"access-control-request-method": "POST"})
            assert "access-control-allow-origin" not in answer.headers, (method, path)
