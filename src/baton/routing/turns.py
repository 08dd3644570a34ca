"""Whose turn it is in a pool: by share, among those who are there and have room. Spec C4.

Every lead that a member takes moves their turn on by 1 / share, and the least turn is next. One who was passed over for a
while goes on from where the pool stands, and is not flooded with what they missed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from baton.accounts.hours import is_working
from baton.accounts.members import COLUMNS as MEMBER
from baton.accounts.members import Member, from_row
from baton.kernel.db import Tx, columns
from baton.routing.rules import RoutingRule


@dataclass(slots=True)
class Place:
    """A member's place in a rule's pool."""

    member: Member
    position: int
    share: int
    turn: float
    last: datetime | None
    moved: bool = False


@dataclass(slots=True)
class Turns:
    """The pools of some rules, and how many open leads each of their members has."""

    now: datetime
    pools: dict[UUID, list[Place]] = field(default_factory=dict)
    stands: dict[UUID, float] = field(default_factory=dict)
    busy: dict[UUID, int] = field(default_factory=dict)
    taken: int = 0

    def take(self, rule: RoutingRule) -> tuple[Member | None, list[dict[str, str]]]:
        """Let the next of a pool take a lead; answers who it is, or none, and who was passed over before them and why."""
        free: list[Place] = []
        passed: list[dict[str, str]] = []
        stands = self.stands[rule.id]
        for place in sorted(
            self.pools[rule.id], key=lambda place: (max(place.turn, stands), _when(place), place.position)
        ):
            why = self._absent(rule, place.member)
            if why is None:
                free.append(place)
                break
            passed.append({"name": place.member.name, "why": why})
        if not free:
            return None, passed
        (place,) = free
        self.stands[rule.id] = max(place.turn, stands)
        place.turn = self.stands[rule.id] + 1 / place.share
        self.taken += 1  # of one moment too it is known who came first
        place.last, place.moved = self.now + timedelta(microseconds=self.taken), True
        self.busy[place.member.id] += 1
        return place.member, passed

    def _absent(self, rule: RoutingRule, member: Member) -> str | None:
        """Why a member takes no lead now; none where they do."""
        if member.status != "active":
            return "is paused"
        if rule.working_hours and not is_working(self.now, member.working_hours, member.time_zone):
            return "is outside working hours"
        if member.capacity is not None and self.busy[member.id] >= member.capacity:
            return f"has {self.busy[member.id]} of {member.capacity} leads"
        return None

    async def keep(self, tx: Tx) -> None:
        """Write whose turn is next, in two statements."""
        moved = [(rule, p.member.id, p.turn, p.last) for rule, pool in self.pools.items() for p in pool if p.moved]
        if not moved:
            return
        await tx.execute(
            """UPDATE routing_pool AS p SET turn = t.turn, last_assigned_at = t.last
                 FROM unnest($2::uuid[], $3::uuid[], $4::float8[], $5::timestamptz[]) AS t (rule_id, member_id, turn, last)
                WHERE p.org_id = $1 AND p.rule_id = t.rule_id AND p.member_id = t.member_id""",
            tx.org_id, *columns(moved, 4),
        )  # fmt: skip
        rules = sorted({rule for rule, *_ in moved})
        await tx.execute(
            """UPDATE routing_rules AS r SET turn = t.turn FROM unnest($2::uuid[], $3::float8[]) AS t (id, turn)
                WHERE r.org_id = $1 AND r.id = t.id""",
            tx.org_id, rules, [self.stands[rule] for rule in rules],
        )  # fmt: skip


def _when(place: Place) -> float:
    return place.last.timestamp() if place.last else 0.0


async def read(tx: Tx, rules: Sequence[UUID], *, locked: bool) -> Turns:
    """The pools of rules, in one statement; `locked` until the transaction ends, so that turns and capacities hold."""
    found = Turns(tx.now, {rule: [] for rule in rules}, dict.fromkeys(rules, 0.0))
    if locked:
        await tx.execute(
            "SELECT FROM routing_rules WHERE org_id = $1 AND id = ANY ($2) ORDER BY id FOR NO KEY UPDATE", tx.org_id, list(rules)
        )  # fmt: skip
        await tx.execute(
            """SELECT FROM members m WHERE m.org_id = $1 AND m.capacity IS NOT NULL AND m.id IN
                 (SELECT p.member_id FROM routing_pool p WHERE p.org_id = $1 AND p.rule_id = ANY ($2)) ORDER BY m.id FOR NO KEY UPDATE""",
            tx.org_id, list(rules),
        )  # fmt: skip
    rows = await tx.fetch(
        f"""SELECT p.rule_id, r.turn AS stands, p.position AS place, p.share, p.turn, p.last_assigned_at, busy.leads, m.*
              FROM routing_pool p
              JOIN routing_rules r ON r.org_id = p.org_id AND r.id = p.rule_id
              JOIN (SELECT {MEMBER} FROM members WHERE org_id = $1 AND status <> 'removed') m ON m.id = p.member_id
             CROSS JOIN LATERAL (SELECT count(*) AS leads FROM leads l WHERE l.org_id = p.org_id AND l.owner_id = p.member_id
                                    AND l.closed_at IS NULL AND l.deleted_at IS NULL) busy
             WHERE p.org_id = $1 AND p.rule_id = ANY ($2)""",
        tx.org_id, list(rules),
    )  # fmt: skip
    for row in rows:
        found.stands[row["rule_id"]] = row["stands"]
        found.busy[row["id"]] = row["leads"]
        place = Place(from_row(row), row["place"], row["share"], row["turn"], row["last_assigned_at"])
        found.pools[row["rule_id"]].append(place)
    return found
