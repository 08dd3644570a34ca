"""Cases of mailboxes, templates, e-mail and suppression."""

import base64
import secrets

from baton.activities import kinds
from tests.operations.cases import Case, Input, case, cases
from tests.team import Team


async def _nothing(team: Team) -> Input:
    return {}


for _name in (
    "crm.mailboxes.list", "crm.templates.list", "crm.messages.list", "crm.messages.counts", "crm.emails.inDoubt", "crm.suppressions.list",
):  # fmt: skip
    cases[_name] = Case(_nothing, foreign=False)

_MAILBOX = {
    "fromName": "Northwind", "fromAddress": "sales@northwind.example", "smtpHost": "127.0.0.1", "smtpPort": 9, "smtpSecurity": "none",
}  # fmt: skip


async def own_mailbox(team: Team) -> Input:
    """A mailbox of Ben's own, so that Ben may do with it what he may."""
    found = await team.do(team.ben, "crm.mailboxes.list")
    for one in found:
        if one.member_id is not None:
            await team.do(team.ben, "crm.mailboxes.remove", mailboxId=str(one.id))
    return _MAILBOX | {"memberId": str(team.ben.id)}


async def mailbox(team: Team) -> Input:
    """The id of a mailbox of Ben's own."""
    made = await team.do(team.ben, "crm.mailboxes.create", await own_mailbox(team))
    return {"mailboxId": str(made.id)}


async def lead_to_write_to(team: Team) -> Input:
    """A lead, and a mailbox that the organization writes from."""
    if not any(one.member_id is None for one in await team.do(team.ana, "crm.mailboxes.list")):
        await team.do(team.ana, "crm.mailboxes.create", _MAILBOX)
    return {"leadId": str((await team.capture()).id)}


async def message(team: Team) -> Input:
    """A message that waits."""
    body = await lead_to_write_to(team) | {"subject": "Hello", "text": "Hello there"}
    made = await team.do(team.ben, "crm.emails.send", body)
    return {"messageId": str(made.id)}


async def template(team: Team) -> Input:
    """A template."""
    made = await team.do(
        team.ben, "crm.templates.create", {"name": "Hello", "subject": "Hello {{ lead.name }}", "text": "Hello"}
    )
    return {"templateId": str(made.id)}


cases["crm.mailboxes.create"] = Case(own_mailbox, (kinds.MAILBOX_CREATED,))
cases["crm.mailboxes.remove"] = Case(mailbox, (kinds.MAILBOX_REMOVED,))
cases["crm.mailboxes.test"] = Case(mailbox, (kinds.MAILBOX_TESTED,))
cases["crm.messages.get"] = Case(message)
cases["crm.emails.cancel"] = Case(message, (kinds.EMAIL_CANCELLED,))
cases["crm.templates.get"] = Case(template)


@case("crm.mailboxes.update", kinds.MAILBOX_CHANGED)
async def _update(team: Team) -> Input:
    return await mailbox(team) | {"fromName": "Ben of Northwind"}


@case("crm.templates.create", kinds.TEMPLATE_CREATED, foreign=False)
async def _template(team: Team) -> Input:
    return {"name": "Hello", "subject": "Hello {{ lead.name }}", "html": "<p>Hello {{ lead.name }}</p>"}


@case("crm.templates.update", kinds.TEMPLATE_CHANGED)
async def _change_template(team: Team) -> Input:
    return await template(team) | {"text": "Good morning", "archived": True}


@case("crm.templates.preview")
async def _preview(team: Team) -> Input:
    return await template(team) | {"leadId": str((await team.capture()).id)}


@case("crm.emails.send", kinds.EMAIL_QUEUED)
async def _send(team: Team) -> Input:
    return await lead_to_write_to(team) | {"subject": "Hello", "text": "Hello there"}


@case("crm.messages.mayWrite")
async def _may_write(team: Team) -> Input:
    return {"leadId": str((await team.capture()).id)}


@case("crm.messages.record", kinds.EMAIL_FAILED)
async def _record(team: Team) -> Input:
    return await message(team) | {"end": "failed", "error": "The server refused it."}


@case("crm.emails.resolve", kinds.EMAIL_RESOLVED, kinds.EMAIL_SENT)
async def _resolve(team: Team) -> Input:
    named = await message(team)
    async with team.db.transaction(team.org_id) as conn:
        await conn.execute(
            "UPDATE messages SET state = 'in_doubt' WHERE org_id = $1 AND id = $2", team.org_id, named["messageId"]
        )
    return named | {"decision": "sent"}


@case("crm.emails.attach", kinds.FILE_ATTACHED, foreign=False)
async def _attach(team: Team) -> Input:
    return {"name": "offer.pdf", "content": "JVBERi0=", "contentType": "application/pdf"}


@case("crm.emails.file")
async def _file(team: Team) -> Input:
    made = await team.do(team.ben, "crm.emails.attach", await _attach(team))
    body = await lead_to_write_to(team) | {"subject": "Hello", "text": "Hello there", "attachments": [str(made.id)]}
    await team.do(team.ben, "crm.emails.send", body)
    return {"fileId": str(made.id)}


@case("crm.emails.tellMember", kinds.MEMBER_TOLD)
async def _tell(team: Team) -> Input:
    await lead_to_write_to(team)
    return {"memberId": str(team.ben.id), "subject": "Your day", "text": "Nothing waits."}


@case("crm.emails.unsubscribe", kinds.SUPPRESSION_ADDED, foreign=False)
async def _unsubscribe(team: Team) -> Input:
    return {"address": f"{secrets.token_hex(4)}@acme.example"}


@case("crm.suppressions.add", kinds.SUPPRESSION_ADDED, foreign=False)
async def _suppress(team: Team) -> Input:
    return {"address": f"{secrets.token_hex(4)}@acme.example", "note": "They asked on the phone."}


@case("crm.suppressions.remove", kinds.SUPPRESSION_REMOVED)
async def _allow(team: Team) -> Input:
    made = await team.do(team.ben, "crm.suppressions.add", await _suppress(team))
    return {"suppressionId": str(made.id)}


def _mail(sender: str) -> str:
    raw = f"From: {sender}\r\nSubject: Hello\r\nMessage-ID: <{secrets.token_hex(8)}@x.example>\r\n\r\nHello there\r\n"
    return base64.b64encode(raw.encode()).decode()


async def _received(team: Team) -> Input:
    found = await team.do(
        team.ben, "crm.emails.receive", await mailbox(team) | {"raw": _mail(f"{secrets.token_hex(4)}@new.example")}
    )
    return {"receivedId": str(found.id)}


cases["crm.emails.received"] = Case(_nothing, foreign=False)
cases["crm.emails.readReceived"] = Case(_received)
cases["crm.mailboxes.reconcile"] = Case(mailbox)


@case("crm.emails.receive", kinds.EMAIL_RECEIVED)
async def _receive(team: Team) -> Input:
    lead = await team.capture()
    return await mailbox(team) | {"raw": _mail(lead.email)}


@case("crm.emails.settle", kinds.EMAIL_SETTLED, kinds.LEAD_IMPORTED, kinds.EMAIL_RECEIVED)
async def _settle(team: Team) -> Input:
    return await _received(team) | {"decision": "lead"}


_PHONE = "+4915112345678"


async def _number(team: Team) -> Input:
    for one in (await team.do(team.ana, "crm.whatsapp.accounts"))[1:]:
        await team.do(team.ana, "crm.whatsapp.removeAccount", accountId=str(one.id))
    made = await team.do(team.ana, "crm.whatsapp.setAccount", await _new_number(team))
    return {"accountId": str(made.id)}


async def _new_number(team: Team) -> Input:
    return {
        "provider": "meta", "name": "Sales", "number": _PHONE, "account": "1", "token": "t", "signingSecret": "s",
        "baseUrl": "https://127.0.0.1:9",
    }  # fmt: skip


async def _written_on_whatsapp(team: Team) -> Input:
    await _number(team)
    return {"leadId": str((await team.capture(phone=f"+49151{secrets.randbelow(10**8):08d}")).id), "template": "hello"}


cases["crm.whatsapp.accounts"] = Case(_nothing, foreign=False)
cases["crm.whatsapp.setAccount"] = Case(_new_number, (kinds.WHATSAPP_ACCOUNT_CHANGED,), foreign=False)
cases["crm.whatsapp.removeAccount"] = Case(_number, (kinds.WHATSAPP_ACCOUNT_CHANGED,))
cases["crm.whatsapp.send"] = Case(_written_on_whatsapp, (kinds.WHATSAPP_QUEUED,))


@case("crm.whatsapp.receive", kinds.WHATSAPP_RECEIVED)
async def _heard(team: Team) -> Input:
    phone = f"+49151{secrets.randbelow(10**8):08d}"
    await team.capture(phone=phone)
    return await _number(team) | {"providerId": secrets.token_hex(8), "sender": phone, "text": "Hello"}


@case("crm.whatsapp.delivered", kinds.WHATSAPP_DELIVERED)
async def _delivered(team: Team) -> Input:
    made = await team.do(team.ben, "crm.whatsapp.send", await _written_on_whatsapp(team))
    id = secrets.token_hex(8)
    async with team.db.transaction(team.org_id) as conn:
        lane = await conn.fetchval(
            "UPDATE messages SET state = 'sent', provider_id = $3 WHERE org_id = $1 AND id = $2 RETURNING lane_id",
            team.org_id,
            made.id,
            id,
        )
    return {"accountId": str(lane), "providerId": id, "fate": "delivered"}
