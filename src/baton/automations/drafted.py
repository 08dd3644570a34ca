"""What automations and sequences are alike in: drafted by members, kept in numbered versions, switched on and changed by admins."""

from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from baton.activities.append import Entry, append
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Conflict, Forbidden, Invalid

MOST = 200


class Stands(Protocol):
    """What was drafted, as it stands."""

    @property
    def name(self) -> str: ...
    @property
    def state(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Drafted:
    """A kind of what is drafted: its noun, as in "a sequence", and the column of its versions that says what it does."""

    noun: str
    article: str
    body: str

    async def must_have_room(self, tx: Tx) -> None:
        """Raise Conflict where the organization has as many as it may."""
        count = await tx.fetchval(
            f"SELECT count(*) FROM {self.noun}s WHERE org_id = $1 AND state <> 'removed'", tx.org_id
        )
        if count >= MOST:
            raise Conflict(f"An organization has at most {MOST} {self.noun}s. Remove one first.")

    def named(self, text: str) -> str:
        """A name, without blanks around it. Raises Invalid."""
        name = text.strip()
        if not name or len(name) > 100:
            raise Invalid(
                f"{self.article.capitalize()} {self.noun} has a name of at most 100 characters.", field="name"
            )
        return name

    def must_be_theirs(self, actor: Actor, before: Stands) -> None:
        """Raise Forbidden where somebody else than an admin would change what is or was at work."""
        if before.state != "draft" and not actor.role.admits(Role.ADMIN):
            raise Forbidden(
                f"Only an admin changes {self.article} {self.noun} that is at work. Draft another one instead."
            )

    async def keep(self, tx: Tx, actor: Actor, id: UUID, number: int, name: str, says: Any) -> None:
        """Keep what it says under a number."""
        await tx.execute(
            f"""INSERT INTO {self.noun}_versions (org_id, {self.noun}_id, number, name, {self.body}, made_by, created_at)
                VALUES ($1, $2, $3, $4, $5, $6, $7)""",
            tx.org_id, id, number, name, says, actor.name, tx.now,
        )  # fmt: skip

    async def tell(
        self,
        tx: Tx,
        actor: Actor,
        kind: str,
        id: UUID,
        name: str,
        *,
        changes: dict[str, list[Any]] | None = None,
        **payload: Any,
    ) -> None:
        """Write down what became of it."""
        said = {"name": name} | payload
        await append(
            tx, actor, Entry(kind=kind, subject_type=self.noun, subject_id=id, changes=changes or {}, payload=said)
        )


def must_change_state(before: Stands, state: str) -> None:
    """Raise Conflict where it is in that state already."""
    if before.state == state:
        raise Conflict(f"“{before.name}” is {before.state} already.")
