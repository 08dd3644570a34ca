"""Sending e-mail: kept first, handed over once, its end recorded under who caused it."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest

from baton.jobs import lanes
from baton.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from baton.kernel.settings import Settings
from baton.kernel.values import utc_now
from baton.messages.deliver import LEASE
from tests.messages.conftest import connect, trust
from tests.messages.postoffice import PostOffice
from tests.team import Team


async def kinds_of(team: Team, lead_id: Any) -> list[str]:
    return [activity.kind for activity in await team.log(lead_id)]


_WORKER = (
    "import asyncio, sys\nfrom uuid import UUID\nfrom baton.doors import operations\nfrom baton.jobs import lanes\n"
    "from baton.kernel.db import Database\nfrom baton.kernel.installation import Installation, Vault\n"
    "from baton.kernel.outbound import Outbound\nfrom baton.kernel.addresses import networks\n"
    "async def main():\n"
    "    found = Installation(Vault(sys.argv[3]), Outbound(networks('127.0.0.1/32')))\n"
    "    db = Database(sys.argv[1], sys.argv[2], installation=found)\n"
    "    await db.open()\n    await lanes.step(db, only=UUID(sys.argv[4]))\n"
    "asyncio.run(main())\n"
)


def worker_of(settings: Settings, team: Team) -> subprocess.Popen[bytes]:
    """A worker in a process of its own, to be killed."""
    assert settings.app_dsn
    assert settings.relay_dsn
    given = [settings.app_dsn, settings.relay_dsn, settings.secret, str(team.org_id)]
    return subprocess.Popen([sys.executable, "-c", _WORKER, *given])


async def test_a_mail_is_kept_then_sent_once(fresh: Team, post: PostOffice) -> None:
    """Spec A7, A11. What the lead gets is what was fixed; the timeline names who sent it."""
    await connect(fresh, post)
    lead = await fresh.capture(firstName="Jané", email="jane@acme.example")
    made = await fresh.do(
        fresh.ben,
        "crm.emails.send",
        leadId=str(lead.id),
        subject="Grüße 👋",
        text="Hello\nJané",
        html="<p>Hello <b>Jané</b></p>",
    )
    assert (made.state, made.recipient) == ("waiting", "jane@acme.example")
    await asyncio.gather(*(lanes.step(fresh.db, only=fresh.org_id) for _ in range(3)))
    (taken,) = post.taken
    assert taken.to == ["jane@acme.example"]
    assert taken.mail["Message-ID"] == made.header_id
    assert taken.mail["Subject"] == "Grüße 👋"
    assert taken.mail["From"] == "Northwind Sales <sales@northwind.example>"
    assert taken.mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    plain, html = taken.mail.get_body(("plain",)), taken.mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert plain.get_content().strip().splitlines() == ["Hello", "Jané"]
    assert "<b>Jané</b>" in html.get_content()
    after = await fresh.do(fresh.ben, "crm.messages.get", messageId=str(made.id))
    assert (after.state, after.attempts) == ("sent", 1)
    queued, sent = (await fresh.log(lead.id))[-2:]
    assert (queued.kind, sent.kind, sent.actor_name) == ("email_queued", "email_sent", "Ben Okafor")
    assert sent.caused_by == queued.id
    assert sent.payload["body"] == "Hello\nJané"


async def test_what_died_while_sending_is_in_doubt_and_never_repeated(
    fresh: Team, post: PostOffice, settings: Settings
) -> None:
    """A process killed between "sending" and "sent" leaves exactly one message in doubt; a person decides."""
    await trust(fresh)
    await connect(fresh, post)
    lead = await fresh.capture()
    made = await fresh.do(fresh.ben, "crm.emails.send", leadId=str(lead.id), subject="Once", text="Only once.")
    post.hold = 30
    worker = worker_of(settings, fresh)
    async with asyncio.timeout(30):
        while not post.taken:  # noqa: ASYNC110 - the mail comes from another process
            await asyncio.sleep(0.05)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    post.hold = 0
    now = utc_now()
    await lanes.step(fresh.db, now=now, only=fresh.org_id)
    assert (await fresh.do(fresh.ben, "crm.messages.get", messageId=str(made.id))).state == "sending"
    for _ in range(3):
        now += LEASE + timedelta(seconds=1)
        await lanes.step(fresh.db, now=now, only=fresh.org_id)
    found = await fresh.do(fresh.ben, "crm.emails.inDoubt")
    assert (found.total, [each.id for each in found.items]) == (1, [made.id])
    assert len(post.taken) == 1
    assert "email_in_doubt" in await kinds_of(fresh, lead.id)
    assert (await fresh.do(fresh.ben, "crm.messages.counts")).in_doubt == 1
    with pytest.raises(Forbidden):
        await fresh.do(fresh.marcus, "crm.emails.resolve", messageId=str(made.id), decision="again")
    await fresh.do(fresh.ben, "crm.emails.resolve", messageId=str(made.id), decision="again")
    await lanes.step(fresh.db, only=fresh.org_id)
    assert len(post.taken) == 2
    assert post.taken[0].raw == post.taken[1].raw
    with pytest.raises(Conflict):
        await fresh.do(fresh.ben, "crm.emails.resolve", messageId=str(made.id), decision="again")


async def test_silence_after_the_bytes_is_doubt(fresh: Team, post: PostOffice) -> None:
    """A server that hangs up on the bytes may have taken them: nothing is sent again by itself."""
    await connect(fresh, post)
    lead = await fresh.capture()
    await fresh.do(fresh.ben, "crm.emails.send", leadId=str(lead.id), subject="Hm", text="Hm")
    post.silent = True
    for hours in range(4):
        await lanes.step(fresh.db, now=utc_now() + timedelta(hours=hours), only=fresh.org_id)
    assert len(post.taken) == 1
    (doubtful,) = (await fresh.do(fresh.ben, "crm.emails.inDoubt")).items
    await fresh.do(fresh.ben, "crm.emails.resolve", messageId=str(doubtful.id), decision="sent")
    assert (await kinds_of(fresh, lead.id))[-2:] == ["email_resolved", "email_sent"]


async def test_a_server_that_asks_for_time_is_asked_again(fresh: Team, post: PostOffice) -> None:
    """4xx waits with backoff, and the message leaves later, once."""
    await connect(fresh, post)
    lead = await fresh.capture()
    made = await fresh.do(fresh.ben, "crm.emails.send", leadId=str(lead.id), subject="Later", text="Later")
    post.answer = "451 4.3.0 later"
    now = utc_now()
    await lanes.step(fresh.db, now=now, only=fresh.org_id)
    waiting = await fresh.do(fresh.ben, "crm.messages.get", messageId=str(made.id))
    assert (waiting.state, waiting.attempts) == ("waiting", 1)
    assert now + timedelta(seconds=40) < waiting.next_at < now + timedelta(seconds=80)
    assert "451" in waiting.error
    post.answer = "250 ok"
    await lanes.step(fresh.db, now=waiting.next_at, only=fresh.org_id)
    assert len(post.taken) == 1


async def test_a_server_that_is_away_is_asked_again(fresh: Team, post: PostOffice) -> None:
    mailbox = await connect(fresh, post)
    lead = await fresh.capture()
    made = await fresh.do(fresh.ben, "crm.emails.send", leadId=str(lead.id), subject="Later", text="Later")
    await fresh.do(fresh.ana, "crm.mailboxes.update", mailboxId=str(mailbox.id), smtpPort=9)
    await lanes.step(fresh.db, only=fresh.org_id)
    waiting = await fresh.do(fresh.ben, "crm.messages.get", messageId=str(made.id))
    assert (waiting.state, waiting.attempts) == ("waiting", 1)
    assert "127.0.0.1" in waiting.error
    await fresh.do(fresh.ana, "crm.mailboxes.update", mailboxId=str(mailbox.id), smtpPort=post.port)
    await lanes.step(fresh.db, now=waiting.next_at, only=fresh.org_id)
    assert len(post.taken) == 1


async def test_an_unknown_recipient_is_not_written_to_again(fresh: Team, post: PostOffice) -> None:
    """5xx fails at once; an address that does not exist goes on the list, and the timeline says both."""
    await connect(fresh, post)
    lead = await fresh.capture(email="gone@acme.example")
    post.refuse = "550 5.1.1 no such user"
    await fresh.do(fresh.ben, "crm.emails.send", leadId=str(lead.id), subject="Hi", text="Hi")
    await lanes.step(fresh.db, only=fresh.org_id)
    assert (await kinds_of(fresh, lead.id))[-2:] == ["email_failed", "suppression_added"]
    with pytest.raises(Conflict, match="does not exist"):
        await fresh.do(fresh.ben, "crm.emails.send", leadId=str(lead.id), subject="Hi", text="Hi")
    (entry,) = (await fresh.do(fresh.ben, "crm.suppressions.list")).items
    assert (entry.address, entry.reason) == ("gone@acme.example", "bounce")
    await fresh.do(fresh.ana, "crm.suppressions.remove", suppressionId=str(entry.id))
    post.refuse = None
    await fresh.do(fresh.ben, "crm.emails.send", leadId=str(lead.id), subject="Hi", text="Hi")


async def test_nobody_is_written_to_twice_within_the_gap(fresh: Team, post: PostOffice) -> None:
    """The cap across everything: two at once, one wins; a person may override, an agent not."""
    await trust(fresh)
    await connect(fresh, post)
    lead = await fresh.capture(email="busy@acme.example")
    twin = await fresh.capture(email="Busy@ACME.example")
    body = {"subject": "Hi", "text": "Hi"}
    results = await asyncio.gather(
        fresh.do(fresh.marcus, "crm.emails.send", body | {"leadId": str(lead.id)}),
        fresh.do(fresh.ben, "crm.emails.send", body | {"leadId": str(twin.id)}),
        fresh.do(fresh.ana, "crm.emails.send", body | {"leadId": str(twin.id)}),
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in results) == ["Conflict", "Conflict", "Message"]
    asked = await fresh.do(fresh.vera, "crm.messages.mayWrite", leadId=str(lead.id))
    assert not asked.allowed
    assert asked.next_at > utc_now() + timedelta(hours=23)
    with pytest.raises(Forbidden):
        await fresh.do(fresh.marcus, "crm.emails.send", body | {"leadId": str(lead.id), "despiteGap": True})
    await fresh.do(fresh.ben, "crm.emails.send", body | {"leadId": str(lead.id), "despiteGap": True})
    assert (await fresh.log(lead.id))[-1].payload["despiteGap"] is True
    await fresh.do(fresh.ana, "crm.organization.update", outreachGapHours=0)
    await fresh.do(fresh.marcus, "crm.emails.send", body | {"leadId": str(twin.id)})


async def test_what_is_called_off_does_not_count(fresh: Team, post: PostOffice) -> None:
    await connect(fresh, post)
    lead = await fresh.capture()
    body = {"leadId": str(lead.id), "subject": "Hi", "text": "Hi"}
    made = await fresh.do(fresh.ben, "crm.emails.send", body | {"sendAt": (utc_now() + timedelta(hours=2)).isoformat()})
    await lanes.step(fresh.db, only=fresh.org_id)
    assert not post.taken
    await fresh.do(fresh.ben, "crm.emails.cancel", messageId=str(made.id))
    await fresh.do(fresh.ben, "crm.emails.send", body)
    await lanes.step(fresh.db, now=utc_now() + timedelta(hours=3), only=fresh.org_id)
    assert len(post.taken) == 1
    with pytest.raises(Conflict):
        await fresh.do(fresh.ben, "crm.emails.cancel", messageId=str(made.id))


@pytest.mark.parametrize(
    "line", ["Hi\r\nBcc: all@evil.example", "Hi\nX: y", "Hi\x0bthere", "Hi\u2028Bcc: x@y.example", "Hi\x85Bcc: x"]
)
async def test_no_value_writes_a_header(fresh: Team, post: PostOffice, line: str) -> None:
    """Attacks "Injection": header injection in mail, through subject, names and template values."""
    with pytest.raises(Invalid):
        await connect(fresh, post, fromName=line)
    await connect(fresh, post)
    lead = await fresh.capture(company=line)
    with pytest.raises(Invalid):
        await fresh.do(fresh.ben, "crm.emails.send", leadId=str(lead.id), subject=line, text="x")
    template = await fresh.do(
        fresh.ben, "crm.templates.create", {"name": "T", "subject": "For {{ lead.companyName }}", "text": "x"}
    )
    await fresh.do(fresh.ben, "crm.emails.send", leadId=str(lead.id), templateId=str(template.id))
    await lanes.step(fresh.db, only=fresh.org_id)
    (taken,) = post.taken
    assert taken.to == [lead.email]
    assert taken.mail["Bcc"] is None
    assert taken.mail["X"] is None


async def test_templates_escape_and_say_what_is_missing(fresh: Team, post: PostOffice) -> None:
    """Stored markup does not become markup in a mail, and a template that lacks a value is not sent."""
    await connect(fresh, post)
    lead = await fresh.capture(firstName="<img src=x onerror=alert(1)>", company="A & B")
    body = {
        "subject": "Hello {{ lead.firstName }}", "text": "{{ lead.title }} at {{ lead.companyName | default: 'yours' }}",
        "html": "<p onclick=x()>Hi {{ lead.firstName }}</p><script>alert(1)</script><a href='javascript:x()'>x</a>{{ lead.nope }}",
    }  # fmt: skip
    seen = await fresh.do(fresh.vera, "crm.templates.preview", body | {"leadId": str(lead.id)})
    assert seen.missing == ["lead.title", "lead.nope"]
    assert "&lt;img" in seen.html
    for bad in ("<img", "<script", "onclick", "javascript:"):
        assert bad not in seen.html
    template = await fresh.do(fresh.ben, "crm.templates.create", body | {"name": "Bad"})
    with pytest.raises(Conflict, match=r"lead\.title"):
        await fresh.do(fresh.ben, "crm.emails.send", leadId=str(lead.id), templateId=str(template.id))
    for bomb in (
        "{% for i in (1..100000) %}{% for j in (1..100000) %}x{% endfor %}{% endfor %}",
        "{{ 'x' | times: 9 }}{% endfor %}",
    ):
        with pytest.raises(Invalid):
            await fresh.do(fresh.vera, "crm.templates.preview", leadId=str(lead.id), subject="x", text=bomb)


async def test_the_first_templates_are_there(fresh: Team, post: PostOffice) -> None:
    """Spec B7: every organization has its first templates, and an older one gets them when they are asked for."""
    await connect(fresh, post)
    async with fresh.db.transaction(fresh.org_id) as conn:
        await conn.execute("DELETE FROM message_templates WHERE org_id = $1", fresh.org_id)
    lead = await fresh.capture(firstName="Jane")
    sent = await fresh.do(fresh.ben, "crm.emails.send", leadId=str(lead.id), templateId="nurture-follow-up")
    assert "Jane" in sent.subject
    assert "/u/" in sent.text
    assert "{{" not in sent.text


async def test_files_go_with_a_mail_and_are_not_anothers(fresh: Team, carla: Team, post: PostOffice) -> None:
    """Attacks "Access": attachment by a foreign id."""
    await connect(fresh, post)
    lead = await fresh.capture()
    file = await fresh.do(
        fresh.ben, "crm.emails.attach", {"name": "../../Offer.html", "content": "PGI+", "contentType": "text/html"}
    )
    assert file.name == "Offer.html"
    theirs = await carla.do(carla.ben, "crm.emails.attach", {"name": "x.txt", "content": "eA=="})
    for foreign in (theirs.id,):
        with pytest.raises(NotFound):
            await fresh.do(
                fresh.ben, "crm.emails.send", leadId=str(lead.id), subject="x", text="x", attachments=[str(foreign)]
            )
    with pytest.raises(NotFound):
        await fresh.do(fresh.ana, "crm.emails.file", fileId=str(file.id))
    await fresh.do(fresh.ben, "crm.emails.send", leadId=str(lead.id), subject="x", text="x", attachments=[str(file.id)])
    await lanes.step(fresh.db, only=fresh.org_id)
    (attached,) = post.taken[0].mail.iter_attachments()
    assert (attached.get_filename(), attached.get_content_disposition()) == ("Offer.html", "attachment")
    assert (await fresh.do(fresh.vera, "crm.emails.file", fileId=str(file.id))).content == b"<b>"


async def test_a_notice_to_a_member(fresh: Team, post: PostOffice) -> None:
    """Notices need no lead; without a mailbox the answer says so."""
    body = {"memberId": str(fresh.ben.id), "subject": "Your day", "text": "Two leads wait."}
    assert (await fresh.do(fresh.ana, "crm.emails.tellMember", body)).state == "no mailbox"
    await connect(fresh, post)
    assert (await fresh.do(fresh.ana, "crm.emails.tellMember", body)).state == "waiting"
    assert (
        await fresh.do(fresh.ana, "crm.emails.tellMember", body | {"memberId": str(fresh.marcus.id)})
    ).state == "no address"
    await lanes.step(fresh.db, only=fresh.org_id)
    (taken,) = post.taken
    assert taken.to == [fresh.emails["ben"]]
    assert taken.mail["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize(
    "host", ["10.0.0.1", "169.254.169.254", "0x7f.1", "2130706433", "::1", "::ffff:10.0.0.1", "localhost:80"]
)
async def test_private_hosts_are_not_spoken_to(fresh: Team, post: PostOffice, host: str) -> None:
    """Attacks "Server": SSRF through SMTP and IMAP host, refused where it is named …"""
    with pytest.raises(Invalid):
        await connect(fresh, post, smtpHost=host)
    with pytest.raises(Invalid):
        await connect(fresh, post, imapHost=host, imapUser="x", imapPassword="x")


async def test_names_that_lead_inside_are_not_spoken_to(fresh: Team, post: PostOffice) -> None:
    """… and again where it is connected: a name that leads inside is tried by nobody."""
    mailbox = await connect(
        fresh, post, smtpHost="mail.evil.example", imapHost="mail.evil.example", imapUser="x", imapPassword="y"
    )

    async def resolver(host: str, port: int) -> list[str]:
        return ["127.0.0.1", "10.1.2.3"]

    outbound = fresh.db.installation.outbound
    before, outbound.resolver = outbound.resolver, resolver
    try:
        tried = await fresh.do(fresh.ana, "crm.mailboxes.test", mailboxId=str(mailbox.id))
    finally:
        outbound.resolver = before
    assert not tried.ok
    assert "private network" in tried.smtp
    assert "private network" in tried.imap
    assert post.connections == 0


async def test_mailboxes_are_their_owners(fresh: Team, carla: Team, post: PostOffice) -> None:
    """A member's mailbox is theirs; passwords are told to nobody; another organization's does not exist."""
    await trust(fresh)
    with pytest.raises(Forbidden):
        await fresh.do(
            fresh.ben, "crm.mailboxes.create", fromName="B", fromAddress="b@x.example", smtpHost="127.0.0.1", smtpPort=post.port,
            smtpSecurity="none",
        )  # fmt: skip
    own = await fresh.do(
        fresh.ben, "crm.mailboxes.create", fromName="Ben", fromAddress="ben@x.example", smtpHost="127.0.0.1", smtpPort=post.port,
        smtpSecurity="none", memberId=str(fresh.ben.id), smtpPassword="hunter2",
    )  # fmt: skip
    assert "hunter2" not in str(await fresh.do(fresh.ana, "crm.mailboxes.list")) + str(own)
    assert own.id not in {each.id for each in await fresh.do(fresh.marcus, "crm.mailboxes.list")}
    lead = await fresh.capture()
    body = {"leadId": str(lead.id), "subject": "x", "text": "x"}
    with pytest.raises(NotFound):
        await fresh.do(fresh.marcus, "crm.emails.send", body | {"mailboxId": str(own.id)})
    with pytest.raises(Conflict, match="no mailbox"):
        await fresh.do(fresh.marcus, "crm.emails.send", body)
    foreign = await carla.do(
        carla.ana, "crm.mailboxes.create", fromName="C", fromAddress="c@x.example", smtpHost="127.0.0.1", smtpPort=post.port,
        smtpSecurity="none",
    )  # fmt: skip
    with pytest.raises(NotFound):
        await fresh.do(fresh.ana, "crm.emails.send", body | {"mailboxId": str(foreign.id)})
    sent = await fresh.do(fresh.ben, "crm.emails.send", body)
    assert sent.sender == "ben@x.example"


async def test_what_waits_in_a_removed_mailbox_is_called_off(fresh: Team, post: PostOffice) -> None:
    """Nothing waits for ever, and what did not leave does not count for the gap."""
    mailbox = await connect(fresh, post)
    lead = await fresh.capture()
    made = await fresh.do(fresh.ben, "crm.emails.send", leadId=str(lead.id), subject="Hi", text="Hi")
    await fresh.do(fresh.ana, "crm.mailboxes.remove", mailboxId=str(mailbox.id))
    assert (await fresh.do(fresh.ben, "crm.messages.get", messageId=str(made.id))).state == "cancelled"
    assert (await fresh.do(fresh.vera, "crm.messages.mayWrite", leadId=str(lead.id))).allowed


async def test_killed_workers_send_nothing_twice(fresh: Team, post: PostOffice, settings: Settings) -> None:
    """`kill -9` at random moments: each message is sent or in doubt and listed, none left twice, and the counts prove it."""
    await connect(fresh, post)
    count = 60
    for _ in range(count):
        lead = await fresh.capture()
        await fresh.do(fresh.ben, "crm.emails.send", leadId=str(lead.id), subject="Once", text="Only once.")
    post.hold = 0.03
    for _ in range(8):
        worker, had = worker_of(settings, fresh), len(post.taken)
        async with asyncio.timeout(30):
            while len(post.taken) < min(had + 2, count) and worker.poll() is None:  # noqa: ASYNC110 - mail from another process
                await asyncio.sleep(0.01)
        await asyncio.sleep(random.random() * 0.1)
        worker.kill()
        worker.wait()
    post.hold = 0
    await lanes.step(fresh.db, only=fresh.org_id)
    await lanes.step(fresh.db, now=utc_now() + LEASE + timedelta(seconds=1), only=fresh.org_id)
    ids = [taken.mail["Message-ID"] for taken in post.taken]
    assert len(ids) == len(set(ids)), "nothing left twice"
    items = [*(await fresh.do(fresh.ben, "crm.messages.list", limit=200)).items]
    doubtful = await fresh.do(fresh.ben, "crm.emails.inDoubt")
    states = [message.state for message in items]
    assert states.count("sent") + states.count("in_doubt") == count
    assert doubtful.total == states.count("in_doubt") > 0
    sent = {message.header_id for message in items if message.state == "sent"}
    assert sent <= set(ids), "what is said to be sent did leave"
