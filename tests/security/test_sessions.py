"""Sessions and tokens: where they come from, what they prove, and when they end."""

import asyncio
import base64
import dataclasses
import hmac
import json
import statistics
import time
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from baton.doors.app import create_app
from baton.doors.web.shell.visit import SESSION, csrf_of
from baton.kernel.db import Database
from baton.kernel.errors import Unauthenticated
from baton.kernel.security import derived, read_jwt, sign_jwt
from baton.kernel.settings import Settings
from baton.kernel.values import utc_now
from tests.doors.conftest import Caller, client_of, token_of
from tests.passwords import shipped_passwords
from tests.security.pages import Reader, sign_in
from tests.team import PASSWORD, Team, make_team

ME = "/api/v1/crm.organization.get"


async def test_a_session_is_not_fixed_beforehand(http: httpx2.AsyncClient, fresh: Team) -> None:
    """Who brings a session's cookie to the sign-in page leaves with another, and the one brought opens nothing."""
    planted = "bat_session_" + "a" * 43
    reader = await sign_in(http, fresh, "ben", cookie=f"{SESSION}={planted}")
    assert reader.session != planted
    assert (await Reader(http, planted).get("/board")).status_code == 303
    again = await sign_in(http, fresh, "ben", cookie=f"{SESSION}={reader.session}")
    assert again.session != reader.session


async def test_the_cookie_is_kept_from_scripts_and_other_sites(
    http: httpx2.AsyncClient, settings: Settings, db: Database, fresh: Team
) -> None:
    """HttpOnly, SameSite, and Secure where the site is served over https."""
    fields = {"email": fresh.emails["ben"], "password": PASSWORD}
    set_cookie = (await http.post("/sign-in", data=fields)).headers["set-cookie"].lower()
    assert "httponly" in set_cookie
    assert "samesite=lax" in set_cookie
    assert "path=/" in set_cookie
    async with client_of(create_app(dataclasses.replace(settings, public_url="https://crm.example"), db)) as secure:
        answer = await secure.post("/sign-in", data=fields)
        assert "secure" in answer.headers["set-cookie"].lower()
        assert answer.headers["strict-transport-security"]
    http.cookies.clear()


async def test_nothing_works_after_signing_out(page: Reader) -> None:
    """The session's token is replayed at pages, at the doors for programs and at the live stream: it opens nothing."""
    assert (await page.get("/board")).status_code == 200
    assert (await page.post("/sign-out", {})).status_code == 303
    assert (await page.get("/board")).status_code == 303
    assert (await page.post("/theme", {"theme": "dark"})).status_code == 303
    assert (await page.get("/live", accept="text/event-stream")).status_code == 401
    assert (await page.http.get(ME, headers=page.cookie)).status_code == 401


async def test_nothing_works_after_removal(http: httpx2.AsyncClient, admin: Caller, fresh: Team) -> None:
    """A removed member's session, JWT, key and agent's token end with the next request; a paused one's too."""
    ben = await sign_in(http, fresh, "ben")
    jwt = await token_of(http, fresh, "ben")
    await admin.ok("POST", "/api/v1/crm.members.update", {"memberId": str(fresh.ben.id), "role": "admin"})
    key = await http.post(
        "/api/v1/crm.credentials.create", json={"name": "Own"}, headers={"authorization": f"Bearer {jwt}"}
    )
    token = await admin.ok(
        "POST", "/api/v1/crm.credentials.create", {"name": "Marcus", "memberId": str(fresh.marcus.id)}
    )
    heads = [{"authorization": f"Bearer {jwt}"}, {"x-api-key": key.json()["token"]}, ben.cookie]
    assert [(await http.get(ME, headers=head)).status_code for head in heads] == [200, 200, 200]
    for change in (("update", {"status": "paused"}), ("update", {"status": "active"}), ("remove", {})):
        await admin.ok("POST", f"/api/v1/crm.members.{change[0]}", {"memberId": str(fresh.ben.id)} | change[1])
        answers = [(await http.get(ME, headers=head)).status_code for head in heads]
        assert answers == ([200, 200, 200] if "active" in change[1].values() else [401, 401, 401]), change
    await admin.ok("POST", "/api/v1/crm.members.remove", {"memberId": str(fresh.marcus.id)})
    assert (await http.get(ME, headers={"x-api-key": token["token"]})).status_code == 401
    assert (await ben.get("/board")).status_code == 303


async def test_a_demoted_member_is_demoted_at_once(http: httpx2.AsyncClient, admin: Caller, fresh: Team) -> None:
    """The role is read with each request, not from the token."""
    jwt = {"authorization": f"Bearer {await token_of(http, fresh, 'ben')}"}
    assert (await http.post("/api/v1/crm.leads.create", json={"name": "A"}, headers=jwt)).status_code == 200
    await admin.ok("POST", "/api/v1/crm.members.update", {"memberId": str(fresh.ben.id), "role": "viewer"})
    assert (await http.post("/api/v1/crm.leads.create", json={"name": "B"}, headers=jwt)).status_code == 403


async def test_a_token_in_an_address_is_none(http: httpx2.AsyncClient, admin: Caller, page: Reader) -> None:
    """Addresses are kept in logs and histories: no door reads a credential from one."""
    jwt = admin.headers["authorization"].removeprefix("Bearer ")
    key = (await admin.ok("POST", "/api/v1/crm.credentials.create", {"name": "Key"}))["token"]
    for name in (
        "token",
        "access_token",
        "api_key",
        "apikey",
        "x-api-key",
        "key",
        "authorization",
        "bearer",
        SESSION,
        "session",
        "jwt",
        "auth",
    ):
        for value in (jwt, key, page.session, f"Bearer {jwt}"):
            for path in (ME, "/api/trpc/crm.organization.get", "/api/crm/leads/detail"):
                answer = await http.get(path, params={name: value, "orgid": str(admin.team.org_id)})
                assert answer.status_code == 401, (name, path)
            assert (await http.get("/board", params={name: value})).status_code == 303
    basic = base64.b64encode(f"{key}:".encode()).decode()
    assert (await http.get(ME, headers={"authorization": f"Basic {basic}"})).status_code == 401


async def test_changes_by_forms_prove_where_they_come_from(page: Reader, fresh: Team) -> None:
    """CSRF: a form, JSON as text/plain, a multipart body: none changes anything without the page's proof and from another site.

    Defence: `must_be_proven` (the proof) and `must_be_own` (Origin, Fetch Metadata), each of which is taken away in turn here.
    """
    lead = await fresh.capture()
    path, proof = f"/leads/{lead.id}/log", {"csrf": csrf_of(page.session)}
    evil: list[dict[str, str]] = [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ]
    for headers in evil:
        answer = await page.http.post(path, data=proof | {"text": "x"}, headers=page.cookie | headers)
        assert answer.status_code == 403, headers
    for fields in ({}, {"csrf": ""}, {"csrf": csrf_of("bat_session_other")}, {"csrf": "é"}):
        answer = await page.http.post(path, data={"text": "x"} | fields, headers=page.cookie)
        assert answer.status_code == 403, fields
    text = {"content-type": "text/plain"}
    sent = await page.http.post(path, content=b'{"text": "x"}', headers=page.cookie | text)
    assert sent.status_code in (400, 403, 415)
    for door in (
        "/api/v1/crm.leads.logActivity",
        "/api/trpc/crm.leads.logActivity",
        f"/api/crm/leads/activities/{lead.id}",
    ):
        body = json.dumps({"leadId": str(lead.id), "type": "note", "notes": "x"}).encode()
        for kind in ("application/json", "text/plain", "application/x-www-form-urlencoded"):
            answer = await page.http.post(door, content=body, headers=page.cookie | {"content-type": kind})
            assert answer.status_code in (403, 415), (door, kind)
    kinds = [activity.kind for activity in await fresh.log(lead.id)]
    assert "note_added" not in kinds
    signed_in_by_others = await page.http.post(
        "/sign-in", data={"email": "a@b.example", "password": "x"}, headers={"origin": "https://evil.example"}
    )
    assert signed_in_by_others.status_code == 403
    assert (await page.get("/sign-out")).status_code in (404, 405), "no change by following a link"


def encoded(part: Any) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


async def test_only_our_own_signature_counts(http: httpx2.AsyncClient, member: Caller, settings: Settings) -> None:
    """`alg` tricks: none in any spelling, HS384/512, RS256 and ES256 with our or their key, keys in the header, no expiry, the past.

    Defence: `read_jwt` admits HS256 alone, with one key, and requires `iss` and `exp`.
    """
    _, claims, signature = member.headers["authorization"].removeprefix("Bearer ").split(".")
    real = json.loads(base64.urlsafe_b64decode(claims + "=="))
    key = derived(settings.secret, "jwt")

    def signed(header: dict[str, Any], body: Any, by: str, hash: str = "sha256") -> str:
        text = f"{encoded(header)}.{encoded(body)}"
        return f"{text}.{encoded(hmac.new(by.encode(), text.encode(), hash).digest())}"

    tricks = [
        f"{encoded({'alg': alg})}.{claims}.{end}"
        for alg in ("none", "None", "NONE", "nOnE", "")
        for end in ("", signature, "e30")
    ]
    tricks += [
        signed({"alg": alg}, real, key, hash)
        for alg, hash in (("HS384", "sha384"), ("HS512", "sha512"), ("RS256", "sha256"), ("ES256", "sha256"))
    ]
    tricks += [
        signed({"alg": "HS256"}, real, by)
        for by in ("", "secret", settings.secret, "baton", derived(settings.secret, "csrf"))
    ]
    tricks += [
        signed({"alg": "HS256", "jwk": {"kty": "oct", "k": encoded(b"mine")}}, real, "mine"),
        signed({"alg": "HS256", "kid": "../../dev/null"}, real, ""),
    ]
    tricks += [signed({"alg": "HS256", "b64": False, "crit": ["b64"]}, real, key)]
    tricks += [
        signed({"alg": "HS256"}, body, key)
        for body in (
            {k: v for k, v in real.items() if k != "exp"},
            {k: v for k, v in real.items() if k != "iss"},
            real | {"iss": "other"},
            real | {"exp": 1},
            real | {"exp": "never"},
            real | {"nbf": 99_999_999_999},
            [real],
            "text",
        )
    ]
    tricks += [
        sign_jwt(
            settings.secret, {"sub": real["sub"]}, now=utc_now() - timedelta(hours=13), lifetime=timedelta(hours=12)
        )
    ]
    for trick in tricks:
        answer = await http.get(ME, headers={"authorization": f"Bearer {trick}", "orgid": str(member.team.org_id)})
        assert answer.status_code == 401, (trick, answer.text)
    assert (
        await http.get(ME, headers={"authorization": f"Bearer {signed({'alg': 'HS256'}, real, key)}"})
    ).status_code == 200, "the tricks differ"


async def test_guessing_is_limited_on_the_page_and_in_parallel(settings: Settings, db: Database, fresh: Team) -> None:
    """Both doors share one count, and forty guesses at once are not forty chances."""
    app = create_app(dataclasses.replace(settings, sign_in_per_email=5, sign_in_per_address=1000), db)
    email = fresh.emails["ben"]
    async with client_of(app) as http:
        guesses = [http.post("/api/auth/token", json={"email": email, "password": f"guess {n}"}) for n in range(20)]
        pages = [http.post("/sign-in", data={"email": email.upper(), "password": f"guess {n}"}) for n in range(20)]
        answers = await asyncio.gather(*guesses, *pages)
        assert sum(answer.status_code != 429 for answer in answers) == 5
        right = await http.post("/sign-in", data={"email": email, "password": PASSWORD})
        assert right.status_code == 429
        other = await http.post("/sign-in", data={"email": fresh.emails["vera"], "password": PASSWORD})
        assert other.status_code == 303, "others sign in meanwhile"


async def test_the_page_does_not_say_who_exists(http: httpx2.AsyncClient, db: Database) -> None:
    """A wrong password and an unknown e-mail: the same page, in the same time (argon2 is run for nobody too)."""
    with shipped_passwords():
        await _compare(http, (await make_team(db, "Slow")).emails["vera"])


async def _compare(http: httpx2.AsyncClient, email: str) -> None:
    async def asked(email: str) -> tuple[str, float]:
        times, text = [], ""
        for _ in range(3):
            began = time.perf_counter()
            answer = await http.post("/sign-in", data={"email": email, "password": "wrong"})
            times.append(time.perf_counter() - began)
            assert answer.status_code == 401
            text = answer.text.replace(email, "")
        return text, statistics.median(times)

    (known, one), (unknown, other) = await asked(email), await asked("no.body@northwind.example")
    assert known == unknown
    assert 0.4 < one / other < 2.5


@pytest.mark.parametrize(
    "onward",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "https:evil.example",
        "/board\r\nset-cookie: x=y",
        "%2f%2fevil.example",
        "",
    ],
)
async def test_signing_in_leads_nowhere_else(http: httpx2.AsyncClient, team: Team, onward: str) -> None:
    """No open redirect and no header of the caller's by `next`. Defence: `_own` in doors/web/shell/sign_in.py."""
    answer = await http.post("/sign-in", data={"email": team.emails["vera"], "password": PASSWORD, "next": onward})
    http.cookies.clear()
    assert answer.headers["location"] == "/board"
    assert answer.headers.get_list("set-cookie")[0].startswith(SESSION)


async def test_going_back_leads_nowhere_else(page: Reader) -> None:
    """A referrer that reads as another site's address is not followed. Defence: `Visit.back`."""
    for came in (
        "http://baton.test//evil.example/x",
        "https://evil.example/",
        "http://baton.test\\@evil.example",
        "javascript:alert(1)",
    ):
        answer = await page.post("/theme", {"theme": "dark"}, referer=came)
        assert answer.headers["location"] == "/board", came


async def test_a_token_that_was_accepted_ends_in_its_time() -> None:
    """A signature is checked once; the time at every request."""
    secret = "a secret that is long enough for tests"
    token = sign_jwt(secret, {"sub": "ana"}, now=utc_now(), lifetime=timedelta(seconds=2))
    assert read_jwt(secret, token)["sub"] == "ana"
    read_jwt(secret, token)["sub"] = "carla"
    assert read_jwt(secret, token)["sub"] == "ana"
    with pytest.raises(Unauthenticated):
        read_jwt("another secret that is long enough", token)
    await asyncio.sleep(3.1)
    with pytest.raises(Unauthenticated):
        read_jwt(secret, token)
