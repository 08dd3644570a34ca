"""Receiving e-mail: each message ends somewhere, once, and the counts say where."""

import asyncio
import base64
import json
import re
import time
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import httpx2
import pytest

from baton.jobs import lanes
from baton.kernel.db import Database
from baton.kernel.errors import Conflict, NotFound
from baton.kernel.values import utc_now
from baton.messages.push import signature
from tests.doors.conftest import app as app
from tests.doors.conftest import http as http
from tests.messages import pillar
from tests.messages.conftest import connect, trust
from tests.messages.pillar import Pillar
from tests.messages.postoffice import PostOffice
from tests.team import Team
from tests.ui.test_pages import sign_in


@pytest.fixture(scope="module")
def imap() -> Iterator[Pillar]:
    if pillar.program() is None:
        pytest.skip("dovecot is not installed (apt install dovecot-imapd): reading over IMAP was not looked at")
    with pillar.running() as server:
        yield server


def letter(sender: str, *, subject: str = "Re: Hello", text: str = "Yes, gladly.", **headers: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = "sales@northwind.example"
    mail["Subject"] = subject
    mail["Message-ID"] = f"<{time.monotonic_ns()}@elsewhere.example>"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail


async def receive(team: Team, mailbox: Any, mail: EmailMessage | bytes) -> Any:
    raw = mail if isinstance(mail, bytes) else mail.as_bytes()
    return await team.do(team.ben, "crm.emails.receive", mailboxId=str(mailbox.id), raw=base64.b64encode(raw).decode())


async def sent_to(team: Team, post: PostOffice, **lead: Any) -> tuple[Any, Any]:
    """A lead who was written to, and the message."""
    made = await team.capture(**lead)
    message = await team.do(team.ben, "crm.emails.send", leadId=str(made.id), subject="Hello", text="Shall we talk?")
    await lanes.step(team.db, only=team.org_id)
    return made, message


async def test_a_reply_comes_back_over_imap(fresh: Team, post: PostOffice, imap: Pillar) -> None:
    """Spec A7: the thread is on the lead's timeline, each message once, flags untouched, everything accounted for."""
    mailbox = await connect(
        fresh,
        post,
        imapHost="127.0.0.1",
        imapPort=imap.port,
        imapSecurity="none",
        imapUser=pillar.USER,
        imapPassword=pillar.PASSWORD,
    )
    tried = await fresh.do(fresh.ana, "crm.mailboxes.test", mailboxId=str(mailbox.id))
    assert (tried.ok, tried.smtp, tried.imap) == (True, None, None)
    lead, message = await sent_to(fresh, post, email="jane@acme.example")
    reply = letter(
        "Jane Smith <other@private.example>",
        In_Reply_To=post.taken[0].mail["Message-ID"],
        text="Tuesday?\n> Shall we talk?",
    )
    reply.add_attachment(b"<script>alert(1)</script>", maintype="text", subtype="html", filename="plan.html")
    imap.put(reply.as_bytes())
    imap.put(letter("Stranger <stranger@nowhere.example>", subject="Offer").as_bytes())
    imap.put(b"\xff\xfe not a message at all \0")
    now = utc_now() + timedelta(minutes=2)
    await lanes.step(fresh.db, now=now, only=fresh.org_id)
    told = (await fresh.log(lead.id))[-1]
    assert (told.kind, told.payload["threadId"]) == ("email_received", str(message.thread_id))
    assert told.actor_name == "Jane Smith (other@private.example)"
    assert told.payload["body"].startswith("Tuesday?")
    counted = await fresh.do(fresh.ben, "crm.mailboxes.reconcile", mailboxId=str(mailbox.id))
    assert (counted.seen, counted.matched, counted.waiting, counted.skipped) == (3, 1, 1, 1)
    assert counted.balanced
    assert "Seen" not in imap.flags()
    imap.renumber()
    for minutes in (4, 6):
        await lanes.step(fresh.db, now=utc_now() + timedelta(minutes=minutes), only=fresh.org_id)
    again = await fresh.do(fresh.ben, "crm.mailboxes.reconcile", mailboxId=str(mailbox.id))
    assert again.matched == 1
    assert again.balanced
    assert again.seen == 3 + again.repeated
    assert [a.kind for a in await fresh.log(lead.id)].count("email_received") == 1
    (found,) = (await fresh.do(fresh.ben, "crm.emails.received", leadId=str(lead.id))).items
    whole = await fresh.do(fresh.vera, "crm.emails.readReceived", receivedId=str(found.id))
    assert [file.name for file in whole.files] == ["plan.html"]


async def test_a_wrong_password_is_told(fresh: Team, post: PostOffice, imap: Pillar) -> None:
    mailbox = await connect(
        fresh, post, imapHost="127.0.0.1", imapPort=imap.port, imapSecurity="none", imapUser="x", imapPassword="y"
    )
    now = utc_now() + timedelta(minutes=1)
    await lanes.step(fresh.db, now=now, only=fresh.org_id)
    (listed,) = await fresh.do(fresh.ana, "crm.mailboxes.list")
    assert "AUTHENTICATIONFAILED" in listed.poll_error
    assert (await fresh.do(fresh.ana, "crm.mailboxes.test", mailboxId=str(mailbox.id))).imap is not None


async def test_a_reply_opens_the_gap(fresh: Team, post: PostOffice) -> None:
    """What answers a message of theirs is no second message; an automatic answer is not one of theirs."""
    await trust(fresh)
    mailbox = await connect(fresh, post)
    lead, message = await sent_to(fresh, post, email="jane@acme.example")
    again = {"leadId": str(lead.id), "subject": "Re: Hello", "text": "Tuesday it is."}
    away = letter("jane@acme.example", Auto_Submitted="auto-replied", In_Reply_To=message.header_id)
    assert (await receive(fresh, mailbox, away)).kind == "automatic"
    assert (await fresh.log(lead.id))[-1].kind == "email_auto_replied"
    with pytest.raises(Conflict):
        await fresh.do(fresh.marcus, "crm.emails.send", again)
    answer = await receive(fresh, mailbox, letter("JANE@acme.example"))
    assert (answer.kind, answer.state, answer.lead_id) == ("reply", "matched", lead.id)
    made = await fresh.do(fresh.marcus, "crm.emails.send", again | {"inReplyTo": str(answer.id)})
    with pytest.raises(Conflict):
        await fresh.do(fresh.marcus, "crm.emails.send", again)
    await lanes.step(fresh.db, only=fresh.org_id)
    assert made.thread_id == answer.thread_id
    assert post.taken[-1].mail["In-Reply-To"] == (await _header_of(fresh, answer.id))


async def _header_of(team: Team, id: Any) -> str:
    async with team.db.transaction(team.org_id) as conn:
        found: str = await conn.fetchval(
            "SELECT message_id FROM inbound_messages WHERE org_id = $1 AND id = $2", team.org_id, id
        )
        return found


def bounce(message: Any, *, to: str, status: str = "5.1.1", action: str = "failed") -> bytes:
    return (
        f"From: MAILER-DAEMON@mx.example\r\nTo: {message.sender}\r\nSubject: Undelivered\r\n"
        f"Message-ID: <{time.monotonic_ns()}@mx.example>\r\n"
        'MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"
        f"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        f"Final-Recipient: rfc822; {to}\r\nAction: {action}\r\nStatus: {status}\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {message.header_id}\r\nSubject: Hello\r\n\r\n--b--\r\n"
    ).encode()


async def test_what_bounces_is_not_written_to_again(fresh: Team, post: PostOffice) -> None:
    """RFC 3464: the message, the address and the timeline say so; a forged report changes nothing."""
    mailbox = await connect(fresh, post)
    lead, message = await sent_to(fresh, post, email="gone@acme.example")
    assert (await receive(fresh, mailbox, bounce(message, to="someone@else.example"))).state == "stored"
    delayed = await receive(fresh, mailbox, bounce(message, to="gone@acme.example", action="delayed", status="4.4.1"))
    assert delayed.state == "stored"
    assert not (await fresh.do(fresh.ben, "crm.suppressions.list")).items
    full = await receive(fresh, mailbox, bounce(message, to="gone@acme.example", status="5.2.2"))
    assert full.state == "matched"
    assert not (await fresh.do(fresh.ben, "crm.suppressions.list")).items
    await receive(fresh, mailbox, bounce(message, to="gone@acme.example"))
    (entry,) = (await fresh.do(fresh.ben, "crm.suppressions.list")).items
    assert (entry.address, entry.reason) == ("gone@acme.example", "bounce")
    assert (await fresh.do(fresh.ben, "crm.messages.get", messageId=str(message.id))).delivery == "bounced"
    assert "email_bounced" in [a.kind for a in await fresh.log(lead.id)]


async def test_a_complaint_ends_it(fresh: Team, post: PostOffice) -> None:
    """RFC 5965."""
    mailbox = await connect(fresh, post)
    lead, message = await sent_to(fresh, post)
    raw = (
        "From: fbl@isp.example\r\nMessage-ID: <1@isp.example>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; "
        'report-type=feedback-report; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nx\r\n'
        "--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nVersion: 1\r\n\r\n"
        f"--b\r\nContent-Type: message/rfc822\r\n\r\nFrom: a@b.example\r\nMessage-ID: {message.header_id}\r\n\r\nHello\r\n--b--\r\n"
    ).encode()
    await receive(fresh, mailbox, raw)
    (entry,) = (await fresh.do(fresh.ben, "crm.suppressions.list")).items
    assert entry.reason == "complaint"
    assert (await fresh.log(lead.id))[-1].kind == "suppression_added"


async def test_unknown_senders_wait_become_leads_or_are_passed_over(fresh: Team, post: PostOffice) -> None:
    """As the organization says; what waits is decided once."""
    mailbox = await connect(fresh, post)
    held = await receive(fresh, mailbox, letter("Nina Novak <nina@new.example>"))
    assert (held.state, held.reason) == ("waiting", "The sender is unknown.")
    settled = await fresh.do(fresh.ben, "crm.emails.settle", receivedId=str(held.id), decision="lead")
    assert [a.kind for a in await fresh.log(settled.lead_id)][-1] == "email_received"
    with pytest.raises(Conflict):
        await fresh.do(fresh.ben, "crm.emails.settle", receivedId=str(held.id), decision="skip")
    await fresh.do(fresh.ana, "crm.organization.update", unknownSenders="lead")
    made = await receive(fresh, mailbox, letter('"Bob, the Builder" <bob@build.example>'))
    lead = await fresh.do(fresh.ben, "crm.leads.get", leadId=str(made.lead_id))
    assert lead.email == "bob@build.example"
    odd = await receive(fresh, mailbox, letter("Odd <odd@-bad-.example>"))
    assert odd.state == "waiting"
    await fresh.do(fresh.ana, "crm.organization.update", unknownSenders="skip")
    assert (await receive(fresh, mailbox, letter("eve@spam.example"))).state == "skipped"
    robot = letter("robot@x.example", Auto_Submitted="auto-generated")
    assert (await receive(fresh, mailbox, robot)).state == "skipped"
    assert (await receive(fresh, mailbox, letter("Sales <sales@northwind.example>"))).kind == "own"
    assert (await fresh.do(fresh.ben, "crm.mailboxes.reconcile", mailboxId=str(mailbox.id))).balanced


async def test_markup_in_mail_is_no_markup_here(fresh: Team, post: PostOffice) -> None:
    """Attacks "Injection": stored XSS in mail bodies; remote pictures do not load either."""
    mailbox = await connect(fresh, post)
    await fresh.capture(email="jane@acme.example")
    mail = letter('"<img src=x onerror=alert(1)>" <jane@acme.example>', subject="<script>alert(1)</script>")
    mail.add_alternative(
        "<p onclick=alert(1)>Hi</p><script>alert(1)</script><img src=https://spy.example/x.gif><a href='javascript:x'>a</a>"
        "<iframe src=//evil.example></iframe><form action=/x><input></form><style>*{}</style><svg onload=alert(1)>",
        subtype="html",
    )
    found = await receive(fresh, mailbox, mail)
    assert found.state == "matched"
    for bad in ("<script", "onclick", "<img", "javascript:", "<iframe", "<form", "<style", "<svg"):
        assert bad not in found.html
    assert "<p>Hi</p>" in found.html


async def test_providers_push_signed_mail(fresh: Team, post: PostOffice, http: httpx2.AsyncClient) -> None:
    """Raw, JSON and Postmark's shape; without the secret nothing is taken, and a repetition is counted once."""
    mailbox = await connect(fresh, post)
    lead = await fresh.capture(email="jane@acme.example")
    path, raw = f"/mail/in/{mailbox.inbound_address}", letter("jane@acme.example").as_bytes()
    kind = {"content-type": "message/rfc822"}
    for bad in ({}, {"x-baton-signature": signature("wrong", int(time.time()), raw)},
                {"x-baton-signature": signature(mailbox.inbound_secret, int(time.time()) - 1000, raw)},
                {"authorization": "Basic " + base64.b64encode(b"x:wrong").decode()}):  # fmt: skip
        assert (await http.post(path, content=raw, headers=kind | bad)).status_code == 401
    assert (await http.post("/mail/in/nowhere", content=raw, headers=kind)).status_code == 404
    signed = kind | {"x-baton-signature": signature(mailbox.inbound_secret, int(time.time()), raw)}
    for _ in range(2):
        answer = await http.post(path, content=raw, headers=signed)
        assert (answer.status_code, answer.json()["state"]) == (200, "matched")
    basic = {"authorization": "Basic " + base64.b64encode(f"postmark:{mailbox.inbound_secret}".encode()).decode()}
    shape = {"From": "jane@acme.example", "FromFull": {"Email": "jane@acme.example", "Name": "Jane\r\nBcc: x"}, "Subject": "Hi\nthere",
             "TextBody": "Via Postmark", "MessageID": "abc", "Headers": [{"Name": "Message-ID", "Value": "<pm@acme.example>"}],
             "Attachments": [{"Name": "a.txt", "Content": base64.b64encode(b"x").decode(), "ContentType": "text/plain"}]}  # fmt: skip
    answer = await http.post(path, json=shape, headers=basic)
    assert (answer.status_code, answer.json()["state"]) == (200, "matched")
    answer = await http.post(
        path, json={"raw": base64.b64encode(letter("jane@acme.example").as_bytes()).decode()}, headers=basic
    )
    assert answer.json()["state"] == "matched"
    answer = await http.post(path, data={"body-mime": letter("jane@acme.example").as_string()}, headers=basic)
    assert answer.json()["state"] == "matched"
    counted = await fresh.do(fresh.ben, "crm.mailboxes.reconcile", mailboxId=str(mailbox.id))
    assert (counted.seen, counted.matched, counted.repeated, counted.balanced) == (5, 4, 1, True)
    assert [a.payload["body"] for a in await fresh.log(lead.id) if a.kind == "email_received"][1] == "Via Postmark"


async def test_one_click_leaves(fresh: Team, post: PostOffice, http: httpx2.AsyncClient) -> None:
    """RFC 8058: one POST without signing in; looking at the link changes nothing; what waits does not leave any more."""
    await connect(fresh, post)
    lead, _ = await sent_to(fresh, post, email="jane@acme.example")
    later = {"leadId": str(lead.id), "subject": "x", "text": "x", "sendAt": (utc_now() + timedelta(days=2)).isoformat()}
    waiting = await fresh.do(fresh.ben, "crm.emails.send", later)
    url = post.taken[0].mail["List-Unsubscribe"].strip("<>")
    path = "/u/" + url.rpartition("/")[2]
    seen = await http.get(path)
    assert "jane@acme.example" in seen.text
    assert not (await fresh.do(fresh.ben, "crm.suppressions.list")).items
    left = await http.post(path, data={"List-Unsubscribe": "One-Click"})
    assert left.status_code == 200
    assert (await http.post(path[:-2] + "AA")).status_code == 404
    (entry,) = (await fresh.do(fresh.ben, "crm.suppressions.list")).items
    assert (entry.address, entry.reason) == ("jane@acme.example", "unsubscribe")
    assert (await fresh.log(lead.id))[-1].kind == "suppression_added"
    asked = await fresh.do(fresh.vera, "crm.messages.mayWrite", leadId=str(lead.id))
    assert not asked.allowed
    await lanes.step(fresh.db, now=utc_now() + timedelta(days=3), only=fresh.org_id)
    assert (await fresh.do(fresh.ben, "crm.messages.get", messageId=str(waiting.id))).state == "cancelled"
    assert len(post.taken) == 1


async def test_files_are_saved_never_shown(
    fresh: Team, carla: Team, post: PostOffice, http: httpx2.AsyncClient
) -> None:
    """Attacks "Injection": an HTML file that came by mail is never a page of ours; another organization's is not there."""
    mailbox = await connect(fresh, post)
    await fresh.capture(email="jane@acme.example")
    mail = letter("jane@acme.example")
    mail.add_attachment(b"<script>alert(1)</script>", maintype="text", subtype="html", filename="x.html")
    found = await receive(fresh, mailbox, mail)
    (file,) = (await fresh.do(fresh.vera, "crm.emails.readReceived", receivedId=str(found.id))).files
    key = await fresh.do(fresh.ana, "crm.credentials.create", {"name": "k"})
    answer = await http.get(f"/api/v1/message-files/{file.id}", headers={"authorization": f"Bearer {key.token}"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
    with pytest.raises(NotFound):
        await carla.do(carla.ana, "crm.emails.file", fileId=str(file.id))


async def test_a_received_message_is_read_whole(
    fresh: Team, carla: Team, post: PostOffice, db: Database, http: httpx2.AsyncClient
) -> None:
    """Spec A6, A7; attacks "Injection": the timeline leads to the whole message and its files; markup in it is structure and no more."""
    mailbox = await connect(fresh, post)
    lead = await fresh.capture(email="jane@acme.example")
    mail = letter("Jane <jane@acme.example>", subject="<b>Offer</b>")
    mail.add_alternative(
        "<h2 style='position:fixed' id=main class=btn>Yes</h2><p><a href='https://acme.example/x'>Terms</a> <a href='/sign-out'>here</a>"
        "<a href='javascript:alert(1)'>there</a><img src=https://spy.example/x.gif><form action=/leads><button>Go</button></form>",
        subtype="html",
    )
    mail.add_attachment(
        b"%PDF-1.7 " + b"x" * 3_000, maintype="application", subtype="pdf", filename="../../<i>offer.pdf"
    )
    found = await receive(fresh, mailbox, mail)
    vera = await sign_in(http, db, fresh.vera)
    timeline = (await vera.get(f"/leads/{lead.id}")).text
    assert f'href="/messages/{found.id}"' in timeline
    address = re.search(r'class="file" href="(/api/v1/message-files/[^"]+)"', timeline)
    assert address
    assert "&lt;i&gt;offer.pdf" in timeline
    page = (await vera.get(f"/messages/{found.id}")).text
    assert "<h2>Yes</h2>" in page
    assert '<a href="https://acme.example/x" rel="noopener noreferrer nofollow">Terms</a>' in page
    assert "&lt;b&gt;Offer&lt;/b&gt;" in page
    letters = page[page.index('class="body letter"') : page.index("</article>")]
    for bad in ("style=", "id=", "javascript:", "spy.example", "<form", "<button", 'href="/sign-out"', "<i>"):
        assert bad not in letters
    assert address[1] in page
    file = await vera.get(address[1])
    assert (file.status_code, file.headers["content-type"]) == (200, "application/octet-stream")
    assert file.headers["content-disposition"].startswith("attachment")
    stranger = await sign_in(http, carla.db, carla.ana)
    assert (await stranger.get(f"/messages/{found.id}")).status_code == 404
    assert (await stranger.get(address[1])).status_code == 404
    assert (await vera.get("/messages/none")).status_code == 404


async def test_the_same_message_twice_at_once_is_one(fresh: Team, post: PostOffice) -> None:
    mailbox = await connect(fresh, post)
    await fresh.capture(email="jane@acme.example")
    raw = letter("jane@acme.example").as_bytes()
    found = await asyncio.gather(*(receive(fresh, mailbox, raw) for _ in range(5)))
    assert len({each.id for each in found}) == 1
    counted = await fresh.do(fresh.ben, "crm.mailboxes.reconcile", mailboxId=str(mailbox.id))
    assert (counted.seen, counted.matched, counted.repeated) == (5, 1, 4)
    assert json.dumps(counted.reasons) == "{}"


async def test_an_erased_person_is_forgotten_and_still_not_written_to(fresh: Team, post: PostOffice) -> None:
    """GDPR, article 17: nothing of what was written stays, what waits does not leave, and the list still knows the address."""
    mailbox = await connect(fresh, post)
    lead, _ = await sent_to(fresh, post, email="jane@acme.example")
    mail = letter("Jane <jane@acme.example>", text="My secret")
    mail.add_attachment(b"x", maintype="text", subtype="plain", filename="secret.txt")
    await receive(fresh, mailbox, mail)
    later = {"leadId": str(lead.id), "subject": "x", "text": "x", "sendAt": (utc_now() + timedelta(days=2)).isoformat()}
    await fresh.do(fresh.ben, "crm.emails.send", later)
    await fresh.do(fresh.ben, "crm.suppressions.add", address="jane@acme.example")
    await fresh.do(fresh.ana, "crm.contacts.erase", contactId=str(lead.contact_id), confirm="jane@acme.example")
    async with fresh.db.transaction(fresh.org_id) as conn:
        kept = []
        for table in ("messages", "inbound_messages", "outreach", "message_files", "suppressions"):
            kept += [
                str(dict(row)) for row in await conn.fetch(f"SELECT * FROM {table} WHERE org_id = $1", fresh.org_id)
            ]
    assert "jane@acme.example" not in " ".join(kept).lower()
    assert "secret" not in " ".join(kept).lower().replace("inbound_secret", "")
    await lanes.step(fresh.db, now=utc_now() + timedelta(days=3), only=fresh.org_id)
    assert len(post.taken) == 1
    again = await fresh.capture(email="jane@acme.example")
    with pytest.raises(Conflict, match="not written to"):
        await fresh.do(fresh.ben, "crm.emails.send", leadId=str(again.id), subject="x", text="x")
