"""An automation, how to find one, and all that it ever said."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from baton.automations.rules.rule import Rule, Step, Trigger
from baton.kernel.actor import Actor, Role, system
from baton.kernel.conditions import Condition
from baton.kernel.db import Tx, struct_of
from baton.kernel.errors import NotFound
from baton.kernel.operation import Input, Nothing, Output, operation

State = Literal["draft", "on", "paused", "removed"]


class Automation(Output, kw_only=True):
    """A rule of the organization. `number` is its version in force; runs name the version that they follow."""

    id: UUID
    name: str
    state: State
    number: int
    trigger: Trigger
    condition: Condition
    steps: list[Step]
    next_at: datetime | None
    last_run_at: datetime | None
    version: int
    created_at: datetime


class Listed(Automation, kw_only=True):
    """An automation with how many of its runs wait, are held, and began within the last 30 days."""

    waiting: int
    held: int
    lately: int


class Version(Output, kw_only=True):
    """What an automation said under a number, and who wrote it."""

    number: int
    name: str
    rule: Rule
    made_by: str
    created_at: datetime


class AutomationWithVersions(Automation, kw_only=True):
    """An automation with all that it ever said, newest first."""

    versions: list[Version]


class NameAutomation(Input, kw_only=True):
    """An automation."""

    automation_id: UUID


SELECT = """SELECT a.id, a.name, a.state, a.number, v.rule -> 'trigger' AS trigger, v.rule -> 'condition' AS condition,
       v.rule -> 'steps' AS steps, a.next_at, a.last_run_at, a.version, a.created_at
  FROM automations a JOIN automation_versions v ON v.org_id = a.org_id AND v.automation_id = a.id AND v.number = a.number"""


def acting(org_id: UUID, name: str) -> Actor:
    """The rule as an actor: what it does is done under its name, with what the admin who switched it on may do."""
    return system(org_id, f"Automation “{name}”", role=Role.ADMIN, via="agent")


async def find(tx: Tx, id: UUID, *, lock: bool = False) -> Automation:
    """An automation, locked where asked. Raises NotFound, also for a removed one."""
    locking = "FOR NO KEY UPDATE OF a" if lock else ""
    row = await tx.fetchrow(
        f"{SELECT} WHERE a.org_id = $1 AND a.id = $2 AND a.state <> 'removed' {locking}", tx.org_id, id
    )
    if row is None:
        raise NotFound("There is no such automation in your organization.")
    return struct_of(row, Automation)


@operation("crm.automations.list", kind="query", role=Role.VIEWER, summary="List the automations")
async def list_automations(tx: Tx, actor: Actor, input: Nothing) -> list[Listed]:
    """The organization's automations by name, each with the counts of its runs."""
    rows = await tx.fetch(
        f"{SELECT} WHERE a.org_id = $1 AND a.state <> 'removed' ORDER BY lower(a.name), a.id", tx.org_id
    )
    counts = {
        row["automation_id"]: row
        for row in await tx.fetch(
            """SELECT automation_id, count(*) FILTER (WHERE status = 'waiting') AS waiting,
                      count(*) FILTER (WHERE status = 'held') AS held,
                      count(*) FILTER (WHERE created_at > $2::timestamptz - interval '30 days') AS lately
                 FROM automation_runs WHERE org_id = $1 GROUP BY 1""",
            tx.org_id, tx.now,
        )
    }  # fmt: skip
    return [_listed(struct_of(row, Automation), counts.get(row["id"])) for row in rows]


@operation("crm.automations.get", kind="query", role=Role.VIEWER, summary="Read an automation")
async def get(tx: Tx, actor: Actor, input: NameAutomation) -> AutomationWithVersions:
    """An automation with its versions, newest first. Raises NotFound."""
    found = await find(tx, input.automation_id)
    rows = await tx.fetch(
        """SELECT number, name, rule, made_by, created_at FROM automation_versions
            WHERE org_id = $1 AND automation_id = $2 ORDER BY number DESC LIMIT 100""",
        tx.org_id, found.id,
    )  # fmt: skip
    return AutomationWithVersions(**msgspec.structs.asdict(found), versions=[struct_of(row, Version) for row in rows])


def _listed(found: Automation, row: Any) -> Listed:
    counts: dict[str, Any] = {name: row[name] if row else 0 for name in ("waiting", "held", "lately")}
    return Listed(**msgspec.structs.asdict(found) | counts)
