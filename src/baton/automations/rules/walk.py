"""Walking runs of automations: each step under the rule's name; a step that calls another system calls it first."""

from uuid import UUID

import msgspec

from baton.automations.rules.automation import acting
from baton.automations.rules.outcome import HoldRun
from baton.automations.rules.program import program
from baton.automations.rules.rule import CallWebhook
from baton.automations.rules.run import Run, find_run
from baton.automations.rules.step import Taken, TakeStep, filled_in, rule_of
from baton.automations.walk import Under, Walk
from baton.kernel.actor import Actor
from baton.kernel.addresses import Refused
from baton.kernel.db import Tx
from baton.kernel.errors import Conflict, Unavailable
from baton.kernel.outbound import Unreachable
from baton.kernel.values import utc_now
from baton.leads import lead as leads


async def _step(under: Under, run: Run) -> tuple[Run, bool]:
    step = TakeStep(run_id=run.id, position=run.position, called=await _call(under, run))
    taken: Taken = await under.perform(run, "crm.automations.step", step)
    return taken.run, taken.waits or taken.run.status != "waiting"


async def _hold(under: Under, run: Run, why: str) -> None:
    await under.perform(run, "crm.automations.hold", HoldRun(run_id=run.id, position=run.position, error=why))


async def _call(under: Under, run: Run) -> str | None:
    """Call the other system where the step at hand does; what it answered, in words. Raises Unavailable where it did not take it."""
    db, org_id = under.db, under.actor.org_id
    async with db.transaction(org_id, read_only=True) as conn:
        tx = Tx(conn, org_id, under.now or utc_now(), "crm.automations.walk", installation=db.installation)
        line = program((await rule_of(tx, run)).steps)
        step = line[run.position].step if run.position < len(line) else None
        if not isinstance(step, CallWebhook):
            return None
        lead = await leads.get(tx, run.lead_id) if run.lead_id else None
        filled = await filled_in(tx, run, lead, step)
    assert isinstance(filled, CallWebhook)
    said = filled.body or {
        "automation": run.automation,
        "leadId": run.lead_id,
        "activityId": run.activity_id,
        "lead": lead,
    }
    headers = {"content-type": "application/json", "idempotency-key": f"{run.id}-{run.position}"}
    try:
        answer = await db.installation.outbound.send(
            "POST", filled.url, headers=headers, content=msgspec.json.encode(said)
        )
    except Refused:
        raise
    except Unreachable as error:
        raise Unavailable(str(error)) from error
    if not answer.ok:
        raise Conflict(f"It answered {answer.status}.")
    return f"It answered {answer.status}."


def _acting(org_id: UUID, run: Run) -> Actor:
    return acting(org_id, run.automation)


RUNS = Walk[Run](
    of="automations", table="automation_runs", rule="automation_id", state="status", said="error",
    find=find_run, acting=_acting, step=_step, hold=_hold,
)  # fmt: skip
