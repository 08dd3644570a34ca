"""What the tests of agents share: setting a policy, asking, deciding."""

from typing import Any

import pytest

from baton.kernel.actor import Actor
from baton.kernel.errors import NeedsApproval
from baton.kernel.perform import perform
from tests.team import Team


async def policy(team: Team, *rows: dict[str, Any], agent: Actor | None = None) -> None:
    """Ana sets an agent's policy, Marcus's unless another is named."""
    named = [{"name": f"Row {n}"} | row for n, row in enumerate(rows)]
    await team.do(team.ana, "crm.agents.setPolicy", agentId=str((agent or team.marcus).id), rows=named)


async def asked(team: Team, name: str, *, key: str | None = None, **fields: Any) -> Any:
    """Marcus tries an act that must wait; the approval that waits."""
    with pytest.raises(NeedsApproval) as waits:
        await perform(team.db, team.marcus, name, fields, idempotency_key=key)
    assert waits.value.approval_id is not None
    return await approval(team, waits.value.approval_id)


async def approval(team: Team, id: Any) -> Any:
    """An approval as it is now."""
    return await team.do(team.ana, "crm.approvals.get", approvalId=str(id))


async def stage(team: Team, lead: Any, name: str) -> Any:
    """A stage of a lead's pipeline."""
    pipeline = await team.do(team.ana, "crm.pipelines.get", pipelineId=str(lead.pipeline_id))
    return next(each for each in pipeline.stages if name in (each.name, each.status))


async def told(team: Team, lead: Any) -> list[tuple[str, str]]:
    """A lead's story: what happened and who did it."""
    return [(each.kind, each.actor_name) for each in await team.log(lead.id)]
