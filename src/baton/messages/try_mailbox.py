"""Trying a mailbox out: both servers are spoken to, nothing is sent."""

import aiosmtplib

from baton.activities import kinds
from baton.kernel.actor import Actor, Role
from baton.kernel.addresses import Refused
from baton.kernel.db import Tx
from baton.kernel.errors import NotFound
from baton.kernel.operation import Output, operation
from baton.messages import mailbox as mailboxes
from baton.messages.carrier import imap_server, server_of
from baton.messages.connect import smtp
from baton.messages.imap import look
from baton.messages.mailbox import NameMailbox, may_use


class Tried(Output, kw_only=True):
    """What the servers of a mailbox said: none of `smtp` and `imap` where all is well, else what is wrong."""

    ok: bool
    smtp: str | None
    imap: str | None


@operation("crm.mailboxes.test", role=Role.MEMBER, summary="Try out a mailbox")
async def try_out(tx: Tx, actor: Actor, input: NameMailbox) -> Tried:
    """Sign in at both servers of a mailbox. Raises NotFound."""
    found = await mailboxes.get(tx, input.mailbox_id)
    if not may_use(actor, found):
        raise NotFound("There is no such mailbox in your organization.", field="mailboxId")
    wrong: dict[str, str | None] = {"smtp": None, "imap": None}
    server = await server_of(tx, found.id)
    if server is None:
        wrong["smtp"] = "The mailbox is paused."
    else:
        try:
            async with smtp(tx.installation, server):
                pass
        except (OSError, TimeoutError, aiosmtplib.SMTPException, Refused) as error:
            wrong["smtp"] = _told(error)
    reading = await imap_server(tx, found.id)
    if reading is not None:
        try:
            await look(tx.installation.outbound, reading, found.imap_folder)
        except (OSError, TimeoutError, Refused, ValueError) as error:
            wrong["imap"] = _told(error)
    ok = not any(wrong.values())
    await mailboxes.tell(tx, actor, kinds.MAILBOX_TESTED, found, ok=ok, smtp=wrong["smtp"], imap=wrong["imap"])
    return Tried(ok=ok, smtp=wrong["smtp"], imap=wrong["imap"])


def _told(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
