"""A number's secrets, opened: to speak with its provider, and to prove what the provider sends."""

from uuid import UUID

from baton.kernel.db import Database, Tx
from baton.kernel.errors import NotFound
from baton.kernel.values import utc_now
from baton.messages.whatsapp.account import place
from baton.messages.whatsapp.port import Line


async def line_of(tx: Tx, account_id: UUID) -> Line | None:
    """How to speak with a number's provider; None where there is no such number, or it is paused. Raises Unavailable."""
    row = await tx.fetchrow(
        """SELECT provider, number, account, base_url, token, inbound_address FROM whatsapp_accounts
            WHERE org_id = $1 AND id = $2 AND status = 'active'""",
        tx.org_id, account_id,
    )  # fmt: skip
    if row is None:
        return None
    token = tx.installation.vault.open(row["token"], place(tx.org_id, account_id, "token"))
    callback = f"{tx.installation.public_url}/whatsapp/in/{row['inbound_address']}"
    return Line(row["provider"], row["number"], row["account"], row["base_url"], token, callback)


async def signer_of(db: Database, address: str) -> tuple[UUID, UUID, str, str, str]:
    """The organization, number, provider, signing secret and verify token of a public address. Raises NotFound."""
    row = None
    if len(address) <= 100 and address.isascii() and address.isprintable():
        row = await db.app.fetchrow("SELECT org_id, target_id FROM directory_address('whatsapp', $1)", address)
    if row is None:
        raise NotFound("There is no WhatsApp number here.")
    org_id, id = row["org_id"], row["target_id"]
    async with db.transaction(org_id, read_only=True) as conn:
        tx = Tx(conn, org_id, utc_now(), "crm.whatsapp.hear", installation=db.installation)
        found = await tx.fetchrow(
            """SELECT provider, verify_token, CASE WHEN provider = 'twilio' THEN token ELSE signing_secret END AS sealed
                 FROM whatsapp_accounts WHERE org_id = $1 AND id = $2 AND status <> 'removed'""",
            org_id, id,
        )  # fmt: skip
    if found is None:
        raise NotFound("There is no WhatsApp number here.")
    what = "token" if found["provider"] == "twilio" else "signing_secret"
    secret = db.installation.vault.open(found["sealed"], place(org_id, id, what))
    return org_id, id, found["provider"], secret, found["verify_token"]
