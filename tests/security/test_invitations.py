"""Invitations by link: guessed, used twice, raced for, taken elsewhere, or kept by somebody who may invite no more."""

import asyncio
import re
import secrets
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette

from baton.accounts.accept_invitation import AcceptInvitation
from baton.accounts.invitations import A_DAY
from baton.doors.limits import Limits
from baton.kernel.actor import Actor, Role, system
from baton.kernel.db import Database
from baton.kernel.errors import Conflict, Forbidden, Invalid, NotFound, TooMany
from baton.kernel.perform import perform
from baton.kernel.settings import Settings
from baton.kernel.values import utc_now
from tests.doors.conftest import Caller, caller
from tests.operations.cases_people import invited, token_of, whom
from tests.security.pages import Reader, sign_in
from tests.team import PASSWORD, Team, make_team

OWN = "an own password of hers"
ENDED = "This link opens nothing any more"


async def join(http: httpx2.AsyncClient, link: str, **fields: str) -> httpx2.Response:
    """Send the join page's form, as a browser on our own page does."""
    http.cookies.clear()
    answer = await http.post(link, data={"name": "Bea Stone", "password": OWN} | fields)
    http.cookies.clear()
    return answer


def visitor(team: Team) -> Actor:
    return system(team.org_id, "Invitation", via="page", role=Role.VIEWER)


def path(made: Any) -> str:
    return f"/join/{token_of(made)}"


@pytest.fixture(autouse=True)
def _unlimited(app: Starlette, settings: Settings) -> None:
    """Tests come from one address: its limit is tried in a test of its own."""
    app.state.limits = Limits(settings)


async def test_who_is_invited_joins_and_is_signed_in(http: httpx2.AsyncClient, admin: Caller, fresh: Team) -> None:
    """B9. Through REST an admin invites; the page says who invites into what, as what; one password later she works there."""
    wish = whom(role="member")
    made = await admin.ok("POST", "/api/v1/crm.members.invite", wish)
    assert made["state"] == "waiting"
    token = made["link"].rpartition("/")[2]
    page = await http.get(f"/join/{token}")
    for words in ("Join Fresh", "Ana Duarte invites Bea Stone.", "You will work on leads.", wish["email"]):
        assert words in page.text
    answer = await join(http, f"/join/{token}", language="pt")
    assert (answer.status_code, answer.headers["location"]) == (303, "/board")
    bea = Reader(http, answer.headers["set-cookie"].partition("=")[2].partition(";")[0])
    assert 'lang="pt"' in (await bea.get("/board")).text
    member = next(m for m in await admin.ok("GET", "/api/v1/crm.members.list") if m["email"] == wish["email"])
    assert (member["role"], member["name"]) == ("member", "Bea Stone")
    log = (await admin.ok("GET", "/api/v1/crm.activities.list"))["items"]
    told = [(a["kind"], a["actorType"], a["actorName"]) for a in log if a["kind"].startswith("invitation_")]
    assert told == [("invitation_accepted", "user", "Bea Stone"), ("invitation_sent", "user", "Ana Duarte")]
    assert log[0]["actorId"] == member["id"]
    assert await admin.ok("GET", "/api/v1/crm.members.invitations") == []
    token_answer = await http.post("/api/auth/token", json={"email": wish["email"], "password": OWN})
    assert token_answer.status_code == 200


async def test_a_link_is_kept_as_its_hash_and_written_nowhere(
    db: Database, http: httpx2.AsyncClient, fresh: Team, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither the table, the log, an idempotency key nor the access log holds what lets somebody in."""
    made = await perform(db, fresh.ana, "crm.members.invite", whom(), idempotency_key="once")
    secret = token_of(made)
    await http.get(path(made))
    async with db.transaction(fresh.org_id) as conn:
        for table in ("invitations", "activities", "idempotency_keys"):
            for row in await conn.fetch(f"SELECT t::text AS row FROM {table} t WHERE org_id = $1", fresh.org_id):
                assert secret not in row["row"]
    body = {"name": made.name, "email": made.email}
    with pytest.raises(Conflict, match="shown once"):
        await perform(db, fresh.ana, "crm.members.invite", body, idempotency_key="once")
    heard = capfd.readouterr()
    assert secret not in heard.out + heard.err
    assert "path=/join/… " in heard.out


async def test_guesses_are_counted_and_tell_nothing(
    http: httpx2.AsyncClient, app: Starlette, settings: Settings, fresh: Team
) -> None:
    """An unknown token is 404 whatever it looks like, and the address that tries many has to wait; a good link goes on to open."""
    made = await invited(fresh)
    app.state.limits = Limits(settings)
    wrong = [
        "x",
        "bat_invitation_" + secrets.token_urlsafe(32),
        token_of(made)[:-1],
        token_of(made) + "A",
        "é",
        "%00",
        "a" * 5_000,
    ]
    bodies = set()
    for token in wrong:
        answer = await http.get(f"/join/{token}")
        assert answer.status_code == 404, token
        bodies.add(re.sub(r"\?v=\w+", "", answer.text))
    assert len(bodies) == 1
    for _ in range(settings.sign_in_per_address - len(wrong)):
        assert (await http.get("/join/" + secrets.token_urlsafe(32))).status_code == 404
    assert (await http.get("/join/" + secrets.token_urlsafe(32))).status_code == 429
    app.state.limits = Limits(settings)
    for _ in range(settings.sign_in_per_address + 5):
        assert (await http.get(path(made))).status_code == 200


async def test_a_link_is_good_once(http: httpx2.AsyncClient, fresh: Team) -> None:
    """Used, it opens nothing: neither the page nor its form, and no second member."""
    made = await invited(fresh)
    assert (await join(http, path(made))).status_code == 303
    for answer in (
        await http.get(path(made)),
        await join(http, path(made), name="Mallory", password="another password"),
    ):
        assert answer.status_code == 410
        assert "used already" in answer.text
        assert made.email not in answer.text
    assert sum(m.email == made.email for m in await fresh.do(fresh.ana, "crm.members.list")) == 1


async def test_of_two_who_race_one_joins(db: Database, fresh: Team) -> None:
    """Two accept at the same moment, with different passwords: one member, one activity."""
    made = await invited(fresh)

    async def accept(password: str) -> Any:
        wish = AcceptInvitation(token=token_of(made), name="Bea Stone", password=password)
        return await perform(db, visitor(fresh), "crm.members.acceptInvitation", wish)

    answers = await asyncio.gather(*(accept(f"{OWN} {n}") for n in range(6)), return_exceptions=True)
    assert sum(isinstance(each, Conflict) for each in answers) == 5
    assert sum(m.email == made.email for m in await fresh.do(fresh.ana, "crm.members.list")) == 1


async def test_ended_links_say_so(http: httpx2.AsyncClient, db: Database, fresh: Team) -> None:
    """Revoked, expired, replaced: each has a page that says what to do, and none admits."""
    revoked, late, replaced = [await invited(fresh) for _ in range(3)]
    await fresh.do(fresh.ana, "crm.members.revokeInvitation", invitationId=str(revoked.id))
    await perform(
        db, fresh.ana, "crm.members.resendInvitation", {"invitationId": str(late.id)}, now=utc_now() - timedelta(days=8)
    )
    again = await fresh.do(fresh.ana, "crm.members.resendInvitation", invitationId=str(replaced.id))
    late_again = await perform(
        db,
        fresh.ana,
        "crm.members.resendInvitation",
        {"invitationId": str(late.id)},
        now=utc_now() - timedelta(days=7, minutes=1),
    )
    for made, words, status in (
        (revoked, "withdrawn", 410),
        (late_again, "expired", 410),
        (replaced, "no invitation", 404),
    ):
        for answer in (await http.get(path(made)), await join(http, path(made))):
            assert (answer.status_code, words in answer.text) == (status, True), words
    (row,) = [r for r in await fresh.do(fresh.ana, "crm.members.invitations") if r.id == late.id]
    assert row.state == "expired"
    assert (await join(http, path(again))).status_code == 303


async def test_nobody_is_invited_above_the_inviter(admin: Caller, member: Caller, fresh: Team) -> None:
    """An admin invites no owner, renews and revokes none; a member, a viewer and an agent invite nobody; the role is no free text."""
    for body in (whom(role="owner"), whom(role="Owner"), whom(role="root"), whom(orgId=str(fresh.org_id))):
        answer = await admin.call("POST", "/api/v1/crm.members.invite", body)
        assert answer.status_code in (400, 403), answer.text
    assert (await member.call("POST", "/api/v1/crm.members.invite", whom(role="viewer"))).status_code == 403
    for actor in (fresh.vera, fresh.marcus):
        with pytest.raises(Forbidden):
            await fresh.do(actor, "crm.members.invite", whom())
    olivia = Actor(type="user", org_id=fresh.org_id, role=Role.OWNER, name="Olivia Park", id=fresh.started.owner_id)
    made = await fresh.do(olivia, "crm.members.invite", whom(role="owner"))
    for act in ("resendInvitation", "revokeInvitation"):
        answer = await admin.call("POST", f"/api/v1/crm.members.{act}", {"invitationId": str(made.id)})
        assert answer.status_code == 403


async def test_an_inviter_who_left_or_fell_admits_nobody(http: httpx2.AsyncClient, fresh: Team) -> None:
    """Who is removed cannot come back through a link made before; another admin's new link opens it again."""
    await fresh.do(fresh.ana, "crm.members.update", memberId=str(fresh.ben.id), role="admin")
    ben = Actor(type="user", org_id=fresh.org_id, role=Role.ADMIN, name="Ben Okafor", id=fresh.ben.id)
    demoted, removed = [await fresh.do(ben, "crm.members.invite", whom(role="admin")) for _ in range(2)]
    await fresh.do(fresh.ana, "crm.members.update", memberId=str(fresh.ben.id), role="member")
    assert (await join(http, path(demoted))).status_code == 410
    await fresh.do(fresh.ana, "crm.members.remove", memberId=str(fresh.ben.id))
    answer = await join(http, path(removed))
    assert (answer.status_code, "Ask another admin" in answer.text) == (410, True)
    again = await fresh.do(fresh.ana, "crm.members.resendInvitation", invitationId=str(removed.id))
    assert (await join(http, path(again))).status_code == 303


async def test_an_organization_that_is_closed_takes_nobody_in(
    http: httpx2.AsyncClient, db: Database, fresh: Team
) -> None:
    """A suspended organization admits nobody by a link that was made before."""
    made = await invited(fresh)
    async with db.transaction(fresh.org_id) as conn:
        await conn.execute("UPDATE organizations SET status = 'suspended' WHERE org_id = $1", fresh.org_id)
    for answer in (await http.get(path(made)), await join(http, path(made))):
        assert (answer.status_code, "closed" in answer.text) == (410, True)


async def test_a_link_of_one_organization_opens_no_other(db: Database, team: Team, carla: Team) -> None:
    """The organization comes from the link alone; ids and tokens of another are not found, and its rows are not seen."""
    made = await invited(team)
    for name in ("openInvitation", "acceptInvitation"):
        body = {"token": token_of(made)} | ({"password": OWN, "name": "Bea"} if name == "acceptInvitation" else {})
        with pytest.raises(NotFound):
            await perform(db, visitor(carla), f"crm.members.{name}", body)
    for act in ("resendInvitation", "revokeInvitation"):
        with pytest.raises(NotFound):
            await carla.do(carla.ana, f"crm.members.{act}", invitationId=str(made.id))
    async with db.transaction(carla.org_id) as conn:
        assert await conn.fetchval("SELECT count(*) FROM invitations WHERE id = $1", made.id) == 0
        await conn.execute("SELECT directory_remove_addresses('invitation', $1)", made.id)
    assert (
        await perform(db, visitor(team), "crm.members.openInvitation", {"token": token_of(made)})
    ).state == "waiting"


async def test_who_signs_in_elsewhere_joins_with_their_own_password(
    http: httpx2.AsyncClient, db: Database, fresh: Team, carla: Team
) -> None:
    """An admin's invitation neither sets nor learns an existing person's password: it takes the person, with the one they have."""
    ben = await sign_in(http, carla, "ben")
    answer = await ben.post("/profile/password", {"current": PASSWORD, "new": OWN, "again": OWN})
    assert answer.status_code == 303
    made = await fresh.do(fresh.ana, "crm.members.invite", {"name": "Ben", "email": carla.emails["ben"]})
    stolen = await join(http, path(made), password="chosen by the admin")
    assert stolen.status_code == 422
    assert "signs in here already" in stolen.text
    assert 'name="known" value="1"' in stolen.text
    wrong = await join(http, path(made), known="1", password="chosen by the admin")
    assert (wrong.status_code, "do not belong together" in wrong.text) == (422, True)
    assert (await join(http, path(made), known="1", password=OWN)).status_code == 303
    places = (await http.post("/api/auth/token", json={"email": carla.emails["ben"], "password": OWN})).json()
    assert {place["orgId"] for place in places["memberships"]} == {str(carla.org_id), str(fresh.org_id)}


async def test_a_password_that_somebody_else_chose_opens_no_second_organization(
    http: httpx2.AsyncClient, db: Database, fresh: Team
) -> None:
    """Whoever added Ben with a first password knows it: before it opens another organization he chooses anew, and every session
    and token that the old one opened ends."""
    other = await make_team(db, "Contoso")
    knows = await caller(http, other, "ben")  # a token of the one who knows the first password
    made = await fresh.do(fresh.ana, "crm.members.invite", {"name": "Ben", "email": other.emails["ben"]})
    for given in ({}, {"newPassword": PASSWORD}, {"newPassword": "short"}):
        answer = await join(http, path(made), known="1", password=PASSWORD, **given)
        assert (answer.status_code, 'name="newPassword"' in answer.text) == (422, True), given
    assert (await join(http, path(made), known="1", password=PASSWORD, newPassword=OWN)).status_code == 303
    for org in (fresh, other):
        refused = await http.get("/api/v1/crm.organization.get", headers=knows.headers | {"orgid": str(org.org_id)})
        assert refused.status_code == 401
    body = {"email": other.emails["ben"], "password": PASSWORD}
    assert (await http.post("/api/auth/token", json=body)).status_code == 401


async def test_inviting_does_not_tell_who_has_an_account(http: httpx2.AsyncClient, admin: Caller, carla: Team) -> None:
    """The answer, the list and the page for an address that signs in elsewhere are those for one that nobody has."""
    known = await admin.ok("POST", "/api/v1/crm.members.invite", {"name": "Bo", "email": carla.emails["ben"]})
    new = await admin.ok("POST", "/api/v1/crm.members.invite", whom("Bo"))
    assert known.keys() == new.keys()
    pages = []
    for made in (known, new):
        token = made["link"].rpartition("/")[2]
        text = (await http.get(f"/join/{token}")).text
        pages.append(text.replace(token, "…").replace(made["email"], "…"))
    assert pages[0] == pages[1]
    for made in (known, new):
        token = made["link"].rpartition("/")[2]
        wrong = await join(http, f"/join/{token}", known="1", password="not it at all")
        pages.append(wrong.text.replace(token, "…").replace(made["email"], "…"))
    assert pages[2] == pages[3]


async def test_wrong_passwords_are_counted(
    http: httpx2.AsyncClient, fresh: Team, carla: Team, settings: Settings
) -> None:
    """The page is no way around the limit of the sign-in page."""
    made = await fresh.do(fresh.ana, "crm.members.invite", {"name": "Vera", "email": carla.emails["vera"]})
    answers = [
        (await join(http, path(made), known="1", password=f"guess number {n}")).status_code
        for n in range(settings.sign_in_per_email + 1)
    ]
    assert answers == [422] * settings.sign_in_per_email + [429]


async def test_the_page_leaks_and_redirects_nowhere(http: httpx2.AsyncClient, fresh: Team) -> None:
    """No other site learns the address, none frames or indexes it, and what the address asks for leads nowhere else."""
    made = await invited(fresh)
    page = await http.get(path(made) + "?next=https://evil.example&known=1")
    assert page.headers["referrer-policy"] == "strict-origin"
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
    assert "noindex" in page.headers["x-robots-tag"]
    assert "evil.example" not in page.text
    assert re.findall(r'(?:href|src|action)="(?!/(?:ui|join)/)[^"]*"', page.text) == []
    answer = await join(http, path(made) + "?next=https://evil.example", next="//evil.example", orgId="x", role="owner")
    assert (answer.status_code, answer.headers["location"]) == (303, "/board")
    joined = next(m for m in await fresh.do(fresh.ana, "crm.members.list") if m.email == made.email)
    assert joined.role == "member"


async def test_another_sites_page_joins_nobody(http: httpx2.AsyncClient, fresh: Team) -> None:
    """A form of another site cannot make a browser join."""
    made = await invited(fresh)
    body = {"name": "Bea Stone", "password": OWN}
    for head in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
        assert (await http.post(path(made), data=body, headers=head)).status_code == 403
    assert (await http.get(path(made))).status_code == 200


async def test_what_an_invitation_says_is_text(http: httpx2.AsyncClient, fresh: Team) -> None:
    """A name is a name on the page, and one line in the mail."""
    made = await invited(fresh, name='<img src=x onerror=alert(1)> "Bea"\r\nBcc: all@evil.example')
    assert "\n" not in made.name
    page = (await http.get(path(made))).text
    assert "<img" not in page
    assert "&lt;img" in page


async def test_an_organization_invites_a_bounded_number(db: Database, fresh: Team) -> None:
    """The installation's relay is not lent out for sending to the world: revoking and inviting anew counts too."""
    for n in range(A_DAY):
        made = await fresh.do(fresh.ana, "crm.members.invite", whom())
        if n % 2:
            await fresh.do(fresh.ana, "crm.members.revokeInvitation", invitationId=str(made.id))
    with pytest.raises(TooMany):
        await fresh.do(fresh.ana, "crm.members.invite", whom())
    await perform(db, fresh.ana, "crm.members.invite", whom(), now=utc_now() + timedelta(days=2))


async def test_who_was_removed_comes_back_as_the_same_member(http: httpx2.AsyncClient, fresh: Team) -> None:
    """Their history stays theirs; a member is not invited, and nobody is invited twice."""
    body = {"name": "Vera", "email": fresh.emails["vera"], "role": "member"}
    with pytest.raises(Conflict, match="member already"):
        await fresh.do(fresh.ana, "crm.members.invite", body)
    await fresh.do(fresh.ana, "crm.members.remove", memberId=str(fresh.vera.id))
    made = await fresh.do(fresh.ana, "crm.members.invite", body)
    with pytest.raises(Conflict, match="invited already"):
        await fresh.do(fresh.ana, "crm.members.invite", body | {"email": body["email"].upper()})
    assert (await join(http, path(made), known="1", password=PASSWORD, newPassword=OWN)).status_code == 303
    back = next(m for m in await fresh.do(fresh.ana, "crm.members.list") if m.email == body["email"])
    assert (back.id, back.role, back.name) == (fresh.vera.id, "member", "Vera Lind")


async def test_a_join_without_what_it_needs_says_what(http: httpx2.AsyncClient, fresh: Team) -> None:
    """Each refusal stands beside its field, and the link still holds."""
    made = await invited(fresh)
    for fields, words in (
        ({"name": " "}, "needs a name"),
        ({"password": "short"}, "at least 10"),
        ({"password": ""}, "Give a password"),
    ):
        answer = await join(http, path(made), **fields)
        assert (answer.status_code, words in answer.text) == (422, True), words
    with pytest.raises(Invalid):
        await fresh.do(fresh.ana, "crm.members.invite", whom(" "))
    assert (await join(http, path(made), language="xx", tz="Mars/Olympus")).status_code == 303
