"""Who acts: a person, an agent or the system, in one organization, with one role. Always passed as an argument."""

from enum import StrEnum
from typing import Literal
from uuid import UUID

import msgspec

ActorType = Literal["user", "agent", "system"]
Via = Literal["form", "page", "api", "csv", "agent", "search"]


class Role(StrEnum):
    """Roles of an organization, from the most to the least powerful. Spec B9, with owner above admin."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"

    def admits(self, needed: "Role") -> bool:
        """Whether this role may do what `needed` may."""
        order = list(Role)
        return order.index(self) <= order.index(needed)


class Actor(msgspec.Struct, frozen=True):
    """The one who acts. `id` is the membership's id, none for the system; `via` is the door that was used. `swayed` where it read
    words from outside that may have told it what to do."""

    type: ActorType
    org_id: UUID
    role: Role
    name: str
    id: UUID | None = None
    via: Via = "api"
    scopes: tuple[str, ...] = ()
    swayed: bool = False

    @property
    def key(self) -> str:
        """What tells this actor from others of the organization, for idempotency keys."""
        return str(self.id) if self.id else f"system:{self.via}"


def system(org_id: UUID, name: str, *, via: Via = "api", role: Role = Role.VIEWER) -> Actor:
    """The system itself, acting under a name that people understand ("Website form")."""
    return Actor(type="system", org_id=org_id, role=role, name=name, via=via)
