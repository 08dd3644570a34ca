"""Forgotten passwords: who has an account, guessed and old links, races, floods, another host's name, and who may do it no more."""

import asyncio
import re
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from starlette.applications import Starlette

from baton.accounts import reset_password
from baton.doors.limits import Limits
from baton.jobs import lanes
from baton.kernel.actor import Actor, Role, system
from baton.kernel.db import Database
from baton.kernel.errors import NotFound
from baton.kernel.perform import perform
from baton.kernel.relay_mail import MailRelay
from baton.kernel.settings import Settings
from baton.kernel.values import utc_now
from baton.messages import reset as mail_resets
from tests.messages.conftest import connect
from tests.messages.postoffice import PostOffice
from tests.operations.cases_people import reset_token, somebody
from tests.security.pages import Reader
from tests.team import PASSWORD, Team, make_team

OWN = "an own password of hers"
SAID = "If this address signs in here, a mail with a link is on its way."
NOTHING = "This link opens nothing any more"


@pytest_asyncio.fixture
async def post() -> AsyncIterator[PostOffice]:
    made = PostOffice()
    server = await made.open()
    yield made
    server.close()


@pytest.fixture(autouse=True)
def _relay(app: Starlette, settings: Settings, db: Database, post: PostOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator's relay leads to the post office; tests come from one address, whose limit is tried in a test of its own."""
    relay = MailRelay("127.0.0.1", post.port, "none", None, None, "Baton", "baton@relay.example")
    monkeypatch.setattr(db, "installation", replace(db.installation, mail=relay))
    app.state.limits = Limits(settings)


async def ask(http: httpx2.AsyncClient, email: str, **headers: str) -> httpx2.Response:
    """Ask for a link on the page, and read what it says."""
    http.cookies.clear()
    answer = await http.post("/forgot", data={"email": email}, headers=headers)
    return await http.get(answer.headers["location"]) if answer.status_code == 303 else answer


async def choose(http: httpx2.AsyncClient, token: str, password: str = OWN, **headers: str) -> httpx2.Response:
    """Send the form behind a link."""
    http.cookies.clear()
    answer = await http.post(f"/reset/{token}", data={"password": password}, headers=headers)
    http.cookies.clear()
    return answer


async def work(db: Database, now: datetime | None = None) -> None:
    """Mail what is due, of whichever organization."""
    for org_id, id in await mail_resets.due(db, now or utc_now(), 8):
        await mail_resets.walk(db, org_id, id, now)


def links(post: PostOffice, email: str) -> list[str]:
    """The tokens that were mailed to an address."""
    texts = [each.mail.get_content() for each in post.taken if each.to == [email]]
    return [found for text in texts for found in re.findall(r"/reset/(\S+)", text)]


async def signs_in(http: httpx2.AsyncClient, email: str, password: str) -> int:
    return (await http.post("/api/auth/token", json={"email": email, "password": password})).status_code


async def kinds_of(team: Team) -> list[tuple[str, str]]:
    found = (await team.do(team.ana, "crm.activities.list")).items
    return [(each.kind, each.actor_name) for each in found]


async def test_who_forgot_chooses_anew_and_is_signed_in(
    http: httpx2.AsyncClient, db: Database, fresh: Team, post: PostOffice, settings: Settings
) -> None:
    """B9. From the sign-in page to a mail to a new password: signed in here, signed out elsewhere, told in log and mail; keys stay."""
    email, cleo = await somebody(fresh)
    await fresh.do(fresh.ana, "crm.members.update", memberId=str(cleo.id), role="admin")
    body = {"email": email, "password": PASSWORD}
    before = (await http.post("/api/auth/token", json=body)).json()["token"]
    http.cookies.clear()
    elsewhere = (await http.post("/sign-in", data=body)).headers["set-cookie"].partition("=")[2].partition(";")[0]
    http.cookies.clear()
    bearer = {"authorization": f"Bearer {before}", "orgid": str(fresh.org_id)}
    made = await http.post("/api/v1/crm.credentials.create", json={"name": "Nightly"}, headers=bearer)
    key = {"authorization": f"Bearer {made.json()['token']}"}
    assert 'href="/forgot"' in (await http.get("/sign-in")).text
    assert SAID in (await ask(http, email.upper())).text
    await work(db)
    (letter,) = [each for each in post.taken if each.to == [email]]
    assert letter.mail["from"] == "Baton <baton@relay.example>"
    assert letter.mail["auto-submitted"] == "auto-generated"
    (token,) = links(post, email)
    page = await http.get(f"/reset/{token}")
    assert (page.status_code, "Fresh" in page.text, email in page.text) == (200, False, True)
    answer = await choose(http, token)
    assert (answer.status_code, answer.headers["location"]) == (303, "/board")
    hers = Reader(http, answer.headers["set-cookie"].partition("=")[2].partition(";")[0])
    assert (await hers.get("/board")).status_code == 200
    assert (await Reader(http, elsewhere).get("/board")).status_code == 303
    assert (await http.get("/api/v1/crm.organization.get", headers=bearer)).status_code == 401
    assert (await http.get("/api/v1/crm.organization.get", headers=key)).status_code == 200
    assert [await signs_in(http, email, each) for each in (OWN, PASSWORD)] == [200, 401]
    assert ("password_reset", "Cleo Vance") in await kinds_of(fresh)
    await lanes.step(db, only=fresh.org_id)
    assert "Your password was changed" in [each.mail["subject"] for each in post.taken if each.to == [email]]
    log = (await fresh.do(fresh.ana, "crm.activities.list")).items
    assert next(each for each in log if each.kind == "password_reset").actor_id == cleo.id


async def test_nobody_learns_who_has_an_account(
    http: httpx2.AsyncClient, db: Database, fresh: Team, post: PostOffice
) -> None:
    """A known, an unknown, a removed address and one that asked too often: one answer, after the same statement, in the same time."""
    known, _ = await somebody(fresh)
    gone, left = await somebody(fresh)
    await fresh.do(fresh.ana, "crm.members.remove", memberId=str(left.id))
    unknown = f"nobody.{secrets.token_hex(4)}@nowhere.example"
    answers = {(await ask(http, each)).text for each in (known, unknown, gone, known, unknown)}
    assert len(answers) == 1
    took: dict[str, list[float]] = {known: [], unknown: []}
    for _ in range(15):
        for each, times in took.items():
            began = time.perf_counter()
            await reset_password.ask(db, each)
            times.append(time.perf_counter() - began)
    fast, slow = sorted(min(times) for times in took.values())
    assert slow < 5 * fast
    await work(db)
    assert {to for each in post.taken for to in each.to} == {known}
    raw = await db.relay.fetchval("SELECT count(*) FROM directory_due_resets($1, 100)", utc_now())
    assert raw == 0


async def test_where_nothing_carries_mail_the_page_says_so_to_everybody(
    http: httpx2.AsyncClient, db: Database, fresh: Team, post: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before an address is given, and whoever's; an organization's mailbox, which others read, carries no link."""
    monkeypatch.setattr(db, "installation", replace(db.installation, mail=None))
    await connect(fresh, post)
    email, _ = await somebody(fresh)
    page = await http.get("/forgot")
    assert "baton reset-link" in page.text
    assert 'name="email"' not in page.text
    for each in (email, "nobody@nowhere.example"):
        assert (await http.post("/forgot", data={"email": each})).text == page.text
    await reset_password.ask(db, email)
    await work(db)
    assert post.taken == []


async def test_a_link_is_kept_as_its_hash_and_written_nowhere(
    http: httpx2.AsyncClient, db: Database, settings: Settings, fresh: Team, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither the directory, the log, the outbox nor the access log holds what lets somebody in."""
    email, _ = await somebody(fresh)
    token = await reset_token(fresh, email)
    assert len(token) >= 43
    await http.get(f"/reset/{token}")
    await choose(http, token, "short")
    await choose(http, token)
    async with db.transaction(fresh.org_id) as conn:
        for table in ("activities", "messages", "idempotency_keys"):
            for row in await conn.fetch(f"SELECT t::text AS row FROM {table} t WHERE org_id = $1", fresh.org_id):
                assert token not in row["row"]
        with pytest.raises(Exception, match="permission denied"):
            await conn.fetch("SELECT * FROM directory_resets")
    heard = capfd.readouterr()
    assert token not in heard.out + heard.err
    assert "path=/reset/… " in heard.out


async def test_guesses_are_counted_and_tell_nothing(
    http: httpx2.AsyncClient, app: Starlette, settings: Settings, fresh: Team
) -> None:
    """Unknown, used and old links are one answer; the address that tries many waits, and a good link goes on to open."""
    email, _ = await somebody(fresh)
    used = await reset_token(fresh, email)
    assert (await choose(http, used)).status_code == 303
    old = await reset_token(fresh, email, now=utc_now() - timedelta(minutes=31))
    good = await reset_token(fresh, email)
    app.state.limits = Limits(settings)
    wrong = ["x", "bat_reset_" + secrets.token_urlsafe(32), good[:-1], good + "A", "é", "%00", "a" * 5_000, used, old]
    bodies = set()
    for token in wrong:
        answer = await http.get(f"/reset/{token}")
        assert answer.status_code == 404, token
        bodies.add(answer.text)
    assert len(bodies) == 1
    for _ in range(settings.sign_in_per_address - len(wrong)):
        assert (await choose(http, secrets.token_urlsafe(32))).status_code == 404
    assert (await choose(http, secrets.token_urlsafe(32))).status_code == 429
    app.state.limits = Limits(settings)
    for _ in range(settings.sign_in_per_address + 5):
        assert (await http.get(f"/reset/{good}")).status_code == 200


async def test_a_link_is_good_once_for_half_an_hour_and_until_the_next(http: httpx2.AsyncClient, fresh: Team) -> None:
    """Used, over, followed by a newer one, or its password changed by another way: it sets nothing."""
    email, cleo = await somebody(fresh)
    now = utc_now()
    late = await reset_token(fresh, email, now=now - timedelta(minutes=30, seconds=1))
    replaced = await reset_token(fresh, email, now=now - timedelta(minutes=29))
    used = await reset_token(fresh, email)
    assert (await choose(http, used)).status_code == 303
    changed = await reset_token(fresh, email)
    actor = Actor(type="user", org_id=fresh.org_id, role=Role.MEMBER, name=cleo.name, id=cleo.id, via="page")
    await fresh.do(actor, "crm.profile.setPassword", current=OWN, new=OWN + "!")
    for token in (late, replaced, used, changed):
        answer = await choose(http, token, "another password")
        assert (answer.status_code, NOTHING in answer.text) == (404, True)
    assert await signs_in(http, email, OWN + "!") == 200


async def test_of_two_who_race_one_sets_it(http: httpx2.AsyncClient, db: Database, fresh: Team) -> None:
    """Six at the same moment, each with another password: one holds, and the log has it once."""
    email, _ = await somebody(fresh)
    token = await reset_token(fresh, email)
    actor = system(fresh.org_id, "Forgotten password", via="page", role=Role.VIEWER)

    async def use(n: int) -> Any:
        return await perform(db, actor, "crm.profile.resetPassword", {"token": token, "new": f"{OWN} {n}"})

    answers = await asyncio.gather(*(use(n) for n in range(6)), return_exceptions=True)
    assert sum(isinstance(each, NotFound) for each in answers) == 5
    assert [await signs_in(http, email, f"{OWN} {n}") for n in range(6)].count(200) == 1
    assert [kind for kind, _ in await kinds_of(fresh)].count("password_reset") == 1


async def test_a_link_begins_with_our_own_address(
    http: httpx2.AsyncClient, db: Database, fresh: Team, post: PostOffice
) -> None:
    """Whoever asks under another host's name does not choose where the mail leads."""
    email, _ = await somebody(fresh)
    for headers in ({"host": "evil.example"}, {"x-forwarded-host": "evil.example", "forwarded": "host=evil.example"}):
        await http.post("/forgot", data={"email": email}, headers=headers)
    await work(db)
    texts = [each.mail.get_content() for each in post.taken if each.to == [email]]
    assert texts
    for text in texts:
        assert "evil.example" not in text
        assert f"{db.installation.public_url}/reset/" in text


async def test_the_pages_leak_and_redirect_nowhere(http: httpx2.AsyncClient, fresh: Team) -> None:
    """No other site learns the address, none frames, keeps or indexes it, and what it asks for leads nowhere else."""
    email, _ = await somebody(fresh)
    token = await reset_token(fresh, email)
    for path in (f"/reset/{token}?next=https://evil.example", "/reset/unknown", "/forgot"):
        page = await http.get(path)
        assert page.headers["referrer-policy"] == "strict-origin"
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert page.headers["cache-control"] == "no-store"
        assert "noindex" in page.headers["x-robots-tag"]
        assert re.findall(r'(?:href|src|action)="(?!/(?:ui|reset|forgot|sign-in)[/"?])[^"]*"', page.text) == []
    body = {"password": OWN, "next": "//evil.example", "email": "else@evil.example", "orgId": "x"}
    answer = await http.post(f"/reset/{token}?next=https://evil.example", data=body)
    http.cookies.clear()
    assert (answer.status_code, answer.headers["location"]) == (303, "/board")
    assert await signs_in(http, email, OWN) == 200


async def test_another_sites_page_asks_and_sets_nothing(
    http: httpx2.AsyncClient, db: Database, fresh: Team, post: PostOffice
) -> None:
    """A form of another site is refused, and the link still holds."""
    email, _ = await somebody(fresh)
    token = await reset_token(fresh, email)
    for head in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
        assert (await ask(http, email, **head)).status_code == 403
        assert (await choose(http, token, **head)).status_code == 403
    await work(db)
    assert links(post, email) == []
    assert (await choose(http, token)).status_code == 303


async def test_who_is_no_member_any_more_gets_no_link_and_uses_none(
    http: httpx2.AsyncClient, db: Database, fresh: Team, post: PostOffice
) -> None:
    """A deactivated member, a suspended organization: nothing is mailed, and a link from before sets nothing."""
    email, cleo = await somebody(fresh)
    closed = await make_team(db, "Closed")
    shut, _ = await somebody(closed)
    tokens = [await reset_token(fresh, email), await reset_token(closed, shut)]
    await fresh.do(fresh.ana, "crm.members.remove", memberId=str(cleo.id))
    async with db.transaction(closed.org_id) as conn:
        await conn.execute("UPDATE organizations SET status = 'suspended' WHERE org_id = $1", closed.org_id)
    for token in tokens:
        answer = await choose(http, token)
        assert (answer.status_code, NOTHING in answer.text) == (404, True)
    for each in (email, shut):
        assert SAID in (await ask(http, each)).text
    await work(db)
    assert post.taken == []
    actor = system(fresh.org_id, "Forgotten password", via="page", role=Role.VIEWER)
    with pytest.raises(NotFound):
        await perform(db, actor, "crm.profile.resetPassword", {"token": tokens[0], "new": OWN})


async def test_a_flood_mails_a_person_three_times_in_half_an_hour(
    http: httpx2.AsyncClient, app: Starlette, settings: Settings, db: Database, fresh: Team, post: PostOffice
) -> None:
    """From however many addresses; also where all ask at one moment. One caller and one e-mail are slowed down before that."""
    email, _ = await somebody(fresh)
    now = utc_now()
    await asyncio.gather(*(reset_password.ask(db, email, now=now) for _ in range(20)))
    lanes_due = await mail_resets.due(db, now, 8)
    await asyncio.gather(*(mail_resets.walk(db, org_id, id, now) for org_id, id in lanes_due))
    for minutes in (1, 20, 29):
        await reset_password.ask(db, email, now=now + timedelta(minutes=minutes))
        await work(db, now + timedelta(minutes=minutes))
    assert 1 <= len(links(post, email)) <= reset_password.MAILS
    opens = [await reset_password.opened(db, each, now=now + timedelta(minutes=29)) for each in links(post, email)]
    assert [each is not None for each in opens].count(True) == 1
    before = len(links(post, email))
    await reset_password.ask(db, email, now=now + timedelta(minutes=31))
    await work(db, now + timedelta(minutes=31))
    assert len(links(post, email)) == before + 1
    app.state.limits = Limits(settings)
    said = [(await http.post("/forgot", data={"email": email})).status_code for _ in range(settings.sign_in_per_email)]
    assert set(said) == {303}
    assert (await http.post("/forgot", data={"email": email})).status_code == 429
    while (await http.post("/forgot", data={"email": f"{secrets.token_hex(8)}@x.example"})).status_code == 303:
        said.append(303)
    assert len(said) < settings.sign_in_per_address
    assert await signs_in(http, email, PASSWORD) == 200  # asking does not hold the owner off the sign-in page


async def test_a_member_of_several_chooses_after_the_password_is_set(
    http: httpx2.AsyncClient, db: Database, fresh: Team, post: PostOffice
) -> None:
    """No organization is named before; afterwards each one's log tells it, once, and one mail says so."""
    other = await make_team(db, "Tailspin")
    email, _ = await somebody(fresh, other)
    await ask(http, email)
    await work(db)
    (token,) = links(post, email)
    page = await http.get(f"/reset/{token}")
    assert "Fresh" not in page.text
    assert "Tailspin" not in page.text
    answer = await choose(http, token)
    assert (answer.status_code, "set-cookie" in answer.headers) == (200, False)
    for words in ("Your password is changed.", "Fresh", "Tailspin", email):
        assert words in answer.text
    places = await other.do(other.ana, "crm.members.list")
    there = next(each for each in places if each.email == email)
    await other.do(other.ana, "crm.members.remove", memberId=str(there.id))  # before its log was told
    for _ in range(2):
        for team in (fresh, other):
            await lanes.step(db, only=team.org_id)
    for team in (fresh, other):
        assert [each for each in await kinds_of(team) if each[0] == "password_reset"] == [
            ("password_reset", "Cleo Vance")
        ]
    told = [each for each in post.taken if each.mail["subject"] == "Your password was changed"]
    assert len(told) == 1


async def test_mailing_that_stumbles_is_tried_again_with_another_link(
    http: httpx2.AsyncClient, db: Database, fresh: Team, post: PostOffice
) -> None:
    """A relay that is silent for a while holds nobody up; given up, the link that may have left opens nothing new."""
    email, _ = await somebody(fresh)
    now = utc_now()
    await reset_password.ask(db, email, now=now)
    post.answer = "451 try later"
    await work(db, now)
    await work(db, now + timedelta(seconds=30))
    assert links(post, email) == []
    post.answer = "250 taken"
    await work(db, now + timedelta(minutes=3))
    (token,) = links(post, email)
    assert (await choose(http, token)).status_code == 303


async def test_a_reset_without_what_it_needs_says_what(http: httpx2.AsyncClient, fresh: Team) -> None:
    """Too short, too long, none, no address: said beside the field, and the link still holds."""
    email, _ = await somebody(fresh)
    token = await reset_token(fresh, email)
    for password, words in (("", "at least 10"), ("short", "at least 10"), ("x" * 1001, "at most 1000")):
        answer = await choose(http, token, password)
        assert (answer.status_code, words in answer.text) == (422, True), words
    for address in ("", "no address", "@", "a" * 300 + "@x.example"):
        answer = await ask(http, address)
        assert (answer.status_code, "Give the e-mail address" in answer.text) == (422, True), address
    assert (await choose(http, token)).status_code == 303
