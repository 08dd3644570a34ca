"""Walking enrolments: each step of a sequence under its name; who has a reason to leave leaves."""

from datetime import datetime
from uuid import UUID

from baton.automations.sequences.enrolment import Enrolment, find_enrolment
from baton.automations.sequences.exits import Leave
from baton.automations.sequences.sequence import acting
from baton.automations.sequences.step import HoldEnrolment, Stepped, TakeSequenceStep
from baton.automations.walk import Under, Walk
from baton.kernel.actor import Actor, Role, system
from baton.kernel.db import Database
from baton.kernel.perform import Cause, perform


async def _step(under: Under, found: Enrolment) -> tuple[Enrolment, bool]:
    step = TakeSequenceStep(enrolment_id=found.id, position=found.position)
    stepped: Stepped = await under.perform(found, "crm.sequences.step", step)
    return stepped.enrolment, stepped.waits


async def _hold(under: Under, found: Enrolment, why: str) -> None:
    held = HoldEnrolment(enrolment_id=found.id, position=found.position, error=why)
    await under.perform(found, "crm.sequences.hold", held)


def _acting(org_id: UUID, found: Enrolment) -> Actor:
    return acting(org_id, found.sequence)


ENROLMENTS = Walk[Enrolment](
    of="sequences", table="enrolments", rule="sequence_id", state="state", said="detail",
    find=find_enrolment, acting=_acting, step=_step, hold=_hold,
)  # fmt: skip


async def leave(
    db: Database, org_id: UUID, activity_ids: list[UUID], depth: int, *, now: datetime | None = None
) -> None:
    """Take out of their sequences the leads that these activities give a reason to leave."""
    actor = system(org_id, "Sequences", role=Role.MEMBER, via="agent")
    cause = Cause(activity_ids[0], min(depth, 15))
    await perform(db, actor, "crm.sequences.leave", Leave(activity_ids=activity_ids), now=now, cause=cause)
