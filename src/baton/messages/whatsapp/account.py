"""WhatsApp numbers: at Meta's Cloud API or at Twilio, with the secrets that prove what they send us."""

import re
import secrets
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx, struct_of
from baton.kernel.errors import Conflict, Forbidden, Invalid, NotFound, must_be_current
from baton.kernel.operation import Input, Nothing, Output, operation
from baton.kernel.shapes import Password, Version, WebAddress
from baton.kernel.values import clean, new_id
from baton.messages.message import call_off

Provider = Literal["meta", "twilio"]
BASES = {"meta": "https://graph.facebook.com/v23.0", "twilio": "https://api.twilio.com"}
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
_SAID = {
    "pattern": r"^\+[1-9][0-9]{6,14}$",
    "examples": ["+4915112345678"],
}  # said so; held with blanks and brackets in it too
_ACCOUNT = re.compile(r"[A-Za-z0-9_-]{1,80}")


class Account(Output, kw_only=True):
    """A WhatsApp number. The provider calls `/whatsapp/in/{inboundAddress}`; Meta proves itself first with `verifyToken`.

    `account` is Meta's phone number id, or Twilio's account SID.
    """

    id: UUID
    provider: Provider
    name: str
    number: str
    account: str
    base_url: str
    verify_token: str
    inbound_address: str
    status: Literal["active", "paused", "removed"]
    version: int
    created_at: datetime


class SetAccount(Input, kw_only=True):
    """A number to connect, or with `accountId` one to change. `token` is Meta's access token or Twilio's auth token;
    `signingSecret` is Meta's app secret (Twilio signs with its auth token)."""

    account_id: UUID | None = None
    provider: Provider
    name: Annotated[str, Meta(max_length=200, pattern=r"\S")]
    number: Annotated[str, Meta(max_length=40, extra_json_schema=_SAID)]
    account: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,80}$")]
    token: Password | None = None
    signing_secret: Password | None = None
    base_url: WebAddress | None = None
    status: Literal["active", "paused"] = "active"
    version: Version | None = None


class NameAccount(Input, kw_only=True):
    """A WhatsApp number."""

    account_id: UUID
    version: Version | None = None


COLUMNS = "id, provider, name, number, account, base_url, verify_token, inbound_address, status, version, created_at"


def place(org_id: UUID, id: UUID, what: str) -> str:
    """Where a secret of a number lies in the vault."""
    return f"whatsapp {org_id} {id} {what}"


async def get(tx: Tx, id: UUID, *, locking: bool = False) -> Account:
    """A number. Raises NotFound, also for a removed one."""
    row = await tx.fetchrow(
        f"SELECT {COLUMNS} FROM whatsapp_accounts WHERE org_id = $1 AND id = $2 AND status <> 'removed'"
        + (" FOR NO KEY UPDATE" if locking else ""),
        tx.org_id, id,
    )  # fmt: skip
    if row is None:
        raise NotFound("There is no such WhatsApp number in your organization.", field="accountId")
    return struct_of(row, Account)


async def chosen(tx: Tx, id: UUID | None) -> Account:
    """The number that is named, else the organization's first. Raises NotFound, Conflict where there is none, or it is paused."""
    if id is None:
        id = await tx.fetchval(
            "SELECT id FROM whatsapp_accounts WHERE org_id = $1 AND status = 'active' ORDER BY created_at, id LIMIT 1",
            tx.org_id,
        )
        if id is None:
            raise Conflict(
                "There is no WhatsApp number to send from. Connect one under Settings → E-mail and WhatsApp."
            )
    found = await get(tx, id)
    if found.status != "active":
        raise Conflict(f"The number {found.number} is paused.", field="accountId")
    return found


@operation("crm.whatsapp.accounts", kind="query", role=Role.MEMBER, summary="List WhatsApp numbers")
async def list_accounts(tx: Tx, actor: Actor, input: Nothing) -> list[Account]:
    """The organization's numbers, without their secrets; what providers must be told is an admin's to see."""
    rows = await tx.fetch(
        f"SELECT {COLUMNS} FROM whatsapp_accounts WHERE org_id = $1 AND status <> 'removed' ORDER BY created_at, id",
        tx.org_id,
    )
    found = [struct_of(row, Account) for row in rows]
    if not actor.role.admits(Role.ADMIN):
        for each in found:
            each.verify_token = ""
    return found


@operation("crm.whatsapp.setAccount", role=Role.ADMIN, summary="Connect a WhatsApp number")
async def set_account(tx: Tx, actor: Actor, input: SetAccount) -> Account:
    """Connect a number or change one. Raises Invalid, NotFound, Forbidden for agents, Conflict for a stale version."""
    if actor.type == "agent":
        raise Forbidden("WhatsApp numbers are connected by people.")
    number, name = re.sub(r"[\s()-]", "", input.number), input.name.strip()
    if not _NUMBER.fullmatch(number) or not name or len(name) > 200 or not _ACCOUNT.fullmatch(input.account):
        raise Invalid("A number is in E.164 (+4915112345678), with a name and the provider's id of it.", field="number")
    base = tx.installation.outbound.check((clean(input.base_url) or BASES[input.provider]).rstrip("/"))
    before = await get(tx, input.account_id, locking=True) if input.account_id else None
    must_be_current("This number", before.version if before else 0, input.version)
    if before is None and (not input.token or (input.provider == "meta" and not input.signing_secret)):
        raise Invalid("Give the token, and of Meta the app secret that signs its calls.", field="token")
    id = before.id if before else new_id()
    if before is None:
        await _insert(tx, id, input, number, name, base)
    else:
        await tx.execute(
            """UPDATE whatsapp_accounts SET provider = $3, name = $4, number = $5, account = $6, base_url = $7, status = $8,
                      version = version + 1 WHERE org_id = $1 AND id = $2""",
            tx.org_id, id, input.provider, name, number, input.account, base, input.status,
        )  # fmt: skip
        for what, text in (("token", input.token), ("signing_secret", input.signing_secret)):
            if text:
                sealed = tx.installation.vault.seal(text, place(tx.org_id, id, what))
                await tx.execute(
                    f"UPDATE whatsapp_accounts SET {what} = $3 WHERE org_id = $1 AND id = $2", tx.org_id, id, sealed
                )
    after = await get(tx, id)
    await _tell(tx, actor, after)
    return after


async def _insert(tx: Tx, id: UUID, input: SetAccount, number: str, name: str, base: str) -> None:
    vault, address = tx.installation.vault, secrets.token_urlsafe(16)
    await tx.execute(
        """INSERT INTO whatsapp_accounts (org_id, id, provider, name, number, account, token, signing_secret, verify_token, base_url,
                                          inbound_address, status, created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)""",
        tx.org_id, id, input.provider, name, number, input.account, vault.seal(input.token or "", place(tx.org_id, id, "token")),
        vault.seal(input.signing_secret or input.token or "", place(tx.org_id, id, "signing_secret")), secrets.token_urlsafe(24), base,
        address, input.status, tx.now,
    )  # fmt: skip
    await tx.execute("SELECT directory_add_address('whatsapp', $1, $2)", address, id)


@operation("crm.whatsapp.removeAccount", role=Role.ADMIN, summary="Remove a WhatsApp number")
async def remove_account(tx: Tx, actor: Actor, input: NameAccount) -> Account:
    """Remove a number and its secrets; what waits in it is called off. Raises NotFound, Conflict for a stale version,
    Forbidden for agents."""
    if actor.type == "agent":
        raise Forbidden("WhatsApp numbers are removed by people.")
    before = await get(tx, input.account_id, locking=True)
    must_be_current("This number", before.version, input.version)
    row = await tx.fetchrow(
        f"""UPDATE whatsapp_accounts SET status = 'removed', token = '', signing_secret = '', version = version + 1
             WHERE org_id = $1 AND id = $2 RETURNING {COLUMNS}""",
        tx.org_id, before.id,
    )  # fmt: skip
    assert row is not None
    await call_off(tx, before.id, "The number was removed.")
    await _tell(tx, actor, before, removed=True)
    return struct_of(row, Account)


async def _tell(tx: Tx, actor: Actor, account: Account, *, removed: bool = False) -> None:
    said = {"name": account.number, "provider": account.provider, "status": "removed" if removed else account.status}
    await append(
        tx,
        actor,
        Entry(kind=kinds.WHATSAPP_ACCOUNT_CHANGED, subject_type="whatsapp", subject_id=account.id, payload=said),
    )
