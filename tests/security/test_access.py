"""Nobody does, through any door, what their role, token or own name does not admit. Spec B9."""

import itertools

import httpx2
import pytest

from baton.doors.web.shell.visit import csrf_of
from baton.kernel.actor import Role
from baton.kernel.operation import registry
from tests.doors.conftest import Caller, caller
from tests.security.bodies import OFFERED, case_of
from tests.security.pages import Reader, sign_in
from tests.team import Team

# What a client may never say of a lead: each is decided by the product, or by who is signed in.
TAKEN = {
    "orgId": "00000000-0000-0000-0000-000000000000",
    "org_id": "x",
    "score": 100,
    "role": "owner",
    "via": "page",
    "createdAt": "2000-01-01T00:00:00Z",
    "deletedAt": "2000-01-01T00:00:00Z",
    "qualifiedAt": "2000-01-01T00:00:00Z",
    "closedAt": "2000-01-01T00:00:00Z",
    "actor": "Olivia",
    "actorId": "x",
    "convertedToId": "x",
    "companyId": "00000000-0000-0000-0000-000000000000",
    "isAdmin": True,
    "id": "x",
}
_DECIDED = ("score", "via", "deletedAt", "qualifiedAt", "closedAt", "convertedToId", "createdAt")
VERSION = {"version": 999}


async def test_nothing_is_assigned_in_mass(admin: Caller, member: Caller) -> None:
    """A lead's score, origin, organization and history are not set by a body, over REST, tRPC and document C's routes.

    Defence: inputs name what they take; REST refuses the rest, the doors of documents B and C drop it.
    """
    lead = await member.team.capture()
    id = str(lead.id)
    for name, value in TAKEN.items():
        for operation, body in (
            ("crm.leads.create", {"name": "N"}),
            ("crm.leads.update", {"leadId": id, "title": "T"}),
            ("crm.contacts.create", {"name": "N"}),
            ("crm.leads.assign", {"leadId": id, "ownerId": None}),
        ):
            if name not in registry[operation].input.__struct_encode_fields__:
                refused = await member.call("POST", f"/api/v1/{operation}", body | {name: value})
                assert refused.status_code == 400, (operation, name)
    before = await member.ok("GET", f"/api/crm/leads/detail/{id}")
    await member.ok("PUT", f"/api/crm/leads/detail/{id}", TAKEN | {"location": "Lyon"})
    await member.ok("POST", "/api/trpc/crm.leads.update", TAKEN | {"leadId": id, "location": "Lyons"})
    after = await member.ok("GET", f"/api/crm/leads/detail/{id}")
    assert {name: after[name] for name in (*_DECIDED, "id")} == {name: before[name] for name in (*_DECIDED, "id")}
    stale = await member.call("PUT", f"/api/crm/leads/detail/{id}", VERSION | {"location": "Rome"})
    assert stale.status_code == 409
    made = await member.ok("POST", "/api/crm/leads/detail", TAKEN | {"name": "New"})
    own = await member.ok("GET", f"/api/crm/leads/detail/{made['id']}")
    assert (own["via"], own["deletedAt"], own["closedAt"], own["id"] != "x") == ("api", None, None, True)
    assert own["score"] < 100
    assert own["createdAt"] > "2026"


async def test_nobody_raises_themselves(admin: Caller, member: Caller) -> None:
    """A member cannot change roles, an admin cannot make or become an owner, over REST, tRPC and pages."""
    team = member.team
    for who, id, role in (
        (member, team.ben.id, "admin"),
        (member, team.vera.id, "member"),
        (admin, team.ana.id, "owner"),
        (admin, team.ben.id, "owner"),
    ):
        for path in ("/api/v1/crm.members.update", "/api/trpc/crm.members.update"):
            assert (await who.call("POST", path, {"memberId": str(id), "role": role})).status_code == 403
    owner = {"name": "Eve", "email": "eve@evil.example", "role": "owner", "password": "long enough for Eve"}
    assert (await admin.call("POST", "/api/v1/crm.members.addPerson", owner)).status_code == 403
    agent = {"memberId": str(team.marcus.id), "role": "admin"}
    assert (await admin.call("POST", "/api/v1/crm.members.update", agent)).status_code == 403


async def test_nobody_borrows_a_name(admin: Caller) -> None:
    """An admin makes no key that acts as the owner, or as anybody but themselves and agents: the log would name the wrong one."""
    team = admin.team
    for id in (team.started.owner_id, team.ben.id):
        answer = await admin.call("POST", "/api/v1/crm.credentials.create", {"name": "Borrowed", "memberId": str(id)})
        assert (answer.status_code, "token" in answer.text) == (403, False)
    for id in (team.ana.id, team.marcus.id):
        assert (await admin.ok("POST", "/api/v1/crm.credentials.create", {"name": "Own", "memberId": str(id)}))["token"]


@pytest.mark.parametrize("scope", ["crm.credentials.create", "query:*"])
async def test_scopes_hold(http: httpx2.AsyncClient, admin: Caller, scope: str) -> None:
    """A token does what its scopes name and nothing else, through every door, and cannot make a stronger one.

    Defence: `check_role` before every operation; `credentials.create` compares scopes.
    """
    made = await admin.ok("POST", "/api/v1/crm.credentials.create", {"name": "Small", "scopes": [scope]})
    key = {"x-api-key": made["token"]}
    lead = await admin.team.capture()
    for method, path, body in (
        ("POST", "/api/v1/crm.leads.update", {"leadId": str(lead.id), "title": "T"}),
        ("POST", "/api/trpc/crm.leads.update", {"leadId": str(lead.id), "title": "T"}),
        ("PUT", f"/api/crm/leads/detail/{lead.id}", {"title": "T"}),
        ("DELETE", f"/crm/leads/detail/{lead.id}", None),
    ):
        assert (await http.request(method, path, json=body, headers=key)).status_code == 403
    for name, op in registry.items():
        if op.internal or op.role is None or op.kind == "query" or name == scope:
            continue
        body = {"name": "x"}
        assert (await http.post(f"/api/v1/{name}", json=body, headers=key)).status_code == 403, name
    if scope == "query:*":
        return
    for scopes in (["query:*"], ["mutation:*"], [scope, "crm.leads.get"]):
        answer = await http.post("/api/v1/crm.credentials.create", json={"name": "More", "scopes": scopes}, headers=key)
        assert answer.status_code == 403
    same = await http.post("/api/v1/crm.credentials.create", json={"name": "Same"}, headers=key)
    assert same.json()["scopes"] == [scope], "no scopes named is no more than its own"


@pytest.mark.parametrize("name", [name for name in OFFERED if registry[name].role not in (None, Role.VIEWER)])
async def test_too_small_a_role_learns_nothing(vera: Caller, ben: Caller, name: str) -> None:
    """Refused for one's role alike whether the record is there or not, over REST and tRPC. Defence: the role is checked first."""
    who = vera if registry[name].role == Role.MEMBER else ben
    real = await case_of(who.team, name)
    told = []
    for body, path in itertools.product((real, {}), (f"/api/v1/{name}", f"/api/trpc/{name}")):
        if registry[name].kind == "query":
            continue
        answer = await who.call("POST", path, body)
        assert answer.status_code == 403, answer.text
        told.append((path, answer.json().get("detail") or answer.json()["error"]["message"]))
    assert len(set(told)) <= 2


PAGES: list[tuple[str, dict[str, str]]] = [
    ("/leads/new", {"firstName": "A", "lastName": "B", "email": "a@b.example"}),
    ("/leads/{lead}/move", {"stageId": "{stage}"}),
    ("/leads/{lead}/log", {"text": "x"}),
    ("/leads/{lead}/facts/name", {"value": "Hacked"}),
    ("/leads/{lead}/assign", {"ownerId": "{ben}"}),
    ("/leads/{lead}/qualify", {}),
    ("/leads/{lead}/disqualify", {"reason": "x"}),
    ("/leads/{lead}/convert", {}),
    ("/leads/{lead}/follow-up", {"due": "2030-01-01T10:00"}),
    ("/settings/forms/new", {"name": "Mine"}),
]


async def test_a_viewer_changes_nothing_through_pages(http: httpx2.AsyncClient, fresh: Team) -> None:
    """The page's button is hidden, and its address refuses too."""
    vera = await sign_in(http, fresh, "vera")
    lead = await fresh.capture()
    names = {"lead": str(lead.id), "stage": str(lead.stage_id), "ben": str(fresh.ben.id)}
    for path, fields in PAGES:
        filled = {key: value.format(**names) for key, value in fields.items()}
        answer = await vera.post(path.format(**names), filled)
        assert answer.status_code == 403, path
    assert (await fresh.do(fresh.ana, "crm.leads.get", leadId=str(lead.id))).version == lead.version
    ben = await sign_in(http, fresh, "ben")
    assert (await ben.post("/settings/forms/new", {"name": "Mine"})).status_code == 403


async def test_pages_take_only_their_fields(page: Reader, fresh: Team) -> None:
    """Extra fields of a page's form set nothing."""
    extra = {
        "score": "100",
        "via": "form",
        "orgId": "x",
        "deletedAt": "2000-01-01",
        "status": "won",
        "createdAt": "2000-01-01",
    }
    answer = await page.post(
        "/leads/new", extra | {"firstName": "Odd", "lastName": "Fields", "email": "odd@fields.example"}
    )
    assert answer.status_code == 303, answer.text
    (lead,) = (await fresh.do(fresh.ana, "crm.leads.find", search="Odd Fields")).items
    assert (lead.via, lead.status, lead.deleted_at, lead.created_at.year >= 2026) == ("page", "new", None, True)
    assert lead.score < 100


async def test_an_undo_is_no_way_around_a_role(member: Caller, admin: Caller) -> None:
    """Only admins delete and restore (Spec B9): a member's undo of another's work does neither."""
    lead = await admin.ok("POST", "/api/v1/crm.leads.create", {"name": "Theirs"})
    made = await admin.ok("GET", f"/api/v1/crm.leads.timeline?leadId={lead['id']}")
    await member.call("POST", "/api/v1/crm.operations.undo", {"operationId": made["items"][0]["operationId"]})
    assert (await member.ok("GET", f"/api/v1/crm.leads.get?leadId={lead['id']}"))["deletedAt"] is None
    await admin.ok("POST", "/api/v1/crm.leads.delete", {"leadId": lead["id"]})
    page = await admin.ok("GET", "/api/v1/crm.activities.list", params={"kind": "lead_deleted"})
    await member.call("POST", "/api/v1/crm.operations.undo", {"operationId": page["items"][0]["operationId"]})
    assert (await admin.call("GET", f"/api/v1/crm.leads.get?leadId={lead['id']}")).status_code == 404


async def test_internal_steps_have_no_door(http: httpx2.AsyncClient, admin: Caller, page: Reader) -> None:
    """What the product performs for itself cannot be asked for, by name, by batch or by page."""
    for name in (name for name, op in registry.items() if op.internal):
        for path in (f"/api/v1/{name}", f"/api/trpc/{name}", f"/api/trpc/crm.leads.get,{name}?batch=1"):
            answer = await admin.call("POST", path, {})
            assert "NOT_FOUND" in answer.text, (path, answer.text)
        cookie = page.cookie | {"x-csrf-token": csrf_of(page.session)}
        assert (await http.post(f"/api/v1/{name}", json={}, headers=cookie)).status_code == 404


async def test_another_members_records_of_their_own(http: httpx2.AsyncClient, fresh: Team) -> None:
    """A saved view that is not shared is its owner's: another member cannot read, change or remove it (EspoCRM CVE-2026-46691)."""
    ben, ana = await caller(http, fresh, "ben"), await caller(http, fresh, "ana")
    view = await ben.ok("POST", "/api/v1/crm.views.create", {"name": "Ben's own"})
    listed = await ana.ok("GET", "/api/v1/crm.views.list")
    assert "Ben's own" not in str(listed)
    for name, body in (
        ("crm.views.delete", {"viewId": view["id"]}),
        ("crm.views.update", {"viewId": view["id"], "name": "Taken"}),
    ):
        answer = await ana.call("POST", f"/api/v1/{name}", body)
        assert answer.status_code == 404, answer.text
