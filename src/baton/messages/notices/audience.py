"""Who is told: the admins, those whom a note mentions, the person behind an agent."""

import re
from uuid import UUID

from baton.accounts.members import COLUMNS as MEMBER_COLUMNS
from baton.accounts.members import Member, from_row
from baton.kernel.db import Tx
from baton.kernel.values import fold

MOST = 20


class People:
    """The organization's members who are there, read once."""

    def __init__(self, members: list[Member]) -> None:
        self._by_id = {member.id: member for member in members}

    def get(self, id: UUID | None) -> Member | None:
        """A member, None for nobody and for one who left."""
        return self._by_id.get(id) if id else None

    def admins(self) -> list[Member]:
        """Who looks after the organization: its admins and owners."""
        return [each for each in self._by_id.values() if each.kind == "person" and each.role in ("owner", "admin")]

    def behind(self, id: UUID | None) -> list[Member]:
        """The person that it falls to: the member themself, an agent's supervisor, else the admins."""
        found = self.get(id)
        if found is not None and found.kind == "agent":
            found = self.get(found.supervisor_id)
        return [found] if found is not None and found.kind == "person" else self.admins()

    def person(self, id: UUID | None) -> list[Member]:
        """The member if they are a person: what an agent does by itself needs nobody to be told."""
        found = self.get(id)
        return [found] if found is not None and found.kind == "person" else []

    def mentioned(self, text: str) -> list[Member]:
        """Those whom a text names as @First or @First Last, at most 20. A first name that two share names nobody."""
        people = [each for each in self._by_id.values() if each.kind == "person"]
        firsts: dict[str, list[Member]] = {}
        for each in people:
            firsts.setdefault(fold(each.name).split()[0] if fold(each.name) else "", []).append(each)
        names = {fold(each.name): each for each in people}
        names |= {first: them[0] for first, them in firsts.items() if len(them) == 1}
        found: dict[UUID, Member] = {}
        for part in fold(text).split("@")[1 : 1 + 5 * MOST]:
            words = re.findall(r"[^\W_]+(?:[-'’][^\W_]+)*", part[:200])[:5]
            for count in range(len(words), 0, -1):
                named = names.get(" ".join(words[:count]))
                if named is not None and part.startswith(words[0]):
                    found.setdefault(named.id, named)
                    break
        return list(found.values())[:MOST]


async def people(tx: Tx) -> People:
    """The organization's active members."""
    rows = await tx.fetch(
        f"SELECT {MEMBER_COLUMNS} FROM members WHERE org_id = $1 AND status = 'active' ORDER BY created_at, id",
        tx.org_id,
    )
    return People([from_row(row) for row in rows])
