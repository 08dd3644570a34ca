"""Signing in for programs, and every way to say who one is. Spec B9, C1."""

import base64
import dataclasses
import hmac
import json
import statistics
import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from baton.accounts.sign_in import Membership, open_session
from baton.doors.app import create_app
from baton.doors.web.shell.visit import csrf_of
from baton.kernel.db import Database
from baton.kernel.security import derived, sign_jwt
from baton.kernel.settings import Settings
from baton.kernel.values import utc_now
from tests.doors.conftest import Caller, client_of, token_of
from tests.passwords import shipped_passwords
from tests.team import PASSWORD, Team, make_team

ME = "/api/v1/crm.organization.get"


def encoded(part: dict[str, Any] | bytes) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


async def test_a_token_says_where_it_opens(http: httpx2.AsyncClient, team: Team) -> None:
    answer = await http.post("/api/auth/token", json={"email": team.emails["ben"], "password": PASSWORD})
    told = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert [(place["orgId"], place["role"]) for place in told["memberships"]] == [(str(team.org_id), "member")]
    assert told["expiresAt"].endswith("Z")
    own = await http.get(ME, headers={"authorization": f"Bearer {told['token']}"})
    assert own.json()["orgId"] == str(team.org_id)


async def test_no_organization_named(http: httpx2.AsyncClient, ben: Caller, settings: Settings, team: Team) -> None:
    """Neither the header nor the token names one: 400, which says what to do. Spec C1."""
    claims = json.loads(base64.urlsafe_b64decode(ben.headers["authorization"].split(".")[1] + "=="))
    bare = sign_jwt(settings.secret, {"sub": claims["sub"]}, now=utc_now(), lifetime=timedelta(hours=1))
    for path in (ME, "/api/crm/leads/detail"):
        missing = await http.get(path, headers={"authorization": f"Bearer {bare}"})
        assert (missing.status_code, missing.json()["field"]) == (400, "orgid")
        named = await http.get(path, headers={"authorization": f"Bearer {bare}", "orgid": str(team.org_id)})
        assert named.status_code == 200


async def test_an_organization_that_one_is_no_member_of(ben: Caller, carla: Team) -> None:
    """It is answered as one that does not exist. SPEC, "Organization"."""
    answers = []
    for org in (str(carla.org_id), str(uuid4()), "pipe-enterprise"):
        answer = await ben.call("GET", ME, headers={"orgid": org})
        assert answer.status_code == 404
        answers.append({key: value for key, value in answer.json().items() if key != "requestId"})
    assert answers[0] == answers[1]
    posted = await ben.http.post(
        "/api/auth/token", json={"email": ben.team.emails["ben"], "password": PASSWORD, "orgId": str(carla.org_id)}
    )
    assert posted.status_code == 404


async def test_tricks_with_tokens(http: httpx2.AsyncClient, ben: Caller, settings: Settings, carla: Team) -> None:
    """ATTACKS, sessions: none, other algorithms, a key of the attacker's, an expired token, a changed claim."""
    head, claims, signature = ben.headers["authorization"].removeprefix("Bearer ").split(".")
    own = json.loads(base64.urlsafe_b64decode(claims + "=="))
    forged = encoded(own | {"org": str(carla.org_id)})
    secret = derived(settings.secret, "jwt").encode()

    def signed(header: dict[str, Any], key: bytes, digest: str = "sha256") -> str:
        text = f"{encoded(header)}.{claims}"
        return f"{text}.{encoded(hmac.digest(key, text.encode(), digest))}"

    tricks = [
        f"{encoded({'alg': 'none'})}.{claims}.", f"{encoded({'alg': 'None', 'typ': 'JWT'})}.{claims}.{signature}",
        f"{head}.{forged}.{signature}", f"{head}.{claims}.", f"{head}.{claims}", head, "...", ".", "a.b.c", "ä.ö.ü", "e30.e30.e30",
        f"{head}.{claims}.{signature}.x",
        signed({"alg": "HS256"}, b""), signed({"alg": "HS256"}, settings.secret.encode()), signed({"alg": "HS512"}, secret, "sha512"),
        signed({"alg": "HS256", "crit": ["exp"]}, b"x"), signed({"alg": "RS256"}, secret), signed({"alg": ["HS256"]}, secret),
        signed({"alg": "HS256", "jwk": {"kty": "oct", "k": encoded(b"x")}}, b"x"), signed({"alg": "HS256", "kid": "../../dev/null"}, b""),
        sign_jwt(settings.secret, {"sub": own["sub"], "org": own["org"]}, now=utc_now() - timedelta(days=2), lifetime=timedelta(days=1)),
        "x" * 100_000,
    ]  # fmt: skip
    for trick in tricks:
        headers = {b"authorization": f"Bearer {trick}".encode(), b"orgid": str(ben.team.org_id).encode()}
        answer = await http.get(ME, headers=headers)
        assert answer.status_code == 401, trick
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("claims", [{"sub": "nobody"}, {}, {"sub": 5}, {"sub": None, "org": "x"}])
async def test_our_own_token_with_odd_claims(
    http: httpx2.AsyncClient, settings: Settings, team: Team, claims: dict[str, Any]
) -> None:
    token = sign_jwt(settings.secret, claims, now=utc_now(), lifetime=timedelta(hours=1))
    answer = await http.get(ME, headers={"authorization": f"Bearer {token}", "orgid": str(team.org_id)})
    assert answer.status_code in (401, 404)


async def test_keys_and_agents_tokens(http: httpx2.AsyncClient, ana: Caller, team: Team, carla: Team) -> None:
    """Both headers, scopes that hold, one organization, and an end at once."""
    made = await ana.ok(
        "POST",
        "/api/v1/crm.credentials.create",
        {"name": "Website", "scopes": ["crm.leads.get", "crm.organization.get"]},
    )
    key = made["token"]
    for headers in (
        {"x-api-key": key},
        {"authorization": f"Bearer {key}"},
        {"x-api-key": key, "orgid": str(team.org_id)},
    ):
        assert (await http.get(ME, headers=headers)).status_code == 200
    assert (await http.get("/api/v1/crm.leads.list", headers={"x-api-key": key})).status_code == 403
    assert (await http.get(ME, headers={"x-api-key": key, "orgid": str(carla.org_id)})).status_code == 404
    agent = await ana.ok("POST", "/api/v1/crm.credentials.create", {"name": "Marcus", "memberId": str(team.marcus.id)})
    lead = await team.capture()
    qualified = await http.post(f"/api/crm/leads/qualify/{lead.id}", headers={"x-api-key": agent["token"]})
    assert qualified.status_code == 200
    last = (await team.log(lead.id))[-1]
    assert (last.actor_type, last.actor_name) == ("agent", "Marcus")
    await ana.ok("POST", "/api/v1/crm.credentials.revoke", {"credentialId": made["id"]})
    assert (await http.get(ME, headers={"x-api-key": key})).status_code == 401


async def test_a_session_cookie_changes_nothing_by_itself(http: httpx2.AsyncClient, db: Database, team: Team) -> None:
    """ATTACKS, CSRF: a page's cookie reads; it writes only with the page's own proof, from its own site."""
    assert team.ben.id
    place = Membership(team.org_id, "Northwind", team.ben.id, "Ben", team.ben.role)
    session = await open_session(db, place)
    cookie = {"cookie": f"baton_session={session}", "host": "baton.test"}
    assert (await http.get(ME, headers=cookie)).status_code == 200
    lead = await team.capture()
    proof = {"x-csrf-token": csrf_of(session)}
    refused: list[dict[str, str]] = [
        {}, {"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"},
        proof | {"origin": "https://evil.example"}, proof | {"sec-fetch-site": "cross-site"}, {"x-csrf-token": csrf_of("another")},
        {"origin": "http://baton.test"},
    ]  # fmt: skip
    for headers in refused:
        for path in (f"/api/crm/leads/qualify/{lead.id}", "/api/v1/crm.leads.qualify", "/api/trpc/crm.leads.qualify"):
            answer = await http.post(path, json={"leadId": str(lead.id)}, headers=cookie | headers)
            assert answer.status_code == 403, headers
    answer = await http.post(
        f"/api/crm/leads/qualify/{lead.id}", headers=cookie | proof | {"origin": "http://baton.test"}
    )
    assert answer.status_code == 200
    bearer = await http.get(ME, headers={"authorization": f"Bearer {session}"})
    assert bearer.status_code == 401, "a session is no API token"


async def test_a_removed_member_is_out_at_once(http: httpx2.AsyncClient, fresh: Team) -> None:
    token = await token_of(http, fresh, "ben")
    headers = {"authorization": f"Bearer {token}"}
    assert (await http.get(ME, headers=headers)).status_code == 200
    await fresh.do(fresh.ana, "crm.members.remove", memberId=str(fresh.ben.id))
    assert (await http.get(ME, headers=headers)).status_code == 401


async def test_signing_out_ends_the_token(http: httpx2.AsyncClient, fresh: Team) -> None:
    """ATTACKS, sessions: replay after sign-out. This token alone ends, at every door; another one of the person goes on."""
    one, other = [{"authorization": f"Bearer {await token_of(http, fresh, 'ben')}"} for _ in range(2)]
    for _ in range(2):
        assert (await http.delete("/api/auth/token", headers=one)).status_code == 204, "also for one that ended"
    for path in (ME, "/api/crm/leads/detail", "/api/trpc/crm.leads.list", "/api/openapi.json"):
        assert (await http.get(path, headers=one)).status_code == 401, path
        assert (await http.get(path, headers=other)).status_code == 200, path
    for wrong in ({}, {"authorization": "Bearer x.y.z"}, {"authorization": "Basic x"}, {"x-api-key": "bat_key_x"}):
        assert (await http.delete("/api/auth/token", headers=wrong)).status_code == 401


async def test_a_tokens_session_is_no_pages_session(http: httpx2.AsyncClient, fresh: Team) -> None:
    """What a token says of its session opens no page, and lives no longer than the token."""
    token = await token_of(http, fresh, "ben")
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    for value in (claims["sid"], token, f"jwt:{claims['sid']}"):
        assert (await http.get(ME, headers={"cookie": f"baton_session={value}"})).status_code == 401
    async with fresh.db.transaction(fresh.org_id) as conn:
        await conn.execute("SELECT directory_remove_member_credentials($1)", fresh.ben.id)
    assert (await http.get(ME, headers={"authorization": f"Bearer {token}"})).status_code == 401


async def test_guessing_passwords_is_limited(settings: Settings, db: Database, team: Team) -> None:
    """Wrong passwords count, by e-mail and by address; right ones do not."""
    app = create_app(dataclasses.replace(settings, sign_in_per_email=2, sign_in_per_address=3), db)
    email = team.emails["vera"]
    async with client_of(app) as http:
        for _ in range(5):
            assert (await http.post("/api/auth/token", json={"email": email, "password": PASSWORD})).status_code == 200
        for _ in range(2):
            wrong = await http.post("/api/auth/token", json={"email": email.upper(), "password": "wrong"})
            assert wrong.status_code == 401
        locked = await http.post("/api/auth/token", json={"email": email, "password": PASSWORD})
        assert locked.status_code == 429
        assert int(locked.headers["retry-after"]) >= 1
        other = await http.post("/api/auth/token", json={"email": "other@example.com", "password": "wrong"})
        assert other.status_code == 429, "the address has used its three"


async def test_an_unknown_person_is_as_slow_as_a_wrong_password(http: httpx2.AsyncClient, db: Database) -> None:
    """ATTACKS, timing of unknown users."""
    with shipped_passwords():
        await _compare(http, (await make_team(db, "Slow")).emails["ana"])


async def _compare(http: httpx2.AsyncClient, email: str) -> None:

    async def took(email: str) -> float:
        times = []
        for _ in range(4):
            began = time.perf_counter()
            answer = await http.post("/api/auth/token", json={"email": email, "password": "wrong"})
            assert (answer.status_code, answer.json()["detail"]) == (
                401,
                "This e-mail and password do not belong together.",
            )
            times.append(time.perf_counter() - began)
        return statistics.median(times)

    known, unknown = await took(email), await took("nobody@example.com")
    assert 0.4 < known / unknown < 2.5


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"email": "a@b.c"}',
        b'{"email": 5, "password": "x"}',
        b'{"email": "a\\u0000", "password": "x"}',
        b'{"email": "a@b.c", "password": "\\ud800"}',
        b'{"email": "a@b.c", "password": "x", "role": "admin"}',
    ],
)
async def test_odd_credentials(http: httpx2.AsyncClient, body: bytes) -> None:
    answer = await http.post("/api/auth/token", content=body)
    assert answer.status_code in (400, 401)
    assert answer.headers["content-type"] == "application/problem+json"
