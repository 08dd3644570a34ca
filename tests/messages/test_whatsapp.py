"""WhatsApp through Meta and Twilio: a provider on loopback, its real shapes, its real signatures."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx2
import pytest
import pytest_asyncio

from baton.jobs import lanes
from baton.kernel.errors import Conflict, Invalid
from baton.kernel.settings import Settings
from baton.kernel.values import utc_now
from tests.doors.conftest import app as app
from tests.doors.conftest import http as http
from tests.messages.conftest import trust
from tests.team import Team
from tests.webhooks.receiver import RESPONSES, Receiver

SECRET, TOKEN, PHONE = "app-secret", "access-token", "+4915112345678"


@pytest_asyncio.fixture
async def provider() -> AsyncIterator[Receiver]:
    made = Receiver(answer=b'{"messages": [{"id": "wamid.1"}]}')
    RESPONSES.setdefault(400, "Bad Request")
    RESPONSES.setdefault(502, "Bad Gateway")
    server = await made.listen()
    yield made
    server.close()


async def number(team: Team, provider: Receiver, kind: str = "meta") -> Any:
    body = {
        "provider": kind,
        "name": "Sales",
        "number": "+49 30 5550100",
        "account": "AC1",
        "token": TOKEN,
        "signingSecret": SECRET,
    }
    return await team.do(team.ana, "crm.whatsapp.setAccount", body | {"baseUrl": f"http://127.0.0.1:{provider.port}"})


def meta(**value: Any) -> bytes:
    return json.dumps(
        {"object": "whatsapp_business_account", "entry": [{"changes": [{"field": "messages", "value": value}]}]}
    ).encode()


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"x-hub-signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


def wrote(id: str, text: str, sender: str = PHONE) -> bytes:
    who = sender.removeprefix("+")
    return meta(
        contacts=[{"wa_id": who, "profile": {"name": "Jane"}}],
        messages=[{"from": who, "id": id, "timestamp": "1", "type": "text", "text": {"body": text}}],
    )


async def test_meta_end_to_end(fresh: Team, provider: Receiver, http: httpx2.AsyncClient) -> None:
    """A template goes out, its fate comes back, an answer opens the day's window, STOP closes everything. Spec A7, A11."""
    await trust(fresh)
    account = await number(fresh, provider)
    path = f"/whatsapp/in/{account.inbound_address}"
    lead = await fresh.capture(phone="+49 151 12345678")
    body = {"leadId": str(lead.id)}
    with pytest.raises(Conflict, match="24 hours"):
        await fresh.do(fresh.ben, "crm.whatsapp.send", body | {"text": "Hello"})
    made = await fresh.do(
        fresh.ben, "crm.whatsapp.send", body | {"template": "hello", "language": "de", "variables": ["Jane"]}
    )
    await lanes.step(fresh.db, only=fresh.org_id)
    (message,) = provider.messages
    assert message.path == "/AC1/messages"
    assert message.headers["authorization"] == f"Bearer {TOKEN}"
    told = json.loads(message.body)
    assert (told["to"], told["template"]["name"], told["template"]["language"]) == (
        "4915112345678",
        "hello",
        {"code": "de"},
    )
    for fate in ("delivered", "read", "delivered"):
        raw = meta(statuses=[{"id": "wamid.1", "status": fate}])
        assert (await http.post(path, content=raw, headers=signed(raw))).status_code == 200
    after = await fresh.do(fresh.ben, "crm.messages.get", messageId=str(made.id))
    assert (after.state, after.delivery) == ("sent", "read")
    with pytest.raises(Conflict):
        await fresh.do(fresh.marcus, "crm.whatsapp.send", body | {"template": "hello"})
    raw = wrote("wamid.2", "Yes!")
    for _ in range(2):
        assert (await http.post(path, content=raw, headers=signed(raw))).status_code == 200
    log = [a for a in await fresh.log(lead.id) if a.kind.startswith("whatsapp")]
    assert [a.kind for a in log] == [
        "whatsapp_queued", "whatsapp_sent", "whatsapp_delivered", "whatsapp_delivered", "whatsapp_received",
    ]  # fmt: skip
    assert (log[1].actor_name, log[-1].actor_name) == ("Ben Okafor", f"Jane ({PHONE})")
    await fresh.do(fresh.marcus, "crm.whatsapp.send", body | {"text": "Great"})
    await lanes.step(fresh.db, only=fresh.org_id)
    assert json.loads(provider.messages[-1].body)["text"]["body"] == "Great"
    raw = wrote("wamid.3", "Stop.")
    await http.post(path, content=raw, headers=signed(raw))
    with pytest.raises(Conflict, match="asked not to be written to"):
        await fresh.do(fresh.ben, "crm.whatsapp.send", body | {"text": "But"})


async def test_twilio_end_to_end(fresh: Team, provider: Receiver, settings: Settings, http: httpx2.AsyncClient) -> None:
    """The same through Twilio: its form, its Basic authorization, its signature over address and fields."""
    account = await number(fresh, provider, "twilio")
    provider.answer = b'{"sid": "SM1", "status": "queued"}'
    url = f"{settings.public_url}/whatsapp/in/{account.inbound_address}"
    lead = await fresh.capture(phone=PHONE)

    async def tell(secret: str = TOKEN, **fields: str) -> int:
        said = url + "".join(key + fields[key] for key in sorted(fields))
        proof = base64.b64encode(hmac.new(secret.encode(), said.encode(), hashlib.sha1).digest()).decode()
        answer = await http.post(
            url.removeprefix(settings.public_url), data=fields, headers={"x-twilio-signature": proof}
        )
        return answer.status_code

    came = {
        "MessageSid": "SM0",
        "From": f"whatsapp:{PHONE}",
        "Body": "Hi",
        "ProfileName": "Jane",
        "SmsStatus": "received",
    }
    assert await tell("wrong", **came) == 401
    assert await tell(**came) == 200
    assert (await fresh.log(lead.id))[-1].kind == "whatsapp_received"
    made = await fresh.do(fresh.ben, "crm.whatsapp.send", leadId=str(lead.id), text="Hello")
    await lanes.step(fresh.db, only=fresh.org_id)
    (message,) = provider.messages
    form = parse_qs(message.body.decode())
    assert (form["To"], form["Body"], form["StatusCallback"]) == ([f"whatsapp:{PHONE}"], ["Hello"], [url])
    assert await tell(MessageSid="SM1", MessageStatus="undelivered", ErrorCode="63016") == 200
    after = await fresh.do(fresh.ben, "crm.messages.get", messageId=str(made.id))
    assert after.delivery == "failed"
    assert (await fresh.log(lead.id))[-1].kind == "whatsapp_failed"


@pytest.mark.parametrize(
    ("status", "answer", "state"),
    [(400, b'{"error": {"code": 131026, "message": "Undeliverable"}}', "failed"), (429, b"{}", "waiting"),
     (400, b'{"error": {"code": 130429}}', "waiting"), (502, b"oops", "in_doubt")],
)  # fmt: skip
async def test_a_no_is_told_from_a_not_now(
    fresh: Team, provider: Receiver, status: int, answer: bytes, state: str
) -> None:
    """Limits are waited for, refusals end, what may have been taken waits for a person."""
    await number(fresh, provider)
    provider.status, provider.answer = status, answer
    lead = await fresh.capture(phone=PHONE)
    made = await fresh.do(fresh.ben, "crm.whatsapp.send", leadId=str(lead.id), template="hello")
    for hours in range(3):
        await lanes.step(fresh.db, now=utc_now() + timedelta(hours=5 * hours), only=fresh.org_id)
    assert (await fresh.do(fresh.ben, "crm.messages.get", messageId=str(made.id))).state == state
    assert len(provider.messages) == (3 if state == "waiting" else 1)


async def test_only_signed_calls_are_heard(fresh: Team, provider: Receiver, http: httpx2.AsyncClient) -> None:
    """Attacks "Access": a forged call changes nothing; the address proves itself to Meta only with its token."""
    account = await number(fresh, provider)
    path = f"/whatsapp/in/{account.inbound_address}"
    lead = await fresh.capture(phone=PHONE)
    raw = wrote("wamid.9", "STOP")
    for headers in ({}, signed(raw, "wrong"), signed(raw + b" ")):
        assert (await http.post(path, content=raw, headers=headers)).status_code == 401
    assert "whatsapp_received" not in [a.kind for a in await fresh.log(lead.id)]
    asked = {"hub.mode": "subscribe", "hub.challenge": "42"}
    assert (await http.get(path, params=asked | {"hub.verify_token": "x"})).status_code == 403
    proof = await http.get(path, params=asked | {"hub.verify_token": account.verify_token})
    assert (proof.status_code, proof.text) == (200, "42")
    for odd in (
        b"{}",
        b"[]",
        b"null",
        meta(messages=[{"from": "x" * 99, "id": "1"}]),
        meta(messages="x", statuses=[7]),
    ):
        assert (await http.post(path, content=odd, headers=signed(odd))).status_code == 200
    listed = await fresh.do(fresh.ana, "crm.whatsapp.accounts")
    assert TOKEN not in str(listed)
    assert (await fresh.do(fresh.ben, "crm.whatsapp.accounts"))[0].verify_token == ""


async def test_private_places_are_not_called(fresh: Team, provider: Receiver) -> None:
    """Attacks "Server": SSRF through the provider's address."""
    for url in ("http://10.0.0.1", "https://169.254.169.254", "https://2130706433/"):
        with pytest.raises(Invalid):
            await fresh.do(
                fresh.ana, "crm.whatsapp.setAccount",
                {"provider": "meta", "name": "x", "number": PHONE, "account": "1", "token": "x", "signingSecret": "y", "baseUrl": url},
            )  # fmt: skip


async def test_unknown_numbers_wait_or_become_leads(fresh: Team, provider: Receiver, http: httpx2.AsyncClient) -> None:
    account = await number(fresh, provider)
    path = f"/whatsapp/in/{account.inbound_address}"
    raw = wrote("wamid.5", "Who are you?", "+4915199999999")
    await http.post(path, content=raw, headers=signed(raw))
    (held,) = (await fresh.do(fresh.ben, "crm.emails.received", state="waiting")).items
    settled = await fresh.do(fresh.ben, "crm.emails.settle", receivedId=str(held.id), decision="lead")
    lead = await fresh.do(fresh.ben, "crm.leads.get", leadId=str(settled.lead_id))
    assert lead.phone == "+4915199999999"
    assert (await fresh.log(lead.id))[-1].kind == "whatsapp_received"
    await fresh.do(fresh.ana, "crm.organization.update", unknownSenders="lead")
    raw = wrote("wamid.6", "Hello", "+4915188888888")
    await http.post(path, content=raw, headers=signed(raw))
    found = await fresh.do(fresh.ben, "crm.leads.find", where={"field": "phone", "op": "=", "value": "+4915188888888"})
    assert len(found.items) == 1


@pytest.mark.parametrize("kind", ["meta", "twilio"])
async def test_a_sequences_step_reaches_its_phone(
    fresh: Team, provider: Receiver, settings: Settings, http: httpx2.AsyncClient, kind: str
) -> None:
    """Spec A11: a WhatsApp step, filled in for the lead, arrives at the provider once; the signed answer ends the sequence."""
    account = await number(fresh, provider, kind)
    if kind == "twilio":
        provider.answer = b'{"sid": "SM1", "status": "queued"}'
    step = {"do": "whatsapp", "template": "HX1" if kind == "twilio" else "hello", "language": "de",
            "variables": ["{{ lead.firstName }}"]}  # fmt: skip
    window = {"days": [1, 2, 3, 4, 5, 6, 7], "opens": "00:00", "closes": "23:59"}
    plan = {"steps": [step, {"do": "wait", "span": "4d", "working": False}, step], "window": window}
    made = await fresh.do(fresh.ben, "crm.sequences.create", {"name": "Phone", "plan": plan})
    await fresh.do(fresh.ana, "crm.sequences.setState", sequenceId=str(made.id), state="on")
    lead = await fresh.capture(phone=PHONE)
    began = await fresh.do(fresh.ben, "crm.sequences.enrol", sequenceId=str(made.id), leadId=str(lead.id))
    for _ in range(4):
        await fresh.run_due()
        await lanes.step(fresh.db, only=fresh.org_id)
    (message,) = provider.messages
    if kind == "meta":
        told = json.loads(message.body)
        assert (told["to"], told["template"]["name"]) == (PHONE.removeprefix("+"), "hello")
        assert told["template"]["components"][0]["parameters"] == [{"type": "text", "text": "Jane"}]
        raw = wrote("wamid.9", "Yes!")
        answer = await http.post(f"/whatsapp/in/{account.inbound_address}", content=raw, headers=signed(raw))
    else:
        form = parse_qs(message.body.decode())
        assert (form["To"], form["ContentSid"]) == ([f"whatsapp:{PHONE}"], ["HX1"])
        assert json.loads(form["ContentVariables"][0]) == {"1": "Jane"}
        url = f"{settings.public_url}/whatsapp/in/{account.inbound_address}"
        came = {"MessageSid": "SM0", "From": f"whatsapp:{PHONE}", "Body": "Yes!", "SmsStatus": "received"}
        said = url + "".join(key + came[key] for key in sorted(came))
        proof = base64.b64encode(hmac.new(TOKEN.encode(), said.encode(), hashlib.sha1).digest()).decode()
        path = url.removeprefix(settings.public_url)
        answer = await http.post(path, data=came, headers={"x-twilio-signature": proof})
    assert answer.status_code == 200
    log = [entry for entry in await fresh.log(lead.id) if entry.kind == "whatsapp_sent"]
    assert [entry.actor_name for entry in log] == ["Sequence “Phone”"]
    for days in (0, 5):
        await fresh.run_due(now=utc_now() + timedelta(days=days))
        await lanes.step(fresh.db, now=utc_now() + timedelta(days=days), only=fresh.org_id)
    ended = await fresh.do(fresh.ana, "crm.enrolments.get", enrolmentId=str(began.id))
    assert (ended.state, ended.why) == ("stopped", "reply")
    assert len(provider.messages) == 1
