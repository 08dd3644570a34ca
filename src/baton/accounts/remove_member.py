"""Removing a member: sessions and tokens end at once, the history stays. Spec B9."""

from baton.accounts.members import Member, may_grant, member
from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Conflict, must_be_current
from baton.kernel.operation import Input, operation
from baton.kernel.shapes import Version
from baton.kernel.values import Ref


class RemoveMember(Input, kw_only=True):
    """The member to remove."""

    member_id: Ref
    version: Version | None = None


@operation("crm.members.remove", role=Role.ADMIN, summary="Remove a member")
async def remove(tx: Tx, actor: Actor, input: RemoveMember) -> Member:
    """Remove a member: sessions and tokens end at once, the history stays. Raises Conflict for the last owner, a stale version."""
    found = await member(tx, input.member_id)
    may_grant(actor, found.role)
    must_be_current(found.name, found.version, input.version)
    owners = await tx.fetchval(
        "SELECT count(*) FROM members WHERE org_id = $1 AND role = 'owner' AND status = 'active'", tx.org_id
    )
    if found.role == Role.OWNER and owners <= 1:
        raise Conflict("An organization keeps at least one owner.")
    await tx.execute(
        "UPDATE members SET status = 'removed', version = version + 1 WHERE org_id = $1 AND id = $2",
        tx.org_id,
        found.id,
    )
    await tx.execute("SELECT directory_remove_member_credentials($1)", found.id)
    await append(
        tx, actor,
        Entry(kind=kinds.MEMBER_REMOVED, subject_type="member", subject_id=found.id, changes={"status": [found.status, "removed"]},
              payload={"name": found.name}),
    )  # fmt: skip
    found.status, found.version = "removed", found.version + 1
    return found
