"""The way out of our mail: a sealed public link that needs no signing in, and one click (RFC 8058)."""

import base64
import binascii
from uuid import UUID

from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import NotFound, Unavailable
from baton.kernel.installation import Installation
from baton.kernel.operation import Input, operation
from baton.messages.suppression import Suppression, suppress

_PLACE = "unsubscribe"


class Unsubscribe(Input, kw_only=True):
    """The address that asks not to be written to any more."""

    address: str


def link(installation: Installation, org_id: UUID, address: str) -> str:
    """The address of the page where a recipient takes leave; it tells nobody whose it is."""
    sealed = installation.vault.seal(f"{org_id} {address}", _PLACE)
    return f"{installation.public_url}/u/{base64.urlsafe_b64encode(sealed).decode().rstrip('=')}"


def opened(installation: Installation, token: str) -> tuple[UUID, str]:
    """The organization and the address of a link. Raises NotFound for one that we did not make."""
    try:
        sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        org_id, _, address = installation.vault.open(sealed, _PLACE).partition(" ")
        return UUID(org_id), address
    except (binascii.Error, ValueError, Unavailable):
        raise NotFound("This link is not one of ours, or is not whole. Answer the mail instead.") from None


@operation("crm.emails.unsubscribe", role=Role.VIEWER, summary="Take leave of our mail", internal=True)
async def unsubscribe(tx: Tx, actor: Actor, input: Unsubscribe) -> Suppression:
    """Put an address on the list of those not written to, as its owner asked; asking again changes nothing."""
    return await suppress(tx, actor, input.address, "unsubscribe", note="By the link in a message.")
